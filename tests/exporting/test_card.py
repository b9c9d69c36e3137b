"""The card says what is known, and says so where nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporting.making import untrained
from ganvas.exporting import card as writing
from ganvas.files import write_json
from ganvas.run import Run
from ganvas.spaces import toys
from ganvas.spaces.images import Images
from ganvas.spaces.tables import tables
from make import mixed

INFO = {
    "game": "ganvas.games.r3gan:R3GAN",
    "data": {"name": "digits", "fingerprint": "ab12", "train": 1617, "held_out": 180},
    "settings": {"run": {"seed": 7}},
    "versions": {"ganvas": "0.1.0", "torch": "2.13"},
    "progress": {"t": 10, "seen": 64680, "planned": 64680, "seconds": 90.0},
}
EVALUATION = {
    "against": "digits (held-out)",
    "kid": 1e-5,
    "frechet_distance": 10.87,
    "recall": 0.7,
    "precision": 0.9,
    "label_accuracy": 0.9,
    "noise_floor": {"kid": 0.5, "frechet_distance": 8.86, "recall": 0.93, "precision": 0.91, "label_accuracy": 0.99},
    "memorisation": {"copies": 0.3, "expected": 0.05, "alarm": True},
    "warnings": ["few | samples"],
    "protocol": {"checkpoint": "round-0", "extractor": "digits", "n_real": 180, "n_fake": 1000},
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = untrained(tmp_path / "digits", "mlp")
    made.update(**INFO)
    return made


def parts(text: str) -> dict[str, str]:
    return {part.split("\n")[0]: part for part in text.split("\n## ")[1:]}


def front(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return found


def test_a_run_that_was_judged(run: Run) -> None:
    write_json(run.path / "evaluation.json", EVALUATION)
    told = {"summary": "Mode collapse: bad.", "verdict": "mode_collapse", "protocol": {"checkpoint": "round-0"}}
    write_json(run.path / "diagnosis.json", told)
    text = writing.card(run)
    meta, found = front(text), parts(text)
    assert meta["library_name"] == "ganvas"
    assert meta["pipeline_tag"] == "unconditional-image-generation"
    assert meta["license"] == "cc-by-4.0"
    result = meta["model-index"][0]["results"][0]
    assert {one["type"]: one["value"] for one in result["metrics"]}["kid"] == 1e-5
    assert "| Fréchet distance | 10.9 | 8.86 |" in found["Figures"]
    assert "few \\| samples" in found["Figures"]
    assert "n real 180" in found["Figures"]
    assert "Mode collapse: bad." in found["Diagnosis"]
    assert "| Seed | 7 |" in found["How it was made"]
    assert "64,680 (40 times each)" in found["How it was made"]
    assert "| Trained on | 1,617 |" in found["Data"]
    assert "3 classes: cat, dog, 3" in found["Data"]
    limits = found["Intended use and limits"]
    told = ("30 % of its samples", "10 % show another class", "recall is 70 %", "180 real samples", "mode collapse")
    for said in (*told, "1,617 samples, which are few", "16×16 pixels"):
        assert said in limits
    assert "precision is" not in limits  # as good as real data
    assert 'gan.from_pretrained("OWNER/digits")' in text


def test_what_is_as_good_as_real_data_is_no_limit(run: Run) -> None:
    good = {"label_accuracy": 0.98, "precision": 0.9, "recall": 0.92, "memorisation": {"copies": 0.0, "alarm": False}}
    write_json(run.path / "evaluation.json", EVALUATION | good)
    limits = parts(writing.card(run))["Intended use and limits"]
    assert "No alarm" in limits
    for said in ("another class", "falls short", "copies training samples**"):
        assert said not in limits


def test_the_hub_reads_the_front_matter(run: Run, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    write_json(run.path / "evaluation.json", EVALUATION)
    (tmp_path / "README.md").write_text(writing.card(run), "utf-8")
    found = hub.ModelCard.load(tmp_path / "README.md").data
    assert found.library_name == "ganvas"
    assert {one.metric_type: one.metric_value for one in found.eval_results}["frechet_distance"] == 10.87


def test_what_is_not_known_is_not_said(tmp_path: Path) -> None:
    text = writing.card(untrained(tmp_path / "blank", "mlp", Images(8, 8, 1)))
    assert front(text)["license"] == "unknown"
    assert "model-index" not in front(text)
    assert "Not evaluated" in text
    assert "Not diagnosed" in text
    assert "copies training samples was not tested" in text
    assert "Samples seen" not in text
    assert "None" not in text


def test_figures_of_another_checkpoint_are_left_out(run: Run) -> None:
    write_json(run.path / "evaluation.json", EVALUATION | {"protocol": {"checkpoint": "round-9"}})
    assert "Not evaluated" in writing.card(run)


def test_privacy_is_told(run: Run) -> None:
    run.update(privacy={"epsilon": 3.0, "delta": 1e-6})
    text = writing.card(run)
    assert "| Differential privacy | ε = 3.0, δ = 1e-06" in text
    assert "at most e^3.0" in text


def test_points_and_rows(tmp_path: Path) -> None:
    dots = writing.card(untrained(tmp_path / "dots", "mlp", toys.ring().space))
    assert "pipeline_tag" not in front(dots)
    assert "points in 2 dimensions" in dots
    rows = writing.card(untrained(tmp_path / "rows", "rows", tables(mixed(60)).space))
    assert "tabular" in front(rows)["tags"]
    assert "gan.frame(run, 100, seed=0)" in rows
    assert "--out rows.csv" in rows


def test_the_tensors_of_the_card_make_samples(tmp_path: Path) -> None:
    for prior in ("normal", "uniform"):
        run = untrained(tmp_path / prior, "mlp", prior=prior)
        code = writing.card(run).split("```python\n")[2].split("```")[0]
        made: dict[str, Any] = {"run": run}
        exec(code, made)
        assert made["x"].shape == (16, 3, 16, 16)


def test_hostile_names_stay_in_their_place(run: Run) -> None:
    run.update(data={"name": '"\n- evil: |<b>', "train": 3})
    text = writing.card(run)
    assert front(text)["library_name"] == "ganvas"
    assert '| Name | " - evil: \\|&lt;b> |' in text


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1, "b": [1, 2.5, 1e-7, "x: y", "no", None, True], "c": {"d": "é\n'\"", "e": []}},
        {"a": [{"b": 1, "c": [{"d": "-"}, {"d": 2, "e": {"f": 3}}]}, {"b": 2}]},
    ],
)
def test_yaml_is_read_as_it_was_meant(value: dict[str, Any]) -> None:
    assert yaml.safe_load(writing.yaml(value)) == value
