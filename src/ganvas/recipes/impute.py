"""For tables with holes: a network that says how likely each outcome of a column is by whatever else is known."""

from ganvas.errors import InputError
from ganvas.recipe import Recipe
from ganvas.space import Data
from ganvas.spaces.tables.space import Table

PASSES = 80  # over the training rows
COST = 2_500_000  # … but no more rows than this, divided by the tokens of a row
BATCH = 256  # rows, and at most an eighth of them


def recipe(data: Data) -> Recipe:
    """TAEGAN's autoencoder alone: missing values are neither input nor target. Numbers are decided by their size.

    Raises InputError for data that is no table.
    """
    if not isinstance(data.space, Table):
        raise InputError(f"only tables have holes to be filled, not {data.name}; give a table")
    n, tokens = len(data.train), len(data.space.tokens)
    batch = min(BATCH, max(8, n // 4))
    seen = max(batch, min(PASSES * n, COST // tokens))
    rare = {"checkpoint_every": 2 + seen // batch, "holes": True, "plain": True}
    return Recipe("taegan", "masked", {"batch": batch, "seen": seen, **rare})
