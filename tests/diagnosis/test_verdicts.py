"""The rules of ``ganvas diagnose``: each on both sides of its thresholds, none on a healthy game, the gravest first."""

from __future__ import annotations

import pytest

from ganvas.diagnosis import verdicts as v
from ganvas.diagnosis.verdicts import RULES, as_json, findings

E = 1e-3  # a little less, a little more
HEALTHY = {"far": 0.1, "improving": 0.0, "diversity": 1.0, "auc": 0.75, "auc_lately": 0.75, "precision": 0.9}
HEALTHY |= {"precision_real": 0.9, "recall": 0.9, "coverage": 0.9, "swing": 0.0, "rows": 100.0, "scores": 21.0}
BAD = {"far": v.FAR}  # and no longer improving
BLIND = BAD | {"auc": v.LOSES, "auc_lately": v.LOSES, "scores": float(v.SEVERAL)}
SICK = {
    "divergence": {"stopped": 1.0},
    "divergence by its scores": {"far": v.NEAR, "score_size": v.HUGE + 1},
    "exploding_gradient": {"far": v.NEAR, "gradient_growth": v.GROWN},
    "memorisation": {"copies_alarm": 1.0, "copies": 0.5, "copies_expected": 0.05},
    "discriminator_overfits": {"auc_train": v.OVERFITTED, "score_train": 2.0, "score_real": 1.0, "score_fake": 0.0},
    "vanishing_gradient": BAD | {"response": v.SILENT - E, "auc": v.WINS},
    "generator_wins": BLIND,
    "mode_collapse": {"diversity": v.COLLAPSED},
    "mode_collapse by modes": {"modes": 8.0, "modes_missing": 1.0, "share_good": 0.5},
    "mode_collapse within a class": {"class_diversity": v.COLLAPSED_CLASS},
    "oscillation": BAD | {"turn_G": v.TURNED, "turn_after_G": 9.0, "stride": v.STRIDE, "wandering": v.WANDERED},
    "oscillation by its scores": {"swing": v.SWINGS, "far": v.NEAR + E},
    "discriminator_wins": BAD | {"auc": v.WINS},
    "saturated_output": {"flat": v.FLATTENED},
    "dead_units": BAD | {"dead": v.DEAD},
}
WELL_AFTER_ALL = [
    ("divergence", {"stopped": 0.0}),
    ("divergence by its scores", {"score_size": v.HUGE}),
    ("divergence by its scores", {"far": v.NEAR - E}),
    ("exploding_gradient", {"gradient_growth": v.GROWN - E}),
    ("exploding_gradient", {"far": v.NEAR - E}),
    ("memorisation", {"copies_alarm": 0.0}),
    ("discriminator_overfits", {"auc_train": v.OVERFITTED - E}),
    ("vanishing_gradient", {"response": v.SILENT}),
    ("vanishing_gradient", {"auc": v.WINS - E}),
    ("vanishing_gradient", {"far": v.FAR - E}),
    ("generator_wins", {"auc": v.LOSES + E, "auc_lately": v.LOSES + E}),
    ("generator_wins", {"far": v.FAR - E}),
    ("generator_wins", {"scores": v.SEVERAL - 1.0}),
    ("mode_collapse", {"diversity": v.COLLAPSED + E}),
    ("mode_collapse", {"auc": v.WINS}),  # all samples alike and told apart: the generator never began
    ("mode_collapse", {"improving": 1.0}),
    ("mode_collapse by modes", {"modes_missing": 0.0}),
    ("mode_collapse by modes", {"share_good": 0.5 - E}),
    ("mode_collapse within a class", {"class_diversity": v.COLLAPSED_CLASS + E}),
    ("oscillation", {"turn_G": v.TURNED + E}),
    ("oscillation", {"stride": v.STRIDE - E}),
    ("oscillation", {"wandering": v.WANDERED - E}),
    ("oscillation", {"improving": 1.0}),
    ("oscillation by its scores", {"swing": v.SWINGS - E}),
    ("oscillation by its scores", {"far": v.NEAR}),
    ("discriminator_wins", {"auc": v.WINS - E}),
    ("discriminator_wins", {"far": v.FAR - E}),
    ("discriminator_wins", {"improving": 1.0}),
    ("saturated_output", {"flat": v.FLATTENED - E}),
    ("dead_units", {"dead": v.DEAD - E}),
    ("dead_units", {"far": v.FAR - E}),
]


