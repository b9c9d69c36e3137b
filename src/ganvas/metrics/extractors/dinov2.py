"""DINOv2, trained without labels (Oquab et al. 2023, arXiv:2304.07193): the class token, through transformers.

Stein et al. 2023, arXiv:2306.04675, find its Fréchet distance closest to what people see. Nothing is downloaded: the
model lies in the Hugging Face cache, or in a folder that is named: ``dinov2=FOLDER``. Only safetensors are read.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.metrics.extractors import Extractor, blank, colours, digest_of, package, resized
from ganvas.space import Space

USUAL = "facebook/dinov2-base"
SIDE = 224
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's colours


def make(space: Space, place: str | None = None) -> Extractor:
    """Pictures: features [n, 384 to 1536] by the model's size. InputError when the model is not on this machine."""
    colours(blank(space))
    net = pretrained("dinov2", "Dinov2Model", place or USUAL)

    def embed(raw: np.ndarray) -> Tensor:
        return net(pixel_values=normalised(raw, SIDE, MEAN, SPREAD)).last_hidden_state[:, 0]

    digest = digest_of(net)
    origin = f"{place or USUAL}, weights {digest}, class token"
    return Extractor("dinov2", origin, digest, f"bicubic, antialiased, to {SIDE}×{SIDE}", embed)


def normalised(raw: np.ndarray, side: int, mean: tuple[float, ...], spread: tuple[float, ...]) -> Tensor:
    """Stored pictures [n, h, w, c] -> [n, 3, side, side] with the colours a network is used to."""
    centre, scale = (torch.tensor(values).view(3, 1, 1) for values in (mean, spread))
    return (resized(colours(raw), side) - centre) / scale


def pretrained(name: str, kind: str, source: str) -> Any:
    """A transformers model of a class, from a folder or the local cache. InputError when it is not whole there."""
    package("transformers")
    load = getattr(importlib.import_module("transformers"), kind).from_pretrained
    try:
        net, about = load(source, local_files_only=True, use_safetensors=True, output_loading_info=True)
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).strip().split("\n")[0]
        raise InputError(f"no {name} model in {source} ({first}); give its folder: --extractor {name}=FOLDER") from None
    if about["missing_keys"]:
        raise InputError(f"{source} lacks {len(about['missing_keys'])} weights of a {kind}; it is another model")
    return net.eval().requires_grad_(False)
