"""What stands in the holes of a table: likeliest values, intervals and draws, from a network and a Gaussian copula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Self

import numpy as np
import safetensors.numpy
import torch
from scipy.special import ndtr

from ganvas.errors import InputError
from ganvas.files import write_file
from ganvas.players import Autoregressive
from ganvas.rows import completer, table
from ganvas.run import Run
from ganvas.space import Data
from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.gaussian import Gaussian
from ganvas.spaces.tables.layout import names_of
from ganvas.spaces.tables.space import Table
from ganvas.spaces.tables.support import Support

FILE = "imputer.safetensors"  # in the run folder
STEP = 512  # rows at a time
HIDDEN, COPIES = 0.25, 4  # share of the held-out cells that is hidden to weigh the two, and how many times
STEPS = 50  # of EM for the weights
PRIOR = 20.0  # cells that speak for the weight of all columns in that of one
ALONE = 0.9  # weight of the copula where nothing is held out
POWERS = np.array([0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.0, 2.3])
LEAST = 1e-9

Shares = list[np.ndarray]  # of each field, how likely its bins or classes are [n, bins]
Value = Callable[[int, Field, np.ndarray, np.ndarray], np.ndarray]  # number, field, shares, chances -> values [n]


@dataclass(frozen=True, eq=False)
class Imputer:
    """Fills the holes of raw rows [n, fields] of ``space``, NaN where missing; what is known stays.

    How likely each class or bin of a hole is, is a mixture of what two say: a network trained on rows with holes, and
    a Gaussian copula; ``weight`` [fields] is that of the copula. A mixture is less sure than it could be (Gneiting &
    Ranjan 2013), so its shares are raised to the power ``sharp`` [fields]. Both were chosen by the likelihood of hidden
    cells of held-out rows. Without a copula the network speaks alone.
    """

    space: Table
    net: Autoregressive
    copula: Gaussian | None = None
    weight: np.ndarray | None = None
    sharp: np.ndarray | None = None
    HELD: ClassVar[float] = 0.05  # share of the rows to hold out for that; all others teach

    @classmethod
    def fit(cls, run: Run, data: Data) -> Self:
        """From a run of the recipe ``impute`` and the data it was trained on."""
        space, net = table(run), teller(run)
        train, held = (part.raw[part.index] for part in (data.train, data.held_out))
        first = cls(space, net, Gaussian.fit(space.fields, train), None)
        whole = Gaussian.fit(space.fields, np.concatenate([train, held]))
        return cls(space, net, whole, *first.weighed(held))

    @classmethod
    def of(cls, run: Run) -> Self:
        """From a run of a table; one that ``fit`` saved brings its copula."""
        space, net, path = table(run), teller(run), run.path / FILE
        if not path.exists():
            return cls(space, net)
        try:
            found = safetensors.numpy.load(path.read_bytes())
            mean, covariance = (torch.from_numpy(found[name]) for name in ("mean", "covariance"))
            copula = Gaussian(space.fields, found["own"], found["centre"], found["scale"], mean, covariance)
            return cls(space, net, copula, found["weight"], found["sharp"])
        except (KeyError, ValueError, safetensors.SafetensorError) as error:
            raise InputError(f"{path} is damaged ({error}); impute the table again") from error

    def save(self, run: Run) -> None:
        """Keep copula and weights in the run folder."""
        assert self.copula is not None
        assert self.weight is not None
        assert self.sharp is not None
        arrays = {name: vars(self.copula)[name] for name in ("own", "centre", "scale")}
        arrays |= {"mean": self.copula.mean.numpy(), "covariance": self.copula.covariance.numpy()}
        write_file(run.path / FILE, safetensors.numpy.save(arrays | {"weight": self.weight, "sharp": self.sharp}))

    def weighed(self, held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights and powers [fields] under which cells of held-out rows, hidden for that, are likeliest."""
        assert self.copula is not None
        random = np.random.default_rng(0)
        whole = np.concatenate([held] * COPIES)
        raw = np.where(random.random(whole.shape) < HIDDEN, np.nan, whole)
        hidden = np.isnan(raw) & ~np.isnan(whole)
        count = len(self.space.fields)
        if not hidden.any():
            return np.full(count, ALONE), np.ones(count)
        true = [outcomes(field, whole[hidden[:, j], j]) for j, field in enumerate(self.space.fields)]
        one, other = (
            [share[hidden[:, j]] + LEAST for j, share in enumerate(said)]
            for said in (self.copula.shares(raw)[0], self.told(raw))
        )
        weight = mixed(
            [at(a, k) for a, k in zip(one, true, strict=True)], [at(b, k) for b, k in zip(other, true, strict=True)]
        )
        pool = [w * a + (1 - w) * b for w, a, b in zip(weight, one, other, strict=True)]
        return weight, sharpened(pool, true)

    def told(self, raw: np.ndarray) -> Shares:
        """What the network alone says of raw rows."""
        x, known = self.space.encode(raw), ~np.isnan(raw)[:, [token.field for token in self.space.tokens]]
        parts = []
        with torch.no_grad():
            for i in range(0, len(x), STEP):
                parts.append(self.net.shares(x[i : i + STEP], torch.from_numpy(known[i : i + STEP])))
        joined = [torch.cat(part).double().numpy() for part in zip(*parts, strict=True)]
        found: Shares = [np.zeros((len(x), 0))] * len(self.space.fields)
        for token, share in zip(self.space.tokens, joined, strict=True):
            bins = self.space.fields[token.field].bins
            if token.part:
                share = (found[token.field][:, :, None] * share[:, None]).reshape(len(x), -1)[:, :bins]
            found[token.field] = share
        return [share / np.maximum(share.sum(1, keepdims=True), LEAST) for share in found]

    def shares(self, raw: np.ndarray) -> tuple[Shares, np.ndarray]:
        """How likely each outcome of each field is, and how holes of a row go together [n, fields, fields]."""
        own = self.told(raw)
        if self.copula is None or self.weight is None or self.sharp is None:
            return own, np.zeros((len(raw), len(own), len(own)))
        other, links = self.copula.shares(raw)
        pool = [w * a + (1 - w) * b for w, a, b in zip(self.weight, other, own, strict=True)]
        return [power(share, t) for share, t in zip(pool, self.sharp, strict=True)], links

    def estimate(self, raw: np.ndarray) -> np.ndarray:
        """The rows with what is best in each hole: a number's expectation (not rounded), the likeliest class."""
        (found,) = self._filled(raw, lambda j, field, share, u: _best(field, share))
        return found

    def interval(self, raw: np.ndarray, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest values [n, fields] between which a missing number lies with a chance of ``level``.

        What is known, and a class, is its own interval.
        """
        if not 0 < level < 1:
            raise InputError(f"level {level} is no share; give one between 0 and 1, such as 0.9")
        low, high = self._filled(raw, *(partial(_end, (1 + side * level) / 2) for side in (-1, 1)))
        return low, high

    def draw(self, raw: np.ndarray, seed: int = 0) -> np.ndarray:
        """The rows with each hole drawn from what may stand there, the holes of a row together; constraints are kept.

        Several draws (Rubin 1987) carry the uncertainty of what was filled into whatever is computed from the rows.
        """
        random = np.random.Generator(np.random.Philox(key=[seed, 4]))

        def drawn(j: int, field: Field, share: np.ndarray, u: np.ndarray) -> np.ndarray:
            return _quantile(field, share, 1 - u[:, j] if field.bins > 2 and field.classes else u[:, j])

        (found,) = self._filled(raw, drawn, random=random)
        return Support(self.space).settled(found, ~np.isnan(raw))

    def fill(self, frame: Any, raw: np.ndarray, rounded: bool = True) -> Any:
        """A DataFrame [n] with the values of raw rows [n, fields] in its missing cells; all else stays as it is.

        ``rounded``: numbers have as many decimals as the column had in training.
        """
        numbers = [field.kind == "number" for field in self.space.fields]
        places = [field.places for field in self.space.fields]
        whole = [np.round(v, p) if n else v for v, p, n in zip(raw.T, places, numbers, strict=True)]
        made, names = self.space.frame(np.array(whole).T), names_of(frame)
        columns = {column.name: i for i, column in enumerate(self.space.plain.columns)}
        found = frame.copy()
        for j, field in enumerate(self.space.fields):
            if field.name not in names:
                continue
            i = names.index(field.name)
            old, new = frame.iloc[:, i], made.iloc[:, columns[field.name]].set_axis(frame.index)
            if numbers[j] and not rounded and old.dtype.kind == "f":
                new = new.astype(old.dtype).where(np.isnan(raw[:, j]), raw[:, j])
            if old.isna().any():
                cast = old.dtype.kind in "fiub" and old.dtype != new.dtype
                found.isetitem(i, old.where(old.notna(), new.astype(old.dtype) if cast else new))
        return found

    def _filled(self, raw: np.ndarray, *values: Value, random: np.random.Generator | None = None) -> list[np.ndarray]:
        """Raw rows with ``value(field number, field, shares, chances)`` in the holes, for each of ``values``."""
        found = [raw.copy() for _ in values]
        for i in range(0, len(raw), STEP):
            part = raw[i : i + STEP]
            shares, links = self.shares(part)
            u = np.zeros(part.shape) if random is None else _chances(links, random)
            for j, (field, share) in enumerate(zip(self.space.fields, shares, strict=True)):
                holes = np.isnan(part[:, j])
                for rows, value in zip(found, values, strict=True):
                    rows[i : i + STEP][holes, j] = value(j, field, share[holes], u[holes])
        return found


def mixed(one: Shares, other: Shares) -> np.ndarray:
    """The weight of ``one`` for each field, by EM: how likely each made the true outcomes of the field's cells."""
    weight = np.full(len(one), 0.5)
    for _ in range(STEPS):
        parts = [w * a / (w * a + (1 - w) * b) for w, a, b in zip(weight, one, other, strict=True)]
        overall = np.concatenate(parts).mean()
        weight = np.array([(part.sum() + PRIOR * overall) / (len(part) + PRIOR) for part in parts])
    return weight


def sharpened(shares: Shares, true: list[np.ndarray]) -> np.ndarray:
    """Of POWERS that of each field's shares [cells, outcomes] under which the ``true`` outcomes are likeliest."""
    scores = np.array([[np.log(at(power(p, t), k)).sum() for t in POWERS] for p, k in zip(shares, true, strict=True)])
    cells = np.array([len(k) for k in true])
    scores += PRIOR * scores.sum(0) / cells.sum()
    return POWERS[scores.argmax(1)]


def power(share: np.ndarray, t: float) -> np.ndarray:
    """Shares [n, outcomes] raised to a power."""
    found = np.maximum(share, LEAST) ** t
    return found / found.sum(1, keepdims=True)


def outcomes(field: Field, v: np.ndarray) -> np.ndarray:
    """Which class or bin values [n] are."""
    return (v if field.classes else field.bin(field.encode(v))).astype(np.int64)


def at(share: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """How likely outcomes [n] were by shares [n, outcomes]."""
    found: np.ndarray = share[np.arange(len(outcome)), outcome]
    return found


def _best(field: Field, share: np.ndarray) -> np.ndarray:
    """The likeliest class, or the expectation of a number."""
    if field.classes:
        return share.argmax(1).astype(np.float64)
    return share @ field.decode((field.edges[1:] + field.edges[:-1]) / 2)


def _end(u: float, j: int, field: Field, share: np.ndarray, _: np.ndarray) -> np.ndarray:
    """An end of an interval."""
    return _best(field, share) if field.classes else _quantile(field, share, np.full(len(share), u))


def _quantile(field: Field, share: np.ndarray, u: np.ndarray) -> np.ndarray:
    """The values [n] below which a share ``u`` [n] lies; within a bin the normal scores are uniform."""
    total = np.cumsum(share, 1)
    u = u * total[:, -1]
    at = np.minimum((total <= u[:, None]).sum(1), field.bins - 1)
    if field.classes:
        return at.astype(np.float64)
    here = np.take_along_axis(share, at[:, None], 1)[:, 0]
    part = 1 - (np.take_along_axis(total, at[:, None], 1)[:, 0] - u) / np.maximum(here, LEAST)
    low, high = field.edges[at], field.edges[at + 1]
    return field.decode(low + (high - low) * np.clip(part, 1e-6, 1 - 1e-6))


def _chances(links: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Uniform numbers [n, fields] that go together as ``links`` [n, fields, fields] say."""
    z = random.standard_normal(links.shape[:2])
    links = links * (1 - 1e-6)
    diagonal = np.arange(links.shape[1])
    links[:, diagonal, diagonal] = 1.0
    found: np.ndarray = ndtr((np.linalg.cholesky(links) @ z[:, :, None])[:, :, 0])
    return found


def teller(run: Run) -> Autoregressive:
    """The network of a run that says how likely each outcome is. InputError for one that cannot."""
    net = completer(run.generator)
    if not isinstance(net, Autoregressive):
        raise InputError(f"the generator of {run.path} only fills in one value; impute with --game taegan's")
    return net
