"""``ganvas evaluate`` on tables: floor, ceiling and place, attacks, where rows come from, what is refused."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ganvas as gan
from ganvas.errors import InputError
from ganvas.evaluation.tables import MEASURES, OUTSIDE, PRIVACY, SILENCE, Trial, judged
from ganvas.evaluation.trials import PLAIN, given, real_rows, trial
from ganvas.skins import cli
from ganvas.space import Data
from ganvas.spaces.tables import Table, tables

TINY: dict[str, Any] = {"G.units": 8, "rounds": 1, "batch": 64, "metric": "sliced_wasserstein", "quiet": True}


def mixed(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """Two numbers that go together, a class that goes with them, holes where the first is large, a target."""
    random = np.random.default_rng(seed)
    x = random.normal(size=n)
    y = np.where(x > 1, np.nan, x + 0.3 * random.normal(size=n))
    kind = np.where(x + 0.3 * random.normal(size=n) > 0, "up", "down")
    return pd.DataFrame(
        {"x": x.round(3), "y": y.round(3), "kind": kind, "price": (3 * x + random.normal(size=n)).round(1)}
    )


def asked(made: np.ndarray | None = None, wanted: list[str] | None = None, target: str | None = "price") -> Trial:
    """Made rows (fresh real ones by default) before 200 held-out rows of 600."""
    data = tables(mixed(), target=target, holdout=1 / 3)
    assert isinstance(data.space, Table)
    others, real = (rows.read(np.arange(len(rows)))[0] for rows in (data.train, data.held_out))
    made = data.space.read(mixed(400, seed=1)) if made is None else made
    return Trial("made", "real", data.space, made, others, real, True, wanted or list(MEASURES), 0, {})


def plain(name: str, data: Data, n: int, wanted: list[str]) -> Trial:
    """Rows of a plain baseline before what the data holds out."""
    real = real_rows(None, data, None)
    return trial(name, given(name, real, n), real, wanted)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, a run of it, and rows made elsewhere."""
    folder = tmp_path_factory.mktemp("tables")
    mixed().to_csv(folder / "sales.csv", index=False)
    mixed(300, seed=1).to_csv(folder / "made.csv", index=False)
    gan.train(folder / "sales.csv", target="price", run=folder / "run", **TINY)
    return folder


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    """What ``ganvas evaluate … --json`` prints."""
    code = cli.main(["evaluate", *map(str, arguments), "--json"])
    out = capsys.readouterr()
    assert code == 0, out.err
    found: dict[str, Any] = json.loads(out.out)
    return found


def test_fresh_real_rows_stand_at_the_ceiling_and_raise_no_alarm() -> None:
    found = judged(asked())
    assert all(abs(found["normalised"][name] - 1) < 0.2 for name in ("quality", "trends", "c2st", "tstr"))
    assert found["normalised"]["membership"] == pytest.approx(1, abs=0.15)
    assert found["warnings"] == [SILENCE]
    assert found["ceiling"]["membership"] == 0.5
    assert set(found["floor"]) == set(found["ceiling"])


def test_shuffled_columns_stand_at_the_floor() -> None:
    t = asked()
    made = PLAIN["independent"](t.space, t.others, 400, np.random.default_rng(5))
    found = judged(asked(made, ["quality", "c2st", "tstr"]))
    assert found["c2st"] > 0.9
    assert all(abs(found["normalised"][name]) < 0.2 for name in ("trends", "c2st", "tstr"))
    assert "shapes" not in found["normalised"]  # shuffling keeps the columns: floor and ceiling are the same


def test_copies_raise_every_alarm_but_score_well() -> None:
    found = judged(asked(asked().others))
    assert found["copies"] == 1
    assert all(abs(found["normalised"][name]) < 1e-9 for name in ("dcr_share", "copies", "membership"))
    assert found["normalised"]["quality"] > 0.8
    alarms = " ".join(line for line in found["warnings"] if line.startswith("alarm"))
    for word in ("nearer to training rows", "exact copies", "AUC 1.000"):
        assert word in alarms
    assert SILENCE in found["warnings"]


