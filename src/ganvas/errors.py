"""Errors that teach: what was expected, what came, what to do."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """The user's input is wrong. The message is one line and says what to do; the command line exits with 2."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the run to stop, and its checkpoint is written. The command line exits with 130."""


def nearest(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the known name most like ``name``, else the list of all known names."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else f"; known: {', '.join(known) or 'none'}"
