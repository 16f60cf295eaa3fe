"""Plays the demo and takes the README's pictures and the samples of both reports (`make pictures`; needs Chromium)."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "include" / "docs"
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-quic", "--no-first-run"]


def play() -> tuple[subprocess.Popen[str], str]:
    """The demo, up and finished; and everything it said."""
    env = {k: v for k, v in os.environ.items() if k not in ("EXIT", "PLAY")}
    process = subprocess.Popen([Path(sys.executable).with_name("coolhead"), "demo"], stdout=subprocess.PIPE, text=True, env=env)
    said = ""
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        said += line
        if line.startswith("It stays up"):
            return process, said
    raise SystemExit("the demo did not come to its end")


def report(page: Page, path: Path, name: str, height: int) -> None:
    shutil.copy(path, DOCS / "samples" / f"{name}.html")
    page.set_viewport_size({"width": 1000, "height": height})
    page.goto(path.as_uri())
    page.screenshot(path=DOCS / "pictures" / f"{name}.png")


def dag_list(page: Page, url: str, user: str, password: str) -> None:
    page.set_viewport_size({"width": 1280, "height": 1000})
    page.goto(url)
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.goto(f"{url}/dags?limit=25")
    page.get_by_text("evaluate_brands").first.wait_for(timeout=60_000)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / "pictures" / "dag_list.png")


def main() -> None:
    for folder in ("samples", "pictures"):
        (DOCS / folder).mkdir(parents=True, exist_ok=True)
    process, said = play()
    try:
        brief, review = (Path(re.search(rf"{what}: +(\S+\.html)", said)[1]) for what in ("daily brief", "review"))  # type: ignore[index]
        url, user, password = re.search(r"This address: +(\S+) +\(user (\S+), password (\S+)\)", said).groups()  # type: ignore[union-attr]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            page = browser.new_page(device_scale_factor=1)
            report(page, brief, "daily_brief", 1000)
            report(page, review, "post_incident_review", 1080)
            dag_list(page, url, user, password)
            browser.close()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


if __name__ == "__main__":
    main()
