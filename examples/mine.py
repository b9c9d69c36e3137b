"""A GAN of your own, whole: ganvas train ring --game mine.py:WGANGP --gp-weight 5 --rounds 200"""

from ganvas import Discriminator, Game, Generator
from ganvas.penalties import gradient_penalty


class WGANGP(Game):
    """Improved Training of Wasserstein GANs, Algorithm 1. Gulrajani et al. 2017, arXiv:1704.00028."""

    G: Generator  # z ~ G.prior (and y) -> x  [n, *shape]
    D: Discriminator  # batch -> score [n]
    critic_moves: int = 5  # n_critic
    gp_weight: float = 10.0  # lambda, eq. (3)

    def play(self, batches):
        """One round: the critic's moves, then the generator's."""
        for _ in range(self.critic_moves):
            real = next(batches)
            fake = self.G.sample(like=real).detach()
            penalty = gradient_penalty(self.D, real, fake)
            yield self.D, (self.D(fake) - self.D(real)).mean() + self.gp_weight * penalty
        yield self.G, -self.D(self.G.sample(like=real)).mean()
