"""Results as CSV rows with the machine and versions that made them."""

import csv
import datetime
import os
import platform
from pathlib import Path

import torch

import ganvas

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, object]:
    """What a figure depends on beside its seed."""
    return {
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "torch": torch.__version__,
        "ganvas": ganvas.__version__,
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
    }


def append(name: str, row: dict[str, object]) -> None:
    """Add a row to ``results/<name>``, with a header if the file is new."""
    path = RESULTS / name
    path.parent.mkdir(exist_ok=True)
    new = not path.exists()
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
