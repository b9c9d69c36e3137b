"""The marriage of a game, networks and data. Games never see nets, nets never see games: here they meet."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import cache
from typing import Any

import torch
from torch import nn

from ganvas import names
from ganvas.errors import InputError, nearest
from ganvas.game import Discriminator, Game
from ganvas.generator import Generator
from ganvas.latents import ROWS, Prior
from ganvas.players import Completer, Head
from ganvas.rules.rules import Rules
from ganvas.space import Data, DataOptions, Space, unlabelled
from ganvas.training.settings import Settings

SUPPLIED = {"size", "outputs"}  # what a Head or an Encoder is told by the game; the space comes first, flags follow
Given = Mapping[str, Mapping[str, Any]]  # settings by owner


@dataclass(frozen=True)
class Recipe:
    """What a recipe function returns: names of a game and of a net, and the flags it sets on them and on the run."""

    game: str
    net: str
    flags: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Flag:
    """A setting of the game, of a player's network or of the run: where it belongs, its type, default and help."""

    owner: str  # "game", a player's field name such as "G", "run", "data" or "rules"
    name: str
    type: Any
    default: Any
    help: str


@dataclass(frozen=True)
class Couple:
    """A game class and the network class of each of its players, by field name."""

    game: type[Game]
    nets: dict[str, type[nn.Module]]

    def flags(self) -> list[Flag]:
        """Every setting of the game and of the networks."""
        told = comments(self.game)  # type: ignore[arg-type]  # classes of modules are hashable
        found = [
            Flag("game", f.name, hints(self.game)[f.name], f.default, told.get(f.name, ""))
            for f in fields(self.game)  # type: ignore[arg-type]  # a dataclass by __init_subclass__
            if f.name not in self.nets and f.default is not MISSING
        ]
        for player, net in self.nets.items():
            told = comments(net)  # type: ignore[arg-type]
            for p in settings_of(net):
                kind = hints(net.__init__).get(p.name, str)
                found.append(Flag(player, p.name, kind, p.default, told.get(p.name, "")))
        return found

    def distribute(self, flags: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Split ``{flag: value}`` by owner. ``game.width`` and ``G.width`` name the owner; a bare name goes to every
        network that has it. Raises InputError for an unknown name or one that both the game and others have."""
        given: dict[str, dict[str, Any]] = {owner: {} for owner in ("run", "data", "rules", "game", *self.nets)}
        known = [*self.flags(), *common()]
        for name, value in flags.items():
            owner, _, bare = name.rpartition(".")
            owners = {f.owner for f in known if f.name == bare and owner in ("", f.owner)}
            if not owners:
                raise InputError(f"no setting '{name}'{nearest(name, {f.name for f in known})}")
            if len(owners) > 1 and owners & {"game", "run", "data", "rules"}:
                choices = " or ".join(f"--{o}.{bare}" for o in sorted(owners))
                raise InputError(f"--{bare} belongs to {' and '.join(sorted(owners))}; write {choices}")
            for one in owners:
                given[one][bare] = value
        return given

    def told(self, space: Space, given: Given) -> Space:
        """The space with the labels that the generator is told: the data's, or codes of the game's own."""
        labels = self.game.conditions(space.labels, given["game"])
        return space if labels is space.labels else replace(space, labels=labels)  # type: ignore[type-var]

    def informed(self, data: Data, given: Given) -> Data:
        """The data as the game knows it: without labels when the generator is told codes instead."""
        return data if self.told(data.space, given) is data.space else unlabelled(data)

    def build(self, space: Space, given: Given, settings: Settings) -> Game:
        """Make the players for ``space`` and the game, from the settings' seed. Same seed, same weights."""
        torch.manual_seed(settings.seed)
        rules, told = Rules(**given.get("rules", {})), self.told(space, given)
        others = space if told is space else replace(space, labels=None)  # type: ignore[type-var]
        players: dict[str, nn.Module] = {}
        latent = features = 0
        for name, net in self.nets.items():
            kind = hints(self.game)[name]
            supplied: dict[str, Any] = {}
            if wanted := inspect.signature(net).parameters.keys() & SUPPLIED:
                inputs, outputs = self.game.sizes(name, latent, features, told.labels)
                supplied = {key: {"size": inputs, "outputs": outputs}[key] for key in wanted}
            where = [] if kind is Head else [told if kind is Generator else others]
            made = net(*where, **supplied, **given[name])
            if kind is Generator:
                latent = int(made.latent)  # type: ignore[arg-type]
                made = Generator(
                    made,
                    Prior(latent, settings.prior, block=ROWS if isinstance(made, Completer) else 1),
                    space.head(),
                    told.labels,
                )
            elif isinstance(made, Discriminator):
                made, features = rules.dressed(made, space), getattr(made, "size", 0)
            players[name] = made
        return rules.prepared(self.game(**players, **given["game"]))


def couple(game: type[Game], net: types.ModuleType) -> Couple:
    """Find in a net module the class for each player of a game: the field's annotation names the role."""
    if missing := lacking(game, net):
        role, name = missing[0], net.__name__.rpartition(".")[2]
        able = [n for n in names.listing("nets") if role not in lacking(game, names.module("nets", n))]
        raise InputError(f"{game.__name__} needs a {role}, which net {name} lacks; use --net {' or '.join(able)}")
    return Couple(game, {name: getattr(net, kind.__name__, kind) for name, kind in roles(game).items()})


def roles(game: type[Game]) -> dict[str, type[nn.Module]]:
    """The kind of each player, by field name."""
    return {n: kind for n, kind in hints(game).items() if inspect.isclass(kind) and issubclass(kind, nn.Module)}


def lacking(game: type[Game], net: types.ModuleType) -> list[str]:
    """The roles of a game for which a net has no class; a Head needs none."""
    wanted = [kind.__name__ for kind in roles(game).values() if kind is not Head]
    return [name for name in wanted if getattr(net, name, None) is None]


def settings_of(net: type[nn.Module]) -> list[inspect.Parameter]:
    """The parameters of a network that are flags: all but the space, which comes first, and what the game decides."""
    found = list(inspect.signature(net).parameters.values())
    return [p for p in (found if net is Head else found[1:]) if p.name not in SUPPLIED]


def flags_of(settings: type, owner: str) -> list[Flag]:
    """The fields of a settings dataclass, as flags."""
    told, kinds = comments(settings), hints(settings)
    return [Flag(owner, f.name, kinds[f.name], f.default, told.get(f.name, "")) for f in fields(settings)]


def common() -> list[Flag]:
    """The flags that every couple has: of the run, of the data, of the house's rules."""
    return [*flags_of(Settings, "run"), *flags_of(DataOptions, "data"), *flags_of(Rules, "rules")]


def hints(thing: Any) -> dict[str, Any]:
    """The resolved annotations of a game's own fields, or of a function."""
    found = typing.get_type_hints(thing)
    if not inspect.isclass(thing):
        return found
    return {f.name: found[f.name] for f in fields(thing)}  # type: ignore[arg-type]


@cache
def comments(cls: Any) -> dict[str, str]:
    """The comment that stands behind each field or parameter in the source: ``width: int = 64  # channels``."""
    try:
        lines = inspect.getsource(cls).split("\n")
    except (OSError, TypeError):  # a class that was made without a file
        return {}
    found, name = {}, ""
    for line in lines:
        if start := re.match(r"\s+(\w+): [^=#]+(=|#|,|$)", line):
            name = start[1]
        if name and name not in found and (told := re.search(r"#\s+(.+)$", line)):
            found[name] = re.sub(r"^(noqa|type:).*", "", told[1]).strip()
    return found
