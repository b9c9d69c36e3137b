"""Inversion: what a known generator made is found again, from files and with the encoder's help."""

from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import making
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import ganvas as gan
from ganvas.errors import InputError
from ganvas.exploring import keeping, perceptual, targets
from ganvas.exploring.invert import decibels, invert
from ganvas.exploring.latent import codes, drawn
from ganvas.exploring.optimise import ROUNDS, Region, descend, ramp
from ganvas.exploring.perceptual import Eye
from ganvas.files import png
from ganvas.game import Batch
from ganvas.labels import Labels
from ganvas.nets import mlp
from ganvas.players import Encoder
from ganvas.run import Run
from ganvas.spaces.images.space import Images
from ganvas.training import checkpoints

KINDS = Labels.of(["kind"], [["a", "b", "c"]], np.array([[0], [1], [1], [2]]))


@pytest.fixture(autouse=True)
def _pyramid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights of LPIPS, which may not be installed."""
    monkeypatch.setattr(perceptual, "WEIGHTS", "no_such_package")


def picture(run: Run, number: int, path: Path, label: object = None) -> Path:
    """A sample of the run as a file."""
    path.write_bytes(png(run.space.pictures(run.samples([number], label=label)[0])[0]))
    return path


def test_a_linear_generator_is_inverted_exactly(tmp_path: Path) -> None:
    """64 pixels say what six latents were (but for tanh and rounding to bytes)."""
    run = making.dense(tmp_path / "run", layers=0)
    told = invert(run, pictures="seeds:0-3", steps=400, pull=0.0, keep=tmp_path / "k.npz", out=tmp_path / "p.png")
    found = keeping.load(run, tmp_path / "k.npz", "--codes")
    assert torch.allclose(found.codes, codes(run, range(4)), atol=0.02)
    assert told["squared_error"] < (1 / 255) ** 2
    assert told["psnr"] > 50
    assert "Laplacian pyramid" in told["protocol"]
    assert "lpips" not in told


def test_the_nearest_start_is_worse_and_none_of_the_draws_is_the_sample(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run")
    before, after = (invert(run, pictures="seeds:0-3", steps=n, out=tmp_path / "p.png") for n in (0, 100))
    assert before["squared_error"] > 10 * after["squared_error"] > 0


def test_styles_of_every_layer_are_found(tmp_path: Path) -> None:
    run = making.styled(tmp_path / "run")
    told = invert(run, pictures="seeds:2,5", keep=tmp_path / "k.npz", out=tmp_path / "p.png", steps=100)
    found = keeping.load(run, tmp_path / "k.npz", "--codes").codes
    assert found.shape == (2, run.generator.net.layers, 8)
    assert not torch.equal(found[:, 0], found[:, -1])
    assert told["psnr"] > 40
    alone = invert(run, pictures="seeds:2", steps=0, starts=1, out=tmp_path / "p.png")
    assert alone["pictures"][0]["start"] == "mean style"


def test_every_label_is_tried_when_it_is_not_known(tmp_path: Path) -> None:
    torch.manual_seed(0)
    space, arguments = Images(8, 8, 1, labels=KINDS), {"latent": 2, "hidden": 16}
    net = mlp.Generator(space, **arguments)
    with torch.no_grad():  # two latents imitate no label that does so much
        net.embed.weight.mul_(8)  # type: ignore[union-attr]
    run = making.run_of(tmp_path / "run", net, space, arguments)
    for label in ("a", "b", "c"):
        file = picture(run, 1, tmp_path / "one.png", label)
        told = invert(run, pictures=str(file), steps=200, pull=0.0, out=tmp_path / "p.png")
        assert told["pictures"][0]["label"] == label
        assert told["squared_error"] < 1e-4
    wrong = invert(run, pictures=str(file), label="a", pull=0.0, out=tmp_path / "p.png")
    assert wrong["pictures"][0]["label"] == "a"
    assert wrong["squared_error"] > 10 * told["squared_error"]
    known = invert(run, pictures="seeds:0-5", steps=0, out=tmp_path / "p.png")
    assert [line["label"] for line in known["pictures"]] == KINDS.names(run.samples(range(6))[1])  # type: ignore[arg-type]


class Oracle(Encoder):
    """Knows the latents of samples 0, 1, …"""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.x, self.z = run.space.encode(run.samples(range(8))[0]), codes(run, range(8))

    def forward(self, batch: Batch) -> Tensor:
        near = torch.cdist(batch.x.flatten(1), self.x.flatten(1)).argmin(1)
        return torch.cat([self.z[near], torch.zeros_like(self.z[near])], 1)  # means and log variances


def test_the_search_begins_where_the_encoder_says(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run")
    run.__dict__["encoder"] = Oracle(run)
    told = invert(run, pictures="seeds:0-3", steps=0, starts=1, out=tmp_path / "p.png")
    assert told["squared_error"] == 0
    assert told["psnr"] == 100
    assert {line["start"] for line in told["pictures"]} == {"encoder"}


@pytest.mark.parametrize(("game", "outputs"), [("bigan", 8), ("vae", 16)])
def test_a_run_has_its_encoder(tmp_path: Path, game: str, outputs: int) -> None:
    run = gan.train("digits", run=tmp_path / game, game=game, net="mlp", latent=8, hidden=16, rounds=3, quiet=True)
    assert run.encoder is not None
    newest = checkpoints.latest(run.path / "state")
    assert newest is not None
    stored = checkpoints.branch(checkpoints.read(newest / "weights.safetensors"), "game.E")
    assert all(torch.equal(stored[name], value) for name, value in run.encoder.state_dict().items())
    raw, labels = run.samples(range(5))
    assert labels is not None
    assert run.space.labels is not None
    told = run.encoder(Batch(run.space.encode(raw), run.space.labels.encode(labels)))
    assert told.shape == (5, outputs)
    found = invert(run, pictures="real:0-1", steps=2, starts=2, out=tmp_path / "p.png")
    assert found["made_count"] == found["count"] == len(found["pictures"]) == 2
    again = Run(run.path)
    for folder in [*(run.path / "state").glob("0*")]:
        folder.rename(folder.with_name(f"x{folder.name}"))
    assert again.encoder is None


def test_without_an_encoder_there_is_none(tmp_path: Path) -> None:
    assert making.dense(tmp_path / "run").encoder is None


def test_the_same_question_has_the_same_answer(tmp_path: Path) -> None:
    run, pages = making.dense(tmp_path / "run"), []
    for name in ("a", "b"):
        told = invert(run, pictures="seeds:0-4", steps=20, keep=tmp_path / f"{name}.npz", out=tmp_path / f"{name}.png")
        pages.append((tmp_path / f"{name}.png").read_bytes())
        json.dumps(told, allow_nan=False)
    assert pages[0] == pages[1]
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_more_pictures_than_a_group_and_a_page(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run", labels=KINDS)
    told = invert(run, pictures="seeds:0-40", steps=60, out=tmp_path / "p.png")
    assert len(told["pictures"]) == 41
    assert [line["picture"] for line in told["pictures"]][::40] == ["sample 0", "sample 40"]
    assert max(line["squared_error"] for line in told["pictures"]) < 0.05
    with Image.open(tmp_path / "p.png") as page:
        assert page.width < 1000


# --- pictures of the user ---------------------------------------------------------------------------------------------


def test_pictures_become_like_those_of_the_run(tmp_path: Path) -> None:
    run, folder = making.dense(tmp_path / "run"), tmp_path / "mine"
    folder.mkdir()
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (8, 8), np.uint8)).save(folder / "a.png")
    Image.fromarray(random.integers(0, 256, (50, 31, 3), np.uint8)).save(folder / "b.jpg")
    Image.fromarray(random.integers(0, 256, (9, 9, 4), np.uint8)).save(folder / "c.webp")
    (folder / "notes.txt").write_text("no picture")
    found = targets.read(run, str(folder))
    assert found.names == ["a.png", "b.jpg", "c.webp"]
    assert found.raw.shape == (3, 8, 8, 1)
    with Image.open(folder / "a.png") as first:
        assert np.array_equal(found.raw[0, ..., 0], np.asarray(first))
    np.savez(tmp_path / "some.npz", samples=found.raw[:1])
    assert np.array_equal(targets.read(run, str(tmp_path / "some.npz")).raw, found.raw[:1])
    np.savez(tmp_path / "floats.npz", images=np.linspace(0, 1, 2 * 256).reshape(2, 16, 16))
    assert targets.read(run, str(tmp_path / "floats.npz")).raw.shape == (2, 8, 8, 1)


def bomb() -> bytes:
    """A PNG whose header claims 60,000 × 60,000 pixels."""
    whole = bytearray(png(Image.new("L", (8, 8))))
    whole[16:24] = struct.pack(">II", 60_000, 60_000)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    return bytes(whole)


def archive(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("cut.png", png(Image.new("L", (64, 64), 9))[:60], "cannot be read"),
        ("huge.png", bomb(), "too many"),
        ("text.png", b"not a picture at all", "not a picture"),
        ("empty.png", b"", "empty"),
        ("none.npz", archive(other=np.zeros((2, 8, 8), np.uint8)), "expected is samples or images"),
        ("object.npz", archive(samples=np.array([{}, {}], object)), "object"),
        ("colour.npz", archive(samples=np.zeros((2, 8, 8, 3), np.uint8)), "channels"),
        ("deep.npz", archive(samples=np.zeros((2, 8, 8), np.uint16)), "bits"),
        ("nan.npz", archive(samples=np.full((2, 8, 8), np.nan)), "NaN"),
        ("many.npz", archive(samples=np.zeros((300, 8, 8), np.uint8)), "256"),
        ("flat.npz", archive(samples=np.zeros(7, np.uint8)), "shape"),
        ("cut.npz", archive(samples=np.zeros((2, 8, 8), np.uint8))[:80], "cut.npz"),
    ],
)
def test_hostile_pictures_are_refused(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    run = making.dense(tmp_path / "run")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        invert(run, pictures=str(tmp_path / name), steps=1, out=tmp_path / "p.png")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "p.png").exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pictures": "nowhere.png"}, "no such file"),
        ({"pictures": "seeds:x"}, "whole numbers"),
        ({"pictures": "seeds:0-300"}, "256"),
        ({"pictures": "real:0"}, "not there, or has changed"),
        ({"label": "7"}, "without labels"),
        ({"starts": 0}, "--starts"),
        ({"steps": -1}, "--steps"),
        ({"pull": float("nan")}, "--pull"),
        ({"keep": "codes.txt"}, ".npz"),
        ({"out": "page.jpg"}, ".png"),
    ],
)
def test_impossible_options_are_refused(tmp_path: Path, options: dict[str, object], told: str) -> None:
    run = making.dense(tmp_path / "run")
    with pytest.raises(InputError, match=told):
        invert(run, **{"out": tmp_path / "p.png", "steps": 1, **options})  # type: ignore[arg-type]


def test_an_empty_folder_and_points_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="0 pictures"):
        invert(making.dense(tmp_path / "run"), pictures=str(tmp_path / "empty"))
    run = gan.train("grid", run=tmp_path / "points", rounds=1, quiet=True)
    with pytest.raises(InputError, match="pictures"):
        invert(run)


# --- what it is made of -----------------------------------------------------------------------------------------------


def test_distances_of_the_eye_are_those_of_its_vectors(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run")
    eye, x = Eye(run.space), run.space.encode(run.samples(range(5))[0])
    wanted = (eye(x)[:, None] - eye(x[:3])[None]).square().sum(2)
    assert torch.allclose(eye.distances(x, x[:3]), wanted, atol=1e-4)


def test_the_rate_goes_up_and_down_as_in_the_paper() -> None:
    assert ramp(0.05) == ramp(0.5) == ramp(0.75) == 1
    assert ramp(0.025) == pytest.approx(0.5, abs=0.02)
    assert ramp(0.875) == pytest.approx(0.5)
    assert ramp(1.0) == 0


def test_starts_that_lag_are_given_up_and_the_best_wins() -> None:
    """Two valleys, one of them deeper: the start in it wins, wherever it stands."""
    seen: list[int] = []

    def cost(code: Tensor, rows: Tensor) -> Tensor:
        seen.append(len(code))
        return (code[:, 0].square() - 1).square() - 0.3 * code[:, 0]

    region = Region(torch.zeros(1), torch.tensor(1.0), torch.ones(1))
    starts = -torch.linspace(0.7, 1.4, 8).repeat(2, 1)
    starts[0, 7] = starts[1, 0] = 0.9
    found, which = descend(cost, starts[:, :, None], region, 200)
    assert which.tolist() == [7, 0]
    assert torch.allclose(4 * found * (found.square() - 1), torch.tensor(0.3), atol=0.01)
    assert seen[0] == 16
    assert seen[-1] == 2
    assert [round(8**power) for _, power in ROUNDS] == [4, 2, 1]


def test_conditions_stay() -> None:
    region = Region(torch.zeros(3), torch.tensor(1.0), torch.tensor([1.0, 1.0, 0.0]))
    starts = torch.tensor([[[1.0, 1.0, 5.0]]])
    found, _ = descend(lambda code, rows: code.square().sum(1), starts, region, 50)
    assert found[0, 2] == 5
    assert found[0, :2].abs().max() < 0.3


def test_codes_within_the_usual_distance_are_not_pulled() -> None:
    region = Region(torch.zeros(2), torch.tensor(4.0), torch.ones(2))
    told = region.beyond(torch.tensor([[2.0, 0.0], [1.0, 1.0], [0.0, 4.0]]))
    assert told.tolist() == [0, 0, 9]
    assert region.beyond(torch.tensor([[[2.0, 0.0], [0.0, 4.0]]])).tolist() == [4.5]


def test_decibels() -> None:
    assert decibels(np.array([4.0, 0.04, 0.0])).tolist() == pytest.approx([0, 20, 100])


def test_kept_codes_are_checked(tmp_path: Path) -> None:
    run, other = making.dense(tmp_path / "run", labels=KINDS), making.dense(tmp_path / "other")
    invert(run, pictures="seeds:0-2", steps=1, keep=tmp_path / "k.npz", out=tmp_path / "p.png")
    some = keeping.load(run, f"{tmp_path / 'k.npz'}:0,2", "--codes")
    assert some.names == ["sample 0", "sample 2"]
    assert np.array_equal(drawn(run, some.codes).shape, some.samples.shape)
    with pytest.raises(InputError, match="not of"):
        keeping.load(other, tmp_path / "k.npz", "--codes")
    with pytest.raises(InputError, match="holds 3 codes"):
        keeping.load(run, f"{tmp_path / 'k.npz'}:3", "--codes")
    with np.load(tmp_path / "k.npz") as stored:
        whole = dict(stored)
    for name, wrong in (
        ("codes", np.full_like(whole["codes"], np.nan)),
        ("labels", whole["labels"] + 7),
        ("samples", whole["samples"].astype(np.float32)),
        ("names", whole["names"][:1]),
    ):
        np.savez(tmp_path / "bad.npz", **whole | {name: wrong})
        with pytest.raises(InputError, match="bad"):
            keeping.load(run, tmp_path / "bad.npz", "--codes")
    del whole["codes"]
    np.savez(tmp_path / "bad.npz", **whole)
    with pytest.raises(InputError, match="lacks"):
        keeping.load(run, tmp_path / "bad.npz", "--codes")
