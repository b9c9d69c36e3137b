"""CLIP's picture encoder (Radford et al. 2021, arXiv:2103.00020): the projected embedding, through transformers.

Nothing is downloaded: the model lies in the Hugging Face cache, or in a folder that is named: ``clip=FOLDER``.
"""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ganvas.metrics.extractors import Extractor, blank, colours, digest_of
from ganvas.metrics.extractors.dinov2 import normalised, pretrained
from ganvas.space import Space

USUAL = "openai/clip-vit-base-patch32"
MEAN, SPREAD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # as CLIP was trained


def make(space: Space, place: str | None = None) -> Extractor:
    """Pictures: features [n, 512 or more] by the model's size. InputError when the model is not on this machine."""
    colours(blank(space))
    net = pretrained("clip", "CLIPVisionModelWithProjection", place or USUAL)
    side = int(net.config.image_size)

    def embed(raw: np.ndarray) -> Tensor:
        return net(pixel_values=normalised(raw, side, MEAN, SPREAD)).image_embeds

    digest = digest_of(net)
    origin = f"{place or USUAL}, weights {digest}, projected embedding"
    return Extractor("clip", origin, digest, f"bicubic, antialiased, to {side}×{side}", embed)
