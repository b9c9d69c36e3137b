"""What checkpoints are judged by: every metric that ``--metric`` knows, by one contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import ganvas as gan
from ganvas.errors import InputError
from ganvas.evaluation import judge
from ganvas.evaluation.judge import ALIASES, METRICS, Judge
from ganvas.metrics.frechet_distance import frechet_distance
from ganvas.metrics.kid import kid
from ganvas.metrics.sliced_wasserstein import sliced_wasserstein
from ganvas.space import Data
from ganvas.spaces.toys import ring
from make import table


class Painter:
    """Gives these encoded samples and keeps what it was asked for."""

    def __init__(self, x: Tensor) -> None:
        self.x, self.asked = x, list[tuple[Sequence[int], object]]()

    def draw(self, indices: Sequence[int], label: object = None) -> tuple[Tensor, None]:
        self.asked.append((indices, label))
        return self.x[: len(indices)], None


def encoded(data: Data, split: str) -> Tensor:
    rows = data.held_out if split == "held-out" else data.train
    return data.space.encode(rows.read(np.arange(min(len(rows), 200)))[0])


@pytest.mark.parametrize("metric", [metric for metric in METRICS if metric != "c2st"])  # for rows: see below
@pytest.mark.parametrize("data", [ring(count=2000), gan.digits()], ids=["ring", "digits"])
def test_lower_is_better(data: Data, metric: str) -> None:
    judging = Judge(data, metric, "values")
    same, other = encoded(data, "held-out"), encoded(data, "train")
    noise = torch.randn(other.shape, generator=torch.Generator().manual_seed(0)) * other.std() + other.mean()
    best, good, bad, worst = (judging(Painter(x)) for x in (same, other, noise, torch.zeros_like(other) + 1))  # type: ignore[arg-type]
    assert best <= good < bad < worst
    if metric != "kid":  # it is unbiased, so below 0 for the very same samples
        assert best == pytest.approx(0, abs=1e-3 * worst)


def test_lower_is_better_for_rows_told_apart_by_trees() -> None:
    """Training rows pass for held-out ones; rows with one column shuffled less so; rows of one kind not at all."""
    data = table(1500, holdout=0.4)
    judging, good = Judge(data, "c2st"), data.space.encode(data.train.read(np.arange(600))[0])
    bad, one = good.clone(), good[:1].expand(600, -1)
    bad[:, 4:6] = bad[torch.randperm(600, generator=torch.Generator().manual_seed(0)), 4:6]
    scores = [judging(Painter(x)) for x in (good, bad, one)]  # type: ignore[arg-type]
    assert scores[0] < 0.2
    assert scores[0] + 0.2 < scores[1] < scores[2]


def test_pictures_are_not_told_apart_by_trees() -> None:
    with pytest.raises(InputError, match="--metric fid"):
        Judge(gan.digits(), "c2st")(Painter(torch.zeros(180, 1, 8, 8)))  # type: ignore[arg-type]


@pytest.mark.parametrize("metric", METRICS)
def test_the_same_generator_has_the_same_score(metric: str) -> None:
    data = ring(count=400)
    judging, painter = Judge(data, metric), Painter(torch.randn(40, 2))
    first: Any = painter
    assert judging(first) == judging(first) == Judge(data, metric)(first)


def test_scores_are_those_of_the_measures() -> None:
    data = ring(count=400)
    x, real = torch.randn(40, 2), encoded(data, "held-out")
    painter: Any = Painter(x)
    assert Judge(data, "sliced_wasserstein")(painter) == sliced_wasserstein(real, x)
    assert Judge(data, "frechet_distance")(painter) == pytest.approx(frechet_distance(real, x), rel=1e-5)
    assert Judge(data, "kid")(painter) == pytest.approx(kid(real, x).value, rel=1e-5)


def test_fid_is_the_frechet_distance_of_the_extractor() -> None:
    judging = Judge(gan.digits(), "fid", "values")
    assert judging.metric == ALIASES["fid"] == "frechet_distance"
    assert judging.told == "frechet distance, 180 held-out samples against 180 made, values"
    assert Judge(gan.digits(), "sliced_wasserstein", "no such extractor").told.endswith("raw values")


def test_made_samples_are_asked_for_by_the_labels_of_the_held_out_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "ROWS", 30)
    data = gan.digits()
    painter: Any = Painter(encoded(data, "train"))
    Judge(data, "sliced_wasserstein")(painter)
    indices, labels = painter.asked[0]
    assert indices == range(30)
    assert data.held_out.labels is not None
    assert np.array_equal(labels, data.held_out.labels[data.held_out.index[:30]])


@pytest.mark.parametrize(("metric", "message"), [("fdi", "did you mean 'fid'"), ("precision", "no metric 'precision'")])
def test_another_metric_is_refused(metric: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Judge(ring(count=20), metric)


def test_a_strangers_extractor_is_not_run() -> None:
    """The name stands in a run's settings; only --trust lets it run."""
    with pytest.raises(InputError, match=r"--trust mine\.py"):
        _ = Judge(ring(count=20), "kid", "mine.py:features").extractor
