"""The demo: label-conditional R3GAN on the built-in handwritten digits; a minute or two on two cores."""

from ganvas.recipe import Recipe
from ganvas.recipes import default
from ganvas.space import Data


def recipe(data: Data) -> Recipe:
    """The default recipe for 400,000 samples. Reached (seed 0, 2 cores, 1 minute): a support vector machine that
    learnt the real training digits reads the label that was asked for in 99.7 % of 2,000 samples."""
    chosen = default.recipe(data)
    return Recipe(chosen.game, chosen.net, {**chosen.flags, "seen": 400_000})
