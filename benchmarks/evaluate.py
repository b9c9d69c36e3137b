"""What judging 10,000 samples costs.

    python benchmarks/evaluate.py RUN

Protocol: `ganvas evaluate RUN -n 10000` in a process of its own, one thread: once with the two distances, once with all
usual measures. The peak of resident memory (of the whole process, torch included), wall and CPU seconds; features of
the data are not yet cached in the first. Appended to results/evaluate.csv.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time

from record import append, machine

WANTED = {"distances": "frechet_distance,kid", "all usual": ""}
CODE = """
import sys, torch, resource
torch.set_num_threads(1)
import ganvas as gan
found = gan.evaluate(sys.argv[1], n=10_000, metrics=sys.argv[2] or None)
told = found["protocol"]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, told["n_real"], told["extractor"])
"""


def measure(run: str, what: str, metrics: str, cache: str) -> dict[str, object]:
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GANVAS_CACHE": cache}
    done = subprocess.run(
        [sys.executable, "-c", CODE, run, metrics], env=environment, check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak, n_real, extractor = done.stdout.split()
    return {
        "what": what,
        "extractor": extractor,
        "n_real": int(n_real),
        "n_fake": 10_000,
        "peak_mib": int(peak),
        "seconds": round(time.perf_counter() - start, 1),
        "cpu_seconds": round(after.ru_utime - before.ru_utime, 1),
        **machine(),
    }


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        for what, metrics in WANTED.items():
            row = measure(sys.argv[1], what, metrics, cache)
            append("evaluate.csv", row)
            print(row)
