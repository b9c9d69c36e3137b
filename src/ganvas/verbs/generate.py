"""Draw samples from a trained generator, a run or an exported file: pictures, an array, or the rows of a table."""

from __future__ import annotations

from pathlib import Path

from ganvas.errors import InputError
from ganvas.exported import Exported, Sampler
from ganvas.files import is_table, npz, png, write_file, writing
from ganvas.spaces.tables.reading import from_file
from ganvas.spaces.tables.space import Table
from ganvas.spaces.tables.writing import written

DIGITS = 5  # of a picture's number in its file name
STEP = 256  # samples held in memory at a time, when each is its own file


def generate(
    run: Sampler | str | Path,
    *,
    out: str | Path,
    n: int = 64,
    label: str | None = None,
    seed: int = 0,
    truncation: float | None = None,
    where: str | None = None,
    trust: str | Path | None = None,
) -> Path:
    """Draw ``n`` samples and write them to ``out``; returns its path. The same seed gives the same samples.

    Args:
        run: the run folder, or FILE.onnx of `ganvas export`, which needs no torch.
        out: a .png (one grid), a folder (one PNG each), or .npz (samples uint8 [n, h, w, c], labels [n]); of a table
            .csv, .tsv, .parquet, .feather.
        n: how many; as many rows as the table that ``where`` names has.
        label: a class name or number for all of them (default: drawn as in the training data). Several label
            columns: a,b or hair=a,smile=b.
        seed: sample number i is a function of (seed, i).
        truncation: less variety, cleaner samples: narrow a normal prior to ±T, or draw styles to their mean (1: not).
        where: what all rows satisfy, "income = '>50K' and age > 60", or the file of a table whose missing values are to
            be filled and whose others stay.
        trust: your own Python file, when the run's network is yours.

    Raises:
        InputError: no such run or label, or ``out`` cannot be written.
    """
    source = opened(run, trust) if isinstance(run, str | Path) else run
    out = Path(out)
    if n < 1:
        raise InputError(f"-n {n} must be 1 or more")
    if not 0 <= seed < 2**63:
        raise InputError(f"--seed {seed} must be between 0 and 2^63 - 1")
    if truncation is not None and truncation < 0.05:
        raise InputError(f"--truncation {truncation} must be 0.05 or more")
    if where is not None or is_table(out):
        if label is not None or truncation is not None:
            raise InputError("rows have no --label and no --truncation; say what they satisfy with --where")
        return write_rows(source, out, n, seed, where)
    how = (seed, label, truncation)
    if out.suffix.lower() == ".png":
        raw, _ = source.samples(range(n), *how)
        write_file(out, png(source.space.show(raw, max(1, round(n**0.5 + 0.499)))))
    elif out.suffix.lower() == ".npz":
        write_array(source, out, n, how)
    elif out.suffix:
        raise InputError(
            f"--out {out}: end it with .png or .npz, name a folder, or for rows end it with .csv or .parquet"
        )
    else:
        write_pictures(source, out, n, how)
    return out


def opened(path: str | Path, trust: str | Path | None = None) -> Sampler:
    """The run in a folder, or the exported generator in a file. Only a run needs torch."""
    if Path(path).suffix.lower() == ".onnx":
        return Exported(path)
    from ganvas.run import Run

    return Run(path, trust)


def write_rows(run: Sampler, out: Path, n: int, seed: int, where: str | None) -> Path:
    """The rows of a table as a file like the one it was trained on."""
    if isinstance(run, Exported):
        return write_exported(run, out, n, seed, where)
    from ganvas.rows import rows, table
    from ganvas.run import Run

    assert isinstance(run, Run)
    space = table(run)
    known = from_file(Path(where)) if where is not None and is_table(where) else None
    count = n if known is None else len(known)
    raw = rows(run, range(count), seed, where if known is None else None, known)
    write_file(out, written(space.frame(raw), out))
    return out


def write_exported(source: Exported, out: Path, n: int, seed: int, where: str | None) -> Path:
    """The rows of a table that an exported generator makes."""
    if not isinstance(source.space, Table):
        raise InputError(f"{source.path} does not make rows; end --out with .png or .npz, or name a folder")
    if where is not None:
        raise InputError("an exported file makes whole rows; for --where give the run")
    write_file(out, written(source.space.frame(source.samples(range(n), seed)[0]), out))
    return out


How = tuple[int, str | None, float | None]  # seed, label, truncation


def write_array(run: Sampler, out: Path, n: int, how: How) -> None:
    """``samples`` [n, h, w, c] and ``labels``: [n], or [n, columns] when there are several."""
    raw, labels = run.samples(range(n), *how)
    arrays = {"samples": raw}
    if labels is not None and run.space.labels is not None:
        arrays["labels"] = run.space.labels.stored(labels)
    write_file(out, npz(**arrays))


def write_pictures(run: Sampler, out: Path, n: int, how: How) -> None:
    """One PNG for each sample, ``00000_label.png``, made step by step so that any ``n`` fits in memory."""
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    for start in range(0, n, STEP):
        numbers = range(start, min(start + STEP, n))
        raw, labels = run.samples(numbers, *how)
        told = run.space.labels.names(labels) if labels is not None and run.space.labels else [""] * len(raw)
        for number, picture, label in zip(numbers, run.space.pictures(raw), told, strict=True):
            tail = f"_{safe(label)}" if label else ""
            write_file(out / f"{number:0{DIGITS}d}{tail}.png", png(picture))


def safe(label: str) -> str:
    """A label as part of a file name."""
    return "".join(c if c.isalnum() or c in "-." else "-" for c in label)[:60]
