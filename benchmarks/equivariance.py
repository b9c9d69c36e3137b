"""How well pictures move with a network's input: StyleGAN2 against StyleGAN3.

    python benchmarks/equivariance.py [--data emoji64_google_twitter.npz --seen 2400] [--seeds 3] [--dry]

Protocol (Karras et al. 2021, arXiv:2106.12423, section 3): the input of the synthesis is moved by up
to 1/8 of the picture in both directions and the new picture compared with the old one, moved as much, where both show
the same. Decibels: 10 log10(2² / mean squared error), pictures scaled to a standard deviation of 1/2, as in values
from -1 to 1. "whole" is EQ-T, by whole pixels; "fraction" moves by any fraction of them, and the old picture by
interpolation with a windowed sinc of 8 taps. StyleGAN3 moves its Fourier features; StyleGAN2 its learnt constant, by
interpolation with its discrete Fourier transform, and its noise is left out. Generators of about the same size make
256 pictures 32×32 RGB. Without --data their weights are random; with it they learn 3,786 emoji of one font from its
array "google". One line for each net and seed is appended to results/equivariance.csv.
"""

import argparse
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from record import append, machine
from torch import Tensor, nn

import ganvas as gan
from ganvas.nets import stylegan2, stylegan3
from ganvas.space import Data

SIZE, REACH, COUNT, TAPS = 32, 4, 256, 8
WIDE = {"latent": 64, "width": 8, "most": 64, "mapping": 2}
NETS = {"stylegan2": {**WIDE}, "stylegan3": {**WIDE, "layers": 7, "margin": 6}}
TRAINING = {"game": "gan", "r1": 1.0, "lazy": 8, "lr": 2e-3, "batch": 16, "checkpoint_every": 10_000}


@dataclass(frozen=True)
class Pictures:
    """A space that is only a shape."""

    shape: tuple[int, int, int] = (3, SIZE, SIZE)
    labels: None = None


