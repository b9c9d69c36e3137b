"""Where the game is played: device, threads, precision and ranks."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ganvas.errors import InputError

PRECISIONS = ("auto", "float32", "bfloat16")
SILENCE_SECONDS = 300  # a rank that hears nothing from the others for so long gives up


@dataclass(frozen=True)
class Device:
    """``name`` is a torch device; ``precision`` the type of the networks' arithmetic, float32 or bfloat16."""

    name: str
    precision: str
    rank: int = 0
    ranks: int = 1

    @contextlib.contextmanager
    def arithmetic(self) -> Iterator[None]:
        """Autocast while a play advances. Raises TypeError when the play yielded inside no_grad or autocast."""
        kind, wanted = torch.device(self.name).type, self.precision == "bfloat16"
        with torch.autocast(kind, torch.bfloat16, enabled=wanted):
            yield
            if not torch.is_grad_enabled() or torch.is_autocast_enabled(kind) != wanted:
                torch.set_grad_enabled(True)
                raise TypeError("play yielded inside no_grad or autocast; close the block before the yield")

    @property
    def first(self) -> bool:
        """Whether this rank writes."""
        return self.rank == 0

    def synchronise(self, gradients: list[Tensor]) -> None:
        """Replace gradients by their mean over ranks, one flattened bucket for each type."""
        for kind in {g.dtype for g in gradients} if self.ranks > 1 else ():
            same = [g for g in gradients if g.dtype == kind]
            bucket = torch.cat([g.reshape(-1) for g in same])
            self._sum(bucket)
            for g, mean in zip(same, bucket.div_(self.ranks).split([g.numel() for g in same]), strict=True):
                g.copy_(mean.view_as(g))

    def average_buffers(self, game: nn.Module) -> None:
        """Replace the float buffers of all players by their mean over ranks, so any rank's state resumes."""
        self.synchronise([b for b in game.buffers() if b.is_floating_point()])

    def agree(self, flag: bool) -> bool:
        """Whether any rank says yes: the ranks stop together."""
        if self.ranks == 1:
            return flag
        vote = torch.tensor(float(flag), device=self.name)
        self._sum(vote)
        return bool(vote)

    def share(self, value: float) -> float:
        """Rank 0's value, on every rank; also where the ranks wait for each other."""
        if self.ranks == 1:
            return value
        box = torch.tensor(value if self.first else 0.0, dtype=torch.float64)
        box = box.float().to(self.name) if self.name == "mps" else box.to(self.name)
        self._sum(box)
        return float(box)

    def _sum(self, values: Tensor) -> None:
        try:
            dist.all_reduce(values)
        except RuntimeError as error:
            raise ConnectionError(
                f"rank {self.rank} lost the other processes of this job (one died or hung); "
                "the last checkpoint is whole: start the job again with --resume"
            ) from error


def choose(
    device: str = "auto", precision: str = "auto", threads: int | None = None, convolutional: bool = False
) -> Device:
    """The best device here (CUDA, MPS, CPU) and the precision it gains from; joins the job under torchrun."""
    if threads is not None:
        torch.set_num_threads(threads)
    if precision not in PRECISIONS:
        raise InputError(f"no precision '{precision}'; known: {', '.join(PRECISIONS)}")
    ranks, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    name = device if device != "auto" else best()
    if ranks > 1 and name == "cuda":
        name = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        torch.cuda.set_device(name)
    if ranks > 1 and not dist.is_initialized():
        backend = "nccl" if name.startswith("cuda") else "gloo"
        dist.init_process_group(backend, timeout=timedelta(seconds=SILENCE_SECONDS))
        atexit.register(dist.destroy_process_group)
    return Device(name, gains(name, convolutional) if precision == "auto" else precision, rank, ranks)


def best() -> str:
    """The fastest device type that this machine has."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def gains(device: str, convolutional: bool) -> str:
    """bfloat16 where the hardware multiplies it faster than float32, else float32.

    On a CPU without AMX or AVX512-BF16 bfloat16 is about five times slower, so its capability decides; with it a
    round of convolutional players takes 0.7 of the time (measured at width 32), small matrices gain nothing.
    """
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if torch.device(device).type == "cpu" and convolutional:
        able = torch.cpu.get_capabilities()
        return "bfloat16" if able.get("avx512_bf16") or able.get("amx_bf16") else "float32"
    return "float32"
