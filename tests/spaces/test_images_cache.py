"""The cache: decoded once, found again, never half there, and clear when it cannot be written."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from image_files import folder_of, noise, put, zipped

from ganvas import watching
from ganvas.errors import InputError
from ganvas.spaces.images import cache as caching
from ganvas.spaces.images import decoding, images


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each picture that is decoded."""
    calls: list[int] = []
    true = decoding.decode

    def counted(*given: object) -> object:
        calls.append(1)
        return true(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(decoding, "decode", counted)
    return calls


def old(root: Path) -> None:
    """Make files look as if they were written an hour ago."""
    for file in root.rglob("*"):
        os.utime(file, (time.time() - 3600,) * 2)


def test_the_second_load_decodes_nothing_and_is_equal(tmp_path: Path, decodes: list[int]) -> None:
    folder_of(tmp_path, [f"{kind}/{i}.png" for kind in "ab" for i in range(10)])
    first, second = images(tmp_path), images(tmp_path)
    assert len(decodes) == 20
    assert isinstance(second.train.raw, np.memmap)
    assert (first.train.raw == second.train.raw).all()
    assert (first.train.index == second.train.index).all()
    assert first.space.config() == second.space.config()
    assert (first.report, first.fingerprint, first.origin) == (second.report, second.fingerprint, second.origin)


def test_what_makes_another_fingerprint(tmp_path: Path, decodes: list[int]) -> None:
    folder_of(tmp_path / "s", [f"{kind}/{i}.png" for kind in "ab" for i in range(3)], size=(8, 8))
    base = images(tmp_path / "s").fingerprint
    same = [{"seed": 5}, {"holdout": 0.5}, {"labels": False}, {"flip": True}, {"crop": "pad"}]
    assert {images(tmp_path / "s", **options).fingerprint for options in same} == {base}  # type: ignore[arg-type]
    assert len(decodes) == 6
    other = [{"size": 4}, {"size": 4, "crop": "pad"}, {"size": 6}]
    assert len({images(tmp_path / "s", **options).fingerprint for options in other} | {base}) == 4  # type: ignore[arg-type]


def test_changed_added_and_renamed_files_are_seen(tmp_path: Path, cache: Path) -> None:
    folder_of(tmp_path, [f"{i}.png" for i in range(4)], size=(8, 8))
    old(tmp_path)
    seen = [images(tmp_path, holdout=0).fingerprint]
    assert list((cache / "index").iterdir())
    put(tmp_path / "1.png", 77, size=(8, 8))
    data = images(tmp_path, holdout=0)
    assert (data.train.raw[1] == noise(77, 8, 8, 3)).all()
    seen.append(data.fingerprint)
    put(tmp_path / "9.png", 9, size=(8, 8))
    seen.append(images(tmp_path).fingerprint)
    (tmp_path / "9.png").rename(tmp_path / "8.png")
    seen.append(images(tmp_path).fingerprint)
    assert len(set(seen)) == 4


def test_the_index_saves_reading_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path, [f"{i}.png" for i in range(4)])
    images(tmp_path)  # too fresh to be trusted
    old(tmp_path)
    first = images(tmp_path).fingerprint
    monkeypatch.setattr("ganvas.spaces.images.folders.folder_content", lambda *given: pytest.fail("files were read"))
    assert images(tmp_path).fingerprint == first


def test_the_same_content_elsewhere_is_not_decoded_again(tmp_path: Path, decodes: list[int]) -> None:
    folder_of(tmp_path / "a", ["1.png", "2.png"])
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert images(tmp_path / "a").fingerprint == images(tmp_path / "b").fingerprint
    assert len(decodes) == 2


def test_argument_variable_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    folder_of(tmp_path / "a", ["1.png", "2.png"])
    images(tmp_path / "a", cache=tmp_path / "mine")
    assert list((tmp_path / "mine").glob("*/pixels.npy"))
    assert not list(cache.glob("*/pixels.npy"))
    monkeypatch.delenv("GANVAS_CACHE")
    assert caching.folder() == Path.home() / ".cache" / "ganvas"


def test_the_entry_is_plain_and_holds_no_objects(tmp_path: Path, cache: Path) -> None:
    folder_of(tmp_path, ["a/1.png", "b/2.png"])
    images(tmp_path)
    (about,) = cache.glob("*/about.json")
    assert json.loads(about.read_text())["columns"]["names"] == ["class"]
    assert {f.name for f in about.parent.iterdir()} == {"pixels.npy", "labels.npy", "splits.npy", "about.json"}
    assert not list(cache.glob("*.part"))


@pytest.mark.parametrize("victim", ["about.json", "pixels.npy", "labels.npy"])
def test_a_damaged_entry_is_built_again(tmp_path: Path, cache: Path, victim: str) -> None:
    folder_of(tmp_path, ["1.png", "2.png", "3.png"])
    first = np.array(images(tmp_path).train.raw)
    (file,) = cache.glob(f"*/{victim}")
    file.write_bytes(file.read_bytes()[:-20])
    assert (images(tmp_path).train.raw == first).all()
    file.unlink()
    assert (images(tmp_path).train.raw == first).all()


