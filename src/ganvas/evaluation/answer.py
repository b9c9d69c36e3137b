"""One evaluation: made samples against real ones, with the floor that real ones reach, and the protocol of it all."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ganvas.errors import InputError
from ganvas.evaluation.copies import SEEN, small, views
from ganvas.evaluation.figures import PICTURES, by_class, measure, read_as_asked
from ganvas.evaluation.look import classes_of, look
from ganvas.evaluation.looks import Look
from ganvas.evaluation.samples import Samples, halves, part
from ganvas.metrics.extractors import Extractor, colours, unit
from ganvas.metrics.lpips import diversity as lpips_diversity
from ganvas.metrics.memorisation import Memorisation, memorisation
from ganvas.metrics.mode_coverage import mode_coverage
from ganvas.metrics.ms_ssim import similarity
from ganvas.run import Run
from ganvas.space import Data
from ganvas.spaces.toys import Points
from ganvas.version import __version__

LEAST = 12  # samples of each kind: two halves for the floor, with five neighbours in each
FEW = 1000  # samples below which the Fréchet distance is mostly bias
NEEDED = 10  # training samples, at the least, to speak of copies
SEARCHED = 20_000  # training samples in which copies are looked for
PAIRED = 1000  # pictures from which pairs are drawn
ASKED = 1000  # made samples that are asked whether they are copies


@dataclass(frozen=True)
class Question:
    """What is compared, and how: ``fake`` against ``real`` by ``wanted`` measures through ``extractor``.

    ``data`` is what the generator was trained on, when it is known: it gives the floor and what could be copied.
    """

    fake: Samples
    real: Samples
    extractor: Extractor | None
    wanted: Sequence[str]
    seed: int = 0
    data: Data | None = None

    @property
    def unseen(self) -> bool:
        """Whether the real samples are rows that were held out of a training."""
        return self.real.key[1:2] == ("held-out",)


@dataclass(frozen=True)
class Answer:
    """Figures with their protocol, as plain JSON; and which training samples the asked ones are nearest to."""

    figures: dict[str, Any]
    memory: Memorisation | None = None
    train: Samples | None = None


def answer(question: Question) -> Answer:
    """Look, measure, compare with the floor. Raises InputError for samples that cannot be compared."""
    began = time.perf_counter()
    check(question)
    real, fake = look(question.real, question.extractor), look(question.fake, question.extractor)
    if real.x.shape[1] != fake.x.shape[1]:
        raise InputError(f"features of {real.x.shape[1]} and {fake.x.shape[1]} numbers cannot be compared")
    found: dict[str, Any] = {"of": question.fake.name, "against": question.real.name}
    found |= measure(real, fake, question.wanted, question.seed)
    floor, made_of = noise_floor(question, real, len(fake))
    if "labels" in question.wanted:  # a classifier may have learnt from the training samples: read the held-out ones
        floor |= dict(read_as_asked(real, real))
    found["noise_floor"] = floor
    found |= modes(question) | likeness(question)
    memory, train = memory_of(question)
    if memory is not None:
        found["memorisation"] = told(memory)
    if question.fake.classes and question.fake.classes == question.real.classes:
        found["classes"] = by_class(real, fake, question.real.classes, question.wanted, question.seed)
    found["warnings"] = warnings(real, fake, found, halved="half" in made_of)
    found["protocol"] = protocol(question, real, fake) | {"noise_floor": made_of}
    if train is not None:
        how = SEEN if real_pictures(question) else "values"
        found["protocol"]["memorisation"] = f"{how}; {train.count:,} training samples searched"
    found["protocol"]["seconds"] = round(time.perf_counter() - began, 1)
    return Answer(found, memory, train)


def check(question: Question) -> None:
    """Raise InputError when the two sets cannot be compared."""
    for samples in (question.fake, question.real):
        if samples.count < LEAST:
            raise InputError(f"{samples.name} holds {samples.count} samples; {LEAST} are needed, 1,000 are better")
    ours, theirs = question.fake.space, question.real.space
    if ours is not None and theirs is not None and len(ours.shape) != len(theirs.shape):
        raise InputError(
            f"{question.fake.name} {list(ours.shape)} and {question.real.name} {list(theirs.shape)} differ"
        )
    if ours is not None and theirs is not None and len(ours.shape) == 3 and ours.shape[0] != theirs.shape[0]:
        raise InputError(
            f"{question.fake.name} has {ours.shape[0]} channels and {question.real.name} {theirs.shape[0]}; "
            "convert one of them, or give an --extractor FILE.py:NAME that takes both"
        )


def noise_floor(question: Question, real: Look, count: int) -> tuple[dict[str, float], str]:
    """What other real samples reach against the same ones: the figures of a perfect generator; and how it was made."""
    if question.data is not None and question.unseen:
        others = part(question.data, "train", count, question.seed)
        how = f"{others.count:,} training samples against the same held-out ones"
        return measure(real, look(others, question.extractor), question.wanted, question.seed), how
    first, second = halves(question.real, question.seed)
    how = f"one half of {question.real.name} ({len(first):,}) against the other"
    return measure(real.rows(second), real.rows(first), question.wanted, question.seed), how


def modes(question: Question) -> dict[str, Any]:
    """Which modes of a mixture whose density is known the made samples cover."""
    space = question.fake.space
    if "modes" not in question.wanted or type(space) is not Points:
        return {}
    places, good = space.modes(question.fake.read(0, question.fake.count)[0])
    covered = mode_coverage(torch.from_numpy(places), torch.from_numpy(good), len(space.centres))
    return {"modes": covered._asdict()}


def real_pictures(question: Question) -> bool:
    """Whether pictures are judged."""
    return question.real.space is not None and len(question.real.space.shape) == 3


def likeness(question: Question) -> dict[str, float]:
    """How alike two samples of a class look, made ones and real ones: MS-SSIM, and LPIPS, where low is alike."""
    found = {}
    for name in [name for name in PICTURES if name in question.wanted]:
        for samples, tail in ((question.fake, ""), (question.real, "_real")):
            raw, labels = samples.read(0, min(PAIRED, samples.count))
            if raw.ndim != 4:
                raise InputError(f"{name} looks at pictures; {samples.name} holds none")
            numbers = classes_of(labels) if samples.classes else None
            if name == "lpips":
                found[name + tail] = lpips_diversity(2 * colours(raw) - 1, numbers, seed=question.seed).value
            else:
                found[name + tail] = similarity(unit(raw), numbers, seed=question.seed)
    return found


def memory_of(question: Question) -> tuple[Memorisation | None, Samples | None]:
    """Whether made samples are copies of training samples, when those are known and there are held-out ones."""
    if "memorisation" not in question.wanted or question.data is None or not question.unseen:
        return None, None
    train = part(question.data, "train", SEARCHED, question.seed)
    if train.count < NEEDED:
        return None, None
    theirs, ours = views(question.real, ASKED), views(question.fake, ASKED)
    return memorisation(small(train), theirs, ours, seed=question.seed), train


def told(memory: Memorisation) -> dict[str, Any]:
    """The memory's figures as JSON."""
    names_ = ("copies", "expected", "p_value", "alarm", "authenticity", "authenticity_held_out", "c_t")
    return {name: getattr(memory, name) for name in names_}


