"""Ids are not modelled: they say nothing of a row. New ones are made that look like those seen."""

from __future__ import annotations

import hashlib
import itertools
import re
import uuid
from dataclasses import dataclass
from typing import Self

import numpy as np

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Pattern:
    """How ids go: ``kind`` "integer" (first, first + 1, …), "text" (the same behind ``prefix``, with ``width``
    digits), or "uuid"."""

    kind: str = "integer"
    prefix: str = ""
    width: int = 0
    first: int = 0

    @classmethod
    def of_integers(cls, seen: np.ndarray) -> Self:
        """Whole numbers [n]: counted from the smallest on."""
        return cls("integer", first=int(seen.min()) if len(seen) else 0)

    @classmethod
    def of_texts(cls, seen: list[str]) -> Self:
        """Texts: what they all begin with, then digits when all go on with them, else a number of their length."""
        if all(UUID.fullmatch(text) for text in seen):
            return cls("uuid")
        prefix = common(min(seen), max(seen)).rstrip("0123456789")
        rest = [text.removeprefix(prefix) for text in seen]
        digits = bool(rest) and all(text.isascii() and text.isdigit() for text in rest)
        width = min((len(text) for text in rest), default=0)
        return cls("text", prefix, min(width, 18), min(map(int, rest)) if digits else 0)

    def make(self, count: int, start: int) -> np.ndarray:
        """``count`` ids, all different, from number ``start`` on: objects [count]."""
        numbers = range(self.first + start, self.first + start + count)
        if self.kind == "integer":
            return np.array(numbers, object)
        if self.kind == "uuid":
            hashes = (hashlib.blake2b(str(number).encode(), digest_size=16).digest() for number in numbers)
            return np.array([str(uuid.UUID(bytes=one, version=4)) for one in hashes], object)
        return np.array([f"{self.prefix}{number:0{self.width}d}" for number in numbers], object)


def common(first: str, last: str) -> str:
    """What two texts both begin with."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(sign for sign, _ in same)
