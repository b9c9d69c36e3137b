"""What growing networks are made of. Karras et al. 2018 (progressive growing), arXiv:1710.10196, sections 2 and 4."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate


class Level(nn.Module):
    """How far a network has grown: 0 the coarsest resolution, ``top`` the finest, where it begins.

    It is kept in whole thousandths: an average of networks takes them over as they are, and a checkpoint has them. An
    exported network (``torch.export`` knows no numbers in buffers) stays at the level of its last call or loading.
    """

    def __init__(self, top: int) -> None:
        super().__init__()
        self.top, self.known = top, 1000 * top
        self.register_buffer("thousandths", torch.tensor(1000 * top))
        self.register_load_state_dict_post_hook(lambda level, _: level.look())  # type: ignore[no-untyped-call]

    def grow(self, level: float) -> None:
        """Be at this level, or at the top if that is lower."""
        self.get_buffer("thousandths").fill_(round(1000 * min(max(level, 0.0), self.top)))

    def finest(self) -> tuple[int, float]:
        """The finest resolution in use, and how far it has faded in: 2.0 -> (2, 1.0); 2.3 -> (3, 0.3)."""
        if not torch.compiler.is_exporting():
            self.look()
        whole, rest = divmod(self.known, 1000)
        return (whole + 1, rest / 1000) if rest else (whole, 1.0)

    def look(self) -> None:
        """Know the number in the buffer."""
        self.known = int(self.get_buffer("thousandths"))


def enlarged(x: Tensor, halvings: int, size: tuple[int, int]) -> Tensor:
    """Pictures [n, c, h, w] repeated to ``size``, which was halved so often, rounding up: [n, c, *size]."""
    if not halvings:
        return x
    return interpolate(x, scale_factor=float(2**halvings), mode="nearest")[:, :, : size[0], : size[1]]


def shrunk(x: Tensor, halvings: int) -> Tensor:
    """Pictures [n, c, h, w] averaged to a size halved so often, rounding up; undoes ``enlarged`` exactly."""
    return avg_pool2d(x, 2**halvings, ceil_mode=True) if halvings else x
