"""The corpus of mistakes: one file each, with the message that it gives in its first lines, and no two messages alike.

A file takes the place of the shipped plan's file that its first line names; the lines after it, up to the first that is no
comment, are what the check says, `*` standing for what may change (choices, mostly).
"""

import re
import shutil
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from coolhead import plan_files, plan_tests
from coolhead.errors import ConfigError
from coolhead.plan_init import SHIPPED

FOLDER = Path(__file__).parents[1] / "plans" / "mistakes"
CORPUS = sorted(FOLDER.glob("*.yaml"))


def expected(path: Path) -> tuple[str, list[str]]:
    """(name of the file it stands for, messages without their path)."""
    lines = path.read_text(encoding="utf-8").splitlines()
    head = [line.removeprefix("# ") for line in lines[: next(i for i, line in enumerate(lines) if not line.startswith("# "))]]
    return head[0], head[1:]


def told(path: Path, folder: Path) -> list[str]:
    """What the check says of a plan with the file in it, without the folder."""
    shutil.copytree(SHIPPED, folder)
    name, _ = expected(path)
    shutil.copy(path, folder / name)
    with pytest.raises(ConfigError) as caught:
        plan = plan_files.load(folder)
        plan_tests.load(folder / plan_tests.FILE, plan)
    return [line.removeprefix(f"{folder}/{name}:") for line in str(caught.value).splitlines()]


def alike(message: str, pattern: str) -> bool:
    """`*` stands for anything; brackets are brackets."""
    return fnmatchcase(message, pattern.replace("[", "[[]"))


@pytest.mark.parametrize("path", CORPUS, ids=[p.stem for p in CORPUS])
def test_each_mistake_has_its_message(path: Path, tmp_path: Path) -> None:
    _, patterns = expected(path)
    found = told(path, tmp_path / "plan")
    assert len(found) == len(patterns) == len([1 for m, p in zip(found, patterns, strict=False) if alike(m, p)]), found


def test_there_are_many_and_no_two_messages_are_alike(tmp_path: Path) -> None:
    assert len(CORPUS) >= 40
    first = [told(path, tmp_path / path.stem)[0] for path in CORPUS]
    plain = {re.sub(r"^\d+: ", "", message) for message in first}
    assert len(plain) == len(CORPUS)
    assert all(re.match(r"\d+: ", message) for message in first), "a message without a line"
