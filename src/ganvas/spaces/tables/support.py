"""Keeps rows inside what is asked of them while they are made: no row is made and thrown away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ganvas.errors import InputError
from ganvas.spaces.tables.constraints import Constraint
from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.spans import (
    HUGE,
    Span,
    absent,
    at_least,
    at_most,
    between,
    bins,
    classes,
    ends,
    inside,
    listed,
    nearest_in,
    reach,
    score,
)

if TYPE_CHECKING:
    from ganvas.spaces.tables.space import Table, Token

Order = tuple[int, int, bool]  # field a <= field b, or a < b


class Support:
    """``support(j, x, seen)``: which outcomes token j may have, and between which normal scores a number may lie.

    ``spans`` say what is asked of columns, by number of the field; beside them the constraints of the space are kept.
    Raises InputError when nothing is left of a column.
    """

    def __init__(self, space: Table, spans: Mapping[int, Span] | None = None) -> None:
        self.fields, self.tokens, self.constraints = space.fields, space.tokens, space.constraints
        self.orders = [order for one in self.constraints for order in orders(one)]
        self.rows = {one: one.rows for one in self.constraints if one.rows is not None}  # that go together
        self.spans = dict(spans or {})
        for number, span in bounds(self.fields, self.constraints):
            self.narrow(number, span)
        self.narrow_all()
        self.together = [self.halves(n) for n in range(len(self.fields)) if self.parts(n)[1:]]
        self.together += [self.combinations(one, rows) for one, rows in self.rows.items()]
        self.fixed = [self.outcomes(token) for token in self.tokens]
        for token, allowed in zip(self.tokens, self.fixed, strict=True):
            if not allowed.any():
                raise InputError(f"no value that column {self.fields[token.field].name} had in training is left")

    @property
    def idle(self) -> bool:
        """Whether it asks for nothing at all."""
        return not (self.spans or self.together or self.orders)

    def narrow(self, number: int, span: Span) -> None:
        """Ask this of a column too."""
        self.spans[number] = self.spans[number].both(span) if number in self.spans else span

    def narrow_all(self) -> None:
        """Ask of each column what the constraints leave of it, once something is asked of the others."""
        for _ in range(2 * len(self.fields)):
            before = dict(self.spans)
            self.narrow_orders()
            self.narrow_rows()
            if self.spans == before:
                return

    def narrow_orders(self) -> None:
        """What columns that stand in an order leave of each other."""
        for a, b, strictly in self.orders:
            (low, _), (_, high) = (reach(self.fields[n], self.spans.get(n, Span())) for n in (a, b))
            if low is not None and high is not None:
                least, most = at_least(self.fields[b], low, strictly), at_most(self.fields[a], high, strictly)
                self.narrow(b, between(self.fields[b], float(least), np.inf, missing=True))
                self.narrow(a, between(self.fields[a], -np.inf, float(most), missing=True))

    def narrow_rows(self) -> None:
        """What columns whose values come only together leave of each other."""
        for one, rows in self.rows.items():
            columns = list(map(int, one.operands))
            spans = [self.spans.get(number, Span()) for number in columns]
            fits = [inside(v, self.fields[n], s) for v, n, s in zip(rows.T, columns, spans, strict=True)]
            left = rows[np.all(fits, 0)]
            if len(left) < len(rows):
                self.rows[one] = left
                for number, values in zip(columns, left.T, strict=True):
                    self.narrow(number, listed(values, self.fields[number]))

    def __call__(self, j: int, x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """For rows so far x [n, d] of which ``seen`` [n, tokens] is decided: allowed outcomes [n or 1, outcomes], and
        least and greatest normal score [n or 1] of a number."""
        token, allowed, device = self.tokens[j], self.fixed[j], x.device
        x, seen = x.detach().cpu(), seen.cpu()
        field, span = self.fields[token.field], self.spans.get(token.field, Span())
        ordered = any(token.field in order[:2] for order in self.orders)
        least, most = self.limits(token.field, x, seen) if ordered else (np.array([-np.inf]), np.array([np.inf]))
        if ordered and token.numeric:
            allowed = np.append(bins(field, span, least, most), absent(field, span, len(x)), 1).astype(np.float32)
        elif ordered and token.outcomes == field.outcomes:
            code = np.arange(field.bins)
            fits = (code >= least[:, None]) & (code <= most[:, None])
            allowed = allowed * np.append(fits, absent(field, span, len(x)), 1).astype(np.float32)
        for members, rows in self.together:
            if j in members:
                allowed = allowed * self.matching(j, members, rows, x, seen)
        if not token.numeric:
            return torch.from_numpy(allowed).to(device), None, None
        low, high = ends(field, span)
        low, high = np.maximum(low, score(field, least, -1)), np.minimum(high, score(field, most, 1))
        parts = (torch.from_numpy(part.astype(np.float32)).to(device) for part in (allowed, low, high))
        return next(parts), next(parts), next(parts)

    def limits(self, number: int, x: Tensor, seen: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest value [n] of a field, by the columns that are decided and stand in an order with it; those
        between them that are not decided yet keep room for a value of their own."""
        least, most, decided = {}, {}, {}
        for n in {n for order in self.orders for n in order[:2]} | {number}:
            decided[n] = seen[:, self.parts(n)].bool().all(1).numpy()
            value = np.where(decided[n], self.value(n, x), np.nan)
            least[n], most[n] = value, value
        for _ in self.orders:  # as often as the longest chain may be long
            for a, b, strictly in self.orders:
                above, below = (self.spans.get(n, Span()) for n in (b, a))
                up, down = at_least(self.fields[b], least[a], strictly), at_most(self.fields[a], most[b], strictly)
                up, down = nearest_in(up, above, least=up), nearest_in(down, below, most=down)
                least[b] = np.where(decided[b], least[b], np.fmax(least[b], up))
                most[a] = np.where(decided[a], most[a], np.fmin(most[a], down))
        return np.nan_to_num(least[number], nan=-np.inf), np.nan_to_num(most[number], nan=np.inf)

    def value(self, number: int, x: Tensor) -> np.ndarray:
        """The values [n] of a field, NaN where missing."""
        field, tokens = self.fields[number], self.parts(number)
        if field.classes:
            code = np.zeros(len(x))
            for j in tokens:
                code = code * self.tokens[j].outcomes + self.outcome(j, x)
            return np.where(code >= field.bins, np.nan, code)
        token = self.tokens[tokens[0]]
        block = x[:, token.start : token.start + token.width].double().numpy()
        v = field.decode(block[:, 0])
        return np.where(block[:, 1] > 0.5, np.nan, v) if token.width == 2 else v

    def outcome(self, j: int, x: Tensor) -> np.ndarray:
        """The outcomes [n] of token j."""
        token, field = self.tokens[j], self.fields[self.tokens[j].field]
        block = x[:, token.start : token.start + token.width].numpy()
        if not token.numeric:
            return block.argmax(1)
        found = field.bin(block[:, 0])
        return np.where(block[:, 1] > 0.5, field.bins, found) if token.width == 2 else found

    def matching(self, j: int, members: list[int], rows: np.ndarray, x: Tensor, seen: Tensor) -> np.ndarray:
        """Outcomes of token j that go with what is decided of the tokens it stands together with [n, outcomes]."""
        fits = np.ones((len(x), len(rows)), bool)
        for column, other in enumerate(members):
            if other != j:
                decided = seen[:, other].bool().numpy()
                fits &= (self.outcome(other, x)[:, None] == rows[:, column]) | ~decided[:, None]
        onto = np.zeros((len(rows), self.tokens[j].outcomes), np.float32)
        onto[np.arange(len(rows)), rows[:, members.index(j)]] = 1.0
        return np.minimum(fits.astype(np.float32) @ onto, 1.0)

    def parts(self, number: int) -> list[int]:
        """The tokens of a field."""
        return [j for j, token in enumerate(self.tokens) if token.field == number]

    def halves(self, number: int) -> tuple[list[int], np.ndarray]:
        """The two tokens of a category with many classes, and the outcomes that are allowed together."""
        members = self.parts(number)
        codes = np.flatnonzero(classes(self.fields[number], self.spans.get(number, Span())))
        return members, np.stack(np.divmod(codes, self.tokens[members[1]].outcomes), 1)

    def combinations(self, constraint: Constraint, rows: np.ndarray) -> tuple[list[int], np.ndarray]:
        """The tokens of columns that go together, and the outcomes that do."""
        members: list[int] = []
        columns: list[np.ndarray] = []
        for operand, values in zip(constraint.operands, rows.T, strict=True):
            field = self.fields[int(operand)]
            code = values if field.classes else field.bin(field.encode(np.nan_to_num(values))).astype(np.float64)
            code = np.where(np.isnan(values), field.bins, code).astype(np.int64)
            tokens = self.parts(int(operand))
            members += tokens
            columns += [code] if len(tokens) == 1 else [*np.divmod(code, self.tokens[tokens[1]].outcomes)]
        return members, np.unique(np.stack(columns, 1), axis=0)

    def outcomes(self, token: Token) -> np.ndarray:
        """Allowed outcomes [1, outcomes] of a token, whatever the others are; of a bin that is cut its share."""
        field, span = self.fields[token.field], self.spans.get(token.field, Span())
        if token.numeric:
            return np.append(bins(field, span), absent(field, span), 1).astype(np.float32)
        if len(self.parts(token.field)) == 2:
            return np.full((1, token.outcomes), float(classes(field, span).any()), np.float32)  # ``together`` decides
        return classes(field, span)[None]

    def settled(self, raw: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
        """Raw rows [n, fields] with numbers moved to the nearest value that is allowed; those ``kept`` stay (bool)."""
        raw, kept = raw.copy(), np.zeros(raw.shape, bool) if kept is None else kept
        for number, span in self.spans.items():
            if not self.fields[number].classes:
                raw[:, number] = np.where(kept[:, number], raw[:, number], nearest_in(raw[:, number], span))
        for _ in self.orders:  # as often as the longest chain may be long
            for a, b, strictly in self.orders:
                least, most = (
                    at_least(self.fields[b], raw[:, a], strictly),
                    at_most(self.fields[a], raw[:, b], strictly),
                )
                wrong = raw[:, b] < least
                up = nearest_in(raw[:, b], self.spans.get(b, Span()), least=least)
                down = nearest_in(raw[:, a], self.spans.get(a, Span()), most=most)
                raw[:, a] = np.where(wrong & kept[:, b], down, raw[:, a])
                raw[:, b] = np.where(wrong & ~kept[:, b], up, raw[:, b])
        for one, rows in self.rows.items():
            self.snap(raw, one, rows, kept)
        return raw

    def snap(self, raw: np.ndarray, constraint: Constraint, rows: np.ndarray, kept: np.ndarray) -> None:
        """Numbers of columns that go together: those of the nearest combination with the same classes."""
        columns = [int(operand) for operand in constraint.operands]
        scale = np.array([np.inf if self.fields[c].classes else np.ptp(self.fields[c].value) or 1.0 for c in columns])
        for row in np.flatnonzero(~constraint.holds(raw)):
            gap = np.abs(np.nan_to_num(rows, nan=HUGE) - np.nan_to_num(raw[row, columns], nan=HUGE))
            stiff = np.isinf(scale) | kept[row, columns]
            far = np.where(stiff, np.where(gap > 0, 1e6, 0.0), gap / np.where(stiff, 1.0, scale))
            raw[row, columns] = rows[far.sum(1).argmin()]


def orders(constraint: Constraint) -> list[Order]:
    """The pairs of columns that a constraint puts in an order."""
    found: list[Order] = []
    for sign, left, right in constraint.pairs:
        if isinstance(left, int) and isinstance(right, int):
            a, b = (left, right) if sign[0] == "<" else (right, left)
            found.append((a, b, len(sign) == 1))
    return found


def bounds(fields: Sequence[Field], constraints: Sequence[Constraint]) -> list[tuple[int, Span]]:
    """What constraints ask of single columns: comparisons with a value."""
    found: list[tuple[int, Span]] = []
    for sign, left, right in (pair for one in constraints for pair in one.pairs):
        if isinstance(left, int) == isinstance(right, int):
            continue
        number, value = (int(left), right) if isinstance(left, int) else (int(right), left)
        field, strictly = fields[number], len(sign) == 1
        if (sign[0] == "<") == isinstance(left, int):
            found.append((number, between(field, -np.inf, float(at_most(field, np.array(value), strictly)), True)))
        else:
            found.append((number, between(field, float(at_least(field, np.array(value), strictly)), np.inf, True)))
    return found