def named(case: str) -> str:
    return case.partition(" ")[0]


def verdicts(figures: dict[str, float]) -> list[str]:
    return [finding.verdict for finding in findings(HEALTHY | figures)]


@pytest.mark.parametrize("case", SICK)
def test_at_its_threshold_a_disease_is_named_with_evidence_and_a_proposal(case: str) -> None:
    found = next(f for f in findings(HEALTHY | SICK[case]) if f.verdict == named(case))
    assert found.action == "change"
    assert found.proposal
    assert any(character.isdigit() for character in " ".join(found.evidence))
    assert as_json(found) == {"verdict": named(case), "evidence": list(found.evidence), "proposal": found.proposal}


@pytest.mark.parametrize(("case", "change"), WELL_AFTER_ALL)
def test_beyond_its_threshold_it_is_not(case: str, change: dict[str, float]) -> None:
    assert named(case) not in verdicts(SICK[case] | change)


@pytest.mark.parametrize("figures", [{}, {"far": 0.0}, {"improving": 1.0}, {"auc": 0.5, "far": 0.05}])
def test_no_rule_fires_on_a_healthy_game(figures: dict[str, float]) -> None:
    assert [rule.__name__ for rule in RULES if rule(HEALTHY | figures)] == []
    assert len(findings(HEALTHY | figures)) == 1


def test_a_rule_needs_no_more_than_what_every_game_has() -> None:
    """A game may have no discriminator, no held-out data, no known modes: then nothing is said of them."""
    least = {"far": 0.1, "improving": 0.0, "diversity": 1.0}
    assert [f.verdict for f in findings(least)] == ["healthy"]
    assert [f.verdict for f in findings(least | {"diversity": 0.1})] == ["mode_collapse"]


def test_all_that_is_wrong_is_told_the_gravest_first() -> None:
    worst = {name: value for case in SICK.values() for name, value in case.items()}
    worst |= {"auc": 1.0, "far": 1.0, "improving": 0.0, "response": 0.0}
    told = verdicts(worst | {"auc_lately": v.LOSES})
    assert told == [rule.__name__ for rule in RULES]
    assert told[0] == "divergence"
    assert told.index("memorisation") < told.index("mode_collapse") < told.index("discriminator_wins")


def test_a_disease_is_told_instead_of_health() -> None:
    assert verdicts(SICK["saturated_output"]) == ["saturated_output"]


@pytest.mark.parametrize(
    ("figures", "verdict", "action"),
    [
        ({"auc": 0.5}, "equilibrium", "stop"),
        ({"auc": 0.69, "rows": 100.0}, "equilibrium", "stop"),  # within 0.05 + 1.5 / √100 of guessing
        ({"auc": 0.71, "rows": 100.0}, "healthy", "stop"),
        ({"auc": 0.69, "rows": 10_000.0}, "healthy", "stop"),
        ({"auc": 0.5, "improving": 1.0}, "healthy", "train_on"),
        ({"auc": 0.5, "far": 0.16}, "healthy", "train_on"),
        ({"far": 0.16}, "healthy", "train_on"),
        ({"auc": 0.5, "precision": 0.71}, "healthy", "train_on"),  # less than 0.8 × 0.9 lie where real ones do
        ({"auc": 0.5, "precision": 0.73}, "equilibrium", "stop"),
    ],
)
def test_how_well_a_healthy_game_is(figures: dict[str, float], verdict: str, action: str) -> None:
    found = findings(HEALTHY | figures)
    assert [(f.verdict, f.action) for f in found] == [(verdict, action)]