def test_parts_of_dead_processes_are_removed_and_others_kept(tmp_path: Path, cache: Path) -> None:
    folder_of(tmp_path, ["1.png", "2.png"])
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    host = caching._host()
    names = {
        f"{'a' * 32}.{host}.{dead.stdout.strip()}.00aa.part": False,
        f"{'a' * 32}.{host}.{os.getpid()}.00aa.part": True,
        f"{'a' * 32}.other-host.{dead.stdout.strip()}.00aa.part": True,
        "something else.part": True,
    }
    for name in names:
        (cache / name).mkdir()
        (cache / name / "pixels.npy").write_bytes(b"x")
    images(tmp_path)
    assert {name: (cache / name).exists() for name in names} == names
    forgotten = cache / f"{'a' * 32}.other-host.1.00aa.part"
    forgotten.mkdir()
    os.utime(forgotten, (0, 0))
    images(tmp_path, size=4)
    assert not forgotten.exists()


BUILD = """
import sys, time
from ganvas.spaces.images import decoding, images
true = decoding.decode
def slow(*given):
    time.sleep(0.02)
    return true(*given)
decoding.decode = slow
print("go", flush=True)
images(sys.argv[1])
"""


def test_killed_while_building(tmp_path: Path, cache: Path) -> None:
    folder_of(tmp_path, [f"{i:03}.png" for i in range(300)])
    child = subprocess.Popen([sys.executable, "-c", BUILD, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()
    for _ in range(500):
        if list(cache.glob("*.part/pixels.npy")):
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert list(cache.glob("*.part"))
    assert not list(cache.glob("*/about.json"))
    assert len(images(tmp_path, holdout=0).train) == 300
    assert not list(cache.glob("*.part"))


def build_in_child(path: str, cache: str, gate: object, answers: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    data = images(path, cache=cache)
    answers.put((data.fingerprint, int(np.asarray(data.train.raw, np.int64).sum())))  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_processes_build_the_same_entry(tmp_path: Path, cache: Path) -> None:
    folder_of(tmp_path / "s", [f"{i:03}.png" for i in range(200)])
    how = multiprocessing.get_context("fork")
    gate, answers = how.Barrier(3), how.Queue()
    children = [
        how.Process(target=build_in_child, args=(str(tmp_path / "s"), str(cache), gate, answers)) for _ in range(3)
    ]
    for child in children:
        child.start()
    found = {answers.get(timeout=60) for _ in children}
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert len(found) == 1
    assert len(list(cache.glob("*/pixels.npy"))) == 1
    assert not list(cache.glob("*.part"))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    folder_of(tmp_path / "s", ["1.png", "2.png"])
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match=r"cache folder .*file.* cannot be written .* GANVAS_CACHE=FOLDER"):
        images(tmp_path / "s", cache=tmp_path / "file")


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path / "s", ["1.png", "2.png"])

    def full(number: int, flush: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching, "_sync", full)
    with pytest.raises(InputError, match=rf"{cache} cannot be written \(No space left on device\); make room"):
        images(tmp_path / "s")
    assert not list(cache.glob("*.part"))


def test_a_cache_that_is_filled_may_be_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder_of(tmp_path / "s", ["1.png", "2.png"])
    images(tmp_path / "s")
    monkeypatch.setattr(Path, "mkdir", lambda *given, **more: (_ for _ in ()).throw(PermissionError(13, "no")))
    monkeypatch.setattr(Path, "write_text", lambda *given, **more: (_ for _ in ()).throw(PermissionError(13, "no")))
    assert images(tmp_path / "s").report["read"] == 2


def test_pixels_are_never_all_in_memory(tmp_path: Path) -> None:
    np.savez(tmp_path / "big.npz", images=np.zeros((40_000, 64, 64, 1), np.uint8))  # 164 MB
    code = (
        "import resource, sys; from ganvas.spaces.images import images, cache\n"
        "status = lambda: int(next(l for l in open('/proc/self/status') if l.startswith('RssAnon')).split()[1])\n"
        "before = status(); peak = []; true = cache.Pixels.write\n"
        "def write(self, block): peak.append(status()); true(self, block)\n"
        "cache.Pixels.write = write\n"
        "assert len(images(sys.argv[1], holdout=0).train) == 40000\n"
        "print(max(peak) - before)"
    )
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    out = subprocess.run([sys.executable, "-c", code, str(tmp_path / "big.npz")], capture_output=True, text=True)
    assert int(out.stdout) < 80_000, out.stderr  # KiB


def test_progress_is_silent_when_fast_and_plain_when_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder_of(tmp_path / "s", [f"{i:02}.png" for i in range(64)])
    images(tmp_path / "s")
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(watching, "PLAIN_SECONDS", 0.0)
    images(zipped(tmp_path / "s", tmp_path / "s.zip"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "decoding pictures: 64 of 64, " in err


def test_a_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(watching, "PATIENCE_SECONDS", 0.0)
    assert watching.amounts(4_000_000, 9_000_000, 2.0, "B") == "4 of 9 MB, 2 MB/s"
    monkeypatch.setenv("FORCE_COLOR", "1")
    with watching.watching("decoding", 10) as tell:
        tell(4)
        time.sleep(0.15)
    assert "4 of 10, " in capsys.readouterr().err
