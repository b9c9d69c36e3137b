"""The tokens of a table's rows, as networks read and write them: one token is one thing that is decided at a time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from ganvas.errors import InputError
from ganvas.space import Space
from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.space import Table

FAR = 1e9  # a normal score beyond all
REACH = 5.0  # standard deviations: a value beyond counts as that far


def table(space: Space, net: str) -> Table:
    """The space as a table. InputError for any other."""
    if not isinstance(space, Table):
        raise InputError(f"--net {net} plays on tables; for samples of shape {space.shape} use --net mlp or dcgan")
    return space


class Tokens(nn.Module):
    """Encoded rows x [n, d] as outcomes [n, tokens] and back. Its buffers follow from the space and are not saved.

    A token's outcome is a class, the bin of a number, or "missing", the last one. ``numbers`` are the tokens that are
    numbers, ``classes`` the others; ``centre`` [numbers, bins] says where a bin lies, in standard deviations: midway
    between its value, which relations are linear in, and its normal score, which has no outliers.
    """

    gauss: Tensor
    value: Tensor
    inner: Tensor
    low: Tensor
    high: Tensor
    centre: Tensor
    counting: Tensor
    codes: Tensor
    absent: Tensor

    def __init__(self, space: Table) -> None:
        super().__init__()
        self.tokens, self.width = space.tokens, space.shape[0]
        self.numbers = [j for j, token in enumerate(self.tokens) if token.numeric]
        self.classes = [j for j, token in enumerate(self.tokens) if not token.numeric]
        fields = [space.fields[self.tokens[j].field] for j in self.numbers]
        self.bins = [field.bins for field in fields]
        parts = {
            "gauss": [field.gauss for field in fields],
            "value": [standardised(field, field.value) for field in fields],
            "inner": [field.edges[1:-1] for field in fields],
            "low": [bounds(field)[0] for field in fields],
            "high": [bounds(field)[1] for field in fields],
        }
        middles = [(low + high) / 2 for low, high in zip(parts["low"], parts["high"], strict=True)]
        parts["centre"] = [
            (standardised(field, field.decode(middle)) + middle) / 2
            for field, middle in zip(fields, middles, strict=True)
        ]
        for name, rows in parts.items():
            self.register_buffer(name, padded(rows, FAR if name in ("gauss", "inner") else None), persistent=False)
        counting = torch.zeros(self.width, len(self.tokens))
        for j in self.classes:
            token = self.tokens[j]
            counting[token.start : token.start + token.width, j] = torch.arange(token.width)
        self.register_buffer("counting", counting, persistent=False)
        codes = torch.zeros(len(self.tokens), len(space.fields), dtype=torch.float64)
        for j, token in enumerate(self.tokens):  # outcomes -> class number: the halves of a category make one
            later = any(other.field == token.field and other.part > token.part for other in self.tokens)
            codes[j, token.field] = token.outcomes if later else 1
        self.register_buffer("codes", codes, persistent=False)
        self.register_buffer("absent", torch.tensor([float(f.bins) for f in space.fields]).double(), persistent=False)

    def outcomes(self, x: Tensor) -> Tensor:
        """Rows [n, d] -> outcomes int64 [n, tokens]."""
        found = (x @ self.counting).round().long()
        if self.numbers:
            g = x[:, [self.tokens[j].start for j in self.numbers]].T.contiguous()
            found[:, self.numbers] = torch.searchsorted(self.inner, g, right=True).T
        for j, bins in zip(self.numbers, self.bins, strict=True):
            token = self.tokens[j]
            if token.width == 2:
                missing = x[:, token.start + 1] > 0.5
                found[:, j] = torch.where(missing, bins, found[:, j])
        return found

    def scales(self, x: Tensor) -> Tensor:
        """Normal score and standardised value of each number [n, numbers, 2]; zeros where it is missing."""
        g = x[:, [self.tokens[j].start for j in self.numbers]]
        return torch.stack([g, self.values(g, slice(None))], 2) * self.there(x)[:, :, None]

    def values(self, g: Tensor, numbers: slice) -> Tensor:
        """Standardised values [n, k] of normal scores g [n, k] of some numbers: linear between the knots."""
        gauss, value = self.gauss[numbers], self.value[numbers]
        right = torch.searchsorted(gauss, g.detach().T.contiguous())  # [k, n]
        right = torch.minimum(right.clamp_min(1), (gauss < FAR).sum(1, keepdim=True) - 1)
        a, b, u, v = (t.gather(1, i).T for t in (gauss, value) for i in (right - 1, right))
        return u + (v - u) * ((g - a) / (b - a).clamp_min(1e-6)).clamp(0.0, 1.0)

    def present(self, x: Tensor) -> Tensor:
        """Which tokens [n, tokens] are not missing: 1 or 0."""
        gone = self.outcomes(x).to(self.codes.dtype) @ self.codes == self.absent
        return (~gone[:, [token.field for token in self.tokens]]).to(x.dtype)

    def there(self, x: Tensor) -> Tensor:
        """Which numbers are there [n, numbers]: 1, or 0 where missing."""
        flags = [(token.start + 1, token.width == 2) for token in (self.tokens[j] for j in self.numbers)]
        return torch.stack([1 - x[:, at] if optional else torch.ones_like(x[:, 0]) for at, optional in flags], 1)

    def one(self, j: int, block: Tensor) -> tuple[Tensor, Tensor]:
        """Of number j alone, from its block [n, width]: what ``scales`` says [n, 2], and its outcome [n]."""
        k = self.numbers.index(j)
        g, bins = block[:, :1], self.bins[k]
        scales = torch.cat([g, self.values(g, slice(k, k + 1))], 1)
        outcome = torch.searchsorted(self.inner[k], g.detach().contiguous(), right=True).squeeze(1)
        if self.tokens[j].width == 1:
            return scales, outcome
        missing = block[:, 1:]
        return scales * (1 - missing), torch.where(missing.squeeze(1) > 0.5, bins, outcome)

    def block(self, j: int, share: Tensor, u: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
        """Draw token ``j``: shares [n, outcomes] and uniform numbers u [n, 2] -> its block of x [n, width].

        By the inverse of the distribution function, so a row is a function of its uniform numbers. The gradient is
        straight through (Bengio et al. 2013, arXiv:1308.3432): that of the expected block. ``low`` and ``high`` [n]
        bound a number's normal score.
        """
        total = share.detach().cumsum(1)
        found = torch.searchsorted(total, u[:, :1] * total[:, -1:]).clamp_max(share.shape[1] - 1)
        empty = share.detach().gather(1, found) <= 0
        if torch.compiler.is_exporting() or empty.any():  # rounding may hit an outcome of share 0
            found = torch.where(empty, share.detach().argmax(1, keepdim=True), found)
        token = self.tokens[j]
        if not token.numeric:
            return straight(torch.zeros_like(share).scatter(1, found, 1.0), share)
        k = self.numbers.index(j)
        bins = self.bins[k]
        here = found.squeeze(1).clamp_max(bins - 1)
        below, above = self.low[k][here], self.high[k][here]
        if low is not None and high is not None:
            below, above = torch.maximum(below, low), torch.minimum(above, high)
        g = below + (above - below).clamp_min(0.0) * u[:, 1]
        if share.requires_grad:
            g = straight(g, share[:, :bins] @ ((self.low[k, :bins] + self.high[k, :bins]) / 2))
        if token.width == 1:
            return g[:, None]
        missing = straight((found.squeeze(1) == bins).to(share.dtype), share[:, bins])
        return torch.stack([g * (1 - missing.detach()), missing], 1)


def straight(drawn: Tensor, expected: Tensor) -> Tensor:
    """What was drawn, with the gradient of what was to be expected."""
    return drawn + (expected - expected.detach()) if expected.requires_grad else drawn


def standardised(field: Field, value: np.ndarray) -> np.ndarray:
    """Values in standard deviations from the mean of the training data, within ±REACH."""
    at = field.decode((field.edges[1:] + field.edges[:-1]) / 2)
    weight = field.counts[: field.bins] / field.counts[: field.bins].sum()
    mean = float((weight * at).sum())
    spread = float(np.sqrt((weight * (at - mean) ** 2).sum())) or 1.0
    return np.clip((value - mean) / spread, -REACH, REACH)


def bounds(field: Field) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest normal score [bins] of what is drawn in a bin: for a spike its own, once."""
    low, high = field.edges[:-1].copy(), field.edges[1:].copy()
    flat = np.interp(low, field.gauss, field.value) == np.interp(high - 1e-9, field.gauss, field.value)
    middle = field.encode(field.decode((low + high) / 2))
    return np.where(flat, middle, low), np.where(flat, middle, high)


def padded(rows: list[np.ndarray], fill: float | None) -> Tensor:
    """Rows of different lengths as one tensor, filled up with ``fill`` or with each row's last number."""
    longest = max((len(row) for row in rows), default=0)
    full = [np.pad(row, (0, longest - len(row)), "edge") if len(row) else np.zeros(longest) for row in rows]
    if fill is not None:
        full = [np.where(np.arange(longest) < len(row), one, fill) for row, one in zip(rows, full, strict=True)]
    return torch.from_numpy(np.array(full, np.float32).reshape(len(rows), longest))
