"""Are diseases named, and is there no alarm where there is none?

    python benchmarks/diseases.py [--seeds 10] [--first 0] [--only NAME,NAME] [--keep FOLDER]

With --keep the runs stay, and are not trained again by the next call.
Every disease of `ganvas diagnose` is caused on purpose, on toys and on the built-in digits, with several seeds; it
counts as named when its verdict is among the findings. The thresholds were set on the seeds 0 to 9; later seeds are
fresh. Healthy runs must have no finding but healthy or equilibrium.
One row for each cause is appended to results/diseases.csv.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from record import append, machine
from torch.nn.functional import softplus

import ganvas as gan
from ganvas.games.gan import GAN
from ganvas.games.r3gan import R3GAN
from ganvas.space import Data, Rows


class FrozenGenerator(GAN):
    """Only the discriminator learns."""

    def optimiser(self, player):
        return gan.Adam(1e-12 if player == "G" else 2e-4, (0.5, 0.999))


class FrozenDiscriminator(GAN):
    """Only the generator learns."""

    def optimiser(self, player):
        return gan.Adam(1e-12 if player == "D" else 2e-4, (0.5, 0.999))


class FastGenerator(GAN):
    """The generator's learning rate is 250 times too large."""

    def optimiser(self, player):
        return gan.Adam(5e-2 if player == "G" else 2e-4, (0.5, 0.999))


class FreeCritic(GAN):
    """A critic that nothing bounds, with a learning rate 50 times too large."""

    def optimiser(self, player):
        return gan.Adam(1e-2 if player == "D" else 1e-5, (0.0, 0.9))


class Momentum(GAN):
    """Momentum and learning rates 50 times too large: the players circle."""

    def optimiser(self, player):
        return gan.Adam(1e-2, (0.9, 0.999))


class LabelNoise(GAN):
    """Half of the discriminator's answers are called wrong: it cannot learn."""

    def play(self, batches):
        real = next(batches)
        fake = self.G.sample(like=real)
        r, f = self.D(real), self.D(fake.detach())
        wrong = (real.uniform() < 0.5).float()
        loss = (wrong * (softplus(r) + softplus(-f)) + (1 - wrong) * (softplus(-r) + softplus(f))).mean()
        yield gan.Move(self.D, loss, {"real": torch.sigmoid(r), "fake": torch.sigmoid(f)})
        yield gan.Move(self.G, softplus(-self.D(fake)).mean())


class Broken(R3GAN):
    """R3GAN whose learning rate becomes 300 times larger after 30 % of the run."""

    def optimiser(self, player):
        now = super().optimiser(player)
        late = self.planned and self.seen > 0.3 * self.planned
        return replace(now, lr=300 * now.lr) if late else now


def few(seed: int) -> Data:
    """Twenty of the built-in digits to train on, all of those usually held out held out."""
    data = gan.digits(seed=seed)
    rows = Rows(data.train.raw, data.train.labels, data.train.index[:20])
    return replace(data, train=rows, fingerprint=f"{data.fingerprint}-20")


@dataclass(frozen=True)
class Cause:
    """What is done to a run, and the verdict it should get ("": none)."""

    verdict: str
    data: Any
    settings: dict[str, Any] = field(default_factory=dict)