def test_the_column_that_drifted_most_comes_first_and_its_bars_say_how() -> None:
    t = asked()
    made = t.real.copy()
    made[:, 2] = 0.0  # one class only
    found = judged(asked(made, ["quality"]))
    first = found["columns"][0]
    assert (first["name"], first["kind"]) == ("kind", "category")
    share = float((t.real[:, 2] == 0).mean())
    assert first["shape"] == pytest.approx(share, abs=1e-3)
    assert dict(zip(first["labels"], first["made"], strict=True)) == {
        t.space.fields[2].classes[0]: 1,
        t.space.fields[2].classes[1]: 0,
    }
    holed = next(one for one in found["columns"] if one["name"] == "y")
    assert holed["missing"]
    assert holed["real"][-1] == pytest.approx(np.isnan(t.real[:, 1]).mean(), abs=1e-3)
    for one in found["columns"]:
        assert sum(one["real"]) == pytest.approx(1, abs=0.01)
        assert len(one["made"]) == len(one.get("labels", one.get("edges", [0])[1:])) + one["missing"]
    names, real, ours = (found["pairs"][key] for key in ("names", "real", "made"))
    at = names.index("x"), names.index("kind")
    assert real[at[0]][at[1]] > 0.5
    assert ours[at[0]][at[1]] is None  # a constant goes with nothing


def test_a_class_with_many_values_shares_a_bar_and_dates_have_edges() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame({
        "town": random.choice([f"t{i}" for i in range(30)], 400),
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(random.integers(0, 900, 400), "D"),
    })  # fmt: skip
    data = tables(frame, holdout=0.5)
    found = judged(plain("cart", data, 200, ["quality"]))
    town, day = sorted(found["columns"], key=lambda one: -len(one["name"]))
    assert len(town["labels"]) == 13
    assert town["labels"][-1] == "others"
    assert sum(town["made"]) == pytest.approx(1, abs=0.01)
    assert np.datetime64(int(day["edges"][0]), "us") >= np.datetime64("2020-01-01")


def test_the_same_rows_have_the_same_figures() -> None:
    first, again = (judged(asked(wanted=["quality", "c2st", "membership"])) for _ in range(2))
    del first["protocol"], again["protocol"]
    assert first == again


def test_few_rows_leave_out_what_needs_more_and_say_so() -> None:
    data = tables(mixed(40), target="price", holdout=0.1)
    found = judged(plain("independent", data, 40, list(MEASURES)))
    assert "c2st" not in found
    assert any(line.startswith("c2st is left out: expected 10 real") for line in found["warnings"])
    assert any("4 real rows the figures are coarse" in line for line in found["warnings"])
    with pytest.raises(InputError, match="10 real"):
        judged(plain("independent", data, 40, ["c2st"]))


