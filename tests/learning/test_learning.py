"""Every game learns: short, seeded trainings judged by what is known of the data. Longer bars are in benchmarks/."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ganvas as gan
from ganvas.run import Run
from ganvas.spaces.toys import Points, ring

pytestmark = pytest.mark.learning


def covered(run: Run) -> tuple[int, float]:
    """Modes of the ring with a fair share of 4,000 samples within 3 sigma × 3, and the share of such samples."""
    points, _ = run.samples(range(4000), seed=1)
    assert isinstance(run.space, Points)
    wide = Points(run.space.centres, 3 * run.space.sigma, 1.0)
    which, good = wide.modes(points)
    return int((np.bincount(which[good], minlength=8) >= 40).sum()), float(good.mean())


@pytest.mark.parametrize(
    ("game", "modes", "share", "flags"),
    [
        ("r3gan", 8, 0.65, {"gamma": 0.01, "gamma_start": 0.2, "lr": 2e-3, "seen": 400_000}),
        ("wgan_gp", 7, 0.4, {"gp_weight": 0.1, "lr": 1e-3, "seen": 800_000}),
        ("wgan", 5, 0.1, {"lr": 5e-4, "clip_weights": 0.1, "seen": 1_000_000}),
        ("gan", 7, 0.6, {"lr": 1e-3, "seen": 400_000, "latent": 2}),
    ],
)
def test_games_learn_the_ring(tmp_path: Path, game: str, modes: int, share: float, flags: dict[str, Any]) -> None:
    how = {"hidden": 128, "batch": 256, "latent": 4, "quiet": True, **flags}
    run = gan.train("ring", run=tmp_path / "run", game=game, **how)
    found, good = covered(run)
    assert (found >= modes, good >= share) == (True, True), (found, good)


def test_r3gan_with_labels_puts_each_mode_where_it_belongs(tmp_path: Path) -> None:
    data = ring(labels=True)
    run = gan.train(data, run=tmp_path / "run", hidden=64, batch=256, latent=8, quiet=True, seen=200_000, gamma=0.05)
    right = []
    for mode in range(8):
        points, _ = run.samples(range(200), label=mode)
        assert isinstance(run.space, Points)
        right.append(float((run.space.modes(points)[0] == mode).mean()))
    assert min(right) > 0.95, right


@pytest.mark.parametrize(
    ("game", "least", "flags"),
    [
        ("r3gan", 0.95, {"gamma": 0.5, "gamma_start": 0.5, "lr": 2e-3, "seen": 100_000}),
        ("gan", 0.7, {"critic_norm": "batch", "seen": 100_000}),
        ("gan", 0.7, {"loss": "hinge", "critic_norm": "batch", "seen": 100_000}),
        ("gan", 0.7, {"loss": "least_squares", "critic_norm": "batch", "seen": 100_000}),
        ("wgan_gp", 0.7, {"lr": 1e-3, "seen": 400_000}),
    ],
    ids=["r3gan", "gan", "hinge", "least_squares", "wgan_gp"],
)
def test_games_learn_conditional_digits(tmp_path: Path, game: str, least: float, flags: dict[str, Any]) -> None:
    """A classifier of real digits reads the label asked for, and no label collapses to one picture."""
    run = gan.train("digits", run=tmp_path / "run", game=game, latent=32, width=32, quiet=True, **flags)
    found = gan.evaluate(run, n=600, extractor="digits", metrics="labels,diversity")["classes"].values()
    read, spread = [row["label_accuracy"] for row in found], [row["diversity"] for row in found]
    assert np.mean(read) >= least, read
    assert min(spread) > 0.4, spread


def test_a_continuous_condition_is_followed(tmp_path: Path) -> None:
    """Grey squares as bright as their label says."""
    random = np.random.default_rng(0)
    light = random.uniform(50, 200, 600)
    pictures = np.clip(light[:, None, None] + random.normal(0, 5, (600, 8, 8)), 0, 255).astype(np.uint8)
    np.savez(tmp_path / "grey.npz", images=pictures, labels=light.astype(np.float32))
    data = gan.images(tmp_path / "grey.npz", cache=tmp_path / "cache")
    run = gan.train(data, run=tmp_path / "run", width=16, latent=8, quiet=True, seen=100_000)
    means = [run.samples(range(32), label=wanted)[0].mean() for wanted in (70, 120, 180)]
    assert np.abs(np.array(means) - (70, 120, 180)).max() < 15, means


def test_two_label_columns_are_followed(tmp_path: Path) -> None:
    """Half pictures bright by one column, the other half by another."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, (600, 2))
    pictures = np.repeat(labels[:, None, :] * 150 + 50, 8, 1).repeat(4, 2) + random.integers(-20, 20, (600, 8, 8))
    np.savez(tmp_path / "two.npz", images=pictures.astype(np.uint8), labels=labels)
    data = gan.images(tmp_path / "two.npz", cache=tmp_path / "cache")
    run = gan.train(data, run=tmp_path / "run", width=16, latent=8, quiet=True, seen=60_000)
    for left, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        made = run.samples(range(32), label=f"{left},{right}")[0].astype(float)
        assert (made[:, :, :4].mean() > 125) == bool(left)
        assert (made[:, :, 4:].mean() > 125) == bool(right)


def test_the_original_gan_collapses_where_r3gan_does_not(tmp_path: Path) -> None:
    """The example's claim: the same nets, learning rate and budget; one game loses modes, the other keeps them."""
    how: dict[str, Any] = {"hidden": 128, "batch": 128, "latent": 16, "quiet": True, "seen": 250_000, "lr": 5e-4}
    lost = covered(gan.train("ring", run=tmp_path / "gan", game="gan", **how))
    kept = covered(gan.train("ring", run=tmp_path / "r3gan", game="r3gan", gamma=0.05, **how))
    assert lost[0] < kept[0] == 8, (lost, kept)


def test_a_16_bit_rgba_like_non_square_set_trains(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.save(tmp_path / "deep.npy", random.integers(0, 2**16, (80, 12, 20, 4), dtype=np.uint16))
    run = gan.train(str(tmp_path / "deep.npy"), run=tmp_path / "run", width=4, latent=8, rounds=3, quiet=True)
    made, _ = run.samples(range(2))
    assert (made.shape, made.dtype) == ((2, 12, 20, 4), np.uint16)
