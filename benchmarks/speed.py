"""Speed as ratios of CPU seconds of one thread, each pair measured in alternation in one run.

    python benchmarks/speed.py step --peer PATH/TO/pytorch-examples/dcgan/main.py
    python benchmarks/speed.py overhead feed memory

``step``: one DCGAN-64 step (batch 64, ngf = ndf = 64, float32) of a checkout of github.com/pytorch/examples against
ours with the same mathematics: same nets, losses, Adam, one generator pass for both moves, no EMA. The peer's own
classes and the body of its own training loop are run from its file, without its printing and saving.
``overhead``: our loop against the bare forward, backward and step of the same networks.
``feed``: 64 pictures as bytes from our mapped cache against decoding the same JPEG files with PIL; the note has the
same up to an encoded batch, where the conversion to floats is in both.
``memory``: anonymous memory of a process that trains from a 100,000-picture cache at 64×64.
Results are appended to benchmarks/results/speed.csv.
"""

import argparse
import ast
import itertools
import statistics
import tempfile
import time
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from record import append, machine
from sklearn.datasets import load_sample_images
from torch import nn
from torch.nn.functional import softplus

from ganvas.games.gan import GAN
from ganvas.generator import Generator
from ganvas.latents import Prior
from ganvas.nets import dcgan
from ganvas.space import Data, Rows
from ganvas.spaces.images import Images, images
from ganvas.training.batches import Batches
from ganvas.training.optim import Optimisers
from ganvas.training.rounds import rounds

Step = Callable[[], object]


