"""Light networks for few pictures, FastGAN's. Liu et al. 2021, arXiv:2101.04775.

G's blocks upsample, convolve and gate (GLU, Dauphin et al. 2017, arXiv:1612.08083) with batch norm; coarse features
weigh the channels of fine ones (skip-layer excitation, section 3.1); every other block has a second convolution, and
noise. D halves the picture by two ways whose mean goes on; for the game ``fastgan`` it is ``SelfSupervised``, with
small decoders that draw a real picture again from its coarse features (section 3.2). At 256×256 RGB with ``width=64``,
``latent=256`` the channels are the paper's.

Differences: any size (halved rounding up, until the short side is below 8, where the paper's D stops at 8×8); one logit
for the whole picture instead of 5×5; no norm in D unless asked, for penalties; D sees the picture at one resolution;
upsampling and the convolution after it are one operation. Conditions act by conditional batch norm in G (Dumoulin et
al. 2017, arXiv:1610.07629) and by projection in D (Miyato & Koyama 2018, arXiv:1802.05637).

Measured: Fréchet distance 156.2 on MNIST after 40,064 samples, small and short (benchmarks/gallery.py).
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, glu, leaky_relu, pad

from ganvas import players
from ganvas.game import Batch
from ganvas.game import Discriminator as Player
from ganvas.layers import folded
from ganvas.layers.condition import ConditionalNorm, Norm
from ganvas.layers.embedding import embedding
from ganvas.layers.excitation import Excitation
from ganvas.layers.noise import Noise
from ganvas.layers.sizes import even, picture, sizes
from ganvas.space import Space

SHARES = (16, 8, 4, 2, 2, 1, 1 / 2, 1 / 4, 1 / 8)  # channels by resolution from 4×4 to 1024×1024, in widths
WIDEST = 8  # of D
SKIP = 4  # resolutions between coarse features and those that they weigh, where there are enough
DRAWN = 4  # doublings of a decoder
EMBEDDED = 64  # features that a condition is compared with


class Generator(nn.Module):
    """z [n, latent] and y [n, c] or None -> [n, channels, height, width]."""

    def __init__(
        self,
        space: Space,
        latent: int = 128,  # size of z (the paper: 256)
        width: int = 32,  # channels at 128×128 (the paper: 64); 16 times as many at the coarsest resolution
    ) -> None:
        super().__init__()
        self.latent = latent
        channels, height, breadth = picture(space, "fastgan")
        self.steps = sizes(height, breadth)[::-1]  # coarse to fine
        top = len(self.steps) - 1
        wide = channels_of(top + 1, width, max(SHARES))
        condition = space.labels.width if space.labels else 0
        self.start = nn.Linear(latent, 2 * wide[0] * math.prod(self.steps[0]), bias=False)
        self.norm = ConditionalNorm(2 * wide[0], condition)
        self.ups = nn.ModuleList(
            Up(a, b, condition, self.steps[i + 1], noisy=i % 2 == 0) for i, (a, b) in enumerate(pairwise(wide))
        )
        self.skip = min(SKIP, top - 1)
        self.weighs = nn.ModuleList(Excitation(wide[i], wide[i + self.skip]) for i in range(1, top - self.skip + 1))
        self.paint = nn.Conv2d(wide[-1], channels, 3, padding=1, bias=False)
        init(self)

    def forward(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """z [n, latent], y [n, c] or None -> [n, channels, height, width], not yet squashed."""
        x = glu(self.norm(self.start(z).unflatten(1, (-1, *self.steps[0])), y), 1)
        made = [x]
        for level, up in enumerate(self.ups, 1):
            x = up(x, y)
            if level > self.skip:
                x = self.weighs[level - self.skip - 1](x, made[level - self.skip])
            made.append(x)
        return self.paint(x)


class Discriminator(Player):
    """Batch -> scores [n]."""

    def __init__(
        self,
        space: Space,
        width: int = 32,  # channels at 128×128 (the paper: 64); up to 8 times as many at coarse resolutions
        critic_norm: Norm = "none",  # normalisation in D (the paper: batch); with penalties leave it out
    ) -> None:
        super().__init__()
        channels, height, breadth = picture(space, "fastgan")
        self.steps = sizes(height, breadth)
        self.wide = channels_of(len(self.steps), width, WIDEST)[::-1]  # fine to coarse
        self.start = nn.Conv2d(channels, self.wide[0], 3, padding=1)
        self.downs = nn.ModuleList(Down(a, b, critic_norm) for a, b in pairwise(self.wide))
        self.size = self.wide[-1] * math.prod(self.steps[-1])
        self.score = nn.Linear(self.size, 1)
        self.told = nn.Linear(self.size, EMBEDDED) if space.labels else None
        init(self)
        self.embed = embedding(space.labels, EMBEDDED) if space.labels else None

    def forward(self, batch: Batch) -> Tensor:
        """Scores [n]."""
        return self.judged(self.features(batch), batch.y)

    def features(self, batch: Batch) -> Tensor:
        """[n, size]."""
        return self.seen(batch.x)[-1].flatten(1)

    def judged(self, h: Tensor, y: Tensor | None) -> Tensor:
        """Features [n, size] and conditions [n, c] or None -> scores [n]."""
        scores = self.score(h).squeeze(1)
        if self.told is not None and self.embed is not None and y is not None:
            scores = scores + (self.told(h) * self.embed(y)).sum(1) / math.sqrt(EMBEDDED)
        return scores

    def seen(self, x: Tensor) -> list[Tensor]:
        """Pictures -> their features at all resolutions, fine to coarse."""
        found = [leaky_relu(self.start(x), 0.2)]
        for down in self.downs:
            found.append(down(found[-1]))
        return found


class SelfSupervised(Discriminator, players.SelfSupervised):
    """D with two decoders: one draws the whole picture from the coarsest features, one a part from the next finer."""

    def __init__(
        self,
        space: Space,
        width: int = 32,  # channels at 128×128 (the paper: 64); up to 8 times as many at coarse resolutions
        critic_norm: Norm = "none",  # normalisation in D (the paper: batch); with penalties leave it out
    ) -> None:
        super().__init__(space, width, critic_norm)
        top, channels = len(self.steps) - 1, space.shape[0]
        self.shown = (min(DRAWN, top), min(DRAWN + 1, top))  # doublings from the coarsest to the two pictures
        self.whole = Decoder(self.wide[-1], channels, self.shown[0], critic_norm)
        self.part = Decoder(self.wide[-2], channels, self.shown[1] - 1, critic_norm)

    def reconstruct(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Scores [n]; the whole picture and a part of it, drawn again; what they should have been, averaged to the
        same resolution; both [n, m], in [-1, 1]. Each sample has its own part, of half the height and width."""
        *_, finer, coarse = self.seen(batch.x)
        height, width = self.steps[-1]
        places = (batch.uniform(2) * batch.x.new_tensor([height + 1, width + 1])).long()
        drawn = [self.whole(coarse), self.part(window(even(finer), places, height, width))]
        whole, fine = (self.reduced(batch.x, doublings) for doublings in self.shown)
        scale = 2 ** (self.shown[1] - 1)
        wanted = [whole, window(fine, places * scale, height * scale, width * scale)]
        return self.judged(coarse.flatten(1), batch.y), together(drawn), together(wanted)

    def reduced(self, x: Tensor, doublings: int) -> Tensor:
        """Pictures at the resolution so often doubled from the coarsest, filled up with 0 where halving rounded up."""
        (height, width), scale = self.steps[-1], 2 ** (len(self.steps) - 1)
        x = pad(x, (0, width * scale - x.shape[3], 0, height * scale - x.shape[2]))
        return avg_pool2d(x, scale // 2**doublings)


class Up(nn.Module):
    """[n, a, h, w] -> [n, b, *size], twice as large; ``noisy``: with noise and a second convolution."""

    def __init__(self, a: int, b: int, condition: int, size: tuple[int, int], noisy: bool) -> None:
        super().__init__()
        height, width = self.size = size
        doubled = (height + height % 2, width + width % 2)
        self.up = Gated(a, b, condition, noise=doubled if noisy else None)
        self.again = Gated(b, b, condition, noise=size, enlarging=False) if noisy else None

    def forward(self, x: Tensor, y: Tensor | None) -> Tensor:
        """[n, a, h, w] and conditions [n, c] or None -> [n, b, *size]."""
        x = self.up(x, y)[:, :, : self.size[0], : self.size[1]]
        return x if self.again is None else self.again(x, y)


class Gated(nn.Module):
    """[n, a, h, w] -> [n, b, 2h, 2w]: upsampled (unless not ``enlarging``), convolved, normalised, gated."""

    def __init__(
        self,
        a: int,
        b: int,
        condition: int = 0,
        norm: Norm = "batch",
        noise: tuple[int, int] | None = None,
        enlarging: bool = True,
    ) -> None:
        super().__init__()
        self.enlarging = enlarging
        self.mix = nn.Conv2d(a, 2 * b, 3, padding=1, bias=norm == "none")
        self.noise = Noise(*noise) if noise else nn.Identity()
        self.norm = ConditionalNorm(2 * b, condition, norm)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """[n, a, h, w] and conditions [n, c] or None -> [n, b, 2h, 2w]."""
        x = folded.enlarge(x, self.mix.weight, self.mix.bias) if self.enlarging else self.mix(x)
        return glu(self.norm(self.noise(x), y), 1)


class Down(nn.Module):
    """[n, a, h, w] -> [n, b, h/2, w/2], rounded up: the mean of two convolutions and of one of the averaged input."""

    def __init__(self, a: int, b: int, norm: Norm) -> None:
        super().__init__()
        bare = norm == "none"
        self.main = nn.Sequential(
            nn.Conv2d(a, b, 4, 2, 1, bias=bare),
            normal(b, norm),
            nn.LeakyReLU(0.2),
            nn.Conv2d(b, b, 3, padding=1, bias=bare),
            normal(b, norm),
            nn.LeakyReLU(0.2),
        )
        self.direct = nn.Sequential(nn.Conv2d(a, b, 1, bias=bare), normal(b, norm), nn.LeakyReLU(0.2))

    def forward(self, x: Tensor) -> Tensor:
        """[n, a, h, w] -> [n, b, h/2, w/2]."""
        x = even(x)
        return (self.main(x) + self.direct(avg_pool2d(x, 2))) / 2


class Decoder(nn.Sequential):
    """[n, a, h, w] -> pictures [n, channels, h 2^doublings, w 2^doublings] in [-1, 1]."""

    def __init__(self, a: int, channels: int, doublings: int, norm: Norm) -> None:
        wide = [a, *(max(4, a >> i) for i in range(1, doublings + 1))]
        ups = (Gated(b, c, norm=norm) for b, c in pairwise(wide))
        super().__init__(*ups, nn.Conv2d(wide[-1], channels, 3, padding=1), nn.Tanh())
        init(self)


def channels_of(levels: int, width: int, widest: float) -> list[int]:
    """Channels from coarse to fine, at most ``widest`` times ``width``."""
    shares = [*SHARES, *[SHARES[-1]] * levels][:levels]
    return [max(1, round(width * min(share, widest))) for share in shares]


def normal(channels: int, norm: Norm) -> nn.Module:
    """Batch norm, or nothing."""
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.Identity()


def window(x: Tensor, places: Tensor, height: int, width: int) -> Tensor:
    """From each picture of [n, c, h, w] the part [c, height, width] whose corner is at ``places`` [n, 2]."""
    rows = places[:, :1] + torch.arange(height, device=x.device)
    columns = places[:, 1:] + torch.arange(width, device=x.device)
    each = torch.arange(len(x), device=x.device)[:, None, None]
    return x[each, :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def together(pictures: list[Tensor]) -> Tensor:
    """All their values, [n, m]."""
    return torch.cat([p.flatten(1) for p in pictures], 1)


def init(module: nn.Module) -> None:
    """He et al. 2015, arXiv:1502.01852, eq. (14) for leaky rectifiers; biases 0."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.kaiming_normal_(part.weight, 0.2)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
