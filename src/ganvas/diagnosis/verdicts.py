"""From figures to verdicts: one short rule each, with its evidence in words and what to do about it.

Every rule asks first whether there is harm: a game may rotate, rank perfectly or lose units, and still be well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ganvas.monitors.health import GROWN, LOSES, OVERFITTED, SWINGS, WINS

Figures = Mapping[str, float]
Action = Literal["train_on", "stop", "change"]

CLEAN = 0.8  # precision as a share of that of real samples
FAR, NEAR = 0.3, 0.15  # of the way from real samples to an untrained generator: bad, good
COLLAPSED, COLLAPSED_CLASS = 0.5, 0.4  # diversity as a share of the real one
SEVERAL = 6  # checkpoints: the game is no longer young
SILENT = 0.05  # change of the generator's loss for a change of the scores by one
HUGE = 1e3  # a score's size
TURNED, STRIDE, WANDERED = -0.2, 0.05, 3.0  # cosine of gradients; step as a share of the data's spread; way / distance
DEAD, FLATTENED = 0.8, 0.3  # share of a layer's units; share of values beyond what real samples have


@dataclass(frozen=True)
class Finding:
    """A verdict, the figures that speak for it in words, and what to do."""

    verdict: str
    evidence: tuple[str, ...]
    proposal: str
    action: Action = "change"


def harmed(f: Figures) -> bool:
    """Whether samples are bad and no longer get better."""
    return f["far"] >= FAR and not f["improving"]


def distance_told(f: Figures) -> str:
    """How far samples are from real ones."""
    if f["far"] > 1:
        return f"samples are {f['far']:.1f} times as far from real ones as those of an untrained generator"
    return f"samples have come {1 - f['far']:.0%} of the way from an untrained generator to real ones"


def divergence(f: Figures) -> Finding | None:
    """The game broke down: a run that had to stop, or scores of thousands with bad samples."""
    if f.get("stopped"):
        why = "training stopped because the game broke down"
    elif f.get("score_size", 0.0) > HUGE and f["far"] >= NEAR:
        why = f"half of the discriminator's scores are beyond {f['score_size']:.3g}"
    else:
        return None
    return Finding(
        "divergence",
        (why, distance_told(f)),
        "use a learning rate ten times smaller (--lr), bound gradients (--clip 1), or train with "
        "--on-divergence rollback",
    )


def exploding_gradient(f: Figures) -> Finding | None:
    """Gradients have grown by orders of magnitude, and samples are bad."""
    growth = f.get("gradient_growth", 1.0)
    if growth < GROWN or f["far"] < NEAR:
        return None
    return Finding(
        "exploding_gradient",
        (f"gradients are {growth:,.0f} times what they were early on", distance_told(f)),
        "bound the discriminator's slope: a game with a penalty (r3gan, wgan_gp), a larger gamma, or --clip 1",
    )


def vanishing_gradient(f: Figures) -> Finding | None:
    """The discriminator is sure, and its answers no longer tell the generator where to go."""
    silent = f.get("response", 1.0) < SILENT
    if not (silent and f.get("auc", 0.5) >= WINS and f["far"] >= FAR):
        return None
    return Finding(
        "vanishing_gradient",
        (
            f"if all scores of made samples rose by 1, the generator's loss would change by {f['response']:.2g} only",
            f"the discriminator ranks {f['auc']:.1%} of pairs rightly",
        ),
        "use a loss that does not saturate (--loss non_saturating, or game r3gan), fewer --discriminator-moves",
    )


def discriminator_wins(f: Figures) -> Finding | None:
    """The discriminator tells nearly every pair apart, and samples no longer get better."""
    if not (f.get("auc", 0.5) >= WINS and harmed(f)):
        return None
    return Finding(
        "discriminator_wins",
        (f"the discriminator scores the real sample higher in {f['auc']:.1%} of pairs", distance_told(f)),
        "give the generator more width or a larger learning rate, the discriminator less, or a penalty (r3gan's gamma)",
    )


def generator_wins(f: Figures) -> Finding | None:
    """The discriminator cannot tell samples that are plainly bad from real ones: it teaches nothing."""
    lately = f.get("auc_lately", f.get("auc", 1.0))
    if not (lately <= LOSES and f["far"] >= FAR and f.get("scores", 0.0) >= SEVERAL):
        return None
    return Finding(
        "generator_wins",
        (
            f"of late the discriminator scores the real sample higher in only {lately:.1%} of pairs (50 % is guessing)",
            distance_told(f),
        ),
        "give the discriminator more width or depth, a larger learning rate or more moves a round; check that real "
        "samples are told from made ones in its loss",
    )


def mode_collapse(f: Figures) -> Finding | None:
    """Made samples are much more alike than real ones, or modes are missing, overall or within a class."""
    least = f.get("class_diversity", 1.0)
    missing = f.get("modes_missing", 0.0) if f.get("share_good", 0.0) >= 0.5 else 0.0
    alike = f["diversity"] <= COLLAPSED and f.get("auc", 0.5) < WINS
    if f["improving"] or not (alike or missing or least <= COLLAPSED_CLASS):
        return None
    said = [f"two made samples differ by {f['diversity']:.0%} of what two real ones do"]
    if missing:
        said.append(f"{missing:.0f} of {f['modes']:.0f} modes are never made")
    if least <= COLLAPSED_CLASS:
        said.append(f"within one class, by {least:.0%}")
    if "coverage" in f:
        said.append(f"{f['coverage']:.0%} of held-out samples have a made one near")
    return Finding(
        "mode_collapse",
        tuple(said),
        "use a game that compares pairs and penalises both sides (r3gan), a smaller learning rate, a larger batch",
    )


def oscillation(f: Figures) -> Finding | None:
    """The players circle: gradients come back reversed, samples move far and get nowhere."""
    turn = min((value for name, value in f.items() if name.startswith("turn_") and "after" not in name), default=0.0)
    moving = f.get("stride", 0.0) >= STRIDE and f.get("wandering", 1.0) >= WANDERED
    circling, swinging = turn <= TURNED and moving and harmed(f), f.get("swing", 0.0) >= SWINGS and f["far"] > NEAR
    if not (circling or swinging):
        return None
    said = [distance_told(f)]
    if circling:
        said.append(f"gradients some rounds apart point against each other (cosine {turn:.2f})")
        said.append(f"samples moved {f['wandering']:.0f} times as far as they got")
    if swinging:
        said.append(f"the score went up and down by {f['swing']:.1f} times that of an untrained generator")
    return Finding(
        "oscillation",
        tuple(said),
        "no momentum (beta1 = 0), a smaller learning rate, a penalty on the discriminator's slope (r3gan, wgan_gp)",
    )


def discriminator_overfits(f: Figures) -> Finding | None:
    """The discriminator knows the training samples by heart: it scores them above held-out real ones."""
    if f.get("auc_train", 0.5) < OVERFITTED:
        return None
    between = (f["score_train"] - f["score_real"]) / max(f["score_train"] - f["score_fake"], 1e-12)
    return Finding(
        "discriminator_overfits",
        (
            f"it scores a training sample above a held-out real one in {f['auc_train']:.0%} of pairs (50 % is right)",
            f"held-out samples lie {between:.0%} of the way from training samples to made ones",
        ),
        "more data, mirrored data (--flip), augmentation, a smaller discriminator, or an earlier checkpoint",
    )


def memorisation(f: Figures) -> Finding | None:
    """Made samples are copies of training samples."""
    if not f.get("copies_alarm"):
        return None
    return Finding(
        "memorisation",
        (
            f"{f['copies']:.1%} of made samples look like copies of a training sample; of held-out real ones "
            f"{f['copies_expected']:.1%}",
        ),
        "do not publish this generator; train with more data, or stop earlier",
    )


def saturated_output(f: Figures) -> Finding | None:
    """Values stick to the ends of their range, where no gradient passes."""
    if f.get("flat", 0.0) < FLATTENED:
        return None
    return Finding(
        "saturated_output",
        (f"{f['flat']:.0%} more of the values than in real samples lie at the ends of their range",),
        "use a smaller learning rate for the generator; begin again, for saturated weights rarely recover",
    )


def dead_units(f: Figures) -> Finding | None:
    """Most units of a layer of the generator pass no gradient, and samples are bad."""
    if not (f.get("dead", 0.0) >= DEAD and f["far"] >= FAR):
        return None
    return Finding(
        "dead_units",
        (f"through {f['dead']:.0%} of the units of one layer of the generator no gradient came in any round",),
        "use a smaller learning rate or a norm in the generator; begin again, for dead units stay dead",
    )


RULES: tuple[Callable[[Figures], Finding | None], ...] = (
    divergence,
    exploding_gradient,
    memorisation,
    discriminator_overfits,
    vanishing_gradient,
    mode_collapse,
    generator_wins,
    oscillation,
    discriminator_wins,
    saturated_output,
    dead_units,
)


def findings(f: Figures) -> list[Finding]:
    """All that is wrong, the gravest first; or one Finding that says how well the game is and whether to go on."""
    found = [finding for rule in RULES if (finding := rule(f)) is not None]
    return found or [well(f)]


def well(f: Figures) -> Finding:
    """Nothing is wrong: equilibrium, or healthy and still improving, or healthy and as good as it gets."""
    clean, real = f.get("precision", 1.0), f.get("precision_real", 1.0)
    told, good = distance_told(f), f["far"] <= NEAR and clean >= CLEAN * real
    noise = 0.05 + 1.5 / max(f.get("rows", 100.0), 1.0) ** 0.5
    if good and not f["improving"] and abs(f.get("auc", 1.0) - 0.5) <= noise:
        said = f"the discriminator ranks {f['auc']:.1%} of pairs rightly: guessing, within noise"
        return Finding("equilibrium", (said, told, "the score of the checkpoints is flat"), "stop now", "stop")
    if f["improving"]:
        return Finding("healthy", (told, "the score of the checkpoints still improves"), "train on", "train_on")
    if good:
        return Finding(
            "healthy",
            (told, "the score of the checkpoints is flat"),
            "stop now: more of the same will not help",
            "stop",
        )
    said = "no disease is seen, but samples are not good yet"
    if f["far"] <= NEAR:
        said = f"{clean:.0%} of samples lie where real ones do; of other real samples {real:.0%}"
    return Finding("healthy", (told, said), "train on, later with a smaller learning rate", "train_on")


def as_json(finding: Finding) -> dict[str, Any]:
    """Plain JSON."""
    return {"verdict": finding.verdict, "evidence": list(finding.evidence), "proposal": finding.proposal}
