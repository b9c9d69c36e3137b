"""The networks of InfoGAN's MNIST experiment (Chen et al. 2016, arXiv:1606.03657, appendix C.1) for 28×28 pictures.

With ``width=64`` the layers are those of table 1: G has 1,024 and 6,272 units and two transposed convolutions, D two
convolutions and 1,024 units, which Q reads. Narrower, all layers shrink alike. The codes are joined to z.
"""

import torch
from torch import Tensor, nn

from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.space import Space


def normed(layer: nn.Module, units: int, picture: bool) -> list[nn.Module]:
    return [layer, nn.BatchNorm2d(units) if picture else nn.BatchNorm1d(units)]


class Generator(nn.Module):
    """z [n, latent] and codes y [n, c] -> [n, 1, 28, 28]."""

    def __init__(
        self,
        space: Space,
        latent: int = 62,  # size of z
        width: int = 64,  # channels at 14×14
    ) -> None:
        super().__init__()
        self.latent = latent
        told = latent + (space.labels.width if space.labels else 0)
        self.net = nn.Sequential(
            *normed(nn.Linear(told, 16 * width, bias=False), 16 * width, picture=False),
            nn.ReLU(),
            *normed(nn.Linear(16 * width, 98 * width, bias=False), 98 * width, picture=False),
            nn.ReLU(),
            nn.Unflatten(1, (2 * width, 7, 7)),
            *normed(nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), width, picture=True),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, 2, 1),
        )

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        made: Tensor = self.net(z if y is None else torch.cat([z, y], 1))
        return made


class Discriminator(Player):
    """Batch -> scores [n]."""

    def __init__(
        self,
        space: Space,
        width: int = 64,  # channels at 14×14
    ) -> None:
        super().__init__()
        self.size = 16 * width
        self.body = nn.Sequential(
            nn.Conv2d(1, width, 4, 2, 1),
            nn.LeakyReLU(0.1),
            *normed(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), 2 * width, picture=True),
            nn.LeakyReLU(0.1),
            nn.Flatten(),
            *normed(nn.Linear(98 * width, self.size, bias=False), self.size, picture=False),
            nn.LeakyReLU(0.1),
        )
        self.score = nn.Linear(self.size, 1)

    def forward(self, batch: Batch) -> Tensor:
        scores: Tensor = self.score(self.features(batch)).flatten()
        return scores

    def features(self, batch: Batch) -> Tensor:
        features: Tensor = self.body(batch.x)
        return features
