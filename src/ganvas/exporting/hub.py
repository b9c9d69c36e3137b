"""A folder in the layout of the Hugging Face Hub, to the hub and back: a run folder too, which ``Run`` reads."""

from __future__ import annotations

import contextlib
import importlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ganvas.errors import InputError
from ganvas.exporting.card import about, card, name
from ganvas.exporting.onnx import Precision
from ganvas.exporting.paths import REPOSITORY, bare, source
from ganvas.files import dumps, png, write_folder
from ganvas.run import FORMAT, Run
from ganvas.version import __version__

MB = 1 << 20
TAKEN = {  # what is sent and fetched, nothing else: files that cannot run code, and how large each may be
    "README.md": 4 * MB,
    "config.json": 4 * MB,
    "run.json": 4 * MB,
    "generator/config.json": 64 * MB,
    "generator/weights.safetensors": 16_384 * MB,
    "evaluation.json": 16 * MB,
    "diagnosis.json": 16 * MB,
    "samples.png": 64 * MB,
}
NEEDED = ("run.json", "generator/config.json", "generator/weights.safetensors")
KEPT = ("versions", "machine", "game", "players", "settings", "plan", "privacy", "code", "ended")  # of run.json
TOLD = ("name", "fingerprint", "shape", "train", "held_out")  # of its data
REAL = ("columns", "pairs", "examples")  # of an evaluation: what shows values of the data
SHOWN = 64  # samples in the picture
CHECKED = 4  # samples that are compared with the run's


def hub(run: Run, out: Path, precision: Precision = "float32") -> dict[str, Any]:
    """Write the run's generator to the new folder ``out``, with a model card, a config and a picture of samples.

    The folder holds what sampling needs and what the card says, no training data and no path of this machine.
    Raises InputError for another precision, for a folder that is there, and when the disk refuses.
    """
    if precision != "float32":
        raise InputError(f"--to hub keeps the weights as they are; leave --precision {precision} out")
    if out.exists():
        raise InputError(f"{out} is there already; name a new folder")
    files = contents(run)
    write_folder(out, files)
    here, there = (one.generator.draw(range(CHECKED))[0] for one in (run, Run(out, run.trust)))
    gap = float((here - there).abs().max())
    sizes = {file: len(content) for file, content in files.items()}
    return {
        "out": str(out),
        "precision": precision,
        "bytes": sum(sizes.values()),
        "max_difference": gap,
        "files": sizes,
    }


def contents(run: Run) -> dict[str, bytes]:
    """The files of the folder by name."""
    subject, space = about(run), run.space
    raw, _ = run.samples(range(SHOWN))
    texts = {
        "README.md": card(run),
        "config.json": dumps(described(run)),
        "run.json": dumps(public(run)),
        "generator/config.json": dumps(run.config),
    }
    if subject.evaluation:
        figures = {key: value for key, value in subject.evaluation.items() if key not in REAL}
        texts["evaluation.json"] = dumps(figures | {"of": name(run)})
    if subject.diagnosis:
        texts["diagnosis.json"] = dumps(subject.diagnosis | {"run": name(run)})
    weights = (run.path / "generator" / "weights.safetensors").read_bytes()
    picture = png(space.show(raw, round(SHOWN**0.5)))
    files = {file: text.encode() for file, text in texts.items()}
    return files | {"generator/weights.safetensors": weights, "samples.png": picture}


def described(run: Run) -> dict[str, Any]:
    """The hub's ``config.json``: what this is, for those who only look."""
    labels = run.space.labels
    return {
        "library_name": "ganvas",
        "ganvas_version": __version__,
        "game": run.info.get("game"),
        "network": run.config["net"],
        "latents": run.config["prior"],
        "shape": list(run.space.shape),
        "labels": {column.name: list(column.classes) for column in labels.columns} if labels else {},
    }


def public(run: Run) -> dict[str, Any]:
    """``run.json`` without what only concerns the machine it was made on: commands, paths, files that were met."""
    data = run.info.get("data") or {}
    told = {key: data[key] for key in TOLD if key in data}
    if "origin" in data:
        origin = dict(data["origin"])
        told["origin"] = bare(origin | {"source": source(str(origin.get("source")))})
    kept = {key: bare(run.info[key]) for key in KEPT if key in run.info}
    return {"format": FORMAT, **kept, "data": told, "progress": asdict(run.progress)}


