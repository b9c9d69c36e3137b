"""House rules: what may be added to any game, by flags. The game itself does not know of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor

from ganvas import penalties
from ganvas.errors import InputError
from ganvas.game import Batch, Discriminator, Game, Move
from ganvas.generator import Generator
from ganvas.layers.spectral import spectral
from ganvas.metrics.auc import auc
from ganvas.rules.augment import Augment, adapted, noise
from ganvas.rules.dressed import Crowd, Dressed
from ganvas.space import Space

Moves = Iterator[Move | tuple[Any, ...]]
ROUNDS = 4  # over which ADA's sign is averaged, about
NUDGE = 0.05  # of vectors, where pictures are moved
DECAY = 0.01  # of the mean path length: a <- a + 0.01 (length - a), StyleGAN2, arXiv:1912.04958, section 3.2


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What is added to the game. Weights of 0 add nothing."""

    augment: str | None = None  # what D sees: diffaugment, ada, or parts (see the page augment); samples stay clean
    augment_p: float | None = None  # probability of each transform (default: diffaugment 1, ada finds it)
    augment_target: float = 0.6  # ada: how surely D may tell real from made, 0 … 1, before p grows
    instance_noise: float = 0.0  # sigma of noise on all that D sees, falling to 0 over the run
    spectral_norm: bool = False  # every layer of D has norm 1
    minibatch: Literal["none", "discrimination", "std"] = "none"  # D sees how much the batch varies
    r1: float = 0.0  # weight gamma of R1: D is flat on real samples
    r2: float = 0.0  # … and of R2: on made ones
    slope: float = 0.0  # weight of the gradient penalty between real and made (WGAN-GP's)
    approximate: float = 0.0  # weight of R1 and R2 by finite differences, without second derivatives
    consistency: float = 0.0  # weight of D's change when a real sample is augmented
    path_length: float = 0.0  # G: equal steps in the latent space change the sample equally
    orthogonal: float = 0.0  # G: weight of orthogonal regularisation (BigGAN: 1e-4)
    lazy: int = 1  # these penalties play in every so many rounds only, with so much more weight

    def __post_init__(self) -> None:
        wrong = [f.name for f in fields(self) if isinstance(v := getattr(self, f.name), int | float) and v < 0]
        if wrong or self.lazy < 1:
            raise InputError(f"--{(wrong or ['lazy'])[0].replace('_', '-')} must not be negative, --lazy 1 or more")

    def dressed(self, critic: Discriminator, space: Space) -> Discriminator:
        """A new discriminator as these rules want it."""
        if self.spectral_norm:
            spectral(critic)
        augment = None
        if self.augment is not None:
            augment = Augment(self.augment, self.augment_p, space.shape)
        condition = space.labels.width if space.labels else 0
        crowd = None if self.minibatch == "none" else Crowd(self.minibatch, getattr(critic, "size", 0), condition)
        plain = augment is None and crowd is None and not self.instance_noise
        return critic if plain else Dressed(critic, augment, crowd)

    def prepared(self, game: Game) -> Game:
        """The game with what these rules keep across rounds."""
        if self.path_length:
            game.register_buffer("mean_path", torch.zeros(()))
        return game

    def play(self, game: Game, batches: Iterator[Batch]) -> Moves:
        """The moves of ``game.play(batches)``, with what is added to their losses."""
        if self == Rules():
            return game.play(batches)
        return self.added(game, Watched(batches))

    def added(self, game: Game, batches: Watched) -> Moves:
        """As ``play``; remembers the last real batch."""
        for critic in critics(game):
            critic.sigma.fill_(self.instance_noise * max(0.0, 1 - game.seen / (game.planned or float("inf"))))
        for found in game.play(batches):
            move = Move(*found)
            terms = self.terms(game, move, batches.last) if game.t % self.lazy == 0 else {}
            loss = move.loss + sum(weight * self.lazy * value for weight, value in terms.values() if weight)
            yield Move(move.player, loss, {**move.notes, **{name: value for name, (_, value) in terms.items()}})

    def terms(self, game: Game, move: Move, real: Batch | None) -> dict[str, tuple[float, Tensor]]:
        """What is added to the loss of a move: (weight, value) by name."""
        found: dict[str, tuple[float, Tensor]] = {}
        for player in move.player if isinstance(move.player, tuple) else (move.player,):
            if isinstance(player, Discriminator) and real is not None:
                found |= self.on_critic(player, game, real)
            elif isinstance(player, Generator) and real is not None:
                found |= self.on_painter(player, game, real)
        return found

    def on_critic(self, D: Discriminator, game: Game, real: Batch) -> dict[str, tuple[float, Tensor]]:
        """The penalties on a discriminator."""
        found = {}
        if self.r1:
            found["r1"] = (self.r1, penalties.r1(D, real))
        if self.r2 or self.slope or self.approximate:
            fake = painter(game).sample(like=real).detach()
            if self.r2:
                found["r2"] = (self.r2, penalties.r2(D, fake))
            if self.slope:
                found["slope"] = (self.slope, penalties.gradient_penalty(D, real, fake))
            if self.approximate:
                both = penalties.approximate(D, real) + penalties.approximate(D, fake)
                found["approximate"] = (self.approximate, both)
        if self.consistency:
            found["consistency"] = (self.consistency, penalties.consistency(D, real, otherwise(real)))
        return found

    def on_painter(self, G: Generator, game: Game, real: Batch) -> dict[str, tuple[float, Tensor]]:
        """The penalties on a generator."""
        found = {}
        if self.path_length:
            half = real[slice(0, max(1, len(real) // 2))]
            lengths = penalties.path_lengths(*G.paths(half))
            found["path"] = (0.0, lengths.mean())
            mean = torch.lerp(game.get_buffer("mean_path"), lengths.detach().mean(), DECAY)
            found["path_length"] = (self.path_length, (lengths - mean).square().mean())
        if self.orthogonal:
            found["orthogonal"] = (self.orthogonal, penalties.orthogonal(G))
        return found

    @torch.no_grad()
    def settle(self, game: Game, moves: Sequence[tuple[str, Move]], shown: int) -> None:
        """After a round that showed ``shown`` samples: the game's running statistics and those of these rules."""
        game.settle(moves)
        for _, move in moves if self != Rules() else ():
            if "path" in move.notes:
                game.get_buffer("mean_path").lerp_(torch.as_tensor(move.notes["path"]), DECAY * self.lazy)
            D, real, fake = move.player, move.notes.get("real"), move.notes.get("fake")
            if isinstance(D, Dressed) and D.augment is not None and D.augment.adaptive and isinstance(real, Tensor):
                D.sign.lerp_(2 * auc(real, torch.as_tensor(fake)).to(D.sign) - 1, 1 / ROUNDS)
                D.augment.p.fill_(adapted(float(D.augment.p), float(D.sign), shown, self.augment_target))


class Watched(Iterator[Batch]):
    """Batches whose last one is remembered."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self.batches = batches
        self.last: Batch | None = None

    def __next__(self) -> Batch:
        self.last = last = next(self.batches)
        return last


def critics(game: Game) -> list[Dressed]:
    """The dressed discriminators of a game."""
    return [player for player in game.players().values() if isinstance(player, Dressed)]


def painter(game: Game) -> Generator:
    """The generator whose samples a penalty looks at: G, or the first one."""
    found = [player for player in game.players().values() if isinstance(player, Generator)]
    if not found:
        raise InputError(f"{type(game).__name__} has no generator, so --r2, --slope and --approximate have no sense")
    return found[0]


def otherwise(real: Batch) -> Batch:
    """Real samples a little moved and mirrored, vectors a little off: what should not matter to D."""
    if real.x.dim() != 4:
        return noise(real, torch.full((), NUDGE))
    shifted = Augment("translation", 1.0, tuple(real.x.shape[1:]))(real)
    mirrored = real.uniform(1, 1, 1) < 0.5
    return shifted.at(torch.where(mirrored, shifted.x.flip(3), shifted.x))
