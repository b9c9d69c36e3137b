"""ganvas trains, judges, explains, explores and ships generative adversarial networks.

import ganvas as gan
run = gan.train(gan.images("faces/", size=64), run="runs/faces", seen=1_000_000)
run.generate(16, seed=0)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ganvas.version import __version__ as __version__

if TYPE_CHECKING:
    from ganvas import losses, penalties, players
    from ganvas.errors import DivergedError, InputError
    from ganvas.exported import Exported
    from ganvas.exporting.hub import from_pretrained, push_to_hub
    from ganvas.game import Adam, Batch, Discriminator, Game, Move, RMSprop
    from ganvas.generator import Generator
    from ganvas.imputation import Imputer
    from ganvas.latents import Prior
    from ganvas.rows import frame
    from ganvas.rules.rules import Rules
    from ganvas.run import Run
    from ganvas.spaces import toys
    from ganvas.spaces.images import digits, images
    from ganvas.spaces.tables import tables
    from ganvas.training.batches import Batches
    from ganvas.training.optim import Optimisers
    from ganvas.training.rounds import rounds
    from ganvas.verbs.balance import balance
    from ganvas.verbs.diagnose import diagnose
    from ganvas.verbs.evaluate import evaluate
    from ganvas.verbs.explore import explore
    from ganvas.verbs.export import export
    from ganvas.verbs.generate import generate
    from ganvas.verbs.impute import impute
    from ganvas.verbs.list import list  # noqa: A004 (a verb, and reached as gan.list)
    from ganvas.verbs.report import report
    from ganvas.verbs.serve import serve
    from ganvas.verbs.show import show
    from ganvas.verbs.train import train

WHERE = {
    "losses": "ganvas.losses",
    "penalties": "ganvas.penalties",
    "players": "ganvas.players",
    "toys": "ganvas.spaces.toys",
    "DivergedError": "ganvas.errors:DivergedError",
    "InputError": "ganvas.errors:InputError",
    "Exported": "ganvas.exported:Exported",
    "from_pretrained": "ganvas.exporting.hub:from_pretrained",
    "push_to_hub": "ganvas.exporting.hub:push_to_hub",
    "Adam": "ganvas.game:Adam",
    "RMSprop": "ganvas.game:RMSprop",
    "Batch": "ganvas.game:Batch",
    "Discriminator": "ganvas.game:Discriminator",
    "Game": "ganvas.game:Game",
    "Move": "ganvas.game:Move",
    "Generator": "ganvas.generator:Generator",
    "Prior": "ganvas.latents:Prior",
    "Imputer": "ganvas.imputation:Imputer",
    "Rules": "ganvas.rules.rules:Rules",
    "Run": "ganvas.run:Run",
    "digits": "ganvas.spaces.images:digits",
    "images": "ganvas.spaces.images:images",
    "tables": "ganvas.spaces.tables:tables",
    "frame": "ganvas.rows:frame",
    "Batches": "ganvas.training.batches:Batches",
    "Optimisers": "ganvas.training.optim:Optimisers",
    "rounds": "ganvas.training.rounds:rounds",
    "nearest": "ganvas.errors:nearest",
    "balance": "ganvas.verbs.balance:balance",
    "diagnose": "ganvas.verbs.diagnose:diagnose",
    "evaluate": "ganvas.verbs.evaluate:evaluate",
    "experiment": "ganvas.verbs.explore:experiment",
    "experiments": "ganvas.verbs.explore:experiments",
    "export": "ganvas.verbs.export:export",
    "explore": "ganvas.verbs.explore:explore",
    "flags": "ganvas.verbs.train:flags",
    "generate": "ganvas.verbs.generate:generate",
    "impute": "ganvas.verbs.impute:impute",
    "list": "ganvas.verbs.list:list",
    "report": "ganvas.verbs.report:report",
    "serve": "ganvas.verbs.serve:serve",
    "show": "ganvas.verbs.show:show",
    "train": "ganvas.verbs.train:train",
}

__all__ = [
    "Adam", "Batch", "Batches", "Discriminator", "DivergedError", "Exported", "Game", "Generator", "Imputer",
    "InputError", "Move", "Optimisers", "Prior", "RMSprop", "Rules", "Run", "balance", "diagnose", "digits",
    "evaluate", "explore", "export", "frame", "from_pretrained", "generate", "images", "impute", "list", "losses",
    "penalties", "players", "push_to_hub", "report", "rounds", "serve", "show", "tables", "toys", "train",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: torch is loaded only then."""
    if name not in WHERE:
        raise AttributeError(f"module 'ganvas' has no attribute '{name}'")
    path, _, member = WHERE[name].partition(":")
    found = import_module(path)
    value = getattr(found, member) if member else found
    globals()[name] = value
    return value


def __dir__() -> "list[str]":  # type: ignore[valid-type]
    return sorted([*globals(), *WHERE])
