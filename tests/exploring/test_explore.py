"""The experiments as a user runs them: what is written, what is counted, what is refused."""

from __future__ import annotations

import inspect
import io
import json
from pathlib import Path
from typing import Any

import making
import numpy as np
import pytest
from PIL import Image

import ganvas as gan
from ganvas import names
from ganvas.errors import InputError
from ganvas.exploring import arithmetic as sums
from ganvas.exploring import latent
from ganvas.exploring.latent import codes, drawn
from ganvas.exploring.mix import layers_of
from ganvas.exploring.reader import Reader
from ganvas.exploring.video import film
from ganvas.labels import Labels
from ganvas.run import Run
from ganvas.skins import cli
from ganvas.verbs.explore import experiments

KINDS = Labels.of(["kind"], [["a", "b", "c"]], np.array([[0], [1], [2]]))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = making.dense(tmp_path / "run", labels=KINDS)
    made.update(data={"origin": {"source": "digits"}, "fingerprint": gan.digits().fingerprint})
    return made


def tile(path: Path, row: int, column: int, side: int = 8, factor: int = 4) -> np.ndarray:
    """A picture of a sheet without words, as it was before it was enlarged."""
    step = side * factor + 1
    whole = np.asarray(Image.open(path).convert("L"))
    return whole[row * step + 1 : (row + 1) * step : factor, column * step + 1 : (column + 1) * step : factor]


def test_the_experiments() -> None:
    found = experiments()
    wanted = {"arithmetic", "directions", "interpolate", "mix", "neighbours", "truncation"}
    assert wanted <= found.keys()
    assert not {"latent", "sheet", "video", "reader", "probe", "factors"} & found.keys()
    assert all(found.values())


