"""Sampling: a sample is a function of (seed, index), and priors are what they say."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import stats

from ganvas.errors import InputError
from ganvas.game import Batch
from ganvas.generator import Generator
from ganvas.labels import Labels
from ganvas.latents import Prior
from ganvas.nets import dcgan
from ganvas.spaces.images import Images

LABELS = Labels.of(["kind"], [["cat", "dog", "3"]], np.array([[0]] * 6 + [[1]] * 3 + [[2]]))


@pytest.fixture(scope="module")
def generator() -> Generator:
    torch.manual_seed(0)
    space = Images(12, 10, 3, 8, "RGB", LABELS)
    net = dcgan.Generator(space, latent=16, width=8)
    G = Generator(net, Prior(16), space.head(), LABELS)
    G(torch.randn(64, 16), LABELS.encode(np.zeros((64, 1))))  # running statistics
    return G.train()


def test_the_same_seed_gives_the_same_samples_whatever_the_number(generator: Generator) -> None:
    many, labels = generator.draw(range(50), seed=4)
    few, few_labels = generator.draw(range(3), seed=4)
    middle, _ = generator.draw(range(17, 40), seed=4)
    assert torch.equal(many[:3], few)
    assert torch.equal(many[17:40], middle)
    assert labels is not None
    assert few_labels is not None
    assert np.array_equal(labels[:3], few_labels)
    assert not torch.equal(few, generator.draw(range(3), seed=5)[0])
    assert generator.training  # as before


def test_a_label_changes_the_label_and_keeps_the_latent(generator: Generator) -> None:
    cat, labels = generator.draw(range(4), label="cat")
    assert labels is not None
    assert labels.tolist() == [[0]] * 4
    assert torch.equal(cat, generator.draw(range(4), label=0)[0])
    assert torch.equal(generator.draw(range(1), label="3")[0], generator.draw(range(1), label=2)[0])  # name first
    assert not torch.equal(cat, generator.draw(range(4), label="dog")[0])
    mixed, _ = generator.draw(range(4), label=["cat", "dog", "cat", "dog"])
    assert torch.equal(mixed[::2], cat[::2])


def test_labels_are_drawn_as_in_the_training_data(generator: Generator) -> None:
    _, u = generator.prior.latents(0, range(4000))
    share = np.bincount(LABELS.draw(u)[:, 0].astype(int)) / 4000
    assert share == pytest.approx([0.6, 0.3, 0.1], abs=0.03)


@pytest.mark.parametrize("label", ["bird", 7, "kind=fish", "colour=red"])
def test_an_unknown_label_names_the_known_ones(generator: Generator, label: object) -> None:
    with pytest.raises(InputError, match=r"no label|cat|kind"):
        generator.draw(range(1), label=label)


def test_a_generator_without_labels_refuses_one() -> None:
    space = Images(8, 8, 1, 8, "L", None)
    G = Generator(dcgan.Generator(space, latent=4, width=4), Prior(4), space.head())
    with pytest.raises(InputError, match="without labels"):
        G.draw(range(1), label=1)


@pytest.mark.parametrize(
    ("prior", "law"),
    [
        (Prior(4), stats.norm()),
        (Prior(4, "uniform"), stats.uniform(-1, 2)),
        (Prior(4, "truncated", 1.5), stats.truncnorm(-1.5, 1.5)),
    ],
)
def test_priors_have_their_distribution(prior: Prior, law: object) -> None:
    z, _ = prior.latents(0, range(3000))
    assert stats.kstest(z.ravel(), law.cdf).pvalue > 0.01  # type: ignore[attr-defined]
    torch.manual_seed(0)
    assert stats.kstest(prior.shape(torch.randn(12_000)).numpy(), law.cdf).pvalue > 0.01  # type: ignore[attr-defined]


def test_truncation_narrows_a_normal_prior_and_refuses_a_uniform_one() -> None:
    z, _ = Prior(64).latents(0, range(100), truncation=0.5)
    assert 0.45 < np.abs(z).max() <= 0.5
    wide, _ = Prior(64).latents(0, range(100))
    assert np.array_equal(wide.argsort(1), z.argsort(1))  # the same latents, squeezed
    with pytest.raises(InputError, match="normal prior"):
        Prior(4, "uniform").latents(0, [0], truncation=0.5)


def test_sample_like_a_batch_has_its_labels_and_keeps_the_graph(generator: Generator) -> None:
    real = Batch(torch.zeros(2, 3, 12, 10), LABELS.encode(np.array([[1], [2]])))
    fake = generator.sample(like=real)
    assert fake.y is real.y
    assert fake.x.requires_grad
    assert not fake.detach().x.requires_grad
    assert len(generator.sample(5)) == 5
    assert generator.sample(5).y.shape == (5, 3)  # type: ignore[union-attr]


def test_stored_labels_are_taken_as_they_are() -> None:
    labels = Labels.of(["x"], [["1.0", "0.0"]], np.array([[0], [1]]))  # names that read like other class numbers
    torch.manual_seed(0)
    space = Images(8, 8, 1, 8, "L", labels)
    G = Generator(dcgan.Generator(space, latent=4, width=4), Prior(4), space.head(), labels)
    _, drawn = G.draw(range(2), label=np.array([[0.0], [1.0]]))
    assert drawn is not None
    assert drawn.tolist() == [[0], [1]]
    _, named = G.draw(range(1), label="0.0")
    assert named is not None
    assert named.tolist() == [[1]]


@pytest.mark.parametrize("prior", [Prior(6), Prior(6, "uniform"), Prior(6, "truncated", 1.2)])
def test_latents_of_arrays_and_of_tensors_are_the_same(prior: Prior) -> None:
    drawn, _ = Prior(6).latents(3, range(500))
    placed, _ = prior.latents(3, range(500))
    np.testing.assert_allclose(placed, prior.shape(torch.from_numpy(drawn)).numpy(), atol=2e-6)


def test_latents_and_labels_need_no_torch() -> None:
    code = """import sys; sys.modules["torch"] = None
from ganvas.latents import Prior
from ganvas.labels import Labels, chosen
import ganvas.names
import numpy as np
labels = Labels.of(["digit"], ["0123456789"], np.arange(10.0)[:, None])
z, u = Prior(4, "uniform").latents(0, range(3))
print(z.shape, labels.conditions(chosen(labels, u, 7)).argmax(1))
for space in ("images.space:Images", "tables.space:Table", "toys:Points"):
    print(ganvas.names.load("ganvas.spaces." + space).decode.__name__)"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split("\n")[:2] == ["(3, 4) [7 7 7]", "decode"]
