"""Directions whose answer is known: singular vectors, principal axes, an attribute that one latent decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import making
import numpy as np
import pytest
import torch
from torch import Tensor

import ganvas as gan
from ganvas.errors import InputError
from ganvas.exploring import probe
from ganvas.exploring.factors import activations, factors
from ganvas.exploring.latent import codes
from ganvas.exploring.reader import Reader, parsed, reader
from ganvas.labels import Labels
from ganvas.run import Run


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Of the angles between the rows, whatever their sign."""
    return torch.nn.functional.cosine_similarity(a.float(), b.float(), dim=1).abs()


def test_sefa_finds_the_singular_vectors_of_the_first_layer(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run")
    _, s, v = torch.linalg.svd(run.generator.net.body[0].weight)  # type: ignore[index, union-attr]
    found = factors(run, "sefa", 6)
    assert torch.all(cosines(found.directions, v) > 1 - 1e-5)
    assert torch.allclose(found.share.float(), s.square() / s.square().sum(), atol=1e-5)
    assert torch.allclose(found.directions.norm(dim=1), torch.ones(6), atol=0.1)  # latents have a deviation of 1


def test_sefa_of_a_conditional_network_leaves_the_condition(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run", labels=Labels.of(["kind"], [["a", "b"]], np.array([[0], [1]])))
    _, _, v = torch.linalg.svd(run.generator.net.body[0].weight[:, :6])  # type: ignore[index, union-attr]
    found = factors(run, "sefa", 6).directions
    assert found.shape == (6, 8)
    assert not found[:, 6:].any()
    assert torch.all(cosines(found[:, :6], v) > 1 - 1e-5)


def test_sefa_of_styles_looks_at_the_modulations_of_all_layers(tmp_path: Path) -> None:
    run = making.styled(tmp_path / "run")
    layers = [p.detach() for name, p in run.generator.net.named_parameters() if name.endswith("style.weight")]
    assert len(layers) == 5 + 3  # convolutions and pictures of three resolutions
    a = torch.cat(layers).double() / 8**0.5  # the equalised learning rate scales by the inputs
    _, s, v = torch.linalg.svd(a)
    found = factors(run, "sefa", 3)
    assert torch.all(cosines(found.directions, v[:3]) > 1 - 1e-4)
    assert torch.allclose(found.share, (s.square() / s.square().sum())[:3], atol=1e-4)


def test_pca_of_styles_is_theirs(tmp_path: Path) -> None:
    run = making.styled(tmp_path / "run")
    w = codes(run, range(2000), 2).double().numpy()
    values, vectors = np.linalg.eigh(np.cov(w, rowvar=False))
    found = factors(run, "pca", 4)
    assert torch.all(cosines(found.directions, torch.from_numpy(vectors.T[::-1][:4].copy())) > 1 - 1e-4)
    assert np.allclose(found.share, (values[::-1] / values.sum())[:4])
    assert np.allclose(found.directions.norm(dim=1).square(), values[::-1][:4], rtol=1e-3)


def test_pca_without_styles_finds_the_axes_of_a_linear_generator(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run")
    first = run.generator.net.body[0]  # type: ignore[index, union-attr]
    axes = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1)))[0]
    with torch.no_grad():
        first.weight.zero_()[:6] = torch.tensor([8.0, 4, 2, 1, 0.5, 0.25]).diag() @ axes
        first.bias.fill_(100)  # so all rectifiers are open
    assert torch.all(cosines(factors(run, "pca", 3).directions, axes[:3]) > 0.99)
    assert activations(run.generator, codes(run, range(3))).shape == (3, 8)