def test_a_way_begins_and_ends_with_the_samples(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "way.png"
    found = gan.explore(run, "interpolate", seeds="0,5,9", frames=4, out=out)
    raw, _ = run.samples([0, 5, 9])
    assert found["pictures"] == 10
    for (row, column), number in {(0, 0): 0, (0, 4): 1, (1, 0): 1, (1, 4): 2}.items():
        assert np.array_equal(tile(out, row, column), raw[number, :, :, 0])
    assert 0 < found["mean_step"] <= found["largest_step"]


def test_a_way_may_change_the_condition(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "way.png"
    gan.explore(run, "interpolate", seeds="3,3", label="a,c", frames=2, out=out)
    ends, _ = run.samples([3, 3], label=["a", "c"])
    assert np.array_equal(tile(out, 0, 0), ends[0, :, :, 0])
    assert np.array_equal(tile(out, 0, 2), ends[1, :, :, 0])
    gan.explore(run, "interpolate", seeds="3,3", label="b", frames=2, out=out)
    assert np.array_equal(tile(out, 0, 0), tile(out, 0, 1))


@pytest.mark.parametrize(("loop", "count"), [(False, 9), (True, 12)])
def test_films_have_all_frames(run: Run, tmp_path: Path, loop: bool, count: int) -> None:
    gan.explore(run, "interpolate", seeds="0-2", frames=4, loop=loop, out=tmp_path / "way.gif", fps=20)
    with Image.open(tmp_path / "way.gif") as film:
        assert film.n_frames == count  # type: ignore[attr-defined]
        assert film.info["duration"] == 50
        assert film.info["loop"] == 0
        assert min(film.size) >= 200


def test_an_mp4_has_all_frames_and_plays_at_the_rate(run: Run, tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    for name in ("a.mp4", "b.mp4"):
        found = gan.explore(run, "interpolate", seeds="0-2", frames=4, fps=10, out=tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    with av.open(str(tmp_path / "a.mp4")) as file:
        frames = list(file.decode(video=0))
        assert len(frames) == found["pictures"] == 9
        assert file.streams.video[0].average_rate == 10
        assert file.streams.video[0].codec.name == "h264"


def test_a_film_shows_its_frames() -> None:
    av = pytest.importorskip("av")
    frames = [Image.new("RGB", (33, 41), colour) for colour in ("black", "white", "red")]
    for kind in (".gif", ".mp4"):
        data = io.BytesIO(film(frames, 5, kind))
        with av.open(data) as file:
            seen = [frame.to_ndarray(format="rgb24").mean((0, 1)) for frame in file.decode(video=0)]
        expected = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0]])
        assert np.abs(np.array(seen)[: len(expected)] - expected).max() < 12


def test_no_av_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(InputError, match=r"ganvas\[video\]"):
        film([Image.new("L", (8, 8))], 5, ".mp4")


@pytest.mark.parametrize("options", [
    ["interpolate"], ["truncation"], ["directions", "--count", "2"], ["neighbours"],
    ["arithmetic", "--terms", "+0,1,2 -3,4,5 +6,7,8"],
])  # fmt: skip
def test_the_same_options_write_the_same_bytes(
    run: Run, tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    written = []
    for name in ("a.png", "b.png"):
        out = tmp_path / name
        assert cli.main(["explore", str(run.path), *options, "--out", str(out), "--json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found.pop("out") == str(out)
        written.append((out.read_bytes(), found))
    assert written[0] == written[1]
    assert cli.main(["explore", str(run.path), *options]) == 0
    place = run.path / "explore" / f"{options[0]}.png"
    assert str(place) in capsys.readouterr().out.replace("\n", "")
    assert place.read_bytes() == written[0][0]


def test_arithmetic_averages_and_adds(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = []
    monkeypatch.setattr(sums, "drawn", lambda run, code: seen.append(code) or drawn(run, code))
    gan.explore(run, "arithmetic", terms="+0,1,2 -3,4 5", out=tmp_path / "x.png")
    a, b, c = (codes(run, which) for which in ([0, 1, 2], [3, 4], [5]))
    shown = seen[-1]
    assert len(shown) == 3 * 4 + 9
    assert shown[3].allclose(a.mean(0))
    assert shown[7].allclose(b.mean(0))
    middle, others = shown[12 + 4], shown[12:][[0, 1, 2, 3, 5, 6, 7, 8]]
    assert middle.allclose(a.mean(0) - b.mean(0) + c.mean(0), atol=1e-6)
    gaps = (others - middle).abs()
    assert gaps[:, :6].max() < 0.25 * 1.1
    assert gaps[:, :6].max() > 0.15
    assert not gaps[:, 6:].any()  # the condition has no noise


def test_arithmetic_by_what_is_read(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Bright(Reader):
        def __call__(self, raw: np.ndarray) -> np.ndarray:
            return raw[:, 0, int(self.attribute[-1]), 0] / 255

    nothing: Any = None
    monkeypatch.setattr(sums, "reader", lambda run, attribute: Bright(attribute, nothing, nothing, 1.0, 1.0))
    found = gan.explore(run, "arithmetic", terms="+x=0,x=1 -x=0", out=tmp_path / "x.png")
    raw = drawn(run, codes(run, range(2000), 1))[:, 0, :2, 0] >= 128
    assert [one["samples"] for one in found["terms"]] == [raw.all(1).sum(), raw[:, 0].sum()]
    assert found["result_reads"].keys() == {"x=0", "x=1"}
    monkeypatch.setattr(sums, "LEARNT", 2)
    with pytest.raises(InputError, match="3 are needed"):
        gan.explore(run, "arithmetic", terms="+x=0", out=tmp_path / "x.png")


def test_too_many_samples_for_memory(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latent, "LARGEST", 640)
    assert len(drawn(run, codes(run, range(10)))) == 10
    with pytest.raises(InputError, match="640 are the most"):
        drawn(run, codes(run, range(11)))


def test_mixing_takes_the_chosen_layers_from_the_column(tmp_path: Path) -> None:
    run, out = making.styled(tmp_path / "run"), tmp_path / "mix.png"
    layers = run.generator.net.layers
    for chosen, row_wins in ((f"0-{layers - 1}", False), ("0", None)):
        gan.explore(run, "mix", rows="0,1", columns="2-4", layers=chosen, out=out)
        whole = [[tile(out, row, column, 16, 2) for column in range(4)] for row in range(3)]
        assert (whole[0][0] == whole[0][0][0, 0]).all()
        same = [np.array_equal(whole[r][c], whole[0][c]) for r in (1, 2) for c in (1, 2, 3)]
        assert all(same) if row_wins is False else not any(same)
    assert layers_of(run.generator.net, "coarse") == [0, 1]  # type: ignore[arg-type]
    parts = [layer for part in ("coarse", "middle", "fine") for layer in layers_of(run.generator.net, part)]  # type: ignore[arg-type]
    assert parts == list(range(layers))


def test_truncation_leaves_less_and_less_variety(run: Run, tmp_path: Path) -> None:
    for one, levels in ((run, "0.1,1,20"), (making.styled(tmp_path / "w"), "0,0.5,1")):
        found = [line["variety"] for line in gan.explore(one, "truncation", levels=levels)["levels"]]
        assert found == sorted(found)
        assert found[0] < 0.2
        assert found[2] == pytest.approx(1, abs=1e-3)


def test_neighbours_of_a_training_sample_are_itself(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from ganvas.exploring import neighbours

    data = gan.digits()
    train, _ = data.train.read(np.arange(8))
    monkeypatch.setattr(neighbours, "drawn", lambda run, code: train.copy())
    found = gan.explore(run, "neighbours", count=2, out=tmp_path / "n.png")
    assert [line["nearest"][0] for line in found["samples"]] == list(range(8))
    assert [line["distance"] for line in found["samples"]] == [0.0] * 8
    assert found["held_out"] > 0.3


def test_directions_as_an_array(run: Run, tmp_path: Path) -> None:
    found = gan.explore(run, "directions", by="sefa", count=3, out=tmp_path / "d.npz")
    assert np.load(tmp_path / "d.npz", allow_pickle=False)["directions"].shape == (3, 9)
    assert len(found["explained"]) == 3


@pytest.mark.parametrize(("arguments", "reason"), [
    ("", "first comes the run"),
    ("RUN", "explore RUN arithmetic|"),
    ("RUN interpol", "did you mean 'interpolate'?"),
    ("RUN latent", "no experiment 'latent'"),
    ("RUN interpolate --speed 3", "--speed"),
    ("RUN interpolate --seeds 1", "two or more"),
    ("RUN interpolate --seeds 0-5 --frames 0", "--frames 0"),
    ("RUN interpolate --frames 99999999", "--frames 99999999"),
    ("RUN interpolate --label d", "no label 'd'"),
    ("RUN interpolate --out x.jpg", ".png or .gif or .mp4"),
    ("RUN interpolate --out no/where.png", "there is no folder"),
    ("RUN interpolate --out x.gif --fps 0", "--fps 0"),
    ("RUN interpolate --truncation 0.001", "0.05 or more"),
    ("RUN mix", "needs styles"),
    ("RUN directions --by magic", "pca, sefa, or"),
    ("RUN directions --by magic=1", "write COLUMN=VALUE"),
    ("RUN directions --count 0", "--count 0"),
    ("RUN directions --strength nan", "--strength nan"),
    ("RUN directions --strength 0", "--strength 0"),
    ("RUN directions --layers coarse", "needs styles"),
    ("RUN truncation --levels a", "no numbers"),
    ("RUN truncation --levels nan", "possible"),
    ("RUN truncation --levels 0.5,-1", "0.05 or more"),
    ("RUN neighbours --count 0", "--count 0"),
    ("RUN arithmetic", "--terms"),
    ("RUN arithmetic --terms ++", "terms with their signs"),
    ("RUN arithmetic --terms a", "no list of whole numbers"),
    ("RUN arithmetic --terms +magic=1", "write COLUMN=VALUE"),
    ("RUN arithmetic --terms 1 --noise nan", "--noise nan"),
    ("nowhere interpolate", "no run folder nowhere"),
])  # fmt: skip
def test_what_is_refused_in_a_line(
    run: Run,
    arguments: str,
    reason: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [str(run.path) if one == "RUN" else one for one in arguments.split()]
    assert cli.main(["explore", *given]) == 2
    told = capsys.readouterr().err
    assert reason in told
    assert told.count("\n") == 1
    assert not (run.path / "explore").exists() or not list((run.path / "explore").iterdir())


def test_points_have_no_pictures(tmp_path: Path) -> None:
    gan.train(gan.toys.ring(), run=tmp_path / "ring", rounds=2, quiet=True)
    for what in experiments():
        parameters = inspect.signature(names.module("exploring", what).__dict__[what]).parameters.items()
        options = {name: "0" for name, p in parameters if p.default is p.empty and name != "run"}
        with pytest.raises(InputError, match="for runs trained on pictures"):
            gan.explore(tmp_path / "ring", what, **options)


@pytest.mark.parametrize("what", ["arithmetic", "directions", "interpolate", "mix", "neighbours", "truncation"])
def test_the_help_of_an_experiment(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["explore", "RUN", what, "--help"], ["explore", what, "--help"]):
        assert cli.main(arguments) == 0
        shown = capsys.readouterr().out
        assert f"ganvas explore RUN {what}" in shown
        assert "--out" in shown
        assert "WHAT" not in shown
