"""One HTML file that holds the generator and all it takes to run it in a browser: a GAN that can be e-mailed."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import lzma
import re
import tempfile
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from ganvas.errors import InputError
from ganvas.exporting.card import about, data, figures, making, name, summary
from ganvas.exporting.graph import WHOLE, truncation_of
from ganvas.exporting.limits import limits
from ganvas.exporting.onnx import Precision, onnx
from ganvas.files import write_file
from ganvas.labels import chosen
from ganvas.latents import CHUNK
from ganvas.run import Run
from ganvas.space import Space
from ganvas.spaces.images.space import Images
from ganvas.spaces.toys import Points
from ganvas.version import __version__

POINTS = 256  # points in the plot; of pictures CHUNK are shown
WIDEST = 3.0  # truncation of a normal prior that the slider reaches, beyond which little is left to cut
POLICY = (  # nothing is loaded and nothing is sent: the browser itself sees to it
    "default-src 'none'; script-src {scripts} 'wasm-unsafe-eval'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)
MARK = re.compile(r"\{\{(\w+)\}\}")
EXPORTS = re.compile(r"export\{([^}]*)\};\s*(//#.*)?\s*$")  # the last line of the runtime


def web(run: Run, out: Path, precision: Precision = "float32") -> dict[str, Any]:
    """Write the run's generator to ``out`` (.html) as a page that makes samples offline, in any browser of today.

    Pictures are shown as ``Images`` shows them, points as a plot. The page begins with the first samples of seed 0,
    as ``generate`` makes them. Returns what ``onnx`` returns of the generator inside, with the size of the page.
    Raises InputError for tables, and for a generator that cannot be exported.
    """
    if not isinstance(run.space, Images | Points):
        raise InputError(f"a page shows pictures and points, and {name(run)} makes rows; use --to onnx or --to hub")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        found = onnx(run, file, precision)
        model = file.read_bytes()
    content = page(run, model).encode()
    write_file(out, content)
    return found | {"out": str(out), "bytes": len(content), "model_bytes": len(model)}


def page(run: Run, model: bytes) -> str:
    """The text of the page around an ONNX ``model`` of the run's generator."""
    count = CHUNK if isinstance(run.space, Images) else POINTS
    z, u = run.generator.prior.latents(0, range(count))
    rows = chosen(run.space.labels, u, None)
    told = described(run) | {"count": count, "rows": [[]] * count if rows is None else rows.tolist()}
    held = {"model": packed(model), "wasm": wasm(), "latents": packed(np.asarray(z, "<f4").tobytes())}
    blocks = [f'<script type="application/json" id="told">{escaped(told)}</script>']
    blocks += [f'<script type="application/octet-stream" id="{key}">{text}</script>' for key, text in held.items()]
    runtime, script = library(), "".join(resource(f"{part}.js") for part in ("model", "paint", "page"))
    parts = {
        "policy": POLICY.format(scripts=" ".join(fingerprint(text) for text in (runtime, script))),
        "version": __version__,
        "title": html.escape(name(run)),
        "style": resource("page.css"),
        "licence": resource("ort.LICENSE"),
        "blocks": "\n".join(blocks),
        "runtime": runtime,
        "script": script,
    }
    return MARK.sub(lambda mark: parts[mark[1]], resource("page.html"))


def described(run: Run) -> dict[str, Any]:
    """What the page knows of the generator, and what it tells of it."""
    subject, prior, kind = about(run), run.generator.prior, truncation_of(run.generator)
    widest = min(prior.limit, WIDEST) if prior.kind == "truncated" else WIDEST
    labels = run.space.labels
    return {
        "name": name(run),
        "version": __version__,
        "summary": summary(subject),
        "figures": figures(subject),
        "limits": [re.sub(r"\*\*|`", "", one) for one in limits(subject)],
        "making": words(making(subject)),
        "data": words(data(subject)),
        "space": shown(run.space),
        "labels": labels.config() if labels else None,
        "prior": {"kind": prior.kind, "size": prior.size, "limit": prior.limit},
        "truncation": kind,
        "whole": 1.0 if kind == "styles" else WHOLE,
        "top": 1.0 if kind == "styles" else widest,
    }


def shown(space: Space) -> dict[str, Any]:
    """How samples become something to look at."""
    if isinstance(space, Images):
        sizes = {"height": space.height, "width": space.width, "channels": space.channels}
        return {"kind": "images", **sizes, "bits": space.bits, "mode": space.mode}
    assert isinstance(space, Points)
    reach = float(np.abs(space.centres).max() + 8 * space.sigma)
    told = {"scale": space.scale, "sigma": space.sigma, "reach": reach, "size": space.shape[0]}
    return {"kind": "points", "centres": space.centres[:, :2].tolist(), **told}


def words(values: Mapping[str, object]) -> dict[str, str]:
    """What is known, as texts."""
    return {key: str(value) for key, value in values.items() if value not in (None, "")}


def escaped(value: object) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def packed(content: bytes) -> str:
    """Bytes as the page unpacks them: gzip, in base64. The same bytes give the same text."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


@cache
def wasm() -> str:
    """The runtime's WebAssembly, packed."""
    return packed(lzma.decompress(files("ganvas.exporting").joinpath("page/ort.wasm.xz").read_bytes()))


def library() -> str:
    """The runtime's JavaScript as a script that makes ``ort`` of what it would export, for a page has no files."""
    text = resource("ort.mjs")
    found = EXPORTS.search(text)
    assert found is not None
    pairs = [pair.split(" as ") for pair in found[1].split(",")]
    members = ",".join(f"{pair[-1]}:{pair[0]}" for pair in pairs if pair[-1] != "default")
    return f"{text[: found.start()]}globalThis.ort={{{members}}};"


def fingerprint(script: str) -> str:
    """The source expression of a script in the page's policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def resource(file: str) -> str:
    """The text of a file of the page."""
    return files("ganvas.exporting").joinpath("page", file).read_text("utf-8")
