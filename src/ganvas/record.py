"""What run.json says: everything needed to play the same game again, and what differs when it is not."""

from __future__ import annotations

import hashlib
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy
import torch

from ganvas import names
from ganvas.files import write_file
from ganvas.recipe import Couple
from ganvas.run import Run
from ganvas.space import Data
from ganvas.training.devices import Device
from ganvas.training.plan import Plan
from ganvas.version import __version__

Given = dict[str, dict[str, Any]]
PASSING = ("trust", "override", "quiet", "tensorboard")  # settings of a session, not of the run


def record(place: Path, data: Data, chosen: Couple, given: Given, plan: Plan, device: Device) -> Run:
    """Make the run folder. Rank 0 writes it; the others wait for it."""
    code = own_code(chosen)
    if device.first:
        info = {
            "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "versions": versions(),
            "machine": machine(device),
            "data": described(data),
            "game": names.path_of(chosen.game),
            "players": {name: names.path_of(net) for name, net in chosen.nets.items()},
            "settings": settled(chosen, given),
            "plan": asdict(plan),
            "code": {name: hashlib.sha256(text).hexdigest() for name, text in code.items()},
        }
        Run.create(place, info)
        for name, text in code.items():
            write_file(place / name, text)
    device.share(0.0)
    return Run(place)


def recorded_couple(run: Run) -> Couple:
    """The game and nets of a run."""
    nets = {name: names.load(path, run.trust) for name, path in run.info["players"].items()}
    return Couple(names.load(run.info["game"], run.trust), nets)


def own_code(chosen: Couple) -> dict[str, bytes]:
    """The user's own files that define the game or the nets: kept beside run.json to be read, never run."""
    sources = [sys.modules[k.__module__] for k in (chosen.game, *chosen.nets.values())]
    files = [Path(m.__file__) for m in sources if m.__file__ and not m.__name__.startswith("ganvas.")]
    return {file.name: file.read_bytes() for file in files}


def settled(chosen: Couple, given: Given) -> Given:
    """All settings by owner: those of game and nets with their defaults, so that the run says them all."""
    full = {owner: dict(values) for owner, values in given.items()}
    full["run"] = {name: value for name, value in full["run"].items() if name not in PASSING}
    for flag in chosen.flags():
        full[flag.owner].setdefault(flag.name, flag.default)
    return full


def described(data: Data) -> dict[str, Any]:
    """What run.json says of the data."""
    return {
        "name": data.name,
        "origin": data.origin,
        "fingerprint": data.fingerprint,
        "shape": list(data.space.shape),
        "train": len(data.train),
        "held_out": len(data.held_out),
        "report": data.report,
    }


def versions() -> dict[str, str]:
    """What the run was made with."""
    python = platform.python_version()
    return {"ganvas": __version__, "torch": torch.__version__, "numpy": numpy.__version__, "python": python}


def machine(device: Device) -> dict[str, Any]:
    """What decides the last bits of the arithmetic."""
    return {
        "device": device.name,
        "precision": device.precision,
        "ranks": device.ranks,
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


def differences(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """``name: recorded -> now`` for every entry that differs."""
    return [f"{k}: {v} -> {now.get(k)}" for k, v in recorded.items() if now.get(k) != v]
