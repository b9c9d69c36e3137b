"""Which pictures are trained on and which held out, with which labels; and the sentence that sums it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.labels import Labels
from ganvas.space import Data, Rows, hold_out
from ganvas.spaces.images.cache import Entry
from ganvas.spaces.images.columns import Columns
from ganvas.spaces.images.source import TEST, TRAIN, UNUSED, VALIDATION
from ganvas.spaces.images.space import MODES, Images

SHARE = 0.1  # held out when the data has no test split of its own


@dataclass(frozen=True)
class Wishes:
    """What the user wants of the rows."""

    flip: bool
    holdout: float | None
    seed: int
    labels: object

    def __post_init__(self) -> None:
        if self.holdout is not None and not 0 <= self.holdout < 1:
            raise InputError(f"holdout={self.holdout} is no share; give a number from 0 up to, not including, 1")


def data(name: str, entry: Entry, wishes: Wishes, fingerprint: str, origin: dict[str, Any]) -> Data:
    """The data set of decoded pictures. Raises InputError when nothing is left to learn from."""
    _, height, width, channels = entry.pixels.shape
    if height * width == 1:
        raise InputError(f"{origin['source']}: pictures of one pixel have nothing to learn; give larger ones")
    train, held, how = parts(entry.splits, wishes, origin["source"])
    made = Columns(values=entry.labels, **entry.about["columns"])
    chosen = made.choose(wishes.labels)
    values = np.ascontiguousarray(entry.labels[:, chosen]) if chosen else None
    labels = None
    if values is not None:
        labels = Labels.of([made.names[i] for i in chosen], [made.classes[i] for i in chosen], values[train])
    space = Images(height, width, channels, entry.pixels.itemsize * 8, MODES.get(channels, "N"), labels)
    report = entry.about["report"] | {"train": len(train), "held_out": len(held)}
    report["summary"] = summary(space, report, how, wishes.flip)
    return Data(
        name=name,
        space=space,
        train=Rows(entry.pixels, values, train, wishes.flip),
        held_out=Rows(entry.pixels, values, held),
        fingerprint=fingerprint,
        report=report,
        origin=origin,
    )


def parts(splits: np.ndarray, wishes: Wishes, where: str) -> tuple[np.ndarray, np.ndarray, str]:
    """(rows to train on, rows held out, how they were chosen)."""
    test, validation = np.flatnonzero(splits == TEST), np.flatnonzero(splits == VALIDATION)
    pool = np.flatnonzero(splits != UNUSED)
    if wishes.holdout is None and (len(test) or len(validation)):
        train, how = np.flatnonzero(splits == TRAIN), "test split" if len(test) else "validation split"
        held = test if len(test) else validation
        if len(test) and len(validation):
            how += f"; the {len(validation):,} of the validation split are not used"
    else:
        share = SHARE if wishes.holdout is None else wishes.holdout
        kept, out = hold_out(len(pool), share, wishes.seed)
        train, held, how = pool[kept], pool[out], "drawn at random"
        if len(test) or len(validation):
            how += ", the data's own split set aside as you gave a share"
    if not len(train):
        raise InputError(f"{where}: no picture is left to train on; give more pictures or a smaller --holdout")
    return train, held, how


def summary(space: Images, report: dict[str, Any], how: str, flip: bool) -> str:
    """One plain sentence about what was loaded."""
    bits = "" if space.bits == 8 else ", 16 bits"
    told = [f"{report['read']:,} pictures {space.height}×{space.width} {space.mode}{bits}"]
    if space.mode == "N":
        told[0] = told[0].replace(" N", f" with {space.channels} channels")
    mirrored = ", each also mirrored" if flip else ""
    told.append(f"{report['train']:,} to train on{mirrored}, {report['held_out']:,} held out ({how})")
    if space.labels:
        columns = [f"{c.name} ({len(c.classes)} classes)" if c.classes else c.name for c in space.labels.columns]
        told.append(f"labels {', '.join(columns)}")
    if report["converted"]:
        modes = ", ".join(f"{count:,} {mode}" for mode, count in report["modes"].items())
        told.append(f"{report['converted']:,} converted to {report['mode']} ({modes})")
    if report["skipped"]:
        first = report["skipped"][0]
        told.append(f"{len(report['skipped']):,} skipped, such as {first['file']} ({first['reason']})")
    if report["ignored"]:
        told.append(f"{report['ignored']:,} other files ignored")
    return "; ".join([*told, *report["notes"]])
