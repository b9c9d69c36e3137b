"""``diagnose``, ``show`` and the sample pictures on runs of tables, whatever the game."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import ganvas as gan
from ganvas.monitors.samples import grid

SMALL = {"taegan": {"G.units": 8}}


def frame(n: int = 300) -> pd.DataFrame:
    random = np.random.default_rng(0)
    x = random.normal(size=n)
    return pd.DataFrame({"x": np.where(random.random(n) < 0.1, np.nan, x), "kind": np.where(x > 0, "a", "b"), "k": 7})


@pytest.mark.parametrize("game", ["taegan", "ctgan", "tvae", "gain"])
def test_every_game_of_tables_is_diagnosed_shown_and_pictured(game: str, tmp_path: Path) -> None:
    frame().to_csv(tmp_path / "t.csv", index=False)
    run = gan.train(tmp_path / "t.csv", game=game, run=tmp_path / "run", rounds=2, batch=64, quiet=True,
                    **SMALL.get(game, {}))  # type: ignore[arg-type]  # fmt: skip
    found = gan.diagnose(run)
    assert found["action"] in ("train_on", "stop", "change")
    assert {"distance", "diversity", "precision", "copies"} <= set(found["figures"])
    assert (run.path / "diagnosis.json").exists()
    told = gan.show(run)
    assert (told["rounds"], told["data"]) == (2, "t, 270 samples (30 held out)")
    with Image.open(sorted((run.path / "samples").glob("*.png"))[-1]) as kept:
        assert kept.height == grid(run.generator, run.space).height


def test_data_in_memory_is_given_again(tmp_path: Path) -> None:
    run = gan.train(frame(), run=tmp_path / "run", rounds=1, batch=64, quiet=True, **SMALL["taegan"])
    with pytest.raises(gan.InputError, match="--data"):
        gan.diagnose(run)
    assert gan.diagnose(run, data=frame())["protocol"]["seen"] == 64
