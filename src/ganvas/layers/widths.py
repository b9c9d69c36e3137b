"""Channels of a network at each of its resolutions."""

from __future__ import annotations


def widths(levels: int, width: int, full: int) -> list[int]:
    """Channels from coarse to fine: ``width`` at the ``full`` coarsest resolutions, half as many at each finer one.

    The paper's own schedules: 512 channels up to 32×32 and 16 at 1024×1024 (progressive growing) are 9, 512, 4.
    """
    return [max(1, width >> max(0, level - full + 1)) for level in range(levels)]
