"""The command line: help without torch, exit codes, one-line errors, the same arguments as the functions."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ganvas as gan
from ganvas.names import listing
from ganvas.skins import cli

TINY = ["--width", "4", "--latent", "8", "--batch", "16", "--quiet"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs") / "digits"
    assert cli.main(["train", "digits", "--rounds", "3", "--run", str(place), *TINY]) == 0
    return place


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.main([str(a) for a in arguments])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_help_and_version_need_no_torch(flag: str) -> None:
    check = f"import sys; from ganvas.skins.cli import main; main(['{flag}']); assert 'torch' not in sys.modules"
    start = time.process_time()
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "ganvas" in done.stdout
    assert "numpy" not in done.stderr
    assert time.process_time() - start < 1


def test_every_verb_is_listed_once_everywhere() -> None:
    assert set(cli.VERBS) == set(listing("verbs")) == set(cli.POSITIONAL)
    for verb in cli.VERBS:
        assert verb in gan.__all__


@pytest.mark.parametrize("verb", cli.VERBS)
def test_the_help_of_a_verb_names_every_argument(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, verb, "--help")
    assert code == 0
    for name, p in inspect.signature(getattr(gan, verb)).parameters.items():
        if p.kind is not p.VAR_KEYWORD and name != "monitors":  # Python only
            assert name.replace("_", "-") in out.lower(), name


def test_the_flags_of_a_game_come_from_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = told(capsys, "train", "--game", "wgan_gp", "--net", "dcgan", "--help")
    assert "--gp-weight" in out
    assert "(default: 10.0)" in out
    assert "λ, eq. (3)" in out
    assert "--hidden" not in out  # mlp's
    _, out, _ = told(capsys, "train", "--game", "wgan", "--help")
    assert "--clip-weights" in out
    assert "--gp-weight" not in out


OWN = """
from ganvas import Discriminator, Game, Generator
from ganvas.penalties import gradient_penalty


class WGANGP(Game):
    G: Generator
    D: Discriminator
    critic_moves: int = 5
    gp_weight: float = 10.0  # lambda
    twice: bool = False  # double it

    def play(self, batches):
        for _ in range(self.critic_moves):
            real = next(batches)
            fake = self.G.sample(like=real).detach()
            penalty = gradient_penalty(self.D, real, fake) * (1 + self.twice)
            yield self.D, (self.D(fake) - self.D(real)).mean() + self.gp_weight * penalty
        yield self.G, -self.D(self.G.sample(like=real)).mean()
