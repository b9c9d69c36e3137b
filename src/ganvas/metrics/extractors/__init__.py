"""Pretrained networks that turn samples into features: one file for each, with ``make(space)``, some with a place too.

What they share stands here: the extractor itself, weights that are checked before they are read, and raw pictures as
colours in [0, 1].
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torch.nn.utils.fusion import fuse_conv_bn_weights

from ganvas.errors import InputError
from ganvas.space import Space

INSTALL = "pip install 'ganvas[features]'"
OWN = "give an extractor of your own with --extractor FILE.py:NAME, or --extractor values"


@dataclass(frozen=True)
class Extractor:
    """Turns raw samples into features. ``name``, ``origin`` and ``resizer`` belong into every protocol.

    Attributes:
        name: as it is asked for, ``efficientnet-lite0``.
        origin: what exactly it is: package and version, file and hash.
        digest: hash of what the features depend on; it keys the cache. "" when that is not known: never cached.
        resizer: how samples are brought to the size it wants, or "none".
        embed: raw samples [n, …], as a space stores them -> features float32 [n, d]. Call it through ``features``.
        classify: features [n, d] -> probabilities [n, c], when it is a classifier: one pass gives both.
        classes: the names of its classes, when known.
    """

    name: str
    origin: str
    digest: str
    resizer: str
    embed: Callable[[np.ndarray], Tensor]
    classify: Callable[[Tensor], Tensor] | None = None
    classes: tuple[str, ...] = ()


def weights(path: Path, sha256: str) -> dict[str, Tensor]:
    """The tensors of a ``.pth`` file, after its hash was checked. No code in it can run, and only tensors are read."""
    read: dict[str, Tensor] = torch.load(io.BytesIO(checked(path, sha256)), weights_only=True, map_location="cpu")
    return read


def checked(path: Path, sha256: str) -> bytes:
    """The bytes of a file with this SHA-256, or whose SHA-256 begins so. InputError if it is missing or another."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"the weights {path} cannot be read: {error.strerror or error}; install them again") from None
    found = hashlib.sha256(content).hexdigest()
    if not found.startswith(sha256):
        raise InputError(f"{path} is not the file it should be: SHA-256 {found}, not {sha256}; get it again")
    return content


def package(name: str, install: str = INSTALL) -> Path:
    """The folder of an installed package, which is not imported. InputError when there is none."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"the package {name} is not installed; {install}")
    return Path(spec.submodule_search_locations[0])


def digest_of(net: nn.Module) -> str:
    """A hash of all weights and buffers of a network, 32 hexadecimal digits."""
    whole = hashlib.blake2b(digest_size=16)
    for name, value in net.state_dict().items():
        whole.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        whole.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return whole.hexdigest()


def folded(net: nn.Module) -> nn.Module:
    """A network for evaluation, ready: each batch normalisation goes into the convolution before it (in the order of
    their names), which keeps the function and takes two thirds of the time on a CPU; no weight asks for a gradient."""
    for module in list(net.modules()):
        for (_, conv), (name, norm) in itertools.pairwise(list(module.named_children())):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                assert norm.running_mean is not None
                assert norm.running_var is not None
                mean, variance, scale, shift = norm.running_mean, norm.running_var, norm.weight, norm.bias
                conv.weight, conv.bias = fuse_conv_bn_weights(
                    conv.weight, conv.bias, mean, variance, norm.eps, scale, shift
                )
                module.add_module(name, nn.Identity())
    return net.eval().requires_grad_(False)


def blank(space: Space) -> np.ndarray:
    """No pictures [0, h, w, c] of a space: shows at once whether an extractor takes them. InputError if none are."""
    if len(space.shape) != 3:
        raise InputError(f"this extractor looks at pictures, not at samples of shape {space.shape}; {OWN}")
    channels, height, width = space.shape
    return np.empty((0, height, width, channels), np.uint8)


def unit(raw: np.ndarray) -> Tensor:
    """Stored pictures [n, h, w, c] (uint8 or uint16) -> float32 [n, c, h, w] in [0, 1], all channels as they are."""
    if raw.ndim != 4 or raw.dtype.kind != "u":
        raise InputError(f"pictures [n, h, w, c] of whole numbers are needed, not {raw.dtype} {raw.shape}; {OWN}")
    return torch.from_numpy(raw.astype(np.float32)).div_(float(np.iinfo(raw.dtype).max)).permute(0, 3, 1, 2)


def colours(raw: np.ndarray) -> Tensor:
    """Stored pictures [n, h, w, c] -> RGB float32 [n, 3, h, w] in [0, 1], as they look on white paper.

    Grey is repeated; with 2 or 4 channels the last is opacity. Raises InputError for other numbers of channels.
    """
    x, channels = unit(raw), raw.shape[-1]
    if channels not in (1, 2, 3, 4):
        raise InputError(f"pictures with {channels} channels have no colours that a pretrained network knows; {OWN}")
    if channels in (2, 4):
        colour, opacity = x[:, :-1], x[:, -1:]
        x = colour * opacity + (1 - opacity)
    return x.expand(-1, 3, -1, -1)


def grey(raw: np.ndarray) -> Tensor:
    """Stored grey pictures [n, h, w, 1 or 2] -> float32 [n, 1, h, w] in [0, 1]. InputError for coloured ones."""
    if raw.shape[-1] > 2:
        raise InputError(f"this extractor looks at grey pictures, not at {raw.shape[-1]} channels; {OWN}")
    return colours(raw)[:, :1]


def resized(x: Tensor, height: int, width: int | None = None) -> Tensor:
    """Pictures [n, c, h, w] in [0, 1], stretched to [n, c, height, width or height]: bicubic, antialiased, overshoot
    cut off."""
    size = (height, width or height)
    if x.shape[2:] == size:
        return x
    return interpolate(x, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
