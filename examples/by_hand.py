"""The loop by hand: a game played with nothing but ``play`` and two optimisers of torch's.

python examples/by_hand.py [--rounds 1000]
"""

import argparse

import torch

import ganvas as gan
from ganvas.games.gan import GAN
from ganvas.nets import mlp


def main() -> None:
    """Play the least-squares game on the ring and print how it goes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    total = parser.parse_args().rounds

    torch.manual_seed(0)
    data = gan.toys.ring()
    game = GAN(
        G=gan.Generator(mlp.Generator(data.space, latent=2), gan.Prior(2), data.space.head()),
        D=mlp.Discriminator(data.space),
        loss="least_squares",
    )
    optimisers = {
        player: torch.optim.Adam(player.parameters(), 1e-3, betas=(0.5, 0.999)) for player in (game.G, game.D)
    }
    batches = gan.Batches(data, size=128)

    for t in range(1, total + 1):
        for player, loss, _ in game.play(batches):
            loss.backward(inputs=list(player.parameters()))  # that player's gradients, and no other's
            optimisers[player].step()
            optimisers[player].zero_grad()
        if t % max(1, total // 5) == 0:
            x, _ = game.G.draw(range(1000))
            mode, close = data.space.modes(data.space.decode(x))
            print(f"round {t}: {len(set(mode[close]))} modes hit, {close.mean():.0%} of the samples close to one")


if __name__ == "__main__":
    main()
