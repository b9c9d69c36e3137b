"""What the demo reached, as a page: labelled samples, training as a film, and a table by label.

    python examples/demo_page.py RUN

Writes samples.png, training.gif and index.html into the run folder. A support vector machine that learnt the real
training digits says how often the digit asked for is the digit made; its own accuracy is measured on held-out digits.
"""

import html
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from scipy.spatial.distance import pdist
from sklearn.svm import SVC

import ganvas as gan

N = 200  # samples of each label
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "td,th{padding:.1rem 1rem;text-align:right}img{image-rendering:pixelated;max-width:100%}"
)


def film(run: gan.Run) -> Path:
    """The sample grids over time, one after the other."""
    frames = [Image.open(path).convert("RGB") for path in sorted((run.path / "samples").glob("*.png"))]
    out = run.path / "training.gif"
    frames[0].save(out, save_all=True, append_images=frames[1:], duration=[250] * (len(frames) - 1) + [3000], loop=0)
    return out


def table(run: gan.Run) -> tuple[list[tuple[str, float, float]], float]:
    """For each label: share read as asked, and spread (mean distance of two samples over that of two real digits of
    the label); and the judge's accuracy on real held-out digits."""
    data = gan.digits(seed=run.info["data"]["origin"]["seed"])
    (x, y), (x_held, y_held) = (rows.read(np.arange(len(rows))) for rows in (data.train, data.held_out))
    judge = SVC(C=10, gamma=0.05).fit(flat(x), y[:, 0])
    rows = []
    for label in range(10):
        made, _ = run.samples(range(N), label=label)
        read = float((judge.predict(flat(made)) == label).mean())
        rows.append((str(label), read, float(pdist(flat(made)).mean() / pdist(flat(x[y[:, 0] == label])).mean())))
    return rows, float(judge.score(flat(x_held), y_held[:, 0]))


def flat(raw: np.ndarray) -> np.ndarray:
    """Pictures as rows of numbers in [0, 1]."""
    return raw.reshape(len(raw), -1) / 255


def page(run: gan.Run, rows: list[tuple[str, float, float]], judged: float) -> str:
    """The page."""
    told = "".join(f"<tr><td>{label}</td><td>{read:.1%}</td><td>{spread:.2f}</td></tr>" for label, read, spread in rows)
    mean = np.mean([read for _, read, _ in rows])
    return f"""<!doctype html><meta charset="utf-8"><title>ganvas: digits on demand</title><style>{STYLE}</style>
<h1>Digits on demand</h1>
<p>Every column is a label, every row a latent: the same hand writes ten digits. Nothing here was ever written.</p>
<img src="samples.png" alt="samples by label">
<h2>How it learnt</h2><img src="training.gif" alt="the same latents while training">
<h2>What was reached</h2>
<p>{run.progress.seen:,} real samples shown in {run.progress.seconds:.0f} s. A support vector machine that learnt the
real training digits ({judged:.1%} right on held-out real digits) reads the label asked for in {mean:.1%} of
{N * len(rows):,} samples (seed 0). Spread compares the samples of a label with real ones: 0 is a collapsed label.</p>
<table><tr><th>label</th><th>read as asked</th><th>spread</th></tr>{told}</table>
<h2>Again</h2><pre>{html.escape(run.info["command"])}</pre>"""


def main(path: str) -> None:
    """Make the page and print the table."""
    run = gan.Run(path)
    newest = sorted((run.path / "samples").glob("*.png"))[-1]
    (run.path / "samples.png").write_bytes(newest.read_bytes())
    film(run)
    rows, judged = table(run)
    (run.path / "index.html").write_text(page(run, rows, judged), "utf-8")
    shown = Table("label", "read as asked", "spread", title=f"{N} samples of each label, judged by a classifier")
    for label, read, spread in rows:
        shown.add_row(label, f"{read:.1%}", f"{spread:.2f}")
    console = Console()
    console.print(shown)
    console.print(f"the classifier reads {judged:.1%} of real held-out digits; the page: {run.path}/index.html")
    console.print(f"more sevens: .venv/bin/ganvas generate {run.path} --label 7 --out sevens.png")


if __name__ == "__main__":
    main(sys.argv[1])
