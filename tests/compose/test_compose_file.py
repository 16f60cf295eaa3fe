"""What docker-compose.yaml promises, read without an engine: run.py beside this starts it for real."""

import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yaml").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(TEXT)["services"]
SECRET = re.compile(r"PASSWORD|SECRET|FERNET")


def test_no_secret_has_a_default() -> None:
    asked = re.findall(r"\$\{(\w+)(:[-?])?", TEXT)
    assert {operator for name, operator in asked if SECRET.search(name)} == {":?"}


def test_only_the_api_server_is_published_and_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["api-server"]
    assert all(str(port).startswith("127.0.0.1:") for port in published["api-server"])


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_confined_and_says_how_it_is(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert "no-new-privileges:true" in service["security_opt"]
    assert not any("docker.sock" in str(volume) for volume in service["volumes"])
    assert ("healthcheck" in service) == (name != "init")
    assert service["restart"] == ("no" if name == "init" else "unless-stopped")


def test_databases_have_no_way_out() -> None:
    assert yaml.safe_load(TEXT)["networks"]["inside"]["internal"] is True
    assert {name for name, service in SERVICES.items() if "outside" in service["networks"]} == {"api-server", "worker"}


def test_base_images_are_pinned() -> None:
    tags = re.findall(r"(PYTHON|POSTGRES|REDIS)_IMAGE(?::-|=)[a-z]+:([\w.-]+)", TEXT + (ROOT / "Dockerfile").read_text())
    assert {image for image, _ in tags} == {"PYTHON", "POSTGRES", "REDIS"}
    assert all(re.match(r"\d+\.\d+", tag) for _, tag in tags)
    assert len(set(tags)) == 3, "Dockerfile and compose file name different images"


def test_secrets_are_drawn_once_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    draw = [sys.executable, str(ROOT / ".docker" / "make_env.py"), str(path)]
    assert subprocess.run(draw, capture_output=True).returncode == 0
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    drawn = dict(line.split("=", 1) for line in first.splitlines() if not line.startswith("#"))
    assert set(drawn) == set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert len(set(drawn.values())) == len(drawn)
    assert min(map(len, drawn.values())) >= 32
    assert subprocess.run(draw, capture_output=True).returncode == 1
    assert path.read_text() == first
