"""``ganvas evaluate`` on what is not what it should be: one line on standard error, exit code 2, no code run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganvas as gan
from ganvas.skins import cli
from ganvas.spaces.toys import ring

random = np.random.default_rng(0)


def pictures(count: int, *channels: int) -> np.ndarray:
    return random.integers(0, 255, (count, 8, 8, *channels), dtype=np.uint8)


def folder(place: str, *sizes: tuple[int, int], count: int = 20) -> None:
    """A folder of grey PNG files of these sizes."""
    Path(place).mkdir()
    for number in range(count):
        noise = random.integers(0, 255, sizes[number % len(sizes)], dtype=np.uint8)
        Image.fromarray(noise).save(f"{place}/{number}.png")


def features(place: str, x: np.ndarray, keep: slice = slice(None)) -> None:
    """An .npz of features, perhaps only some of its bytes."""
    np.savez(place, features=x)
    Path(place).write_bytes(Path(place).read_bytes()[keep])


class Burglar:
    """Leaves a mark where it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(Path("burgled").absolute()),)


def burgle(place: str, key: str) -> None:
    array = np.empty(2, object)
    array[0] = Burglar()
    np.savez(place, **{key: array})


CASES: dict[str, tuple[Callable[[], object], str, str]] = {
    "no pictures": (lambda: (Path("x").mkdir(), Path("x/a.txt").touch()), "x --against real", "x holds no pictures"),
    "an empty folder": (lambda: Path("x").mkdir(), "real --against x", "x holds no pictures"),
    "one picture": (lambda: folder("x", (8, 8), count=1), "x --against real", "only one picture"),
    "an array of one picture": (lambda: np.savez("x.npz", images=pictures(1)), "x.npz --against real", "at least 2"),
    "channels": (lambda: np.savez("x.npz", images=pictures(20, 3)), "x.npz --against real", "convert one of them"),
    "channels, reversed": (lambda: np.savez("x.npz", images=pictures(20, 3)), "real --against x.npz", "3; convert"),
    "sizes": (lambda: folder("x", (8, 8), (9, 8)), "x --against real", "pictures of several sizes"),
    "one size, another": (lambda: folder("x", (9, 9)), "x --against real", "cannot be compared"),
    "NaN features": (lambda: features("x.npz", np.full((9, 4), np.nan)), "x.npz --against f.npz", "take those rows"),
    "other widths": (
        lambda: features("x.npz", np.ones((20, 5))),
        "x.npz --against f.npz --metrics kid",
        "features of 4 and 5",
    ),
    "an extractor for features": (lambda: None, "f.npz --against f.npz --extractor values", "leave --extractor values"),
    "samples, features": (lambda: np.savez("x.npz", images=pictures(20)), "x.npz --against f.npz", "of 4 and 64"),
    "features, samples": (lambda: None, "f.npz --against real", "features of 64 and 4"),
    "neither key": (lambda: np.savez("x.npz", other=np.ones(3)), "x.npz --against real", "has the arrays other"),
    "cut off": (lambda: features("x.npz", np.ones((9, 4)), slice(-60)), "x.npz --against f.npz", "x.npz is cut off"),
    "cut in half": (
        lambda: features("x.npz", np.ones((9, 4)), slice(200)),
        "f.npz --against x.npz",
        "x.npz is cut off",
    ),
    "empty": (lambda: Path("x.npz").touch(), "x.npz --against f.npz", "x.npz is cut off"),
    "text": (lambda: Path("x.npz").write_text("no"), "x.npz --against f.npz", "no .npz file"),
    "pickled features": (lambda: burgle("x.npz", "features"), "x.npz --against f.npz", "never opens"),
    "pickled pictures": (lambda: burgle("x.npz", "images"), "x.npz --against real", "never opens"),
    "pickled labels": (
        lambda: np.savez("x.npz", images=pictures(9), labels=np.array([Burglar(), *[0] * 8])),
        "x.npz --against real",
        "never opens",
    ),
    "no such file": (lambda: None, "x.npz --against real", "no file x.npz"),
    "no such folder": (lambda: None, "real --against x", "no file, folder or data named 'x'"),
    "no run": (lambda: None, "real", "real is no run, so say what is real"),
    "nothing": (lambda: None, "", "what to judge?"),
    "no such extractor": (lambda: None, "real --against real --extractor inceptoin", "did you mean 'inception'"),
    "a file for none": (lambda: Path("x").touch(), "real --against real --extractor digits=x", "reads no file"),
    "missing code": (lambda: None, "real --against real --extractor x.py:f", "no file x.py"),
    "missing function": (lambda: None, "real --against real --extractor own.py:lihgt", "did you mean 'light'"),
    "broken code": (lambda: Path("x.py").write_text("1/0"), "real --against real --extractor x.py:f", "does not run"),
    "NaN extractor": (lambda: None, "real --against real --extractor own.py:nan", "NaN or infinite features"),
    "flat extractor": (lambda: None, "real --against real --extractor own.py:flat", "one vector for each"),
    "missing weights": (lambda: None, "c.npz --against c.npz --extractor inception=x.pt", "cannot be read"),
    "other weights": (
        lambda: Path("x.pth").write_bytes(b"junk"),
        "c.npz --against c.npz --extractor inception=x.pth",
        "x.pth is not the file it should be: SHA-256",
    ),
    "unknown metric": (lambda: None, "real --against real --metrics kdi", "did you mean 'kid'"),
    "pictures' metric": (lambda: None, "f.npz --against f.npz --metrics ms_ssim", "looks at pictures"),
}


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder("real", (8, 8))
    features("f.npz", random.normal(size=(20, 4)))
    np.savez("c.npz", images=pictures(20, 3))
    own = "x.flatten(2).mean(2)", "x.flatten(1) * float('nan')", "x.mean()"
    names = ("light", "nan", "flat")
    Path("own.py").write_text("\n".join(f"{n} = lambda x: {e}" for n, e in zip(names, own, strict=True)))


