"""A torch.export program: the generator's arithmetic without its classes, for torch in Python and in C++."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export import Dim, ExportedProgram

from ganvas.errors import InputError
from ganvas.exporting.graph import Shipped, compared, examples, shipped
from ganvas.exporting.onnx import NEAR, Precision, quiet
from ganvas.files import write_file
from ganvas.run import Run
from ganvas.version import __version__

TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack")  # what a node tells of the machine it was made on


def program(run: Run, out: Path, precision: Precision = "float32") -> dict[str, Any]:
    """Write the run's generator to ``out`` (.pt2), to be read by ``torch.export.load(out).module()``.

    Inputs and outputs are those of the ONNX file: z [n, latent], truncation [n] and y [n, c] -> x [n, *shape], and of
    pictures samples [n, h, w, c] as stored; any n. The file holds JSON and bare numbers: nothing in it is pickled.
    Raises InputError for another precision, for a generator that cannot be exported, and for a program that is
    farther than NEAR from the run.
    """
    if precision != "float32":
        raise InputError(
            f"--to torch knows no --precision {precision}; leave it out and let what loads the program convert it, or "
            "export --to onnx"
        )
    module = shipped(run.generator, run.space)
    about = {"ganvas": __version__, "name": run.path.resolve().name, "inputs": module.inputs, "outputs": module.outputs}
    content = saved(traced(module), about)
    found = compared(running(content), module)
    if found["max_difference"] > NEAR:
        raise InputError(
            f"the program differs from the run by {found['max_difference']:.1e}, more than {NEAR:g}; "
            "nothing was written"
        )
    write_file(out, content)
    return {"out": str(out), "precision": precision, "bytes": len(content), **found}


def traced(module: Shipped) -> ExportedProgram:
    """The module as a graph of tensor operations with a dynamic number of samples."""
    given = tuple(examples(module, 3))
    many = Dim("n", min=1)
    with quiet():
        return torch.export.export(module, given, dynamic_shapes=(tuple({0: many} for _ in given),))


def saved(made: ExportedProgram, about: dict[str, Any]) -> bytes:
    """The program as a file: without example inputs, the only part of one that is pickled, and without the paths of
    this machine, which stand in the traces of its nodes. ``about`` goes along as JSON, ``extra/ganvas.json``."""
    made.example_inputs = None
    for node in made.graph.nodes:
        for trace in TRACES:
            node.meta.pop(trace, None)
    buffer = io.BytesIO()
    torch.export.save(made, buffer, extra_files={"ganvas.json": json.dumps(about)})
    return buffer.getvalue()


def running(content: bytes) -> Callable[..., np.ndarray]:
    """The file as a function of the module's inputs, which gives x."""
    with quiet():
        loaded = torch.export.load(io.BytesIO(content)).module()
    return lambda *given: loaded(*given)[0].numpy()
