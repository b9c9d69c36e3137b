"""Errors that teach: what was expected, what came, what to do."""

import difflib
from collections.abc import Iterable

LISTED = 15  # names in an error message, at the most


class InputError(ValueError):
    """The user's input is wrong. The message is one line and says what to do; the command line exits with 2."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to stop, and its checkpoint is written. The command line exits with 130."""


class DivergedError(FloatingPointError):
    """A game broke down, after round ``onset`` if that is known: a value is not finite, or has left all measure.

    The command line exits with 1.
    """

    def __init__(self, message: str, onset: int | None = None) -> None:
        super().__init__(message)
        self.onset = onset


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known name most like ``name``, else the list of all known names."""
    plain = {one.lower(): one for one in sorted(known)}
    close = difflib.get_close_matches(name.lower(), plain, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{plain[close[0]]}'?"
    return f"; known: {', '.join(plain.values()) or 'none'}" if len(plain) <= LISTED else ""
