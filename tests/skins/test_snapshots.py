"""What users read of the command line, word for word. Update on purpose: GANVAS_UPDATE=1 pytest tests/skins."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ganvas.skins import cli

HERE = Path(__file__).parent / "snapshots"
WALKS = ("arithmetic", "directions", "edit", "interpolate", "invert", "mix", "neighbours", "scribble", "truncation")
PAGES: dict[str, list[str]] = {
    "ganvas": [],
    **{verb: [verb] for verb in cli.VERBS},
    **{f"explore_{walk}": ["explore", walk] for walk in WALKS},
}


@pytest.mark.parametrize("page", PAGES)
def test_help(page: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")
    assert cli.main([*PAGES[page], "--help"]) == 0
    shown = "\n".join(line.rstrip() for line in capsys.readouterr().out.splitlines()) + "\n"
    stored = HERE / f"{page}.txt"
    if os.environ.get("GANVAS_UPDATE"):
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(shown, "utf-8")
    assert shown == stored.read_text("utf-8")
