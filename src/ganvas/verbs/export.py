"""Take a trained generator out of its run: ONNX, a torch program, a folder for a hub, a web page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from ganvas.errors import InputError
from ganvas.names import module
from ganvas.run import Run

FORMS = {"onnx": "onnx", "torch": "program", "hub": "hub", "web": "web"}  # what --to says -> the module that writes it
ENDS = {"onnx": ".onnx", "torch": ".pt2", "hub": "", "web": ".html"}  # of the names of what is written


def export(
    run: Run | str | Path,
    *,
    out: str | Path,
    to: Literal["onnx", "torch", "hub", "web"] = "onnx",
    precision: Literal["float32", "float16", "int8"] = "float32",
    trust: str | Path | None = None,
) -> dict[str, Any]:
    """Write the generator so that it runs without its run; returns its size and how far it is from the run's samples.

    Latents and labels go in, finished samples come out: truncation and the rounding to pixels are inside. A float32
    file is compared with the run before it is written, and refused if it differs by more than 0.0001 in [-1, 1].

    Args:
        run: the run folder.
        out: the file, FILE.onnx, FILE.pt2 or PAGE.html, or the folder for a hub.
        to: onnx (runs wherever ONNX Runtime does; `generate` and `serve` take it), torch (a torch.export program), hub
            (a folder in Hugging Face layout with a model card), web (one page that runs offline in a browser).
        precision: of the weights; float16 and int8 make smaller files, and the loss is measured and told.
        trust: your own Python file, when the run's network is yours.

    Raises:
        InputError: no such run, a generator that cannot be exported, a file too far from torch, ``out`` not writable.
    """
    run = run if isinstance(run, Run) else Run(run, trust)
    out = Path(out)
    if out.suffix.lower() != ENDS[to] and (ENDS[to] or out.suffix.lower() in ENDS.values()):
        wanted = f"end it with {ENDS[to]}" if ENDS[to] else "name a folder"
        raise InputError(f"--out {out}: {wanted} for --to {to}")
    form = module("exporting", FORMS[to])
    found: dict[str, Any] = getattr(form, FORMS[to])(run, out, precision)
    return found
