"""The demo's claim: ask for a label, get that digit.

    python benchmarks/digits.py RUN [RUN …]

Protocol: a support vector machine learns the run's real training digits (its accuracy on the run's held-out digits is
given); 200 samples of each label, seed 0, are classified. "spread" is the mean distance of two samples of a label over
that of two real training digits of the label (a label collapsed to one picture has 0). Appended to results/digits.csv.
"""

import sys

import numpy as np
from record import append, machine
from scipy.spatial.distance import pdist
from sklearn.svm import SVC

import ganvas as gan

N = 200


def flat(raw: np.ndarray) -> np.ndarray:
    return raw.reshape(len(raw), -1) / 255


def measure(path: str) -> dict[str, object]:
    run = gan.Run(path)
    data = gan.digits(**{k: v for k, v in run.info["data"]["origin"].items() if k != "source"})
    (x, y), (x_held, y_held) = (rows.read(np.arange(len(rows))) for rows in (data.train, data.held_out))
    assert y is not None
    assert y_held is not None
    judge = SVC(C=10, gamma=0.05).fit(flat(x), y[:, 0])
    accuracies, spreads = [], []
    for label in range(10):
        raw, _ = run.samples(range(N), seed=0, label=label)
        accuracies.append(float((judge.predict(flat(raw)) == label).mean()))
        spreads.append(pdist(flat(raw)).mean() / pdist(flat(x[y[:, 0] == label])).mean())
    return {
        "run": run.path.name,
        "seed": run.info["settings"]["run"].get("seed", 0),
        "seen": run.progress.seen,
        "train_seconds": round(run.progress.seconds, 1),
        "judge_held_out": round(float(judge.score(flat(x_held), y_held[:, 0])), 4),
        "accuracy_mean": round(float(np.mean(accuracies)), 4),
        "accuracy_least": round(min(accuracies), 4),
        "accuracy_7": round(accuracies[7], 4),
        "spread_mean": round(float(np.mean(spreads)), 3),
        "spread_least": round(float(min(spreads)), 3),
        **machine(),
    }


if __name__ == "__main__":
    for place in sys.argv[1:]:
        row = measure(place)
        append("digits.csv", row)
        print(row)