def paired(ours: Step, theirs: Step, pairs: int) -> dict[str, object]:
    """Median seconds of both and the median of the ratios theirs / ours, measured in turn."""
    for step in (ours, theirs, ours, theirs):
        step()
    times = []
    for _ in range(pairs):
        pair = []
        for step in (ours, theirs):
            start = time.process_time()
            step()
            pair.append(time.process_time() - start)
        times.append(pair)
    ratios = sorted(b / a for a, b in times)
    return {
        "pairs": pairs,
        "ours_seconds": round(statistics.median(a for a, _ in times), 5),
        "theirs_seconds": round(statistics.median(b for _, b in times), 5),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_low": round(ratios[len(ratios) // 4], 3),
        "ratio_high": round(ratios[3 * len(ratios) // 4], 3),
    }


def pictures(count: int = 640, side: int = 64, channels: int = 3) -> Data:
    raw = np.random.default_rng(0).integers(0, 256, (count, side, side, channels), dtype=np.uint8)
    space = Images(side, side, channels, 8, "RGB", None)
    return Data("noise", space, Rows(raw, None, np.arange(count)), Rows(raw, None, np.arange(0)), "")


def our_game(data: Data) -> GAN:
    torch.manual_seed(0)
    net = dcgan.Generator(data.space)
    game = GAN(
        G=Generator(net, Prior(net.latent), data.space.head()), D=dcgan.Discriminator(data.space, critic_norm="batch")
    )
    return game.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def our_step(game: GAN, data: Data) -> Step:
    loop = rounds(game, Batches(data, 64), Optimisers(game))
    return lambda: next(loop)


def peer_step(path: Path, data: Data) -> Step:
    """The peer's step: classes and loop body taken from its own file."""
    tree = ast.parse(path.read_text())
    classes = [n for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    epochs = next(n for n in tree.body if isinstance(n, ast.For))
    inner = next(n for n in epochs.body if isinstance(n, ast.For))
    body = [n for n in inner.body if not isinstance(n, ast.If) and "print" not in ast.unparse(n)[:5]]
    step = ast.FunctionDef("step", ast.arguments([], [ast.arg("data")], None, [], [], None, []), body, [])
    step.type_params = []  # type: ignore[attr-defined]
    scope: dict[str, object] = {
        "torch": torch, "nn": nn, "nz": 100, "ngf": 64, "ndf": 64, "nc": 3, "device": torch.device("cpu"),
        "real_label": 1, "fake_label": 0, "criterion": nn.BCELoss(),
    }  # fmt: skip
    module = ast.fix_missing_locations(ast.Module([*classes, step], []))
    exec(compile(module, str(path), "exec"), scope)
    torch.manual_seed(0)
    for name in ("Generator", "Discriminator"):
        net = scope[name](1).apply(scope["weights_init"])  # type: ignore[operator]
        scope[f"net{name[0]}"] = net
        scope[f"optimizer{name[0]}"] = torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999))
    batches = itertools.cycle(
        [(data.space.encode(data.train.raw[i : i + 64]).contiguous(),) for i in range(0, 640, 64)]
    )
    function = scope["step"]
    assert isinstance(function, types.FunctionType)
    return lambda: function(next(batches))


def bare_step(game: GAN, data: Data) -> Step:
    """Forward, backward and step of the same game with nothing around them."""
    G, D = game.G, game.D
    optimisers = Optimisers(game).of
    weights = {"G": list(G.parameters()), "D": list(D.parameters())}
    batches = Batches(data, 64)
    real = next(batches)
    z = torch.randn(64, 100)

    def step() -> None:
        fake = real.at(G(z))
        loss = softplus(-D(real)).mean() + softplus(D(fake.detach())).mean()
        loss.backward(inputs=weights["D"])
        optimisers["D"].step()
        optimisers["D"].zero_grad()
        softplus(-D(fake)).mean().backward(inputs=weights["G"])
        optimisers["G"].step()
        optimisers["G"].zero_grad()

    return step


def step(options: argparse.Namespace) -> dict[str, object]:
    data = pictures()
    return paired(our_step(our_game(data), data), peer_step(Path(options.peer), data), options.pairs)


def overhead(options: argparse.Namespace) -> dict[str, object]:
    data = pictures()
    found = paired(our_step(our_game(data), data), bare_step(our_game(data), data), options.pairs)
    return {**found, "note": f"overhead {100 * (1 / float(str(found['ratio'])) - 1):.1f} %"}


def feed(options: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        random, photos = np.random.default_rng(0), [Image.fromarray(p) for p in load_sample_images().images]
        for number in range(640):  # pieces of two real photographs at half their size
            x, y = random.integers(0, 640 - 128), random.integers(0, 427 - 128)
            piece = photos[number % 2].crop((x, y, x + 128, y + 128)).resize((64, 64), Image.Resampling.LANCZOS)
            piece.save(f"{folder}/{number:04d}.jpg", quality=90)
        data = images(folder, holdout=0.0, cache=Path(folder) / "cache")
        batches, files = Batches(data, 64), itertools.cycle(sorted(Path(folder).glob("*.jpg")))

        def decode() -> np.ndarray:
            return np.stack([np.asarray(Image.open(next(files)).convert("RGB")) for _ in range(64)])

        orders = itertools.cycle(random.permutation(640).reshape(10, 64))

        def cached() -> np.ndarray:
            return data.train.read(next(orders))[0]

        whole = paired(lambda: next(batches), lambda: data.space.encode(decode()), 10 * options.pairs)
        note = f"up to encoded batches: {whole['ratio']} ({whole['ours_seconds']} s, {whole['theirs_seconds']} s)"
        return {**paired(cached, decode, 10 * options.pairs), "note": note}


def memory(options: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "raw.npy"
        raw = np.lib.format.open_memmap(path, "w+", np.uint8, (100_000, 64, 64, 3))
        for start in range(0, len(raw), 10_000):
            raw[start : start + 10_000] = np.random.default_rng(start).integers(0, 256, (10_000, 64, 64, 3), np.uint8)
        raw.flush()
        del raw
        data = images(path, cache=Path(folder) / "cache")
        advance = our_step(our_game(data), data)
        for _ in range(20):
            advance()
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        anonymous = int(status["RssAnon"].split()[0]) / 2**20
        return {"pairs": 20, "note": f"anonymous {anonymous:.2f} GiB, {len(data.train)} training pictures"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="+", choices=["step", "overhead", "feed", "memory"])
    parser.add_argument("--peer", help="dcgan/main.py of a checkout of pytorch/examples")
    parser.add_argument("--pairs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    for what in options.what:
        empty = dict.fromkeys(
            ("pairs", "ours_seconds", "theirs_seconds", "ratio", "ratio_low", "ratio_high", "note"), ""
        )
        row = {"what": what, **empty, **globals()[what](options), **machine()}
        append("speed.csv", row)
        print(row)


if __name__ == "__main__":
    main()