def refused(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """Raise unless the command line says no in one line that holds ``message``."""
    code = cli.main(["evaluate", *arguments])
    err = capsys.readouterr().err
    assert (code, err.count("\n")) == (2, 1), err
    assert message in err
    assert "Traceback" not in err
    assert not Path("burgled").exists()


@pytest.mark.parametrize("case", CASES)
def test_bad_samples_are_one_line(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    prepare, arguments, message = CASES[case]
    prepare()
    default = [] if "--extractor" in arguments or "--metrics" in arguments else ["--extractor", "values"]
    refused(capsys, [*arguments.split(), *default], message)


def test_the_trap_works() -> None:
    burgle("x.npz", "features")
    with np.load("x.npz", allow_pickle=True) as stored:
        assert len(stored["features"]) == 2
    assert Path("burgled").is_dir()


def test_runs_that_cannot_be_judged(capsys: pytest.CaptureFixture[str]) -> None:
    tiny = {"net": "mlp", "hidden": 4, "latent": 4, "batch": 4, "rounds": 1, "quiet": True}
    plain = ["--extractor", "values"]
    gan.train("real", run="run", **tiny)
    gan.train(ring(count=60, holdout=0.0), run="points", **tiny)
    refused(capsys, ["points"], "points held nothing out")
    refused(capsys, ["points", "--against", "real", *plain], "differ")
    refused(capsys, ["points", "--against", "f.npz", *plain], "cannot be compared")
    refused(capsys, ["run", "-n", "1", "--against", "real", *plain], "run holds 1 samples; 12 are needed")
    shutil.move("real", "moved")
    refused(capsys, ["run"], "the data of run is not where it was, or has changed; give it with --against")
    shutil.rmtree("run/generator")
    refused(capsys, ["run", "--against", "moved", *plain], "no generator yet")
    Path("run/run.json").write_text("{")
    refused(capsys, ["run", "--against", "moved"], "run.json")


def test_a_run_that_names_an_extractor_of_its_own_does_not_run_it(capsys: pytest.CaptureFixture[str]) -> None:
    """What a stranger's run.json says is never taken as the user's word."""
    Path("own.py").write_text("import os\nos.mkdir('burgled')\nlight = lambda x: x")
    run = gan.train("real", run="run", net="mlp", hidden=4, latent=4, batch=4, rounds=1, quiet=True, holdout=0.5)
    settings = run.info["settings"]
    run.update(settings=settings | {"run": settings["run"] | {"extractor": "own.py:light", "metric": "kid"}})
    assert cli.main(["train", "--resume", "run", "--rounds", "3", "--override", "--quiet"]) == 2
    assert "--trust own.py" in capsys.readouterr().err
    assert not Path("burgled").exists()
