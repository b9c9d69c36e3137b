"""The picture that a memorisation score cannot replace: made samples above the training samples nearest to them."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ganvas.evaluation.samples import Samples
from ganvas.metrics.memorisation import Memorisation
from ganvas.monitors.samples import titled
from ganvas.space import Space

SHOWN = 10  # the made samples that look most like copies


def neighbours(made: Samples, train: Samples, memory: Memorisation) -> Image.Image | None:
    """The most suspicious made samples, each above its nearest training sample; None when they are no pictures."""
    space = made.space
    if space is None or len(space.shape) != 3:
        return None
    suspects = np.argsort(memory.ratio.numpy(), kind="stable")[:SHOWN]
    ours = np.concatenate([made.read(int(i), int(i) + 1)[0] for i in suspects])
    theirs = np.concatenate([train.read(int(i), int(i) + 1)[0] for i in memory.nearest.numpy()[suspects]])
    return titled(space.show(np.concatenate([ours, theirs]), len(suspects)), marks(space, memory, suspects))


def marks(space: Space, memory: Memorisation, suspects: np.ndarray) -> list[str]:
    """Of each pair the distance as a share of that to the third nearest, where there is room: low is suspicious."""
    if space.shape[2] < 24:
        return [""] * len(suspects)
    return [f"{float(memory.ratio[int(i)]):.3g}" for i in suspects]