ring = {"net": "mlp", "latent": 2, "hidden": 128, "batch": 128, "seen": 300_000}
digits = {"net": "dcgan", "width": 16, "latent": 32, "seen": 60_000}
CAUSES = {
    "latent of 16 on the ring": Cause("mode_collapse", "ring", ring | {"game": "gan", "latent": 16}),
    "frozen generator": Cause("discriminator_wins", "ring", ring | {"game": FrozenGenerator, "seen": 100_000}),
    "tiny generator": Cause("discriminator_wins", "ring", ring | {"game": "gan", "G.hidden": 1, "G.layers": 1}),
    "frozen discriminator": Cause("generator_wins", "ring", ring | {"game": FrozenDiscriminator, "seen": 100_000}),
    "tiny discriminator": Cause(
        "generator_wins",
        "ring",
        {"game": "r3gan", "D.hidden": 1, "D.layers": 1, "latent": 4, "batch": 256, "seen": 200_000},
    ),
    "tiny discriminator, digits": Cause(
        "generator_wins",
        "digits",
        {"game": "gan", "net": "dcgan", "D.width": 1, "G.width": 16, "lr": 1e-3} | {"latent": 32, "seen": 60_000},
    ),
    "label noise": Cause("generator_wins", "ring", ring | {"game": LabelNoise}),
    "minimax against 5 moves": Cause(
        "vanishing_gradient",
        "digits",
        {"game": "gan", "net": "mlp", "loss": "minimax", "discriminator_moves": 5, "lr": 1e-3, "seen": 150_000},
    ),
    "critic without bounds": Cause(
        "exploding_gradient", "ring", ring | {"game": FreeCritic, "loss": "wasserstein", "D.layers": 4}
    ),
    "momentum": Cause("oscillation", "ring", ring | {"game": Momentum}),
    "20 digits": Cause("discriminator_overfits", few, digits | {"game": "gan", "width": 32, "seen": 100_000}),
    "20 digits, copied": Cause("memorisation", few, digits | {"game": "gan", "width": 32, "seen": 100_000}),
    "learning rate of G x250, digits": Cause(
        "saturated_output",
        "digits",
        {"game": FastGenerator, "net": "mlp", "latent": 16, "hidden": 128, "seen": 60_000},
    ),
    "learning rate of G x250, ring": Cause("dead_units", "ring", ring | {"game": FastGenerator, "seen": 100_000}),
    "learning rates x1000": Cause("divergence", "digits", digits | {"game": "r3gan", "lr": 2.0, "seen": 30_000}),
    "healthy: R3GAN on the ring": Cause("", "ring", {"latent": 4, "batch": 256, "seen": 400_000}),
    "healthy: GAN on the ring": Cause("", "ring", ring | {"game": "gan", "seen": 400_000}),
    "healthy: R3GAN on digits": Cause("", "digits", {"seen": 100_000}),
    "healthy: GAN on digits": Cause("", "digits", digits | {"game": "gan", "critic_norm": "batch", "seen": 100_000}),
}


def caused(cause: Cause, seed: int, folder: Path) -> list[str]:
    """Train so, unless that was done, and the verdicts on it."""
    data = cause.data(seed) if callable(cause.data) else cause.data
    try:
        if not folder.exists():
            gan.train(data, run=folder, seed=seed, quiet=True, **cause.settings)
    except FloatingPointError as error:
        print(f"  {error}")
    found = gan.diagnose(folder, data=data if isinstance(data, Data) else None, trust=__file__)
    return [finding["verdict"] for finding in found["findings"]]


def right(cause: Cause, verdicts: list[str]) -> bool:
    return cause.verdict in verdicts if cause.verdict else verdicts[0] in ("healthy", "equilibrium")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", default=tempfile.mkdtemp())
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, cause in CAUSES.items():
        if options.only and not any(part in name for part in options.only.split(",")):
            continue
        start, all_verdicts = time.perf_counter(), []
        for seed in range(options.first, options.first + options.seeds):
            all_verdicts.append(caused(cause, seed, Path(options.keep) / f"{name.replace(' ', '_')}-{seed}"))
            print(f"{name} {seed}: {', '.join(all_verdicts[-1])}", flush=True)
        append(
            "diseases.csv",
            {
                "cause": name,
                "expected": cause.verdict or "healthy",
                "seeds": f"{options.first}-{options.first + options.seeds - 1}",
                "of": options.seeds,
                "named": sum(right(cause, verdicts) for verdicts in all_verdicts),
                "first": sum(verdicts[0] == (cause.verdict or "healthy") for verdicts in all_verdicts),
                "others": " ".join(sorted({v for vs in all_verdicts for v in vs} - {cause.verdict})),
                "seconds": round(time.perf_counter() - start),
                **machine(),
            },
        )


if __name__ == "__main__":
    main()
