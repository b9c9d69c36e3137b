"""Do the distances rise with damage? Noise, blur and shifted colours at rising strengths, on one half of real pictures.

    python benchmarks/damage.py --data emoji.npz [--array google] [--extractor efficientnet-lite0] [--count 1000]

Protocol: pictures [n, h, w, 3 or 4] of the array, on white; two disjoint random halves of ``count``. The second half is
compared with the first as it is, and after each damage (values in [0, 1], clipped, rounded to 8 bits): normal noise of
a standard deviation; Gaussian blur of a standard deviation in pixels; red raised and blue lowered by a number. Fréchet
distance and KID of the extractor's features. "rises" says that both exceed those of the strength before; strength 0 is
the half undamaged. Appended to results/damage.csv; ends with an error if one does not rise.
"""

import argparse
from collections.abc import Callable

import numpy as np
import torch
from record import append, machine
from torch import Tensor
from torch.nn.functional import conv2d, pad

from ganvas.metrics.extractors import Extractor, colours
from ganvas.metrics.features import extractor, features
from ganvas.metrics.frechet_distance import frechet_distance
from ganvas.metrics.kid import kid
from ganvas.spaces.images import Images


def noise(x: Tensor, strength: float) -> Tensor:
    return x + strength * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))


def blur(x: Tensor, strength: float) -> Tensor:
    reach = int(3 * strength + 1)
    window = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / strength).square())
    line = (window / window.sum()).expand(3, 1, 1, -1)
    x = conv2d(pad(x, (reach, reach, reach, reach), mode="replicate"), line, groups=3)
    return conv2d(x, line.transpose(2, 3), groups=3)


def shift(x: Tensor, strength: float) -> Tensor:
    return x + strength * torch.tensor([1.0, 0.0, -1.0]).view(3, 1, 1)


DAMAGES: dict[str, tuple[Callable[[Tensor, float], Tensor], tuple[float, ...]]] = {
    "noise": (noise, (0.05, 0.1, 0.2)),
    "blur": (blur, (0.5, 1.0, 2.0)),
    "colour": (shift, (0.1, 0.2, 0.4)),
}


def looked_at(chosen: Extractor, pictures: Tensor) -> Tensor:
    """Features of pictures [n, 3, h, w], values about [0, 1]."""
    return features(chosen, [(pictures.clamp(0, 1) * 255).round().permute(0, 2, 3, 1).numpy().astype(np.uint8)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--array", default="google")
    parser.add_argument("--extractor", default="efficientnet-lite0")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with np.load(options.data) as arrays:
        order = np.random.default_rng(options.seed).permutation(len(arrays[options.array]))
        pictures = colours(arrays[options.array][order[: 2 * options.count]])
    first, second = pictures.split(options.count)
    chosen = extractor(options.extractor, Images(pictures.shape[2], pictures.shape[3], 3, 8, "RGB"))
    reference = looked_at(chosen, first)

    def compare(damage: str, strength: float, damaged: Tensor, before: tuple[float, float]) -> tuple[float, float]:
        found = looked_at(chosen, damaged)
        distance, kernel = frechet_distance(reference, found), kid(reference, found)
        row = {
            "data": options.array,
            "extractor": chosen.name,
            "count": options.count,
            "seed": options.seed,
            "damage": damage,
            "strength": strength,
            "frechet_distance": round(distance, 3),
            "kid": round(kernel.value, 5),
            "kid_standard_error": round(kernel.standard_error, 5),
            "rises": distance > before[0] and kernel.value > before[1],
            **machine(),
        }
        print(row, flush=True)
        if not options.dry:
            append("damage.csv", row)
        if not row["rises"]:
            raise SystemExit(f"{damage} {strength} is not farther than the strength before")
        return distance, kernel.value

    floor = compare("none", 0.0, second, (-np.inf, -np.inf))
    for name, (damage, strengths) in DAMAGES.items():
        before = floor
        for strength in strengths:
            before = compare(name, strength, damage(second, strength), before)


if __name__ == "__main__":
    main()
