"""Texts without the folders of the machine they were written on: what leaves the house tells no paths."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
PATH = re.compile(r"(?<![\w:/\\.])(?:~|\.{1,2}|[A-Za-z]:)?(?:[/\\][\w.+~-]+)+[/\\]?")  # … inside a text


def bare(value: Any) -> Any:
    """The same JSON with every path in its texts reduced to the last part: /home/me/x.png becomes x.png."""
    if isinstance(value, Mapping):
        return {key: bare(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [bare(one) for one in value]
    return PATH.sub(lambda found: last(found[0]), value) if isinstance(value, str) else value


def source(where: str) -> str:
    """Where data came from, without folders: ``hf:owner/name`` stays, ``data/my faces`` becomes ``my faces``."""
    hub, _, configuration = where.removeprefix("hf:").partition(":")
    if where.startswith("hf:") and REPOSITORY.fullmatch(hub) and not PATH.search(configuration):
        return where
    return last(where)


def last(path: str) -> str:
    """The last part of a path of any system."""
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1]