def warnings(real: Look, fake: Look, found: dict[str, Any], halved: bool) -> list[str]:
    """What the reader must know before quoting a figure."""
    few, d = min(len(real), len(fake)), real.x.shape[1]
    said = []
    if few < FEW and "frechet_distance" in found:
        said.append(f"With {few:,} samples the Fréchet distance is mostly bias; compare it with its floor, or read KID")
    elif few <= d and "frechet_distance" in found:
        said.append(
            f"{few:,} samples of {d:,} features: fewer than dimensions, so read KID beside the Fréchet distance"
        )
    if halved and "frechet_distance" in found:
        said.append("The floor is of halves, and fewer samples mean more bias: its Fréchet distance is too high")
    if found.get("memorisation", {}).get("alarm"):
        said.append("Samples look like copies of training samples: see memorisation")
    return said


def protocol(question: Question, real: Look, fake: Look) -> dict[str, Any]:
    """Everything needed to make the figures again, and to know whether two may be compared."""
    chosen = question.extractor
    return {
        "extractor": chosen.name if chosen else "features as given",
        "origin": chosen.origin if chosen else None,
        "resizer": chosen.resizer if chosen else None,
        "dimensions": real.x.shape[1],
        "n_real": len(real),
        "n_fake": len(fake),
        "real": question.real.name,
        "fingerprint": question.real.key[0] if question.real.key else None,
        "split": question.real.key[1] if question.real.key else None,
        "seed": question.seed,
        "metrics": list(question.wanted),
        "versions": {"ganvas": __version__, "torch": torch.__version__, "numpy": np.__version__},
        "machine": {"threads": torch.get_num_threads(), "python": platform.python_version()},
    }


def made(run: Run, count: int, seed: int = 0) -> Samples:
    """``count`` samples of a run's generator, with labels drawn as in its training data."""
    return Samples(str(run.path), count, run.space, lambda start, stop: run.samples(range(start, stop), seed))
