"""What log and scores say of the way: closed forms, and no alarm for a GAN's ordinary swings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ganvas.monitors.health import GROWN, LOSES, OVERFITTED, WINS, damage, explosion, live
from ganvas.monitors.trend import improving, swing, trends


def scored(*values: float) -> list[dict[str, Any]]:
    """Lines of scores.jsonl."""
    return [{"t": 10 * i, "metric": "sliced_wasserstein", "score": v, "health": ""} for i, v in enumerate(values)]


def logged(**columns: list[float]) -> list[dict[str, Any]]:
    """Lines of log.jsonl; a dot in a name is written as two underscores."""
    names = [name.replace("__", ".") for name in columns]
    rows = zip(*columns.values(), strict=True)
    return [{"t": t, **dict(zip(names, row, strict=True))} for t, row in enumerate(rows, 1)]


# --- The way -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "better"),
    [
        ([], True),
        ([1.0, 1.0, 1.0], True),  # too few to tell
        ([1.0, 0.9, 0.8, 0.75], True),  # less than 0.95 × 0.8
        ([1.0, 0.9, 0.8, 0.77], False),
        ([1.0, 0.2, 0.5, 0.4, 0.3, 0.25], False),
        ([1.0, 0.5, 0.5, 0.5, 0.1, 0.5], True),  # the best one counts, not the last
    ],
)
def test_improving_asks_whether_the_last_third_is_clearly_better(scores: list[float], better: bool) -> None:
    assert improving(scores) is better


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([1.0, 0.8, 0.6, 0.4, 0.2, 0.1], 0.0),  # down only
        ([2.0, 0.0, 2.0, 0.0, 2.0, 0.0], 2.0),  # after the first third: up 2 in all, down 4
        ([1.0, 0.0, 0.5, 0.5, 0.7, 0.6], 0.2),
        ([1.0], 0.0),
        ([0.0, 1.0, 0.0], 0.0),
    ],
)
def test_swing_is_what_goes_up_and_comes_down_again(scores: list[float], expected: float) -> None:
    assert swing(scores) == pytest.approx(expected)


def test_trends_take_medians_of_the_ends_of_the_log() -> None:
    auc = [0.5] * 8 + [0.9, 0.7]
    grown = [1.0, 3.0] + [5.0] * 6 + [200.0, 400.0]
    found = trends(logged(D__auc=auc, D__gradient=grown, G__gradient=[1.0] * 10), scored(1, 1, 1, 1))
    assert found == {"improving": 0, "scores": 4, "swing": 0, "auc_lately": 0.8, "gradient_growth": 150}
    assert trends([], []) == {"improving": 1, "scores": 0, "swing": 0}


# --- Explosions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "alarm"),
    [
        ([401.0] * 3, True),
        ([-401.0] * 3, True),
        ([401.0, 401.0, 399.0], False),
        ([1e9, 1e9], False),  # two lines may be an accident
        ([399.0] * 3, False),
    ],
)
def test_an_explosion_is_a_hundred_times_the_largest_value_three_lines_in_a_row(
    ending: list[float], alarm: bool
) -> None:
    reason = explosion(logged(D=[4.0] * 20 + ending))
    assert bool(reason) is alarm
    assert ("D exploded" in reason and "round 21" in reason) is alarm


def test_small_figures_are_measured_against_one_and_a_young_run_by_nothing() -> None:
    assert explosion(logged(D__gradient=[1e-6] * 20 + [99.0] * 3)) == ""
    assert "D.gradient exploded" in explosion(logged(D__gradient=[1e-6] * 20 + [101.0] * 3))
    assert explosion(logged(D=[1.0] * 9 + [1e9] * 3)) == ""
    assert explosion(logged(D=[1.0] * 10 + [1e9] * 3))


def test_a_figure_that_is_no_sign_of_health_may_be_any_size() -> None:
    assert explosion(logged(D__penalty=[1.0] * 20 + [1e9] * 3)) == ""


def test_no_alarm_for_the_ordinary_swings_of_a_gan() -> None:
    """Losses between 0.1 and 10, gradients that spike to fifty times their usual size for three rounds."""
    random = np.random.default_rng(0)
    for _ in range(20):
        loss, gradient = np.exp(random.normal(0, 1, 400)), np.exp(random.normal(0, 0.7, 400))
        for start in random.integers(13, 397, 5):
            gradient[start : start + 3] *= 50
        lines = logged(D=loss.tolist(), G=(-loss).tolist(), D__gradient=gradient.tolist())
        assert not [t for t in range(13, 400) if explosion(lines[:t])]


# --- Damage --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scores", "alarm"),
    [
        ([1.0, 0.1, 0.51, 0.51], True),
        ([1.0, 0.2, 0.81, 0.81], True),
        ([1.0, 0.2, 0.79, 0.79], False),  # not four times the best
        ([1.0, 0.1, 0.49, 0.49], False),  # not half of the untrained
        ([1.0, 0.1, 0.9, 0.1], False),  # it came back
        ([1.0, 0.1, 0.9], False),  # once is an accident
        ([1.0, 0.3, 2.0, 2.0], False),  # never was good
        ([1.0, 9.0], False),
        ([], False),
    ],
)
def test_damage_is_doubtless_only(scores: list[float], alarm: bool) -> None:
    assert bool(damage(scored(*scores))) is alarm
    if alarm:
        assert "sliced wasserstein broke down" in damage(scored(*scores))


# --- While it trains -----------------------------------------------------------------------------------------------

FLAT = (1.0, 0.9, 0.9, 0.9, 0.9)


@pytest.mark.parametrize(
    ("scores", "auc", "growth", "overfit", "verdict"),
    [
        (FLAT, WINS - 0.01, GROWN, None, "healthy"),
        (FLAT, LOSES + 0.01, 1, None, "healthy"),
        (FLAT, WINS, 1, None, "discriminator_wins"),
        (FLAT, LOSES, 1, None, "generator_wins"),
        (FLAT, WINS, GROWN + 1, 0.8, "exploding_gradient"),
        (FLAT, WINS, 1, OVERFITTED + 0.01, "discriminator_overfits"),
        (FLAT, WINS, 1, OVERFITTED, "discriminator_wins"),
        (FLAT[:4], WINS, 1, None, "healthy"),  # too early
        ((1.0, 0.3, 0.3, 0.3, 0.3), 0.99, 1, None, "healthy"),  # samples are good
        ((1.0, 0.9, 0.8, 0.7, 0.6), 0.99, 1, None, "healthy"),  # and get better
        ((1.0, 0.1, 1.0, 0.1, 1.0, 0.3), 0.7, 1, None, "oscillation"),
        ((1.0, 0.1, 1.0, 0.1, 1.0, 0.2), 0.7, 1, None, "healthy"),
    ],
)
def test_live_verdicts(
    scores: tuple[float, ...], auc: float, growth: float, overfit: float | None, verdict: str
) -> None:
    log = logged(D__auc=[auc] * 10, D__gradient=[1.0] * 8 + [float(growth)] * 2)
    assert live(log, scored(*scores), overfit) == verdict