"""


def test_a_users_own_game_trains_with_its_fields_as_flags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(OWN)
    flags = ["--gp-weight", "5", "--critic-moves", "2", "--twice", "--hidden", "8", "--rounds", "2", "--quiet"]
    code, _, err = told(capsys, "train", "ring", "--game", "mine.py:WGANGP", "--run", "run", *flags)
    assert code == 0, err
    made = gan.Run("run")
    assert made.info["game"] == "mine.py:WGANGP"
    assert made.info["settings"]["game"] == {"critic_moves": 2, "gp_weight": 5.0, "twice": True}
    assert Path("run/mine.py").read_text() == OWN
    code, _, err = told(capsys, "train", "--resume", "run", "--rounds", "3", "--override", "--quiet")
    assert code == 2
    assert "--trust mine.py" in err
    code, _, err = told(
        capsys, "train", "--resume", "run", "--trust", "mine.py", "--rounds", "3", "--override", "--quiet"
    )
    assert code == 0, err
    assert gan.Run("run").progress.t == 3
    code, _, err = told(capsys, "train", "ring", "--game", "mine.py:WGANGPP", "--rounds", "1")
    assert (code, "did you mean 'WGANGP'" in err) == (2, True)


def test_a_flag_that_two_own_is_refused_and_the_prefix_works(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wide.py").write_text(OWN.replace("critic_moves: int = 5", "hidden: int = 3\n    critic_moves: int = 1"))
    base = ["train", "ring", "--game", "wide.py:WGANGP", "--rounds", "1", "--quiet", "--run", "run"]
    code, _, err = told(capsys, *base, "--hidden", "8")
    assert code == 2
    assert "--game.hidden" in err
    code, _, err = told(capsys, *base, "--game.hidden", "4", "--G.hidden", "8", "--D.hidden", "16")
    assert code == 0, err
    settings = gan.Run("run").info["settings"]
    assert [settings[o]["hidden"] for o in ("game", "G", "D")] == [4, 8, 16]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "did you mean 'train'"),
        (["train"], "what to train on"),
        (["train", "no_such_folder"], "no file, folder or data named 'no_such_folder'"),
        (["train", "digit"], "did you mean 'digits'"),
        (["train", "digits", "--rouns", "3"], "--rounds"),
        (["train", "digits", "--rounds", "few"], "few"),
        (["train", "digits", "--rounds", "0"], "more than 0"),
        (["train", "digits", "--rounds", "3", "--seen", "5"], "one of --seen, --rounds and --minutes"),
        (["train", "digits", "--game", "wgan_pg"], "did you mean 'wgan_gp'"),
        (["train", "digits", "--net", "mpl"], "did you mean 'mlp'"),
        (["train", "digits", "--recipe", "dcgna"], "did you mean 'dcgan'"),
        (["train", "digits", "--recipe", "dcgan", "--game", "wgan"], "not both"),
        (["train", "digits", "--recipe", "dcgan", "--net", "stylegan2"], "not both"),
        (["train", "digits", "--batch", "30", "--accumulate", "4"], "multiple of 4"),
        (["train", "digits", "--gp-weight", "3"], "gp-weight"),
        (["train", "digits", "--seed", "-1"], "--seed"),
        (["train", "ring", "--net", "dcgan", "--rounds", "1"], "pictures"),
        (["train", "ring", "--size", "8"], "no option size"),
        (["train", "--resume", "nowhere"], "no run folder nowhere"),
        (["generate", "nowhere", "--out", "x.png"], "no run folder nowhere"),
        (["generate"], "run"),
        (["show", "."], "run.json is missing"),
        (["list", "gmaes"], "games"),
    ],
    ids=" ".join,
)
def test_wrong_input_is_one_line_and_exit_code_2(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = told(capsys, *arguments)
    assert code == 2, err
    assert message in err
    assert err.count("\n") == 1, err
    assert "Traceback" not in err
    assert not (tmp_path / "runs").exists()


def test_an_existing_path_wins_over_a_built_in_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ring").mkdir()
    for number in range(20):
        Image.fromarray(np.full((8, 8), number * 10, np.uint8)).save(f"ring/{number}.png")
    made = gan.train("ring", run="run", rounds=1, quiet=True, batch=4)
    assert made.info["data"]["shape"] == [1, 8, 8]


def test_generate_writes_a_grid_a_folder_or_an_array(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "generate", run, "--out", tmp_path / "g.png", "-n", 9)[0] == 0
    with Image.open(tmp_path / "g.png") as grid:
        assert min(grid.size) > 3 * 8
    assert told(capsys, "generate", run, "--out", tmp_path / "folder", "-n", 5, "--label", "7", "--seed", 3)[0] == 0
    files = sorted((tmp_path / "folder").iterdir())
    assert [f.name for f in files] == [f"0000{i}_7.png" for i in range(5)]
    assert told(capsys, "generate", run, "--out", tmp_path / "a.npz", "-n", 5, "--label", "7", "--seed", 3)[0] == 0
    with np.load(tmp_path / "a.npz", allow_pickle=False) as arrays:
        assert arrays["samples"].shape == (5, 8, 8, 1)
        assert arrays["samples"].dtype == np.uint8
        assert arrays["labels"].tolist() == [7] * 5
        for file, sample in zip(files, arrays["samples"], strict=True):
            assert np.array_equal(pixels(file), sample[..., 0])
    pictures = gan.Run(run).generate(5, label=7, seed=3)
    assert all(np.array_equal(np.asarray(p), pixels(f)) for p, f in zip(pictures, files, strict=True))


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--out", "x.gif"], "end it with .png or .npz"),
        (["--out", "no/such/folder/x.png"], "cannot write"),
        (["--out", "file.txt/x"], "cannot write"),
        (["--out", "x.png", "--label", "eleven"], "no label 'eleven'"),
        (["--out", "x.png", "-n", "0"], "1 or more"),
        (["--out", "x.png", "--truncation", "0.001"], "0.05 or more"),
        (["--out", "x.png", "--seed", "-4"], "--seed"),
    ],
)
def test_generate_refuses(
    run: Path,
    extra: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file.txt").touch()
    code, _, err = told(capsys, "generate", run, *extra)
    assert (code, err.count("\n")) == (2, 1), err
    assert message in err


def test_show_and_list_speak_json(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, "show", run, "--json")
    shown = json.loads(out)
    assert (code, shown["rounds"], shown["ended"]) == (0, 3, True)
    code, out, _ = told(capsys, "list", "--json", "--runs", run.parent)
    found = json.loads(out)
    assert set(found["games"]) >= {"gan", "wgan", "wgan_gp", "r3gan"}
    assert set(found["data"]) == {"digits", "grid", "ring"}
    assert str(run) in found["runs"]
    assert all(what for kind in found.values() for what in kind.values())
    assert told(capsys, "show", run)[0] == told(capsys, "list", "games")[0] == 0


def test_an_interrupted_run_exits_with_130(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ganvas.skins.cli", "train", "digits", "--run", str(tmp_path / "run"), *TINY],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "run/samples").exists() or not [*(tmp_path / "run/samples").iterdir()]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.terminate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "--resume" in err
    assert gan.Run(tmp_path / "run").progress.t > 0


def test_piped_progress_is_plain_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganvas.monitors import progress

    monkeypatch.setattr(progress, "PLAIN_SECONDS", 0.0)
    flags = [f for f in TINY if f != "--quiet"]
    code, _, err = told(capsys, "train", "digits", "--rounds", 5, "--run", tmp_path / "run", *flags)
    assert code == 0
    lines = err.strip().split("\n")
    assert "1,617 samples" in err
    assert "100 %" in lines[-1]
    assert "D(x)" in lines[-1]
    assert "left" in lines[-1]
    assert "\x1b" not in err


def test_tensorboard_events_are_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    gan.train("digits", run=tmp_path / "run", rounds=2, width=4, latent=8, quiet=True, tensorboard=True)
    assert [*(tmp_path / "run/tensorboard").glob("events*")]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("run.json", "{", "damaged"),
        ("run.json", '{"format": 99}', "format 1"),
        ("generator/config.json", '{"net": "os:system"}', "damaged|--trust"),
        ("generator/weights.safetensors", "junk", "cannot be read"),
    ],
)
def test_foreign_or_damaged_folders_are_refused(
    run: Path, tmp_path: Path, file: str, content: str, message: str
) -> None:
    import shutil

    shutil.copytree(run, tmp_path / "copy")
    (tmp_path / "copy" / file).write_text(content)
    with pytest.raises(gan.InputError, match=message):
        gan.Run(tmp_path / "copy").generate(1)


def test_a_strangers_folder_cannot_name_code(run: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(run, tmp_path / "copy")
    config = tmp_path / "copy/generator/config.json"
    stored = json.loads(config.read_text())
    for net in ("os:system", "ganvas.skins.cli:main", "subprocess:Popen", "evil.py:Net", "ganvas.nets.dcgan:init"):
        config.write_text(json.dumps(stored | {"net": net}))
        with pytest.raises(gan.InputError):
            gan.Run(tmp_path / "copy").generate(1)
