"""What watching costs, and what rolling back saves.

    python benchmarks/health.py overhead
    python benchmarks/health.py rollback [--seeds 3]

overhead: CPU time on one thread of what the health signs add (rank accuracy and gradient norms for a log line, the
overfitting sign and the live verdict for a checkpoint) as a share of the rounds of a default run of 500,000 samples,
with the log lines and checkpoints that such a run has. Medians of 15.

rollback: R3GAN whose learning rate becomes 300 times larger after 30 % of the run (`Broken` in diseases.py), on the
ring and on digits, with --on-divergence rollback: is the generator that is left no worse than the best before?
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diseases import Broken
from record import append, machine

import ganvas as gan
from ganvas.monitors.health import live
from ganvas.run import Run
from ganvas.session import Session
from ganvas.space import Data
from ganvas.training.devices import Device
from ganvas.training.figures import overfitting, signs
from ganvas.training.plan import Plan
from ganvas.training.settings import Settings
from ganvas.verbs.train import choose

REPEATS, SEEN = 15, 500_000


def median(work: Callable[[], object]) -> float:
    """CPU seconds of ``work``."""
    found = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return statistics.median(found)


def pictures(side: int) -> Data:
    """Noise of that size, in colour."""
    folder = Path(tempfile.mkdtemp())
    raw = np.random.default_rng(0).integers(0, 256, (2000, side, side, 3), np.uint8)
    np.savez(folder / "noise.npz", images=raw)
    return gan.images(folder / "noise.npz", cache=folder / "cache")


def session_on(data: Data) -> Session:
    chosen, given = choose(data, None, None, None, {})
    settings = Settings(**given["run"])
    return Session(data, chosen, given, settings, Device("cpu", "float32"), Plan(SEEN, 10_000, 1, 1))


def overhead(name: str, data: Data) -> dict[str, object]:
    session = session_on(data)
    loop = iter(session.rounds())
    moves = next(loop)
    bare = median(lambda: next(loop))
    players = list(session.optimisers.players)

    def line() -> None:
        for player in players:
            grads = [torch.zeros_like(w) for w in session.optimisers.weights([player])]
            torch.stack(torch._foreach_norm(grads)).norm()
        signs(moves)

    empty = median(lambda: [torch.zeros_like(w) for p in players for w in session.optimisers.weights([p])])
    log = [{"t": t, "seen": t, "D.auc": 0.6, "D.gradient": 1.0, "G.gradient": 1.0} for t in range(400)]
    scores = [{"t": t, "metric": "x", "score": 1.0} for t in range(20)]
    at_line = max(median(line) - empty, 0.0)
    at_checkpoint = median(lambda: live(log, scores, overfitting(session.game, session.data)))
    plan = Plan.of(Settings(seen=SEEN), session.game.seen // session.game.t, 0.0, 0.0)
    rounds = plan.planned // (session.game.seen // session.game.t)
    whole = rounds // plan.log_every * at_line + rounds // plan.checkpoint_every * at_checkpoint
    return {
        "what": f"overhead: {name}",
        "round_ms": round(1000 * bare, 3),
        "line_ms": round(1000 * at_line, 3),
        "checkpoint_ms": round(1000 * at_checkpoint, 2),
        "share": round(whole / (rounds * bare), 5),
    }


def rollback(name: str, seed: int) -> dict[str, object]:
    small = {"ring": {"net": "mlp", "latent": 4, "hidden": 128, "batch": 256, "gamma": 0.01, "gamma_start": 0.2}}
    how = small.get(name, {"net": "dcgan", "width": 16, "gamma": 0.5, "gamma_start": 0.5})
    seen = {"ring": 300_000}.get(name, 60_000)
    place = Path(tempfile.mkdtemp()) / "run"
    with contextlib.suppress(FloatingPointError):
        gan.train(
            name, game=Broken, run=place, seed=seed, lr=2e-3, seen=seen, on_divergence="rollback", quiet=True, **how
        )
    run = Run(place)
    before = [line["score"] for line in run.scores if line["seen"] <= 0.3 * seen]
    left = next(line["score"] for line in run.scores if f"{line['t']:09d}" == run.config["checkpoint"])
    finite = all(bool(p.isfinite().all()) for p in run.generator.parameters())
    return {
        "what": f"rollback: {name}, seed {seed}",
        "rollbacks": len(run.info.get("rollbacks", [])),
        "best_before": round(min(before), 4),
        "left": round(left, 4),
        "finite": finite,
        "no_worse": finite and left <= min(before),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("overhead", "rollback"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.part == "overhead":
        sets = {"ring, mlp": gan.toys.ring(), "digits 8x8, dcgan": gan.digits(), "28x28": pictures(28)}
        rows = [overhead(name, data) for name, data in (sets | {"64x64": pictures(64)}).items()]
    else:
        rows = [rollback(name, seed) for name in ("ring", "digits") for seed in range(options.seeds)]
    for row in rows:
        print(row)
        append(f"health_{options.part}.csv", row | machine())