def moved(x: Tensor, way: Tensor) -> Tensor:
    """Pictures [n, c, h, w], each moved down and to the right by ``way`` [n, 2] pixels; what comes in is nonsense."""
    for axis in (0, 1):
        whole = way[:, axis].floor()
        places = torch.arange(TAPS) - TAPS // 2 + 1 - (way[:, axis] - whole)[:, None]  # [n, taps]
        window = torch.special.i0(6 * (1 - (2 * places / TAPS).clamp(-1, 1) ** 2).sqrt())
        taps = torch.sinc(places) * window
        shape = (len(x), 1, TAPS, 1) if axis == 0 else (len(x), 1, 1, TAPS)
        kernel = (taps / taps.sum(1, keepdim=True)).view(shape).repeat_interleave(x.shape[1], 0)
        padding = (TAPS // 2, 0) if axis == 0 else (0, TAPS // 2)
        flat = nn.functional.conv2d(x.flatten(0, 1)[None], kernel.flip(2 + axis), padding=padding, groups=len(kernel))
        rows = flat.view(*x.shape[:2], *flat.shape[2:])[:, :, :SIZE, :SIZE]
        x = torch.stack([row.roll(int(k), 1 + axis) for row, k in zip(rows, whole, strict=True)])
    return x


def decibels(still: Tensor, new: Tensor, way: Tensor, border: int) -> float:
    """Peak signal-to-noise ratio of pictures ``new`` against ``still``, moved, without a border."""
    inside = slice(border, -border)
    error = ((new - moved(still, way)) / (2 * still.std()))[:, :, inside, inside].square().mean()
    return round(float(10 * torch.log10(2**2 / error)), 2)


def around(start: Tensor, way: Tensor) -> Tensor:
    """The constant [c, h, w] moved by ``way`` [2] of its own pixels, around its border."""
    down, right = (torch.fft.fftfreq(n) * n for n in start.shape[1:])
    turn = down[:, None] * way[0] / start.shape[1] + right * way[1] / start.shape[2]
    return torch.fft.ifft2(torch.fft.fft2(start) * torch.exp(-2j * math.pi * turn)).real


@torch.no_grad()
def pictures(G: stylegan2.Generator | stylegan3.Generator, w: Tensor, way: Tensor) -> Tensor:
    """Pictures [n, 3, 32, 32] from an input that is moved by ``way`` [n, 2] pixels."""
    if isinstance(G, stylegan3.Generator):
        return torch.cat([G.make(a, b) for a, b in zip(w.split(32), way.split(32), strict=True)])
    kept, made = G.start.clone(), []
    for one, step in zip(w, way * kept.shape[1] / SIZE, strict=True):
        G.start.copy_(around(kept, step))
        made.append(G.make(one[None]))
    G.start.copy_(kept)
    return torch.cat(made)


def measure(G: stylegan2.Generator | stylegan3.Generator, seed: int) -> dict[str, float]:
    """Decibels of both kinds."""
    torch.manual_seed(1000 + seed)
    G.eval().requires_grad_(False)
    for part in G.modules():
        if isinstance(part, stylegan2.Styled):
            part.strength.zero_()
    w = G.map(torch.randn(COUNT, G.latent))
    still, found = pictures(G, w, torch.zeros(COUNT, 2)), {}
    whole = torch.randint(-REACH, REACH + 1, (COUNT, 2)).float()
    fraction = REACH * (2 * torch.rand(COUNT, 2) - 1)
    found["whole_db"] = decibels(still, pictures(G, w, whole), whole, REACH)
    found["fraction_db"] = decibels(still, pictures(G, w, fraction), fraction, REACH + TAPS // 2)
    return found


def emoji(source: Path, place: Path) -> Data:
    """Emoji of one font [3786, 32, 32, 3], on white."""
    with np.load(source) as found:
        colour, alpha = found["google"][..., :3] / 255, found["google"][..., 3:] / 255
    pictures = colour * alpha + 1 - alpha
    pictures = pictures.reshape(len(pictures), SIZE, 2, SIZE, 2, 3).mean((2, 4))
    np.savez(place / "emoji.npz", images=(255 * pictures).round().astype(np.uint8))
    return gan.images(place / "emoji.npz", cache=place / "cache")


def trained(name: str, seed: int, data: Data, seen: int, place: Path) -> nn.Module:
    """The averaged generator's network after ``seen`` pictures."""
    settings = {"run": place / f"{name}_{seed}", "seed": seed, "seen": seen, "quiet": True}
    return gan.train(data, net=name, **settings, **TRAINING, **NETS[name]).generator.net


def fresh(name: str, seed: int) -> nn.Module:
    """A network with random weights."""
    torch.manual_seed(seed)
    return {"stylegan2": stylegan2, "stylegan3": stylegan3}[name].Generator(Pictures(), **NETS[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="pictures to train on; else weights are random")
    parser.add_argument("--seen", type=int, default=2_400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--net", choices=list(NETS), help="only this one")
    parser.add_argument("--keep", type=Path, help="where the runs are written")
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    place = options.keep or Path(tempfile.mkdtemp())
    data = emoji(options.data, place) if options.data else None
    for seed in range(options.seeds):
        for name in [options.net] if options.net else NETS:
            start = time.perf_counter()
            G = fresh(name, seed) if data is None else trained(name, seed, data, options.seen, place)
            row = {
                "net": name,
                "weights": "random" if data is None else "trained",
                "seen": 0 if data is None else options.seen,
                "seed": seed,
                "parameters": sum(p.numel() for p in G.parameters()),
                **measure(G, seed),
                "minutes": round((time.perf_counter() - start) / 60, 2),
            }
            print(row, flush=True)
            if not options.dry:
                append("equivariance.csv", {**row, **machine()})


if __name__ == "__main__":
    main()
