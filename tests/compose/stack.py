"""The started stack as the test sees it: docker-compose, health, REST, and what must be refused."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from engine import say


class Stack:
    """One project of docker-compose."""

    def __init__(self, root: Path, env_file: Path, env: dict[str, str], port: int, drawn: dict[str, str]) -> None:
        self.root, self.env_file, self.env, self.port, self.drawn = root, env_file, env, port, drawn
        self.begun = time.monotonic()
        self.token = ""

    def compose_command(self, env_file: Path) -> list[str]:
        override = self.root / "tests" / "compose" / "stand_in" / "compose.yaml"
        # the project's folder is that of the first file
        return ["docker-compose", "--env-file", str(env_file), "-f", "docker-compose.yaml", "-f", str(override)]

    @property
    def command(self) -> list[str]:
        return self.compose_command(self.env_file)

    def compose(self, *words: str, stdin: str | None = None, check: bool = True) -> str:
        """Output of a docker-compose command."""
        done = subprocess.run([*self.command, *words], env=self.env, cwd=self.root, input=stdin, capture_output=True, text=True)
        if check and done.returncode:
            sys.exit(f"docker-compose {' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def inside(self, service: str, *command: str, stdin: str | None = None, check: bool = True) -> str:
        """Output of a command in a service's container."""
        return self.compose("exec", "-T", service, *command, stdin=stdin, check=check)

    def containers(self) -> list[dict[str, Any]]:
        ids = self.compose("ps", "-q").split()
        return json.loads(self.docker("inspect", *ids))  # type: ignore[no-any-return]

    def health(self) -> dict[str, str]:
        """Service -> healthy, starting, unhealthy; a one-shot: its exit code."""
        out = {}
        for c in self.containers():
            state = c["State"]
            shown = state["Health"]["Status"] if "Health" in state else f"exit {state['ExitCode']}"
            out[c["Config"]["Labels"]["com.docker.compose.service"]] = (
                shown if state["Running"] or "Health" not in state else "stopped"
            )
        return out

    def wait_healthy(self, seconds: float) -> None:
        """Until every service is healthy and the one-shot ended well."""
        limit = time.monotonic() + seconds
        while True:
            found = self.health()
            if all(state in {"healthy", "exit 0"} for state in found.values()):
                return
            if time.monotonic() > limit or any(state.startswith("exit ") and state != "exit 0" for state in found.values()):
                sys.exit(f"not healthy: {found}")
            time.sleep(2)

    def show(self) -> None:
        print(self.compose("ps", check=False), flush=True)

    def rest(self, method: str, path: str, body: Any = None, anonymous: bool = False) -> tuple[int, Any]:
        """Status and JSON answer of the API server, through its published port."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if not anonymous:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return int(answer.status), json.load(answer)
        except HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """As `rest`, and anything but success ends the test."""
        status, answer = self.rest(method, path, body)
        if status >= 400:
            sys.exit(f"{method} {path}: {status} {answer}")
        return answer

    def sign_in(self) -> None:
        admin = {"username": "admin", "password": self.drawn["COOLHEAD_ADMIN_PASSWORD"]}
        status, answer = self.rest("POST", "/auth/token", admin, anonymous=True)
        assert status == 201, (status, answer)
        self.token = answer["access_token"]

    def sql(self, statement: str) -> str:
        return self.inside("postgres", "psql", "-U", "postgres", "-d", "coolhead", "-At", "-F", " ", "-c", statement).strip()

    def counts(self, tables: Sequence[str]) -> dict[str, int]:
        """Rows of the store's tables."""
        return {t: int(self.sql(f'SELECT count(*) FROM "{t}"')) for t in tables}

    def drop(self, name: str, content: str, place: str) -> None:
        """Copy a file into the shared volume as a person does: with `docker cp`, past the read-only image."""
        path = self.env_file.with_name(name)
        path.write_text(content, encoding="utf-8")
        worker = self.compose("ps", "-q", "worker").strip()
        subprocess.run(["docker", "cp", str(path), f"{worker}:{place}"], env=self.env, check=True)
        say(f"dropped {name} ({len(content.splitlines())} lines) into {place}")

    def check_walls(self) -> None:
        """One published port, on loopback; strangers refused by API, Redis and the other role's database."""
        published = [
            (c["Config"]["Labels"]["com.docker.compose.service"], inner, outer["HostIp"])
            for c in self.containers()
            for inner, places in (c["NetworkSettings"]["Ports"] or {}).items()
            for outer in places or []
        ]
        assert published == [("api-server", "8080/tcp", "127.0.0.1")], published
        say(f"published: {published}")
        status, _ = self.rest("GET", "/api/v2/dags", anonymous=True)
        assert status == 401, status
        status, _ = self.rest("POST", "/auth/token", {"username": "admin", "password": "admin"}, anonymous=True)
        assert status == 401, status
        stranger = self.inside("redis", "env", "-u", "REDISCLI_AUTH", "redis-cli", "ping")
        assert "NOAUTH" in stranger, stranger
        address = f"postgresql://airflow:{self.drawn['AIRFLOW_DB_PASSWORD']}@127.0.0.1/coolhead"
        other = self.compose("exec", "-T", "postgres", "sh", "-c", f"psql '{address}' -c 'SELECT 1' 2>&1 || true")
        assert "permission denied" in other, other
        users = {
            s: self.inside(s, "id", "-u").strip() for s in ("api-server", "scheduler", "dag-processor", "triggerer", "worker")
        }
        assert set(users.values()) == {"50000"}, users
        say(
            "refused: REST without token 401, a guessed password 401, Redis NOAUTH, Airflow's role in the store; nobody is root"
        )

    def sizes(self, cache: Path) -> str:
        """Images, memory of the running services, and the cache on disk."""
        images = self.docker("images", "--format", "{{.Repository}} {{.Size}}").splitlines()
        memory = self.docker("stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}").splitlines()
        used = subprocess.run(["du", "-shx", str(cache)], capture_output=True, text=True, check=True).stdout.split()[0]
        shown = [" ".join(line.split()[:2]).removeprefix("coolheadtest_").replace("_1", "") for line in memory]
        return f"images {', '.join(i for i in images if i.startswith('coolhead'))}; memory {', '.join(shown)}; cache {used}"

    def docker(self, *words: str) -> str:
        return subprocess.run(["docker", *words], env=self.env, capture_output=True, text=True, check=True).stdout
