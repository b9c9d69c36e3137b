"""Run: the folder on disk, and the interface between training and everything after it.

``run.json`` how it was made · ``log.jsonl`` how it went · ``samples/`` grids over time · ``state/`` checkpoints ·
``generator/`` all that sampling needs. JSON, JSONL, safetensors and PNG; nothing in it can run code.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from PIL import Image
from torch import nn

from ganvas.errors import InputError
from ganvas.files import read_json, write_file, write_json, writing
from ganvas.generator import Generator, Prior
from ganvas.names import load, path_of
from ganvas.space import Space
from ganvas.training import state

FORMAT = 1  # of the run folder


class Run:
    """A training run on disk. ``Run(path)`` reads it; raises InputError, with the reason, for any other folder."""

    def __init__(self, path: str | Path, trust: str | Path | None = None) -> None:
        self.path, self.trust = Path(path), trust
        if not self.path.is_dir():
            raise InputError(f"no run folder {path}; `ganvas list runs` shows those in runs/")
        self.info: dict[str, Any] = read_json(self.path / "run.json")
        if not isinstance(self.info, dict) or self.info.get("format") != FORMAT:
            raise InputError(f"{path}/run.json is not of a run that this ganvas reads (format {FORMAT})")

    @classmethod
    def create(cls, path: str | Path, info: dict[str, Any], trust: str | Path | None = None) -> Run:
        """Make the folder and write ``run.json``. Raises InputError when there already is a run."""
        path = Path(path)
        if (path / "run.json").exists():
            raise InputError(f"{path} already holds a run; continue it with --resume {path}, or choose another --run")
        with writing(path):
            for part in (path, path / "samples", path / "state", path / "generator"):
                part.mkdir(parents=True, exist_ok=True)
        write_json(path / "run.json", {"format": FORMAT, **info})
        return cls(path, trust)

    def update(self, **changes: Any) -> None:
        """Change entries of ``run.json``, atomically."""
        self.info |= changes
        write_json(self.path / "run.json", self.info)

    # --- the log -------------------------------------------------------------------------------------------------

    @property
    def log(self) -> list[dict[str, Any]]:
        """The lines of ``log.jsonl``; a line cut off by a kill is left out."""
        found = []
        file = self.path / "log.jsonl"
        for line in file.read_text("utf-8").splitlines() if file.exists() else []:
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def write_log(self, line: dict[str, Any]) -> None:
        """Append one line. Raises InputError when the disk refuses."""
        with writing(self.path / "log.jsonl"), open(self.path / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def cut_log(self, t: int) -> None:
        """Drop the lines after round ``t``: they will be played again."""
        kept = [json.dumps(line) + "\n" for line in self.log if line["t"] <= t]
        write_file(self.path / "log.jsonl", "".join(kept))

    @property
    def progress(self) -> state.Progress:
        """How far the newest checkpoint is; zeros before the first one."""
        newest = state.latest(self.path / "state")
        return state.Progress(**read_json(newest / "progress.json")) if newest else state.Progress()

    # --- the generator -------------------------------------------------------------------------------------------

    def write_generator(self, generator: Generator, space: Space, arguments: dict[str, Any]) -> None:
        """Save all that sampling needs; ``arguments`` made the generator's network, after the space."""
        config = {
            "net": path_of(type(generator.net)),
            "arguments": arguments,
            "prior": {"size": generator.prior.size, "kind": generator.prior.kind, "limit": generator.prior.limit},
            "space": {"class": path_of(type(space)), **space.config()},
        }
        tensors = {k: v.detach().to("cpu").contiguous().clone() for k, v in generator.state_dict().items()}
        write_json(self.path / "generator" / "config.json", config)
        write_file(self.path / "generator" / "weights.safetensors", safetensors.torch.save(tensors))

    @cached_property
    def config(self) -> dict[str, Any]:
        """``generator/config.json``. Raises InputError before the first checkpoint."""
        if not (self.path / "generator" / "config.json").exists():
            raise InputError(f"{self.path} has no generator yet; let it train to its first checkpoint")
        found: dict[str, Any] = read_json(self.path / "generator" / "config.json")
        return found

    @cached_property
    def space(self) -> Space:
        """The space of the samples."""
        with self.describing():
            config = dict(self.config["space"])
            made: Space = load(config.pop("class")).load(config)
            return made

    @cached_property
    def generator(self) -> Generator:
        """The averaged generator, on the CPU, in eval mode."""
        with self.describing():
            net: nn.Module = load(self.config["net"], self.trust)(self.space, **self.config["arguments"])
            generator = Generator(net, Prior(**self.config["prior"]), self.space.head(), self.space.labels)
            generator.load_state_dict(state.read(self.path / "generator" / "weights.safetensors"))
        return generator.eval().requires_grad_(False)

    @contextlib.contextmanager
    def describing(self) -> Iterator[None]:
        """Turn what goes wrong in reading ``generator/`` into an InputError."""
        try:
            yield
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            if isinstance(error, InputError):
                raise
            reason = state.first_line(error)
            raise InputError(f"{self.path}/generator is damaged or from another version: {reason}") from None

    def samples(
        self, indices: Sequence[int], seed: int = 0, label: object = None, truncation: float | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Raw samples [n, …] number ``indices`` of ``seed`` and their stored labels [n, c]."""
        x, labels = self.generator.draw(indices, seed, label, truncation)
        return self.space.decode(x), labels

    def generate(
        self, n: int, label: object = None, seed: int = 0, truncation: float | None = None
    ) -> list[Image.Image]:
        """``n`` pictures; the same seed gives the same pictures, whatever ``n``."""
        raw, _ = self.samples(range(n), seed, label, truncation)
        return self.space.pictures(raw)
