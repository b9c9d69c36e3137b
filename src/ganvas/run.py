"""Run: the folder on disk, and the interface between training and everything after it.

``run.json`` how it was made · ``log.jsonl`` how it went · ``samples/`` grids over time · ``state/`` checkpoints ·
``generator/`` all that sampling needs. JSON, JSONL, safetensors and PNG; nothing in it can run code.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from PIL import Image
from torch import nn

from ganvas.errors import InputError
from ganvas.files import append_line, read_json, read_lines, write_file, write_json, writing
from ganvas.generator import Generator
from ganvas.latents import Prior
from ganvas.names import load, path_of
from ganvas.players import Encoder
from ganvas.space import Space
from ganvas.training import checkpoints

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
        """The lines of ``log.jsonl``: losses and signs, by round."""
        return read_lines(self.path / "log.jsonl")

    @property
    def scores(self) -> list[dict[str, Any]]:
        """The lines of ``scores.jsonl``: the metric of each checkpoint."""
        return read_lines(self.path / "scores.jsonl")

    def write_log(self, line: dict[str, Any]) -> None:
        """Append one line. Raises InputError when the disk refuses."""
        append_line(self.path / "log.jsonl", line)

    def write_score(self, line: dict[str, Any]) -> None:
        """Append the score of a checkpoint, or write it again. Raises InputError when the disk refuses."""
        if all(known["t"] != line["t"] for known in self.scores):
            append_line(self.path / "scores.jsonl", line)

    def cut_log(self, t: int) -> None:
        """Drop the lines after round ``t``, and its scores: they will be played again."""
        for name in ("log.jsonl", "scores.jsonl"):
            kept = [json.dumps(line) + "\n" for line in read_lines(self.path / name) if line["t"] <= t]
            write_file(self.path / name, "".join(kept))

    @property
    def progress(self) -> checkpoints.Progress:
        """How far the newest checkpoint is; zeros before the first one. A folder without any may tell it itself."""
        newest = checkpoints.latest(self.path / "state")
        told = read_json(newest / "progress.json") if newest else self.info.get("progress", {})
        return checkpoints.Progress(**told)

    # --- the generator -------------------------------------------------------------------------------------------

    def write_generator(self, generator: Generator, space: Space, arguments: dict[str, Any], checkpoint: str) -> None:
        """Save all that sampling needs; ``arguments`` made the generator's network, after the space."""
        config = {
            "checkpoint": checkpoint,
            "net": path_of(type(generator.net)),
            "arguments": arguments,
            "prior": asdict(generator.prior),
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
            generator.load_state_dict(checkpoints.read(self.path / "generator" / "weights.safetensors"))
        return generator.eval().requires_grad_(False)

    @cached_property
    def encoder(self) -> Encoder | None:
        """The game's encoder (BiGAN, VAE …) when the generator was saved, on the CPU, in eval mode; None where the game
        has none or its checkpoint is gone.

        It tells of a batch [n, latent] numbers, or [n, 2 latent]: means and log variances of latents.
        """
        players = {name: load(path, self.trust) for name, path in self.info.get("players", {}).items()}
        name = next((name for name, kind in players.items() if issubclass(kind, Encoder)), None)
        checkpoint = self.path / "state" / self.config.get("checkpoint", "none")
        if name is None or not checkpoint.is_dir():
            return None
        with self.describing():
            game, settings = load(self.info["game"], self.trust), self.info["settings"]
            _, outputs = game.sizes(name, self.generator.prior.size, 0, self.space.labels)
            made: Encoder = players[name](self.space, outputs=outputs, **settings[name])
            written = checkpoints.read(checkpoint / "weights.safetensors")
            made.load_state_dict(checkpoints.branch(written, f"game.{name}"))
        return made.eval().requires_grad_(False)

    @contextlib.contextmanager
    def describing(self) -> Iterator[None]:
        """Turn what goes wrong in reading ``generator/`` into an InputError."""
        try:
            yield
        except (KeyError, TypeError, AttributeError, ValueError, RuntimeError) as error:
            if isinstance(error, InputError):
                raise
            reason = checkpoints.first_line(error)
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
