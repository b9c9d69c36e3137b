"""Rows of a run: under conditions, completed from what is known, inside the constraints, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

import ganvas as gan
from ganvas import players
from ganvas.errors import InputError
from ganvas.rows import drafted, rows, table
from ganvas.spaces.tables.support import Support

RANDOM = np.random.default_rng(0)
N = 240
FRAME = pd.DataFrame({"age": RANDOM.integers(18, 90, N), "sex": RANDOM.choice(["m", "f"], N)})
FRAME["income"] = np.round(np.exp(RANDOM.normal(7, 0.6, N)), 2)
FRAME["kids"] = pd.Series(RANDOM.integers(0, 5, N), dtype="Int64").mask(RANDOM.random(N) < 0.3)
FRAME["born"] = pd.Timestamp("1880-01-01") + pd.to_timedelta(RANDOM.integers(0, 9000, N), unit="D")
FRAME["low"] = RANDOM.integers(0, 20, N)
FRAME["high"] = FRAME["low"] + RANDOM.integers(0, 5, N)
FRAME["city"] = RANDOM.choice(["Rome", "Milan", "Paris"], N)
FRAME["state"] = FRAME["city"].map({"Rome": "I", "Milan": "I", "Paris": "F"})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> gan.Run:
    small = {"batch": 32, "units": 8, "embed": 4, "hidden": 8, "quiet": True, "rounds": 4, "warm": 0.5}
    place = tmp_path_factory.mktemp("rows") / "run"
    return gan.train(FRAME, run=place, constraints="low <= high; (city, state); age >= 18", **small)


def made(run: gan.Run, n: int = 40, seed: int = 0, **how: Any) -> Any:
    raw = rows(run, range(n), seed, **how)
    assert table(run).allowed(raw).all()
    return table(run).frame(raw)


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("sex = 'f'", lambda f: f.sex == "f"),
        ("age > 60", lambda f: f.age > 60),
        ("age between 30 and 40 and sex = 'm'", lambda f: (f.age >= 30) & (f.age <= 40) & (f.sex == "m")),
        ("age in (20, 50, 70)", lambda f: f.age.isin([20, 50, 70])),
        ("age < 25 or age >= 80", lambda f: (f.age < 25) | (f.age >= 80)),
        ("age not between 25 and 79", lambda f: (f.age < 25) | (f.age >= 80)),
        ("kids is null", lambda f: f.kids.isna()),
        ("kids is not null", lambda f: f.kids.notna()),
        ("kids is null or kids = 3", lambda f: f.kids.isna() | (f.kids == 3)),
        ("born >= '1890-01-01' and born < '1895-06-01'", lambda f: (f.born >= "1890-01-01") & (f.born < "1895-06-01")),
        ("city = 'Rome' or city = 'Paris'", lambda f: f.city != "Milan"),
        ("state = 'F' and low > 10 and high < 14", lambda f: (f.city == "Paris") & (f.low > 10) & (f.high < 14)),
        ("income = 1000", lambda f: f.income == 1000),
        ("income > 2000 and age < 40 and kids >= 2", lambda f: (f.income > 2000) & (f.age < 40) & (f.kids >= 2)),
    ],
)
def test_all_rows_satisfy_a_condition(run: gan.Run, where: str, kept: Callable[[Any], Any]) -> None:
    frame = made(run, where=where)
    assert len(frame) == 40
    assert (frame.dtypes == FRAME.dtypes).all()
    assert kept(frame).fillna(False).all()


def test_conditions_leave_what_they_do_not_name(run: gan.Run) -> None:
    frame = made(run, 200, where="sex = 'f'")
    assert frame.age.nunique() > 30
    assert set(frame.city) == {"Rome", "Milan", "Paris"}
    assert 0 < frame.kids.isna().mean() < 1


@pytest.mark.parametrize("where", [None, "age > 30", "age > 30 and kids > 1 and sex = 'f'"])
def test_a_row_is_a_function_of_its_seed_and_number(run: gan.Run, where: str | None) -> None:
    whole = rows(run, range(520), 3, where)
    assert np.array_equal(rows(run, range(520), 3, where), whole, equal_nan=True)
    assert np.array_equal(rows(run, [515, 7, 8], 3, where), whole[[515, 7, 8]], equal_nan=True)
    assert not np.array_equal(rows(run, range(520), 4, where), whole, equal_nan=True)


def test_what_is_known_stays_and_the_rest_is_filled(run: gan.Run) -> None:
    known = FRAME.iloc[:30].copy()
    known["age"] = np.nan
    known["state"] = None
    known.loc[known.index[::2], "low"] = np.nan
    known["kids"] = known["kids"].astype("Float64")
    frame = made(run, 30, known=known)
    for name in ("sex", "income", "born", "high", "city"):
        assert (frame[name].to_numpy() == FRAME[name].iloc[:30].to_numpy()).all(), name
    assert frame["age"].between(18, 89).all()
    assert (frame["state"] == FRAME["state"].iloc[:30]).all()  # the city decides it
    assert (frame["low"].to_numpy()[1::2] == FRAME["low"].to_numpy()[1:30:2]).all()
    assert (frame["low"] <= frame["high"]).all()
    alone = made(run, 40, known=pd.DataFrame({"city": ["Rome"] * 40}))
    assert (alone["state"] == "I").all()
    assert frame["kids"].notna().all()  # though values were missing in training
    assert alone["kids"].isna().any()  # a column that is not there is made, holes and all
    with pytest.raises(InputError, match="5 known rows for 6 rows to make"):
        rows(run, range(6), known=known[:5])


def test_conditions_change_no_other_column_than_they_must(run: gan.Run) -> None:
    """A condition that all rows satisfy anyway leaves the distribution of each column as it is."""
    free, same = made(run, 2000, seed=1), made(run, 2000, seed=2, where="age >= 18")
    for name in ("age", "income", "low"):
        gap = abs(free[name].mean() - same[name].mean()) / free[name].std()
        assert gap < 0.15, name
    for name in ("sex", "city"):
        gap = (free[name].value_counts(normalize=True) - same[name].value_counts(normalize=True)).abs().max()
        assert gap < 0.07, name


def test_two_conditions_together_give_the_conditional_distribution(run: gan.Run) -> None:
    """As rejection would: of many free rows those that satisfy both conditions."""
    free = made(run, 6000, seed=5)
    kept = free[(free.age > 50) & (free.income > 1500)]
    asked = made(run, 2000, seed=6, where="age > 50 and income > 1500")
    assert len(kept) > 300
    for name in ("age", "income", "low"):
        gap = abs(kept[name].mean() - asked[name].mean()) / kept[name].std()
        assert gap < 0.2, name


class Coin(players.Autoregressive):
    """Decides its first part by a fair coin; of the second a share is allowed that goes by it."""

    latent, parts = 1, 2

    def __init__(self, tails: float, heads: float) -> None:
        super().__init__()
        self.tails, self.heads = tails, heads

    def decide(
        self, z: Tensor, x: Tensor, known: Tensor, support: players.Support | None, order: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        heads = (z > 0).float()
        return heads.expand(-1, 2), torch.where(heads[:, 0] > 0, self.heads, self.tails)


@pytest.mark.parametrize(
    ("tails", "heads", "share"),
    [
        (0.2, 0.8, 0.7823),  # 0.8 where a draft is taken; 1 in 16 is resampled from four that were not, by 1 : 16
        (0.0, 1.0, 0.9375),  # tails only where all four are
        (0.001, 0.004, 0.7365),  # hardly one is taken: four resampled by 1 : 4
    ],
)
def test_drafts_are_kept_by_what_they_left(run: gan.Run, tails: float, heads: float, share: float) -> None:
    blank, at = torch.zeros(20_000, 2), range(20_000)
    x, told = drafted(Coin(tails, heads), (blank, blank.bool()), Support(table(run)), [0, 1], 0, at)
    assert told.all()
    assert float(x[:, 0].mean()) == pytest.approx(share, abs=0.011)
    some = [19_999, 5, 4_000]
    again, _ = drafted(Coin(tails, heads), (blank[:3], blank[:3].bool()), Support(table(run)), [0, 1], 0, some)
    assert torch.equal(again, x[some])


def test_the_verb_writes_rows(run: gan.Run, tmp_path: Path) -> None:
    out = gan.generate(run, out=tmp_path / "a.csv", n=12, where="sex = 'm'", seed=1)
    frame = pd.read_csv(out)
    assert (len(frame), set(frame["sex"])) == (12, {"m"})
    holes = pd.read_csv(out)
    holes.loc[:, "income"] = np.nan
    holes.to_csv(tmp_path / "holes.csv", index=False)
    filled = pd.read_csv(gan.generate(run, out=tmp_path / "b.csv", where=str(tmp_path / "holes.csv")))
    pd.testing.assert_frame_equal(filled.drop(columns=["income", "kids"]), holes.drop(columns=["income", "kids"]))
    assert filled["income"].notna().all()
    with pytest.raises(InputError, match="column sex has no value 'x'"):
        gan.generate(run, out=tmp_path / "c.csv", where="sex = 'x'")


def test_a_run_of_pictures_has_no_rows(tmp_path: Path) -> None:
    other = gan.train("ring", run=tmp_path / "ring", rounds=1, batch=16, hidden=4, layers=1, quiet=True)
    with pytest.raises(InputError, match="was not trained on a table"):
        gan.generate(other, out=tmp_path / "a.csv", n=3)
