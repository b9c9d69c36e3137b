"""The libraries of tables, imported when they are needed, so that ganvas does without them."""

from __future__ import annotations

import importlib
from typing import Any

from ganvas.errors import InputError


def pandas() -> Any:
    """The module pandas. Raises InputError that says how to get it."""
    return _library("pandas")


def pyarrow(part: str = "") -> Any:
    """The module pyarrow, or a part of it, such as "parquet". Raises InputError that says how to get it."""
    return _library(f"pyarrow.{part}" if part else "pyarrow")


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        first = name.partition(".")[0]
        raise InputError(f"tables need the library '{first}'; install it with: pip install 'ganvas[tables]'") from error
