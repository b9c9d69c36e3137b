"""Draw docs/pictures/augment.png: what a discriminator sees of twelve pictures under each policy.

    python benchmarks/augment_sheet.py PICTURES.npz KEY [--out docs/pictures/augment.png]

PICTURES.npz holds pictures [n, h, w, 4] uint8 under KEY. The sheet in the docs shows Google's Noto emoji (Apache 2.0).
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ganvas.game import Batch, Draws
from ganvas.rules.augment import Augment

COUNT = 12
ROWS = [("diffaugment", 0.0), ("diffaugment", 1.0), ("ada", 0.3), ("ada", 0.6), ("ada", 1.0)]  # p = 0: as they are


def sheet(pictures: np.ndarray) -> Image.Image:
    """A row for each policy, a column for each of the pictures [n, h, w, 3]; values beyond [-1, 1] are clipped."""
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 127.5 - 1
    batch = Batch(x, None, Draws(1, 0, np.arange(len(x)), len(x)))
    seen = torch.stack([Augment(policy, p, tuple(x.shape[1:]))(batch).x for policy, p in ROWS])  # [r, n, c, h, w]
    values = ((seen.clamp(-1, 1) + 1) * 127.5).round().byte()
    return Image.fromarray(values.permute(0, 3, 1, 4, 2).flatten(0, 1).flatten(1, 2).numpy())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("key")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/augment.png"))
    told = parser.parse_args()
    with np.load(told.pictures) as found:
        raw = found[told.key].astype(np.float32)
    some = raw[np.random.default_rng(3).permutation(len(raw))[:COUNT]]
    cover = some[..., 3:] / 255
    sheet(some[..., :3] * cover + 255 * (1 - cover)).save(told.out)
