"""A private Docker engine on Debian, and stand-ins for the official images where no registry is reachable.

Everything lies under one cache folder: the base system made by mmdebstrap, and the engine's images. The engine has its
own socket and ends with the test.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOOLS = {"dockerd": "docker.io", "runc": "runc", "mmdebstrap": "mmdebstrap", "docker-compose": "docker-compose"}
"""Command -> Debian package. Recommended packages stay out, but for tini: `init: true` needs it."""
PARTS = "ca-certificates,python3,python3-venv,postgresql,redis-server"
STAND_INS = ("python", "postgres", "redis")
BRIDGE, BRIDGE_NET = "172.30.0.1/24", "172.30.0.0/24"
PATH = "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Debian's tools only: whatever else calls itself docker on this machine stays out."""
BEGUN = time.monotonic()


def say(text: str) -> None:
    print(f"[{time.monotonic() - BEGUN:6.1f} s] {text}", flush=True)


def run(command: Sequence[str], env: dict[str, str], log: Path, folder: Path | None = None) -> None:
    """Run a command; its output goes to `log` and is shown only if it fails."""
    with log.open("w") as out:
        code = subprocess.run(command, env=env, cwd=folder, stdout=out, stderr=subprocess.STDOUT).returncode
    if code:
        sys.exit(f"{' '.join(command)} ended with {code}:\n" + "\n".join(log.read_text().splitlines()[-60:]))


def tools(logs: Path) -> None:
    """Debian's engine and its tools, by apt where they are missing."""
    if os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        sys.exit("tests/compose/run.py needs root on Debian: it starts a private Docker engine")
    if missing := [package for name, package in TOOLS.items() if shutil.which(name, path=PATH) is None]:
        say(f"apt-get install {' '.join(missing)}")
        env = {"PATH": PATH, "DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update"], env, logs / "apt-update.log")
        run(["apt-get", "install", "-y", "--no-install-recommends", *missing, "tini"], env, logs / "apt-install.log")


@contextmanager
def engine(cache: Path) -> Generator[dict[str, str]]:
    """The engine's environment (DOCKER_HOST and nothing secret). The engine is stopped at the end, come what may."""
    socket, log = cache / "docker.sock", cache / "dockerd.log"
    env = {"PATH": PATH, "HOME": str(cache), "DOCKER_HOST": f"unix://{socket}", "DOCKER_BUILDKIT": "0", "LANG": "C.UTF-8"}
    had_bridge = Path("/sys/class/net/docker0").exists()
    with log.open("w") as out:
        # Ulimits and the OOM score: a box without CAP_SYS_RESOURCE cannot raise them, and dockerd insists otherwise.
        daemon = subprocess.Popen(
            ["dockerd", "--data-root", str(cache / "engine"), "--exec-root", str(cache / "exec"), "-p", str(cache / "docker.pid"),
             "-H", f"unix://{socket}", "--oom-score-adjust=0", "--default-ulimit", "nofile=16384:16384",
             "--bip", BRIDGE, "--ip", "127.0.0.1", "--userland-proxy=false"],
            env={"PATH": PATH}, stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        for _ in range(120):
            if subprocess.run(["docker", "version"], env=env, capture_output=True).returncode == 0:
                break
            if daemon.poll() is not None:
                sys.exit("dockerd ended:\n" + "\n".join(log.read_text().splitlines()[-20:]))
            time.sleep(0.5)
        else:
            sys.exit("dockerd does not answer:\n" + "\n".join(log.read_text().splitlines()[-20:]))
        yield env
    finally:
        daemon.terminate()
        try:
            daemon.wait(60)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
        unmount(cache)
        if not had_bridge:
            tidy_network()
        say("engine stopped")


def unmount(cache: Path) -> None:
    """What the engine left mounted (a network namespace, say) would keep the cache from being removed."""
    places = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for place in sorted((p for p in places if p.startswith(f"{cache}/")), reverse=True):
        subprocess.run(["umount", place], env={"PATH": PATH}, capture_output=True)


def tidy_network() -> None:
    """Take away the bridge and the packet filter's rules, which an engine leaves behind; a DROP of its own among them."""
    env = {"PATH": PATH}
    subprocess.run(["ip", "link", "delete", "docker0"], env=env, capture_output=True)
    for table in ("nat", "filter"):
        saved = subprocess.run(["iptables-save", "-t", table], env=env, capture_output=True, text=True).stdout.splitlines()
        ours = [line for line in saved if "DOCKER" in line or "docker0" in line or BRIDGE_NET in line]
        undone = [["-D", *shlex.split(line)[1:]] for line in ours if line.startswith("-A")]
        undone += [["-X", line[1:].split()[0]] for line in ours if line.startswith(":")]
        undone += [["-P", "FORWARD", "ACCEPT"]] if table == "filter" and ours else []
        for words in undone:
            subprocess.run(["iptables", "-t", table, *words], env=env, capture_output=True)


def stand_ins(cache: Path, env: dict[str, str]) -> None:
    """Images coolhead-stand-in/{python,postgres,redis}, from a Debian base that is made once."""
    if subprocess.run(["docker", "image", "inspect", "coolhead-stand-in/base"], env=env, capture_output=True).returncode:
        tar = cache / "base.tar"
        if not tar.exists():
            say("mmdebstrap: the base system (some minutes, once)")
            fresh = cache / "base.new.tar"
            command = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--include={PARTS}", "bookworm", str(fresh)]
            run(command, {"PATH": PATH}, cache / "mmdebstrap.log")
            fresh.rename(tar)
        say("docker import")
        run(["docker", "import", str(tar), "coolhead-stand-in/base"], env, cache / "import.log")
    context = cache / "stand_in"
    shutil.copytree(HERE / "stand_in", context, dirs_exist_ok=True)
    shutil.copy(certificates(), context / "ca-certificates.crt")
    (context / "pip.conf").write_text(pip_conf())
    (context / "uv.toml").write_text(uv_toml())
    for name in STAND_INS:
        tag = f"coolhead-stand-in/{name}"
        command = ["docker", "build", "-t", tag, "-f", str(context / f"{name}.Dockerfile"), str(context)]
        run(command, env, cache / f"build-{name}.log")


def certificates() -> Path:
    """The machine's bundle: it may hold the authority of a proxy in between."""
    return Path(os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")


def indexes() -> list[str]:
    """The machine's package indexes as pip knows them, the main one first; folders cannot be reached from a build."""
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    known: dict[str, str] = {}
    for line in asked.splitlines():
        name, _, value = line.partition("=")
        known[name.split(".")[-1].strip(":")] = value.strip("'\"")
    first = known.get("index-url", "https://pypi.org/simple")
    return [url for url in [first, *known.get("extra-index-url", "").split()] if url.startswith("http")]


def pip_conf() -> str:
    first, *others = indexes()
    extra = f"extra-index-url = {' '.join(others)}\n" if others else ""
    return f"[global]\ncert = /etc/ssl/certs/ca-certificates.crt\nindex-url = {first}\n{extra}"


def uv_toml() -> str:
    first, *others = indexes()
    return "".join(f'[[index]]\nurl = "{url}"\n' for url in others) + f'[[index]]\nurl = "{first}"\ndefault = true\n'
