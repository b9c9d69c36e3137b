"""The games learn what they are for: short, seeded trainings judged by what is known of the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from playing import built, covered, held_out, inverses, one_round, player, train
from scipy.optimize import linear_sum_assignment

from ganvas.games.acgan import ACGAN
from ganvas.games.began import BEGAN
from ganvas.games.bigan import BiGAN
from ganvas.games.ebgan import EBGAN
from ganvas.games.infogan import InfoGAN
from ganvas.games.vae import VAE
from ganvas.games.vae_gan import VAEGAN
from ganvas.generator import Generator
from ganvas.metrics.features import extractor
from ganvas.metrics.sliced_wasserstein import sliced_wasserstein
from ganvas.nets import dcgan
from ganvas.players import Head
from ganvas.space import Data, unlabelled
from ganvas.spaces.images import digits
from ganvas.spaces.toys import ring

pytestmark = pytest.mark.learning


def named(pictures: np.ndarray, data: Data) -> np.ndarray:
    """The digits that a classifier of real ones reads [n]."""
    judge = extractor("digits", data.space)
    return np.asarray(judge.classify(judge.embed(pictures)).argmax(1))


def test_acgan_makes_the_class_asked_for_and_c_names_real_ones() -> None:
    data = digits()
    game = train(built(data, ACGAN, dcgan, width=16, latent=16), data, 45_000, batch=64, lr=1e-3)
    asked = np.arange(500) % 10
    x, _ = player(game, "G", Generator).draw(range(500), label=[str(k) for k in asked])
    real = held_out(data)
    with torch.no_grad():
        told = player(game, "C", Head)(player(game, "D", dcgan.Discriminator).features(real))
    assert real.y is not None
    assert float((told.argmax(1) == real.y.argmax(1)).float().mean()) > 0.9
    assert float((named(data.space.decode(x), data) == asked).mean()) > 0.7


def test_codes_of_infogan_come_to_be_digits() -> None:
    """Far beyond chance, 0.1, and beyond the best assignment of ten random classes of 500, 0.16 or so."""
    data = unlabelled(digits())
    flags = {"hidden": 128, "latent": 16, "G.norm": "batch", "dropout": 0.3}
    game = train(built(data, InfoGAN, **flags), data, 60_000, batch=64)
    code = np.arange(500) % 10
    x, _ = player(game, "G", Generator).draw(range(500), label=[{"code": int(k), "c1": 0, "c2": 0} for k in code])
    counts = np.zeros((10, 10))
    np.add.at(counts, (code, named(data.space.decode(x), data)), 1)
    assert counts[linear_sum_assignment(-counts)].sum() / 500 > 0.45


def test_the_encoder_of_bigan_inverts_its_generator() -> None:
    data = ring()
    game = train(built(data, BiGAN, hidden=128, latent=2), data, 100_000, batch=256, lr=5e-4)
    found = inverses(game, data)
    assert found["x"] < 0.3 * found["x_wrong"], found
    assert found["z"] < 0.5 * found["z_wrong"], found
    assert covered(game, data)[0] >= 6


def test_a_vae_rebuilds_and_its_codes_fill_the_prior() -> None:
    data = unlabelled(digits())
    game = train(built(data, VAE, dcgan, width=16, latent=16, kl_weight=0.1), data, 40_000, batch=64)
    found = inverses(game, data)
    real = held_out(data)
    assert found["x"] < 0.25 * float(real.x.var(0).mean()), found
    with torch.no_grad():
        mean, log_variance = player(game, "E", dcgan.Encoder)(real).chunk(2, 1)
    spread = mean.var(0) + log_variance.exp().mean(0)  # of the codes of all the data
    assert (spread - 1).abs().max() < 0.5, spread


def test_vae_gan_rebuilds_and_covers_the_ring() -> None:
    data = ring()
    game = train(built(data, VAEGAN, hidden=128, latent=2), data, 100_000, batch=256, lr=1e-3)
    found = inverses(game, data)
    assert found["x"] < 0.1 * found["x_wrong"], found
    assert covered(game, data)[0] >= 6


def test_began_reaches_its_balance() -> None:
    """E L(G(z)) = γ E L(x), while the measure of convergence falls."""
    data = unlabelled(digits())
    flags = {"hidden": 128, "latent": 16, "code": 16, "k_rate": 0.01, "diversity": 0.7}
    game = built(data, BEGAN, **flags)
    before = float(one_round(game, data)[1][1].notes["convergence"])
    train(game, data, 60_000, batch=64, lr=5e-4)
    (_, judged), (_, made) = one_round(game, data, batch=256)
    real, fake = (torch.as_tensor(move.notes[name]).mean() for move, name in ((judged, "real"), (made, "fake")))
    assert float(made.notes["convergence"]) < 0.4 * before
    assert 0.5 < float(fake / real) / 0.7 < 1.5


def test_ebgan_comes_near_the_digits() -> None:
    data = unlabelled(digits())
    flags = {"width": 16, "latent": 16, "code": 16, "pulling_away": 0.1}
    game, real = built(data, EBGAN, dcgan, **flags), held_out(data).x
    G = player(game, "G", Generator)
    before = sliced_wasserstein(real, G.draw(range(len(real)))[0])
    train(game, data, 45_000, batch=64)
    assert sliced_wasserstein(real, G.draw(range(len(real)))[0]) < 0.4 * before