def push_to_hub(run: Run | str | Path, repo: str, private: bool = False, token: str | None = None) -> str:
    """Send a run, or a folder of ``hub`` as you edited it, to the repository ``OWNER/NAME``; returns its address.

    The repository is made when there is none. Only the files of TAKEN are sent. ``token`` is asked for where nobody
    is logged in. Raises InputError when the hub cannot be reached or refuses, and without huggingface_hub.
    """
    checked(repo)
    library = client()
    with tempfile.TemporaryDirectory() as place, asking(repo):
        folder = Path(place) / "sent"
        given = Path(run.path if isinstance(run, Run) else run)
        if (given / "config.json").is_file() and (given / "README.md").is_file():
            files = {file: (given / file).read_bytes() for file in TAKEN if (given / file).is_file()}
        else:
            files = contents(run if isinstance(run, Run) else Run(run))
        named = re.sub(rb"OWNER/[\w.-]+", repo.encode(), files["README.md"])
        write_folder(folder, files | {"README.md": named})
        api = library.HfApi(token=token)
        address = str(api.create_repo(repo, private=private, exist_ok=True))
        api.upload_folder(repo_id=repo, folder_path=folder, commit_message=f"ganvas {__version__}")
        return address


def from_pretrained(repo: str | Path, revision: str | None = None) -> Run:
    """The run in a folder, or in the repository ``OWNER/NAME`` of the Hugging Face Hub, at a ``revision`` of it.

    Only the files of TAKEN are fetched, none larger than it says there: nothing that could run code. What was fetched
    before is found again without a network. Raises InputError when there is no such repository, it is not from
    ganvas, the hub cannot be reached, or without huggingface_hub.
    """
    if Path(repo).is_dir():
        return Run(repo)
    checked(str(repo))
    library = client()
    with asking(str(repo)):
        known: dict[str, Any] = {"revision": revision, "allow_patterns": list(TAKEN)}
        try:
            found = library.HfApi().model_info(str(repo), revision=revision, files_metadata=True)
            fits({one.rfilename: one.size or 0 for one in found.siblings or []}, str(repo))
        except ConnectionError:  # told to stay offline
            known["local_files_only"] = True
        folder = Path(library.snapshot_download(str(repo), **known))
    fits({file: (folder / file).stat().st_size for file in TAKEN if (folder / file).is_file()}, str(repo))
    return Run(folder)


def fits(sizes: Mapping[str, int], repo: str) -> None:
    """InputError unless these files, with their bytes, are what a repository of ganvas has, none of them too large."""
    if missing := [file for file in NEEDED if file not in sizes]:
        raise InputError(f"{repo} is not from ganvas: it has no {missing[0]}")
    for file, most in TAKEN.items():
        if sizes.get(file, 0) > most:
            raise InputError(f"{repo}/{file} is {sizes[file]:,} bytes, more than the {most:,} that are taken")


def checked(repo: str) -> None:
    """InputError unless this is the name of a repository."""
    if not REPOSITORY.fullmatch(repo):
        raise InputError(f"{repo} is no folder and no repository; write OWNER/NAME")


def client() -> Any:
    """huggingface_hub. InputError when it is not installed."""
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError:
        raise InputError("the hub needs huggingface_hub; pip install 'ganvas[hub]'") from None


@contextlib.contextmanager
def asking(repo: str) -> Iterator[None]:
    """Turn whatever the hub's client raises into an InputError that says what to do."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # its own, its transport's, the system's
        code = getattr(getattr(error, "response", None), "status_code", 0)
        todo = {
            401: "no such repository, or it is private: log in with `hf auth login` or give a token",
            403: "this account or token may not do that",
            404: "no such repository or revision",
        }.get(code)
        reason = todo or " ".join(str(error).split())[:300] or type(error).__name__
        raise InputError(f"the hub on {repo}: {reason}") from None
