"""Mode collapse, on purpose: the original GAN and R3GAN on a ring of 8 modes, with the same networks.

    python examples/mode_collapse.py [--rounds 2500] [--seed 0] [--out mode_collapse.png]

Both games get the same generator, discriminator, batch and learning rate and the same number of moves; only the rules
differ. "Modes" counts the modes that are nearest to at least 2 % of 1,024 samples, "close" is the share of samples
within 3 sigma of a mode. The original game keeps its samples around one or two modes and wanders from one to the next,
because its generator gains by moving *all* samples to where D is fooled best. In R3GAN real and fake samples are
judged in pairs and D's slope is bounded, so an empty mode keeps pulling. The generators are those of the last round,
not averaged ones, and the figures depend on the seed.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

import ganvas as gan
from ganvas.games.gan import GAN
from ganvas.games.r3gan import R3GAN
from ganvas.nets import mlp
from ganvas.space import Data

SAMPLES, LEAST = 1024, 0.02


def players(data: Data, seed: int) -> dict[str, torch.nn.Module]:
    """A generator and a discriminator, the same for the same seed."""
    torch.manual_seed(seed)
    net = mlp.Generator(data.space, latent=64, hidden=128)
    return {
        "G": gan.Generator(net, gan.Prior(64), data.space.head()),
        "D": mlp.Discriminator(data.space, hidden=128),
    }


def judged(game: gan.Game, data: Data) -> tuple[int, float, Image.Image]:
    """Modes covered, share of samples close to a mode, and a picture."""
    x, _ = game.G.draw(range(SAMPLES))
    points = data.space.decode(x)
    mode, close = data.space.modes(points)
    counts = torch.bincount(torch.from_numpy(mode), minlength=8)
    return int((counts >= LEAST * SAMPLES).sum()), float(close.mean()), data.space.show(points, 1)


def play(game: gan.Game, data: Data, total: int, seed: int) -> Image.Image:
    """Play ``total`` rounds, print a line ten times, and return a strip of pictures of the last four."""
    optimisers, batches, pictures = gan.Optimisers(game, lr=5e-4), gan.Batches(data, 128, seed), []
    for _ in gan.rounds(game, batches, optimisers):
        if game.t % max(1, total // 10) == 0:
            modes, close, picture = judged(game, data)
            pictures.append(picture.resize((256, 256)))
            print(f"{type(game).__name__:6} round {game.t:5}   modes {modes} of 8   close {close:4.0%}", flush=True)
        if game.t >= total:
            break
    strip = Image.new("RGB", (4 * 256, 256), "white")
    for place, picture in enumerate(pictures[-4:]):
        strip.paste(picture, (256 * place, 0))
    return strip


def main() -> None:
    """Play both games and save what they made: the GAN above, R3GAN below."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("mode_collapse.png"))
    options = parser.parse_args()
    data = gan.toys.ring()
    games = (GAN(**players(data, options.seed)), R3GAN(**players(data, options.seed), gamma=0.02, gamma_start=0.1))
    strips = [play(game, data, options.rounds, options.seed) for game in games]
    page = Image.new("RGB", (strips[0].width, 2 * strips[0].height))
    for place, strip in enumerate(strips):
        page.paste(strip, (0, place * strip.height))
    page.save(options.out)
    print(f"saved {options.out}: above the GAN, below R3GAN, over the last rounds from left to right")


if __name__ == "__main__":
    main()
