"""Strokes: their errors in closed form, and pictures that follow them."""

from __future__ import annotations

from pathlib import Path

import making
import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from ganvas.errors import InputError
from ganvas.exploring import perceptual
from ganvas.exploring.invert import invert
from ganvas.exploring.scribble import scribble
from ganvas.exploring.strokes import FAINT, Strokes, gradients
from ganvas.files import png
from ganvas.labels import Labels
from ganvas.nets import mlp
from ganvas.run import Run
from ganvas.spaces.images.space import Images

KINDS = Labels.of(["kind"], [["a", "b"]], np.array([[0], [1], [1]]))


@pytest.fixture(autouse=True)
def _pyramid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights of LPIPS, which may not be installed."""
    monkeypatch.setattr(perceptual, "WEIGHTS", "no_such_package")


def vivid(path: Path) -> Run:
    """Six latents, eight rectifiers, and pictures 8×8 from black to white."""
    torch.manual_seed(0)
    space, arguments = Images(8, 8, 1), {"latent": 6, "hidden": 8, "layers": 1}
    net = mlp.Generator(space, **arguments)
    with torch.no_grad():
        net.body[-1].weight.mul_(8)  # type: ignore[operator, union-attr]
    return making.run_of(path, net, space, arguments)


def painted(run: Run, path: Path, number: int = 5, side: int = 8) -> Path:
    """The left half of a sample as opaque strokes."""
    grey = Image.fromarray(run.samples([number])[0][0, ..., 0]).resize((side, side), Image.Resampling.NEAREST)
    picture = grey.convert("RGBA")
    picture.paste((0, 0, 0, 0), (side // 2, 0, side, side))
    picture.save(path)
    return path


def test_strokes_are_followed_best_first_and_freely_elsewhere(tmp_path: Path) -> None:
    run = vivid(tmp_path / "run")
    told = scribble(run, strokes=painted(run, tmp_path / "s.png"), candidates=5, out=tmp_path / "p.png")
    errors = [line["colour_error"] for line in told["candidates"]]
    assert errors == sorted(errors)
    assert len(errors) == 5
    assert told["error"] == errors[0] < 0.3 * told["error_at_start"]
    assert {line["edge_error"] for line in told["candidates"]} == {0}


def test_a_drawing_of_any_size_is_the_same(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run")
    small, large = (Strokes.read(run, painted(run, tmp_path / f"{side}.png", side=side), None) for side in (8, 80))
    assert torch.allclose(small.wanted * small.cover, large.wanted * large.cover, atol=1e-5)
    assert torch.allclose(small.cover, large.cover)


def test_half_covered_pixels_keep_their_colour(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run")
    picture = Image.new("RGBA", (16, 16))
    picture.putpixel((0, 0), (255, 255, 255, 255))  # a quarter of the first pixel of the run's
    picture.save(tmp_path / "s.png")
    found = Strokes.read(run, tmp_path / "s.png", None)
    assert found.wanted[0, 0, 0] == pytest.approx(1)
    assert found.cover[0, 0, 0] == pytest.approx(0.25)
    assert found.cover.sum() == pytest.approx(0.25)


def test_the_colour_error_is_the_mean_square_under_the_strokes() -> None:
    wanted, cover = torch.zeros(1, 8, 8), torch.zeros(1, 8, 8)
    wanted[:, 0], cover[:, 0] = 0.5, 1.0
    drawing = Strokes(wanted, cover, torch.zeros(1, 8, 8), None)
    x = torch.rand(2, 1, 8, 8)
    x[0, 0, 0], x[1, 0, 0] = 0.5, 0.1
    assert torch.allclose(drawing.errors(x), torch.tensor([[0.0, 0.0], [0.16, 0.0]]), atol=1e-6)


def test_gradients_know_which_way_an_edge_runs_and_not_its_sign() -> None:
    upright = torch.zeros(1, 1, 16, 16)
    upright[..., 8:] = 1
    lying, slanted = upright.transpose(2, 3), torch.ones(16, 16).tril()[None, None]
    across, down = gradients(upright)[0], gradients(lying)[0]
    assert torch.allclose(across, gradients(1 - upright)[0], atol=1e-5)
    assert torch.allclose(across[0], -down[0].T, atol=1e-5)
    assert across[0].max() > 0.9 * 0.5 / (0.5 + FAINT)
    assert across[1].abs().max() < 1e-5
    diagonal = gradients(slanted)[0]
    middle = diagonal[:, diagonal.shape[1] // 2, diagonal.shape[2] // 2]
    assert abs(middle[0]) < 1e-5
    assert abs(middle[1]) > 0.8
    assert gradients(torch.full((1, 1, 16, 16), 0.3)).abs().max() < 1e-4


@pytest.mark.parametrize("kind", ["dark", "opaque"])
def test_edges_are_followed(tmp_path: Path, kind: str) -> None:
    run = vivid(tmp_path / "run")
    dark = Image.new("L", (64, 64), 255) if kind == "dark" else Image.new("RGBA", (64, 64))
    ImageDraw.Draw(dark).line([(20, 0), (20, 63)], fill=0 if kind == "dark" else (255, 255, 0, 255), width=8)
    dark.save(tmp_path / "e.png")
    told = scribble(run, edges=tmp_path / "e.png", candidates=3, out=tmp_path / "p.png")
    assert 0 < told["error"] < told["error_at_start"]
    assert {line["colour_error"] for line in told["candidates"]} == {0}
    both = scribble(
        run, strokes=painted(run, tmp_path / "s.png"), edges=tmp_path / "e.png", candidates=2, out=tmp_path / "p.png"
    )
    assert all(line["colour_error"] > 0 < line["edge_error"] for line in both["candidates"])


def test_a_start_is_kept_to(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run", labels=KINDS)
    strokes = painted(run, tmp_path / "s.png")
    still = scribble(run, strokes=strokes, start="3", candidates=2, steps=0, out=tmp_path / "p.png")
    assert min(line["changed"] for line in still["candidates"]) == 0
    moved = scribble(run, strokes=strokes, start="3", label="b", candidates=2, out=tmp_path / "p.png")
    assert moved["error"] < moved["error_at_start"]
    with Image.open(tmp_path / "p.png") as page:
        wide = page.width
    free = scribble(run, strokes=strokes, candidates=2, out=tmp_path / "p.png")
    assert "changed" not in free["candidates"][0]
    with Image.open(tmp_path / "p.png") as page:
        assert page.width < wide  # no start on it


def test_an_inverted_picture_is_a_start(tmp_path: Path) -> None:
    run = making.styled(tmp_path / "run")
    invert(run, pictures="seeds:0-1", steps=1, keep=tmp_path / "k.npz", out=tmp_path / "p.png")
    picture = Image.new("RGBA", (16, 16))
    picture.paste((255, 255, 255, 255), (0, 0, 16, 3))
    picture.save(tmp_path / "s.png")
    told = scribble(
        run, strokes=tmp_path / "s.png", start=f"{tmp_path / 'k.npz'}:1", candidates=2, steps=40, out=tmp_path / "p.png"
    )
    assert told["error"] < told["error_at_start"]
    with pytest.raises(InputError, match="--label"):
        scribble(run, strokes=tmp_path / "s.png", start=f"{tmp_path / 'k.npz'}:1", label="x", out=tmp_path / "p.png")


def test_the_same_drawing_has_the_same_answer_and_the_label_that_is_asked_for(tmp_path: Path) -> None:
    run = making.dense(tmp_path / "run", labels=KINDS)
    strokes, pages = painted(run, tmp_path / "s.png"), []
    for _ in range(2):
        scribble(run, strokes=strokes, label="b", candidates=3, steps=0, out=tmp_path / "p.png")
        pages.append((tmp_path / "p.png").read_bytes())
    assert pages[0] == pages[1]
    scribble(run, strokes=strokes, label="a", candidates=3, steps=0, out=tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes() != pages[0]


@pytest.mark.parametrize(
    ("picture", "option", "told"),
    [
        (Image.new("RGBA", (8, 8)), "strokes", "transparent everywhere"),
        (Image.new("L", (8, 8), 255), "edges", "no lines"),
        (Image.new("L", (8, 8), 0), "edges", "no lines"),
        (Image.new("RGBA", (8, 16), "red"), "strokes", "8×16"),
        (Image.new("1", (4200, 4200)), "strokes", "make it smaller"),
        (None, "strokes", "no such file"),
        (b"\x89PNG\r\n\x1a\nxx", "edges", "cannot be read"),
        (png(Image.effect_noise((64, 64), 90))[:400], "edges", "cannot be read"),
    ],
)
def test_hostile_drawings_are_refused(tmp_path: Path, picture: object, option: str, told: str) -> None:
    if isinstance(picture, bytes):
        (tmp_path / "s.png").write_bytes(picture)
    elif isinstance(picture, Image.Image):
        picture.save(tmp_path / "s.png")
    with pytest.raises(InputError, match=told):
        scribble(making.dense(tmp_path / "run"), **{option: tmp_path / "s.png", "out": tmp_path / "p.png"})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"strokes": None}, "needs --strokes"),
        ({"candidates": 0}, "--candidates"),
        ({"steps": -1}, "--steps"),
        ({"start": "x.npz"}, "no such .npz"),
        ({"label": "a"}, "without labels"),
    ],
)
def test_impossible_options_are_refused(tmp_path: Path, options: dict[str, object], told: str) -> None:
    run = making.dense(tmp_path / "run")
    given = {"strokes": painted(run, tmp_path / "s.png"), "out": tmp_path / "p.png", **options}
    with pytest.raises(InputError, match=told):
        scribble(run, **given)  # type: ignore[arg-type]