def test_a_run_is_judged_by_its_own_data_and_keeps_its_figures(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = told(capsys, place / "run", "-n", 300, "--metrics", "quality,tstr,copies")
    protocol = found["protocol"]
    assert (protocol["n_real"], protocol["n_fake"], protocol["n_train"]) == (60, 300, 540)
    assert (protocol["target"], protocol["split"], protocol["seed"]) == ("price", "held-out", 0)
    assert "trees" in protocol
    assert found["examples"]["columns"] == ["x", "y", "kind", "price"]
    assert json.loads((place / "run" / "evaluation.json").read_text()) == found
    assert cli.main(["evaluate", str(place / "run"), "--metrics", "quality"]) == 0
    printed = capsys.readouterr().out
    for word in ("floor", "real rows", "place", "columns least alike", "n_train 540"):
        assert word in printed


def test_runs_files_and_plain_baselines_stand_in_one_table(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    what = (place / "run", place / "made.csv", "cart", "independent")
    found = told(capsys, *what, "--metrics", "quality,closeness")["compared"]
    assert list(found) == [str(one) for one in what]
    assert len({json.dumps(figures["ceiling"]["quality"]) for figures in found.values()}) > 0
    assert {figures["against"] for figures in found.values()} == {"sales (held-out)"}
    assert found["cart"]["trends"] > found["independent"]["trends"]
    assert all(figures["protocol"]["n_train"] == 540 for figures in found.values())


def test_rows_made_elsewhere(place: Path) -> None:
    """Against one table nothing is known of the training; against two there is; --split knows too."""
    alone = gan.evaluate(place / "made.csv", against=place / "sales.csv", metrics="quality,c2st,membership")
    assert not set(alone["normalised"]) & {"membership"}
    assert any("nothing is said about privacy" in line for line in alone["warnings"])
    assert alone["protocol"]["n_train"] is None
    both = gan.evaluate(place / "made.csv", against=f"{place / 'sales.csv'},{place / 'made.csv'}", metrics="closeness")
    assert both["protocol"]["n_train"] == 600
    assert both["dcr_share"] < 0.1  # they are the rows that stand for others
    parted = gan.evaluate(place / "made.csv", against=place / "sales.csv", split="held-out", metrics="closeness")
    assert parted["protocol"]["n_real"] == 60
    assert parted["copies"] == 0


def test_tables_in_memory(tmp_path: Path) -> None:
    frame = mixed(300)
    run = gan.train(frame, target="price", run=tmp_path / "run", **TINY)
    with pytest.raises(InputError, match="--against"):
        gan.evaluate(run)
    own = gan.evaluate(run, against=frame, metrics="quality")
    assert own["protocol"]["split"] == "held-out"
    assert (run.path / "evaluation.json").exists()
    fresh = gan.evaluate(run, against=mixed(200, seed=3), metrics="quality")
    assert (fresh["protocol"]["n_real"], fresh["against"]) == (100, "a table in memory")  # halves: its own data is gone
    made = gan.evaluate(mixed(200, seed=4), against=tables(frame, target="price"), metrics="tstr")
    assert made["tstr"] > 0.3


@pytest.mark.parametrize(("arguments", "why"), [
    (["run", "--metrics", "kid"], "kid looks at features of pictures; tables have quality"),
    (["run", "--metrics", "memorisation"], "tables have quality"),
    (["run", "--metrics", "qualty"], "did you mean 'quality'"),
    (["run", "--metrics", ","], "names none"),
    (["run", "--extractor", "values"], "leave --extractor values out"),
    (["run", "--against", "made.csv", "--split", "train"], "leave it out"),
    (["cart"], "say which rows are real"),
    (["made.csv"], "say which rows are real"),
    (["absent.csv", "--against", "sales.csv"], "no file absent.csv"),
    (["made.csv", "--against", "digits"], "digits is no table"),
])  # fmt: skip
def test_what_is_refused(
    place: Path, arguments: list[str], why: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    assert cli.main(["evaluate", *arguments]) == 2
    assert why in capsys.readouterr().err


def test_measures_of_tables_are_refused_on_pictures(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tstr looks at rows of a table; pictures and points have frechet_distance"):
        gan.evaluate(tmp_path, against="digits", metrics="tstr")


def test_every_measure_has_a_name_that_reports_can_read() -> None:
    from ganvas.reporting.measures import MEASURES as KNOWN

    found = judged(asked())
    figures = {name for name, value in found.items() if isinstance(value, float) and not name.endswith("_error")}
    assert figures <= set(KNOWN)
    assert set(PRIVACY) < set(MEASURES)


def test_the_page_of_the_measures_has_a_section_for_each_file() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "metrics_tables.md").read_text("utf-8")
    beneath = {"__init__", "distance", "rows", "trees"}
    for path in sorted((root / "src" / "ganvas" / "metrics" / "tables").glob("*.py")):
        assert path.stem in beneath or f"\n## {path.stem}\n" in page
    listed = (root / "docs" / "evaluate.md").read_text("utf-8")
    assert not [name for name in MEASURES if f"`{name}`" not in listed]


def test_figures_of_a_private_run_say_that_they_are_outside_its_budget(tmp_path: Path) -> None:
    """What may be given away is the generator: nothing beside it tells how often a real value came."""
    pytest.importorskip("opacus")
    mixed().to_csv(tmp_path / "sales.csv", index=False)
    small: dict[str, Any] = {"batch": 60, "hidden": 8, "layers": 1, "latent": 4, "critic_moves": 2, "rounds": 2}
    run = gan.train(tmp_path / "sales.csv", run=tmp_path / "run", epsilon=300.0, delta=1e-4, quiet=True, **small)
    found = gan.evaluate(run, n=100)
    assert found["warnings"][0] == OUTSIDE
    assert found == json.loads((run.path / "evaluation.json").read_text("utf-8"))
    assert not {"columns", "pairs"} & set(found)
    beside = gan.evaluate(run, "independent", n=100, metrics="quality")["compared"]
    assert all(OUTSIDE in one["warnings"] and "columns" not in one for one in beside.values())
    page = gan.report(run).read_text("utf-8")
    assert html.escape(OUTSIDE) in page
    assert "Those that drifted most" not in page
    assert not list((run.path / "plots").glob("column_*"))
    assert not (run.path / "plots" / "pairs.png").exists()
