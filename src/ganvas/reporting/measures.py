"""What the figures of an evaluation are called, which way is better, what real data scores, and who is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ganvas.reporting.values import finite, flat, number

Figures = dict[str, float]


@dataclass(frozen=True)
class Measure:
    """How to read a figure. ``real`` names the figure beside it that real data scores; ``best`` cannot be beaten."""

    title: str
    better: Literal["lower", "higher", "real", ""]  # real: as near as can be to what real data scores
    meaning: str
    real: str = ""
    best: float = 0.0


MEASURES = {
    "frechet_distance": Measure(
        "Fréchet distance",
        "lower",
        "How far apart the features of made and real samples are, in mean and spread. Lower is better; 0 is equal.",
    ),
    "frechet_infinity": Measure(
        "Fréchet distance, unbiased", "lower", "As above, extrapolated to infinitely many samples."
    ),
    "kid": Measure(
        "Kernel distance (KID)",
        "lower",
        "The same without assuming a shape, and unbiased for few samples. Lower is better; 0 is equal.",
    ),
    "sliced_wasserstein": Measure(
        "Sliced Wasserstein distance", "lower", "Mean distance along random directions of raw values. Lower is better."
    ),
    "precision": Measure(
        "Precision", "higher", "Share of made samples that lie where real ones do: quality. Higher is better."
    ),
    "recall": Measure(
        "Recall", "higher", "Share of real samples that lie where made ones do: variety. Higher is better."
    ),
    "density": Measure(
        "Density",
        "higher",
        "How thickly made samples lie among real ones: quality, steadier than precision. 1 is equal.",
    ),
    "coverage": Measure(
        "Coverage", "higher", "Share of real samples with a made one close by: variety, steadier than recall."
    ),
    "diversity": Measure(
        "Spread of samples", "higher", "How different two samples are, as a share of two real ones. 1 is equal."
    ),
    "inception_score": Measure(
        "Inception score",
        "higher",
        "Sure of each sample's class, and all classes there. At most the number of classes.",
    ),
    "mode_score": Measure(
        "Mode score", "higher", "As above, and classes as frequent as in real data. Higher is better."
    ),
    "label_accuracy": Measure(
        "Label accuracy", "higher", "Share of samples that a classifier reads as the class that was asked for."
    ),
    "classifier_accuracy": Measure(
        "Classification accuracy score",
        "higher",
        "Accuracy on real data of a classifier taught by made samples alone; beside it, taught by real.",
        "classifier_accuracy_real",
    ),
    "intra_class_frechet_distance": Measure(
        "Fréchet distance within classes", "lower", "The mean over classes: catches variety lost inside a class."
    ),
    "ms_ssim": Measure(
        "Likeness of pairs (MS-SSIM)",
        "real",
        "How alike two samples of a class are. Above real data: too little variety.",
        "ms_ssim_real",
    ),
    "lpips": Measure(
        "Difference of pairs (LPIPS)",
        "real",
        "How different two samples look to a network. Below real data: too little variety.",
        "lpips_real",
    ),
    "realism": Measure("Realism", "higher", "How deep samples lie among real ones. From 1 on they are inside."),
    "modes.covered": Measure("Modes found", "higher", "Modes of the data that have samples."),
    "modes.share_good": Measure("Samples on a mode", "higher", "Share of samples that belong to a mode at all."),
    "modes.reverse_kl": Measure(
        "Balance of modes (reverse KL)", "lower", "How unevenly samples spread over the modes. 0 is even."
    ),
    "memorisation.copies": Measure(
        "Copies of training samples",
        "",
        "Share of made samples suspiciously close to a training sample; beside it, of real samples never trained on.",
        "memorisation.expected",
    ),
    "memorisation.p_value": Measure(
        "Chance of so many copies", "", "Were nothing memorised, so many copies would come up this often."
    ),
    "memorisation.authenticity": Measure(
        "Authenticity",
        "",
        "Share of samples that are not nearer to a training sample than its own neighbour is.",
        "memorisation.authenticity_held_out",
    ),
    "memorisation.c_t": Measure(
        "Copying test (C_T)", "", "Far below 0, samples lie nearer to the training data than new real ones do."
    ),
    "quality": Measure(
        "Quality", "higher", "How alike columns and pairs of columns are distributed: the mean of the next two."
    ),
    "shapes": Measure("Columns", "higher", "How alike each column is distributed. 1 is equal."),
    "trends": Measure("Pairs of columns", "higher", "How alike two columns go together. 1 is equal."),
    "c2st": Measure(
        "Detection (C2ST)",
        "lower",
        "How often boosted trees rank a real row above a made one: 0.5 is guessing, 1 is certain.",
        best=0.5,
    ),
    "tstr": Measure(
        "Learnt from made, judged by real rows (TSTR)",
        "higher",
        "What a model of the target is worth that saw made rows only: R² of a number, ROC AUC of classes.",
    ),
    "trts": Measure(
        "Learnt from real, judged by made rows (TRTS)",
        "real",
        "Whether made rows obey what real ones teach. Above real rows: they are simpler.",
    ),
    "dcr_share": Measure(
        "Nearer to training rows",
        "lower",
        "Share of made rows nearer to a training row than to as many others (DCR share). 0.5 is right.",
        best=0.5,
    ),
    "copies": Measure("Exact copies", "lower", "Share of made rows that equal a training row in every column."),
    "membership": Measure(
        "Membership inference, by distance",
        "lower",
        "How often a training row lies nearer to a made row than another real row does. 0.5 is right.",
        best=0.5,
    ),
    "membership_density": Measure(
        "Membership inference, by density",
        "lower",
        "The same, by the distance to made rows as a share of that to real rows the attacker knows. 0.5 is right.",
        best=0.5,
    ),
    "attribute_gain": Measure(
        "Attribute inference",
        "lower",
        "How much more often a column of training rows is guessed from made rows than from real ones. 0 is right.",
    ),
}
SCORES = ("quality", "shapes", "trends", "c2st", "tstr", "trts")  # of tables
PRIVACY = ("dcr_share", "copies", "membership", "membership_density", "attribute_gain")
BESIDE = {m.real for m in MEASURES.values()} | {"modes.of"}  # figures that stand beside others
APART = (  # parts of an evaluation that are no figures
    *("noise_floor", "ceiling", "floor", "normalised", "classes", "protocol"),
    *("columns", "pairs", "examples"),
)


def figures(evaluation: Mapping[str, Any] | None) -> Figures:
    """The numbers of an evaluation by name, those of a group as ``modes.covered``."""
    told = {k: v for k, v in (evaluation or {}).items() if k not in APART}
    return {name: v for name, v in flat(told).items() if isinstance(v, int | float) and finite(v)}


def floors(evaluation: Mapping[str, Any] | None) -> Figures:
    """What two samples of real data score against each other, by the same names."""
    return figures((evaluation or {}).get("noise_floor") or (evaluation or {}).get("ceiling"))


def bottom(evaluation: Mapping[str, Any] | None) -> Figures:
    """The floor of the figures of a table, by the same names."""
    return figures((evaluation or {}).get("floor"))


def places(evaluation: Mapping[str, Any] | None) -> Figures:
    """Where scores of a table stand between independent columns (0) and real rows (1), by the same names."""
    return figures((evaluation or {}).get("normalised"))


def measure(name: str) -> Measure:
    """How to read a figure; unknown ones are shown under their own name."""
    return MEASURES.get(name) or Measure(name.replace("_", " ").replace(".", ": "), "", "")


def rows(evaluations: Sequence[Mapping[str, Any] | None]) -> list[str]:
    """The names of all measures in the evaluations: known ones in their order, then the others."""
    found = dict.fromkeys(name for evaluation in evaluations for name in figures(evaluation))
    others = [n for n in found if n not in MEASURES and n not in BESIDE and not n.endswith("_standard_error")]
    return [name for name in MEASURES if name in found] + others


def written(name: str, found: Figures) -> str:
    """A figure with what belongs to it: its standard error, or out of how many."""
    tail = ""
    if f"{name}_standard_error" in found:
        tail = f" ± {found[f'{name}_standard_error']:.2g}"
    if name == "modes.covered" and "modes.of" in found:
        tail = f" of {number(found['modes.of'])}"
    return number(found.get(name)) + tail


def reference(name: str, evaluation: Mapping[str, Any] | None) -> float | None:
    """What real data scores: the noise floor, or the figure of real data that stands beside."""
    return floors(evaluation).get(name, figures(evaluation).get(measure(name).real))


def shortfall(name: str, evaluation: Mapping[str, Any] | None) -> float | None:
    """How far a figure falls short of real data, 0 or more: better than real data is no better than real data.

    Without a reference, how far below any other. None when the figure is missing or has no better side.
    """
    value, real, better = figures(evaluation).get(name), reference(name, evaluation), measure(name).better
    if value is None or not better or (better == "real" and real is None):
        return None
    if better == "higher":
        return -value if real is None else max(0.0, real - value)
    gap = value - (real or 0.0)
    return abs(gap) if better == "real" else max(0.0, gap)


def best(name: str, evaluations: Sequence[Mapping[str, Any] | None]) -> list[bool]:
    """Which runs are best by a measure. None when all are equal, or fewer than two were measured.

    Distances that differ by less than the noise floor, or by two standard errors, count as equal.
    """
    gaps = [shortfall(name, evaluation) for evaluation in evaluations]
    known = [gap for gap in gaps if gap is not None]
    if len(known) < 2:
        return [False] * len(gaps)
    margin = max(noise(name, evaluation) for evaluation in evaluations)
    marked = [gap is not None and gap <= min(known) + margin for gap in gaps]
    return marked if sum(marked) < len(known) else [False] * len(gaps)


def noise(name: str, evaluation: Mapping[str, Any] | None) -> float:
    """The difference of two figures that means nothing."""
    error = figures(evaluation).get(f"{name}_standard_error", 0.0)
    distance = measure(name).better == "lower"
    least = measure(name).best
    return max(2.0 * error, floors(evaluation).get(name, least) - least if distance else 0.0)
