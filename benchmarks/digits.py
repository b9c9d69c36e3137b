"""The demo's claim: ask for a label, get that digit.

    python benchmarks/digits.py RUN [RUN …]

Protocol: `ganvas evaluate` with the extractor "digits", a classifier trained on the run's real training digits (its
accuracy on real ones is the floor's label_accuracy); 2,000 samples, seed 0, labels as in the training data. "diversity"
is the mean feature distance of two samples of a label over that of two real digits of the label (a label collapsed to
one picture has 0). Appended to results/digits.csv; the rows of the extractor "svm" had a support vector machine as
judge and distances of pixels.
"""

import sys

from record import append, machine

import ganvas as gan

N = 2000


def measure(path: str) -> dict[str, object]:
    run = gan.Run(path)
    found = gan.evaluate(run, n=N, extractor="digits", metrics="frechet_distance,kid,labels,diversity")
    accuracies = {name: row["label_accuracy"] for name, row in found["classes"].items()}
    spreads = [row["diversity"] for row in found["classes"].values()]
    return {
        "run": run.path.name,
        "seed": run.info["settings"]["run"].get("seed", 0),
        "seen": run.progress.seen,
        "train_seconds": round(run.progress.seconds, 1),
        "judge_held_out": round(found["noise_floor"]["label_accuracy"], 4),
        "accuracy_mean": round(found["label_accuracy"], 4),
        "accuracy_least": round(min(accuracies.values()), 4),
        "accuracy_7": round(accuracies["7"], 4),
        "spread_mean": round(sum(spreads) / len(spreads), 3),
        "spread_least": round(min(spreads), 3),
        **machine(),
        "extractor": found["protocol"]["extractor"],
    }


if __name__ == "__main__":
    for place in sys.argv[1:]:
        row = measure(place)
        append("digits.csv", row)
        print(row)
