"""A generator in one ONNX file, run by ONNX Runtime. Without torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from ganvas.errors import InputError
from ganvas.labels import chosen
from ganvas.latents import CHUNK, ROWS, Prior
from ganvas.names import load
from ganvas.space import Space

FORMAT = 1  # of what the file says of itself
LARGEST = 1 << 31  # bytes: what a protobuf may have


class Sampler(Protocol):
    """Where samples come from: a run, or a generator in one file."""

    path: Path

    @property
    def space(self) -> Space:
        """The space of the samples."""

    def samples(
        self, indices: Sequence[int], seed: int = 0, label: object = None, truncation: float | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Raw samples [n, …] number ``indices`` of ``seed`` and their stored labels [n, c]."""


class Exported:
    """A generator in an ONNX file of ``ganvas export``: samples as the run makes them, to one grey level in 255.

    Raises InputError, with the reason, for any other file.
    """

    def __init__(self, path: str | Path, threads: int = 0) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"no file {path}")
        if self.path.stat().st_size >= LARGEST:
            raise InputError(f"{path} is larger than any ONNX file ({LARGEST:,} bytes)")
        self.session = session(self.path.read_bytes(), threads, str(path))
        told = self.session.get_modelmeta().custom_metadata_map.get("ganvas")
        try:
            self.about: dict[str, Any] = json.loads(told or "{}")
            if self.about.get("format") != FORMAT:
                raise InputError(f"{path} is not a generator that this ganvas exported (format {FORMAT})")
            config = dict(self.about["space"])
            self.space: Space = load(config.pop("class")).load(config)
            self.prior = Prior(**self.about["prior"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"what {path} says of itself is damaged or of another version: {error}") from None

    @cached_property
    def inputs(self) -> dict[str, int | None]:
        """What the graph takes, and how many numbers of it for each sample (None: one)."""
        found = {}
        for one in self.session.get_inputs():
            found[one.name] = one.shape[1] if len(one.shape) > 1 else None
        return found

    def feed(
        self, seed: int, indices: Sequence[int], label: object = None, truncation: float | None = None
    ) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
        """What the graph takes for samples number ``indices`` of ``seed``, and their stored labels [n, c].

        Raises InputError for an unknown label and a truncation that this generator does not have.
        """
        z, u = self.prior.latents(seed, indices)
        labels = chosen(self.space.labels, u, label)
        if truncation is not None and "truncation" not in self.inputs:
            raise InputError("truncation needs a normal prior or styles; this generator has neither")
        given = {"z": z}
        if "truncation" in self.inputs:
            reach = self.about["whole"] if truncation is None else truncation
            given["truncation"] = np.full(len(z), reach, np.float32)
        if labels is not None and self.space.labels is not None:
            given["y"] = self.space.labels.conditions(labels)
        return given, labels

    def raw(self, given: dict[str, np.ndarray], size: int = CHUNK) -> np.ndarray:
        """Raw samples [n, …] of what the graph takes, ``size`` at a time; the last are filled up and cut again."""
        n, parts = len(given["z"]), []
        for start in range(0, n, size):
            rows = np.minimum(start + np.arange(size), n - 1)
            parts.append(self._run({name: value[rows] for name, value in given.items()})[: n - start])
        return np.concatenate(parts)

    def _run(self, given: dict[str, np.ndarray]) -> np.ndarray:
        names = [one.name for one in self.session.get_outputs()]
        found: np.ndarray = self.session.run([names[-1]], given)[0]
        if names[-1] == "x":
            return self.space.decode(found)
        return found if found.dtype == np.uint8 else found.astype(np.uint16)

    def samples(
        self, indices: Sequence[int], seed: int = 0, label: object = None, truncation: float | None = None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Raw samples [n, …] number ``indices`` of ``seed`` and their stored labels [n, c]; see ``Run.samples``."""
        given, labels = self.feed(seed, indices, label, truncation)
        step = ROWS if self.prior.block > 1 else CHUNK  # rows of a table are small and many
        return self.raw(given, min(step, max(2, len(given["z"])))), labels  # alone, a sample may be rounded otherwise

    def generate(
        self, n: int, label: object = None, seed: int = 0, truncation: float | None = None
    ) -> list[Image.Image]:
        """``n`` pictures; the same seed gives the same pictures, whatever ``n``."""
        return self.space.pictures(self.samples(range(n), seed, label, truncation)[0])


def session(model: bytes, threads: int = 0, name: str = "the model") -> Any:
    """An ONNX Runtime session on the CPU of a file's content, with so many ``threads`` (0: one for each core).

    Content cannot name other files to be read. Raises InputError for one that the runtime does not read.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError("reading .onnx needs ONNX Runtime; pip install 'ganvas[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise InputError(f"{name} is not a model that ONNX Runtime reads: {str(error).splitlines()[0]}") from None
