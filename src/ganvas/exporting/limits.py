"""What a generator is for and where it ends, said honestly from what was measured, and from what was not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ganvas.reporting.measures as measures
from ganvas.reporting.subject import Subject
from ganvas.reporting.values import percent
from ganvas.spaces.images.space import Images
from ganvas.spaces.toys import Points

FEW = 5_000  # training samples: below, a generator knows little but them
SURE = 2_048  # real samples: below, a Fréchet distance is mostly its own bias
MARGIN = 0.02  # how far a share may lie from that of real data and count as equal
USE = "Meant for research, teaching and play with samples that nobody takes for real ones."
INHERITED = "It knows nothing but its data: mistakes and prejudices of the data are in its samples too."
PUBLISHED = "Its distances are in features of {extractor}: not to be compared with published FIDs."


def limits(subject: Subject) -> list[str]:
    """Sentences on use and limits, the most pressing first; every one holds of this very generator."""
    evaluation = subject.evaluation or {}
    told = [*copying(subject), *private(subject), *(quality(evaluation) if evaluation else unknown())]
    diagnosis = subject.diagnosis or {}
    if diagnosis and diagnosis.get("verdict") not in ("healthy", "equilibrium"):
        told.append(
            f"The diagnosis of its training found {str(diagnosis.get('verdict')).replace('_', ' ')}; see above."
        )
    return [USE, *told, *size(subject), INHERITED]


def unknown() -> list[str]:
    """What must be said of a generator that nobody judged."""
    return ["Nobody has measured how good, varied or faithful to labels its samples are: `ganvas evaluate` does."]


def copying(subject: Subject) -> list[str]:
    """Whether it copies what it was trained on."""
    evaluation = subject.evaluation or {}
    memory, table = evaluation.get("memorisation"), "normalised" in evaluation
    if memory and memory.get("alarm"):
        share = percent(memory["copies"])
        return [
            f"**It copies training samples**: {share} of its samples are suspiciously close to one. Do not publish "
            "them where the data is private or belongs to others."
        ]
    if memory:
        return ["No alarm for copies of training samples was raised, which is no proof that there are none."]
    if table:
        alarms = [str(one) for one in evaluation.get("warnings") or [] if str(one).startswith("alarm")]
        return alarms or ["Its rows raised no alarm for copies, which is no proof that nobody's row leaks."]
    return ["Whether it copies training samples was not tested."]


def private(subject: Subject) -> list[str]:
    """What differential privacy guarantees of it, where it was trained with it."""
    found: Mapping[str, Any] | None = subject.run.info.get("privacy")
    if not found:
        return []
    return [
        f"Trained with differential privacy: one row more or less in the data changes the odds of any outcome by at "
        f"most e^{found.get('epsilon')} (δ = {found.get('delta')}). Nothing is promised of what many rows share."
    ]


def quality(evaluation: Mapping[str, Any]) -> list[str]:
    """What the figures say against it."""
    found, told = measures.figures(evaluation), []
    accuracy, real = found.get("label_accuracy"), measures.reference("label_accuracy", evaluation)
    if accuracy is not None and accuracy < (1.0 if real is None else real) - MARGIN:
        told.append(f"Of its samples {percent(1 - accuracy)} show another class than was asked for.")
    for name, what in (("precision", "quality"), ("recall", "variety")):
        value, real = found.get(name), measures.reference(name, evaluation)
        if value is not None and real is not None and value < real - MARGIN:
            told.append(f"It falls short in {what}: {name} is {percent(value)}, of real data {percent(real)}.")
    protocol = evaluation.get("protocol") or {}
    if "frechet_distance" in found and int(protocol.get("n_real") or 0) < SURE:
        told.append(
            f"It was judged against {protocol.get('n_real')} real samples only: read its distances beside their floor."
        )
    if "frechet_distance" in found and not str(protocol.get("extractor")).startswith("inception"):
        told.append(PUBLISHED.format(extractor=protocol.get("extractor")))
    return told


def size(subject: Subject) -> list[str]:
    """What the size of its data and of its samples means."""
    rows, space, told = (subject.run.info.get("data") or {}).get("train"), subject.run.space, []
    if rows is not None and rows < FEW:
        told.append(f"It was trained on {rows:,} samples, which are few: expect little beyond them.")
    if isinstance(space, Images):
        told.append(f"It makes {space.height}×{space.width} pixels and no other size.")
    elif isinstance(space, Points):
        told.append("It is a toy.")
    return told
