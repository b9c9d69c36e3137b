"""A few moves of a run's game, played from its newest checkpoint and thrown away: what the players do to each other."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.diagnosis.watch import Figures, moves
from ganvas.game import Discriminator
from ganvas.generator import Generator
from ganvas.metrics.auc import auc
from ganvas.metrics.diversity import diversity
from ganvas.metrics.sliced_wasserstein import sliced_wasserstein
from ganvas.recipe import Couple
from ganvas.run import Run
from ganvas.session import Session
from ganvas.space import Data, Rows
from ganvas.training import checkpoints, devices, state
from ganvas.training.figures import Picked, encoded, scores
from ganvas.training.plan import Plan
from ganvas.training.settings import Settings

ROWS = 1000  # samples of each kind that are looked at
FLAT = 0.999  # a value as good as 1


def open_session(run: Run, data: Data, couple: Couple) -> tuple[Session, Tensor]:
    """The session of a run at its newest checkpoint, and samples [n, *shape] of its generator before training.

    It writes nothing. Raises InputError when there is no checkpoint that fits.
    """
    settings, recorded = Settings(**run.info["settings"]["run"]), run.info["machine"]
    device = devices.choose(settings.device, recorded["precision"], settings.threads)
    session = Session(data, couple, run.info["settings"], settings, device, Plan(**run.info["plan"]))
    untrained, _ = session.generator.draw(range(ROWS))
    newest = checkpoints.latest(run.path / "state")
    if newest is not None:
        state.restore(newest, session.game, session.optimisers, session.ema)
        session.batches.position = session.game.seen
    return session, untrained


def probe(session: Session, untrained: Tensor) -> Figures:
    """All figures of the game as it stands, and of what it does next."""
    held_out = sample_of(session.data.held_out if len(session.data.held_out) else session.data.train)
    train = sample_of(session.data.train, len(held_out[0]))
    near = distances(session, held_out, train, untrained) | opinions(session, held_out, train)
    return near | moves(session, diversity(session.data.space.encode(held_out[0]).flatten(1)))


def sample_of(rows: Rows, count: int | None = None) -> Picked:
    """``count`` of the rows at random, some of them again when there are fewer; without ``count`` up to 1,000."""
    wanted = min(ROWS, len(rows)) if count is None else count
    return rows.read(np.resize(np.random.default_rng(0).permutation(len(rows)), wanted))


def distances(session: Session, held_out: Picked, train: Picked, untrained: Tensor) -> Figures:
    """How far made samples are from real ones: 0 as near as other real samples, 1 as far as before training."""
    real, others = (session.data.space.encode(picked[0]) for picked in (held_out, train))
    fake, _ = session.generator.draw(range(len(real)), label=held_out[1] if session.data.space.labels else None)
    found = {
        "distance": sliced_wasserstein(real, fake),
        "distance_real": sliced_wasserstein(real, others),
        "distance_untrained": sliced_wasserstein(real, untrained[: len(real)]),
        "spread": diversity(fake.flatten(1)) / max(diversity(real.flatten(1)), 1e-12),
    }
    whole = max(found["distance_untrained"] - found["distance_real"], 1e-12)
    found["far"] = max(0.0, found["distance"] - found["distance_real"]) / whole
    if type(session.data.space.head()) is nn.Tanh:
        found["flat"] = share_flat(fake) - share_flat(real)
    return found


def share_flat(x: Tensor) -> float:
    """The share of values at the ends of their range."""
    return float((x.abs() > FLAT).double().mean())


def opinions(session: Session, held_out: Picked, train: Picked) -> Figures:
    """How the first discriminator scores training samples, held-out ones and samples of the generator as it is now."""
    critics = [player for player in session.game.players().values() if isinstance(player, Discriminator)]
    makers = [player for player in session.game.players().values() if isinstance(player, Generator)]
    if not critics or not makers:
        return {}
    real, known = (encoded(session.data, picked, session.device.name) for picked in (held_out, train))
    drawn, _ = makers[0].draw(range(len(real)), label=None if real.y is None else held_out[1])
    fake = real.at(drawn.to(real.x.device))
    r, t, f = (scores(critics[0], batch) for batch in (real, known, fake))
    return {
        "auc": float(auc(r, f)),
        "auc_train": float(auc(t, r)),
        "score_real": float(r.mean()),
        "score_train": float(t.mean()),
        "score_fake": float(f.mean()),
        "score_size": float(torch.cat([r, f]).abs().median()),
    }
