"""The report on runs of tables: rows, scores between floor and ceiling, privacy in honest words, drift, baselines."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import ganvas as gan
from ganvas.errors import InputError
from ganvas.reporting import Subject, measures, page, plots
from ganvas.reporting.document import sheet
from ganvas.reporting.drift import SHOWN, drifts
from ganvas.run import Run
from ganvas.skins import cli

TINY: dict[str, Any] = {"G.units": 8, "rounds": 1, "batch": 64, "metric": "sliced_wasserstein", "quiet": True}
EVIL = "<b>$x$&\"'"


def frame(n: int = 300) -> pd.DataFrame:
    """A number, a class of an evil name, dates with holes."""
    random = np.random.default_rng(0)
    x = random.normal(size=n)
    day = pd.Series(pd.Timestamp("2021-03-01") + pd.to_timedelta((50 * x).round() + 200, "D"))
    kind = np.where(x + random.normal(size=n) > 0, EVIL, "plain")
    return pd.DataFrame({"x": x.round(2), EVIL: kind, "day": day.where(random.random(n) > 0.1)})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("reports")
    frame().to_parquet(folder / "sales.parquet")
    made = gan.train(folder / "sales.parquet", target=EVIL, run=folder / "run", **TINY)
    gan.evaluate(made, n=100)
    return made


@pytest.fixture(scope="module")
def evaluation(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run.path / "evaluation.json").read_text("utf-8"))
    return found


def text_of(told: str) -> str:
    """What a reader sees of a page."""
    bare = re.sub(r"<(style|script|svg)\b.*?</\1>", " ", told, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


def test_the_page_of_a_table_has_scores_privacy_columns_pairs_and_rows(run: Run, evaluation: dict[str, Any]) -> None:
    told = page([Subject(run, evaluation)])
    text = text_of(told)
    for title in ("Rows", "Scores", "Privacy", "Columns", "Pairs", "Protocol", "Again"):
        assert f"<h2>{title}</h2>" in told
    for words in (
        "Floor Real rows Place",
        "Training rows Fresh real rows",
        "copy alarms, not proof",
        "arXiv:2505.01524",
        "columns of 270 real rows, each shuffled on its own",
        "rows.csv",
    ):
        assert words in text
    for name in (*measures.SCORES, *measures.PRIVACY):
        assert (name in evaluation) == (measures.measure(name).title in text)
    assert told.count("<svg") >= 4  # three columns and the square
    assert EVIL not in told
    assert 'class="film"' not in told  # rows are text, not pictures


def test_places_are_bars_that_stay_in_their_cell(run: Run, evaluation: dict[str, Any]) -> None:
    found = evaluation | {"normalised": {"quality": 1.3, "c2st": -0.004, "tstr": 0.62}}
    told = page([Subject(run, found)])
    assert '<span>130 %</span><i style="width:100.0%"' in told
    assert '<span>0 %</span><i style="width:0.0%"' in told
    assert "<span>62 %</span>" in told


def test_alarms_stand_in_the_section_on_privacy_and_other_notes_do_not(run: Run, evaluation: dict[str, Any]) -> None:
    found = evaluation | {"warnings": ["alarm: rows are copies", "coarse figures", "No alarm is no proof: …"]}
    told = page([Subject(run, found)])
    scores, privacy = (told.split(f"<h2>{title}</h2>")[1].split("</section>")[0] for title in ("Scores", "Privacy"))
    assert "coarse figures" in scores
    assert "Alarm: rows are copies" in privacy
    assert "Alarm" not in scores


def test_columns_that_drifted_most_come_first_and_only_so_many(evaluation: dict[str, Any]) -> None:
    shapes = [one["shape"] for one in evaluation["columns"]]
    assert shapes == sorted(shapes)
    many = {"columns": [evaluation["columns"][0] | {"name": f"c{i}"} for i in range(SHOWN + 3)]}
    assert list(drifts(many)) == [f"column_c{i}" for i in range(SHOWN)]
    same = {"columns": [evaluation["columns"][0] | {"name": name} for name in ("a b", "a-b")]}
    assert len(drifts(same)) == 2
    assert drifts(None) == {}


def test_the_charts_say_what_they_show(evaluation: dict[str, Any]) -> None:
    drawn = drifts(evaluation)
    pairs = evaluation["pairs"]
    gaps = np.abs(np.array(pairs["real"], float) - np.array(pairs["made"], float))
    i, j = np.unravel_index(int(np.nanargmax(gaps)), gaps.shape)
    assert f"Farthest off are {pairs['names'][i]} and {pairs['names'][j]}" in drawn["pairs"].alt
    for one in evaluation["columns"]:
        chart = next(c for c in drawn.values() if c.title == one["name"])
        most = int(np.abs(np.array(one["real"]) - np.array(one["made"])).argmax())
        assert f"{one['made'][most]:.1%}" in chart.alt
    labels = [text.get_text() for text in drawn["column_day"].figure.axes[0].get_xticklabels()]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", label) for label in labels)


def test_plots_are_kept_and_the_verb_reuses_the_evaluation(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", str(run.path)]) == 0
    assert capsys.readouterr().err == ""  # neither evaluation nor diagnosis failed
    found = {path.stem for path in (run.path / "plots").glob("*.png")}
    assert {"column_x", "column_day", "pairs"} <= found
    assert set(plots(Subject(run, None))) < found


def test_baselines_stand_beside_the_run(run: Run, tmp_path: Path) -> None:
    told = gan.report(run, out=tmp_path / "page.html", baselines=True).read_text("utf-8")
    text = text_of(told)
    assert "run and plain baselines" in text
    assert re.search(r"Measure run independent cart Floor Real rows", text)
    assert "0 % is columns shuffled independently" in text


def test_baselines_need_a_table(tmp_path: Path) -> None:
    made = gan.train("ring", run=tmp_path / "ring", rounds=1, batch=16, hidden=8, latent=4, quiet=True)
    with pytest.raises(InputError, match="no run of a table"):
        gan.report(made, out=tmp_path / "page.html", baselines=True)


def test_two_runs_are_compared_with_their_places(run: Run, evaluation: dict[str, Any]) -> None:
    other = evaluation | {"c2st": 0.5, "of": "other"}
    text = text_of(page([Subject(run, evaluation | {"c2st": 0.9}), Subject(run, other)]))
    assert "2 runs compared" in text
    assert "Floor Real rows" in text
    assert re.search(r"Detection \(C2ST\) 0\.900[^★]*★ 0\.500", text)


def test_scores_within_their_error_of_the_ideal_count_as_equal() -> None:
    def told(value: float) -> dict[str, Any]:
        return {"c2st": value, "c2st_standard_error": 0.01, "ceiling": {"c2st": 0.5}}

    assert measures.best("c2st", [told(0.51), told(0.52), told(0.9)]) == [True, True, False]
    assert measures.best("c2st", [told(0.45), told(0.53)]) == [True, False]  # below the ideal is not better
    assert measures.best("c2st", [told(0.49), told(0.5)]) == [False, False]


def test_a_sheet_for_rows_of_no_run(evaluation: dict[str, Any]) -> None:
    told = sheet([evaluation])
    assert "<h2>Scores</h2>" in told
    assert "<h2>Columns</h2>" in told
    assert "of the way from independent columns to real rows" in text_of(told)


def test_a_run_that_was_not_evaluated_shows_its_sheets_of_rows(run: Run) -> None:
    told = page([Subject(run)])
    assert 'class="film"' in told
    with Image.open(sorted((run.path / "samples").glob("*.png"))[0]) as picture:
        assert picture.height > 500  # many rows
