"""Stacked MNIST: how many of 1,000 modes a game covers, over the samples it has seen.

    python benchmarks/stacked.py --data mnist.npz [--game r3gan] [--seen N] [--seed 0] [-- FLAG VALUE …]

Protocol (Metz et al. 2017, arXiv:1611.02163; Lin et al. 2018, arXiv:1712.04086): 128,000 training pictures 28×28, each
of three random MNIST training digits as red, green and blue, drawn with seed 0. A mode is what the classifier of
digit-recognizer-py 0.1.0 (extractor "mnist", 99 % on MNIST's test set) reads in the three channels of 26,000 samples of
the averaged generator, seed 1; "modes" counts those read at least once, "reverse_kl" is KL(read modes ‖ modes of the
training pictures, read by the same classifier). The first line of a run is the untrained generator. One line for each
point of the curve is appended to results/stacked.csv.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from mnist import number
from record import append, machine

import ganvas as gan
from ganvas.generator import Generator
from ganvas.metrics.features import extractor
from ganvas.metrics.mode_coverage import mode_coverage, stacked_classes
from ganvas.space import Space

COUNT, SAMPLES = 128_000, 26_000
NETS = {"net": "dcgan", "latent": 64, "width": 32}
BEST: dict[str, dict[str, object]] = {  # what suits each game here, with the same nets
    "r3gan": {"gamma": 0.5, "gamma_start": 1.0, "lr": 1e-3, "batch": 64},
    "r1_alone": {"gamma": 0.5, "gamma_start": 1.0, "lr": 1e-3, "batch": 64},
    "dcgan": {"critic_norm": "batch", "batch": 64},
}


def stacked(source: Path, place: Path) -> Path:
    """The training pictures [128000, 28, 28, 3] as an .npz file."""
    with np.load(source) as found:
        digits = found["x_train"].reshape(-1, 28, 28)
    which = np.random.default_rng(0).integers(0, len(digits), (COUNT, 3))
    np.savez(place / "stacked.npz", images=np.stack([digits[which[:, c]] for c in range(3)], -1))
    return place / "stacked.npz"


class Judge:
    """Reads digits in each channel."""

    def __init__(self, pictures: np.ndarray) -> None:
        grey = gan.digits().space
        self.net = extractor("mnist", grey)
        self.real = torch.bincount(self.modes(pictures), minlength=1000).clamp(min=1)

    def modes(self, pictures: np.ndarray) -> torch.Tensor:
        """Pictures [n, 28, 28, 3] -> modes [n]."""
        digits = []
        for channel in range(3):
            grey = np.ascontiguousarray(pictures[..., channel : channel + 1])
            parts = [self.net.embed(grey[i : i + 100]) for i in range(0, len(grey), 100)]
            digits.append(torch.cat([self.net.classify(p) for p in parts]).argmax(1))
        return stacked_classes(torch.stack(digits, 1))

    @torch.no_grad()
    def __call__(self, generator: Generator, space: Space) -> dict[str, float | int | None]:
        """Modes covered by 26,000 samples and their divergence."""
        x = [generator.draw(range(i, i + 1000), seed=1)[0] for i in range(0, SAMPLES, 1000)]
        modes = self.modes(np.concatenate([space.decode(part) for part in x]))
        found = mode_coverage(modes, torch.ones(len(modes), dtype=torch.bool), 1000, self.real)
        return {"modes": found.covered, "reverse_kl": round(found.reverse_kl or 0.0, 4)}


class RelativisticR1(gan.Game):
    """R3GAN without R2: the ablation of its table 1."""

    G: Generator
    D: gan.Discriminator
    gamma: float = 1.0
    gamma_start: float = 1.0

    def optimiser(self, player: str) -> gan.Adam:
        return gan.Adam(2e-4, (0.0, self.burn_in(0.9, 0.99, 0.2)))

    def play(self, batches: Iterator[gan.Batch]) -> Iterator[gan.Move]:
        real = next(batches)
        fake = self.G.sample(like=real).detach()
        r, f = self.D(real), self.D(fake)
        penalty = gan.penalties.r1(self.D, real, self.burn_in(self.gamma_start, self.gamma, 0.2))
        loss = gan.losses.relativistic.discriminator(r, f) + penalty
        yield gan.Move(self.D, loss, {"real": r, "fake": f, "penalty": penalty})
        real = next(batches)
        yield gan.Move(self.G, gan.losses.relativistic.generator(self.D(real), self.D(self.G.sample(like=real))))


GAMES: dict[str, str | type[gan.Game]] = {"r3gan": "r3gan", "r1_alone": RelativisticR1, "dcgan": "gan"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="mnist.npz")
    parser.add_argument("--game", choices=list(BEST), default="r3gan")
    parser.add_argument("--seen", type=int, default=4_000_000)
    parser.add_argument("--points", type=int, default=10, help="of the curve")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--stop", type=float, help="minutes after which the run is stopped, before its end")
    parser.add_argument("--keep", type=Path, help="where the run is written")
    parser.add_argument("--dry", action="store_true", help="print only")
    options, rest = parser.parse_known_args()
    rest = [a for a in rest if a != "--"]
    given = {k.removeprefix("--").replace("-", "_"): number(v) for k, v in zip(rest[::2], rest[1::2], strict=True)}
    flags = {**NETS, **BEST[options.game], **given}
    scratch = Path(tempfile.mkdtemp())
    data = gan.images(stacked(options.data, scratch), holdout=0.0, cache=scratch / "cache")
    judge = Judge(data.train.raw[data.train.index])
    place = (options.keep or scratch) / "run"
    shown = flags["batch"] * (1 if options.game == "dcgan" else 2)  # samples in a round
    every = max(10, options.seen // shown // options.points)
    told = {"game": options.game, "seed": options.seed, "flags": " ".join(f"{k}={v}" for k, v in flags.items())}
    begun, judging = time.perf_counter(), 0.0

    def point(seen: int, generator: Generator) -> None:
        nonlocal judging
        start = time.perf_counter()
        minutes = round((start - begun - judging) / 60, 2)
        row = {**told, "planned": options.seen, "seen": seen, "minutes": minutes, **judge(generator, data.space)}
        judging += time.perf_counter() - start
        print({k: row[k] for k in ("seen", "minutes", "modes", "reverse_kl")}, flush=True)
        if not options.dry:
            append("stacked.csv", {**row, **machine()})
        if options.stop and minutes > options.stop:
            raise KeyboardInterrupt

    def watch(t: int, game: gan.Game, line: object) -> None:
        if t == 1:
            point(0, game.get_submodule("G"))  # as good as untrained
        elif t > every and t % every == 1:  # the round before wrote a checkpoint
            run = gan.Run(place)
            point(run.progress.seen, run.generator)

    settings = {"seed": options.seed, "seen": options.seen, "checkpoint_every": every, "monitors": [watch]}
    run = gan.train(data, game=GAMES[options.game], run=place, quiet=True, trust=__file__, **settings, **flags)
    point(run.progress.seen, run.generator)


if __name__ == "__main__":
    main()
