"""Texts of the story, drawn from the pools in texts.yaml."""

import random
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from coolhead.play.post import BRAND, HASHTAG

CHOICE = re.compile(r"\{([^{}]*)\}")
SENTENCE = re.compile(r"(^|[.!?] )(\w)")


@cache
def pools() -> dict[str, dict[str, Any]]:
    """Language -> outlets, first, nick, slots, tags and the pools of lines."""
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(files(__package__).joinpath("texts.yaml").read_text("utf-8"))
    return {
        lang: {key: value.splitlines() if isinstance(value, str) else value for key, value in of.items()}
        for lang, of in loaded.items()
    }


class Texts:
    """Draws texts; the same text only where a pool has run dry."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._seen: set[str] = set()

    def social(self, lang: str, kind: str) -> str:
        """A post by somebody, with the brand's hashtag in it."""
        return self._fresh(lambda: self._tagged(lang, kind, self._rough(self._framed(lang, kind))))

    def plain(self, lang: str, kind: str) -> str:
        """As the pool has it: the brand's own voice."""
        return self.fill(lang, self._rng.choice(pools()[lang][kind]))

    def article(self, lang: str, kind: str, number: int | None = None) -> str:
        """Title, line break, opening lines."""
        lines = pools()[lang][kind]
        template = self._rng.choice if number is None else lambda of: of[number]
        return self._fresh(lambda: self.fill(lang, template(lines)).replace(" || ", "\n"))

    def fill(self, lang: str, template: str) -> str:
        """Settle every choice; inner ones first, since a slot's value may offer choices itself."""
        slots = pools()[lang]["slots"]

        def settle(found: re.Match[str]) -> str:
            inner = found.group(1)
            return str(self._rng.choice(inner.split("|") if "|" in inner else slots[inner]))

        while CHOICE.search(template):
            template = CHOICE.sub(settle, template)
        text = template.strip().replace(" !", "!")
        return SENTENCE.sub(lambda found: found.group(1) + found.group(2).upper(), text)

    def _fresh(self, draw: Callable[[], str]) -> str:
        for _ in range(12):
            text = draw()
            if text.casefold() not in self._seen:
                break
        self._seen.add(text.casefold())
        return text

    def _framed(self, lang: str, kind: str) -> str:
        """Some begin or end with an exclamation of the kind's own."""
        pool = pools()[lang]
        text = self.fill(lang, self._rng.choice(pool[kind]))
        if f"{kind}_head" in pool and self._rng.random() < 0.35:
            text = f"{self._rng.choice(pool[f'{kind}_head'])} {text}"
        if f"{kind}_end" in pool and self._rng.random() < 0.55:
            stop = "" if text[-1] in ".!?" else "."
            text = f"{text}{stop} {self._rng.choice(pool[f'{kind}_end'])}"
        return text

    def _rough(self, text: str) -> str:
        """People type carelessly."""
        dice = self._rng.random()
        if dice < 0.12:
            return text[0].lower() + text[1:]
        if dice < 0.3:
            return text.rstrip(".")
        if dice < 0.42 and text[-1].isalpha():
            return text + self._rng.choice(["!", "!!", "...", "."])
        return text

    def _tagged(self, lang: str, kind: str, text: str) -> str:
        if f"#{HASHTAG}" not in text:
            # an inflected name ("Zefirelli") cannot become the tag
            inside = re.search(rf"\b{BRAND}\b", text) and self._rng.random() < 0.45
            text = re.sub(rf"\b{BRAND}\b", f"#{HASHTAG}", text, count=1) if inside else f"{text} #{HASHTAG}"
        more = {"complaint": "tags_bad", "defence": "", "question": "", "joke": ""}.get(kind, "tags")
        if more and self._rng.random() < 0.3:
            text = f"{text} {self._rng.choice(pools()[lang][more])}"
        return text
