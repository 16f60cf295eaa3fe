#!/usr/bin/env python3
"""The compose stack for real: built, started, healthy, and one play run through it to its brief. Outside `make test`.

    sudo python3 tests/compose/run.py [--cache DIR] [--fresh] [--wait]

Debian, root, some gigabytes, and network for Debian's and Python's packages; no image registry. The base images are
stand-ins made by engine.py. What is printed is the proof: the services' health, each run's state, the numbers of the
brief, the rows in PostgreSQL, and what is refused.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine import engine, run, say, stand_ins, tools, unmount
from play import play
from stack import Stack

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def secrets_of(path: Path) -> dict[str, str]:
    """Draw the secrets with the command that people use."""
    subprocess.run([sys.executable, str(ROOT / ".docker" / "make_env.py"), str(path)], check=True, stdout=subprocess.DEVNULL)
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def refuses_without_secrets(stack: Stack) -> None:
    """Without .env the stack must not start with a guessable secret."""
    empty = stack.env_file.with_name("empty")
    empty.touch()
    found = subprocess.run(
        [*stack.compose_command(empty), "config", "-q"], env=stack.env, cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode != 0 and "draw the secrets" in found.stderr, found.stderr
    say("without secrets: " + found.stderr.strip().rpartition(": ")[2])


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coolhead-compose"
    asked.add_argument("--cache", type=Path, default=default, help=f"base system and images (default {default})")
    asked.add_argument("--fresh", action="store_true", help="start from nothing: remove the cache first")
    asked.add_argument("--wait", action="store_true", help="wait for Enter before taking the stack down, to look at it")
    given = asked.parse_args()
    # a TERM unwinds too: no engine is left behind
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    cache = given.cache.absolute()
    if given.fresh and cache.exists():
        unmount(cache)
        shutil.rmtree(cache)
    cache.mkdir(parents=True, exist_ok=True)
    tools(cache)
    with engine(cache) as env, tempfile.TemporaryDirectory() as folder:
        stand_ins(cache, env)
        say("stand-in images ready")
        drawn = secrets_of(Path(folder) / "env")
        settings = {f"{name.upper()}_IMAGE": f"coolhead-stand-in/{name}" for name in ("python", "postgres", "redis")}
        port = free_port()
        env |= settings | {"COOLHEAD_PORT": str(port), "COMPOSE_PROJECT_NAME": "coolheadtest"}
        stack = Stack(ROOT, Path(folder) / "env", env, port, drawn)
        refuses_without_secrets(stack)

        def down() -> None:
            run([*stack.command, "down", "-v", "--timeout", "20"], env, cache / "down.log", ROOT)

        down()  # what a killed test left behind has other secrets
        try:
            say("docker-compose up -d --build")
            begun = time.monotonic()
            run([*stack.command, "up", "-d", "--build"], env, cache / "up.log", ROOT)
            say(f"up returned after {time.monotonic() - begun:.0f} s; waiting until every service is healthy")
            stack.wait_healthy(300)
            say("all healthy")
            stack.show()
            stack.check_walls()
            play(stack)
            say(stack.sizes(cache))
        except BaseException:
            stack.show()
            print(stack.compose("logs", "--no-color", "--tail=60", check=False))
            raise
        finally:
            if given.wait:
                input(
                    f"http://127.0.0.1:{port} admin {drawn['COOLHEAD_ADMIN_PASSWORD']}; DOCKER_HOST={env['DOCKER_HOST']}; Enter ends: "
                )
            down()
            say("down -v")
    print(json.dumps({"compose": "ok", "seconds": round(time.monotonic() - stack.begun)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