def test_pca_is_not_about_the_condition(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run", labels=Labels.of(["kind"], [["a", "b"]], np.array([[0], [1]])))
    first, embed = run.generator.net.body[0], run.generator.net.embed  # type: ignore[index, union-attr]
    with torch.no_grad():
        first.weight.zero_()[:6, :6] = torch.tensor([8.0, 4, 2, 1, 0.5, 0.25]).diag()
        first.weight[6:, 6:] = 100 * torch.eye(2, 6)  # units that only tell the condition
        first.bias.fill_(300)
        embed.weight.copy_(torch.eye(6, 2))  # type: ignore[union-attr, operator]
    found = factors(run, "pca", 2)
    assert torch.all(cosines(found.directions, torch.eye(2, 8)) > 0.99)
    assert found.share[0] == pytest.approx(64 / (64 + 16 + 4 + 1 + 0.25 + 0.0625), abs=0.03)


def test_pca_needs_a_second_layer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--by sefa"):
        factors(making.dense(tmp_path / "run", layers=0), "pca", 1)


@pytest.fixture
def decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The first latent decides how bright the first pixel is, and that is the attribute."""
    run = making.dense(tmp_path / "run", layers=0)
    last = run.generator.net.body[0]  # type: ignore[index, union-attr]
    with torch.no_grad():
        last.weight[0] = torch.tensor([0.5, 0, 0, 0, 0, 0])
        last.bias.zero_()

    class Bright(Reader):
        def __call__(self, raw: np.ndarray) -> np.ndarray:
            return raw[:, 0, 0, 0] / 255

    nothing: Any = None
    monkeypatch.setattr(probe, "reader", lambda run, attribute: Bright(attribute, nothing, nothing, 1.0, 1.0))
    return run


def test_a_probe_finds_the_latent_that_decides(decided: Run) -> None:
    found = probe.probe(decided, "bright=1")
    assert cosines(found.direction[None], torch.eye(6)[:1]) > 0.98
    assert found.direction[0] > 0
    assert found.accuracy > 0.95
    told = probe.effect(decided, found, 2.0)
    assert told["follows"] == 1
    assert told["turns"] > 0.9
    assert 0.4 < told["random_follows"] < 0.6


def test_an_attribute_that_no_sample_has(decided: Run) -> None:
    with torch.no_grad():
        decided.generator.net.body[0].bias.fill_(-9)  # type: ignore[index, union-attr]
    with pytest.raises(InputError, match="0 of 2,000 samples"):
        probe.probe(decided, "bright=1")


def test_whitening_makes_white_and_back() -> None:
    x = np.random.default_rng(0).normal(size=(500, 3)) @ np.array([[2.0, 1, 0, 0], [0, 0.5, 0, 1], [0, 0, 0, 0.1]])
    root, back = probe.whitening(x)
    assert back.shape == (4, 3)
    assert np.allclose(np.cov(x @ back, rowvar=False), np.eye(3))
    assert np.allclose(root @ root.T, np.cov(x, rowvar=False))


@pytest.mark.slow
def test_a_reader_learns_from_the_data_also_when_the_run_did_not_see_labels(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run")
    run.update(data={"origin": {"source": "digits", "labels": "none"}, "fingerprint": gan.digits().fingerprint})
    read = reader(run, "class=7")
    assert read.accuracy > 0.95
    data = gan.digits()
    raw, labels = data.held_out.read(np.arange(100))
    assert labels is not None
    assert (((read(raw) > 0.5) == (labels[:, 0] == 7)).mean()) > 0.95
    run.update(data={"origin": {"source": "digits"}, "fingerprint": "another"})
    with pytest.raises(InputError, match="has changed"):
        reader(run, "class=7")


LABELS = Labels.of(["hair", "age"], [["blond", "dark"], []], np.array([[0, 30.0], [1, 40.0]]))


@pytest.mark.parametrize(("attribute", "reason"), [
    ("blond", "write COLUMN=VALUE; the columns of labels are hair, age"),
    ("hat=1", "write COLUMN=VALUE"),
    ("hair=red", "no label 'red'"),
    ("age=30", "is a number"),
])  # fmt: skip
def test_attributes_that_cannot_be_read(attribute: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        parsed(LABELS, attribute)
    assert parsed(LABELS, "hair=dark") == (0, 1.0)
