"""ONNX: a generator that runs wherever ONNX Runtime does, checked against torch before it leaves."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from ganvas.errors import InputError
from ganvas.exported import FORMAT, Exported, session
from ganvas.exporting.graph import WHOLE, Shipped, compared, examples, shipped
from ganvas.files import write_file
from ganvas.names import path_of
from ganvas.run import Run
from ganvas.version import __version__

Precision = Literal["float32", "float16", "int8"]
NEAR = 1e-4  # of samples in [-1, 1]: a float32 file that is farther from torch is refused
OPSET = 20
CALIBRATED = 64  # samples by which int8 finds the ranges of its numbers


def onnx(run: Run, out: Path, precision: Precision = "float32") -> dict[str, Any]:
    """Write the run's generator to ``out`` as ONNX; returns what was compared with torch and how far it was apart.

    Inputs z [n, latent], y [n, c] (with labels) and truncation [n] (where it means something); outputs x [n, *shape]
    and, of pictures, samples [n, h, w, c] as stored; any n. Raises InputError if a float32 file is farther than NEAR
    from torch, and for a generator that cannot be exported.
    """
    module = shipped(run.generator, run.space)
    plain = described(traced(module), run, module)
    made = {"float32": kept, "float16": halved, "int8": in_bytes}[precision](plain, module)
    found = compared(running(made, module), module)
    if precision == "float32" and found["max_difference"] > NEAR:
        raise InputError(
            f"the exported generator differs from torch by {found['max_difference']:.1e}, more than {NEAR:g}; "
            "nothing was written"
        )
    write_file(out, made)
    return {"out": str(out), "precision": precision, "bytes": len(made), **found}


def traced(module: Shipped) -> Any:
    """The module as an ONNX model with a dynamic number of samples."""
    given = tuple(examples(module, 3))
    many = torch.export.Dim("n", min=1)
    with quiet():
        program = torch.onnx.export(
            module,
            given,
            input_names=module.inputs,
            output_names=module.outputs,
            dynamic_shapes=(tuple({0: many} for _ in given),),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            custom_translation_table={torch.ops.aten.searchsorted.Tensor: places},
        )
    assert program is not None
    return program.model_proto


def places(sorted_sequence: Any, self: Any, right: bool = False, **rest: Any) -> Any:
    """``searchsorted``, which ONNX does not have: how many sorted numbers [..., m] lie below each [..., k]."""
    from onnxscript import INT64
    from onnxscript import opset20 as opset

    op: Any = opset
    a = op.Unsqueeze(sorted_sequence, op.Constant(value_ints=[-2]))
    b = op.Unsqueeze(self, op.Constant(value_ints=[-1]))
    below = op.LessOrEqual(a, b) if right else op.Less(a, b)
    counted = op.Cast(below, to=INT64.dtype)
    return op.ReduceSum(counted, op.Constant(value_ints=[-1]), keepdims=0)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the exporter's remarks on libraries that are not there and on its own insides."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def described(model: Any, run: Run, module: Shipped) -> bytes:
    """The file: the model with all that making samples needs to know, as JSON in its metadata."""
    config = run.config
    about = {
        "format": FORMAT,
        "ganvas": __version__,
        "name": run.path.resolve().name,
        "prior": config["prior"],
        "space": {"class": path_of(type(run.space)), **run.space.config()},
        "truncation": module.kind,
        "whole": 1.0 if module.kind == "styles" else WHOLE,
    }
    bare(model)
    entry = model.metadata_props.add()
    entry.key, entry.value = "ganvas", json.dumps(about, allow_nan=False)
    content: bytes = model.SerializeToString()
    return content


def bare(model: Any) -> None:
    """Without what the exporter notes on how each value came about: paths of this machine among it."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")


def running(content: bytes, module: Shipped) -> Callable[..., np.ndarray]:
    """The file as a function of the module's inputs, which gives x."""
    made = session(content)

    def run(*given: torch.Tensor) -> np.ndarray:
        found: np.ndarray = made.run(["x"], {k: v.numpy() for k, v in zip(module.inputs, given, strict=True)})[0]
        return found

    return run


def kept(plain: bytes, module: Shipped) -> bytes:
    """The file as it is."""
    return plain


def halved(plain: bytes, module: Shipped) -> bytes:
    """Weights and arithmetic in float16; inputs and outputs stay float32. Half the size; quicker on GPUs alone."""
    import onnx as library
    from onnxruntime.transformers.float16 import convert_float_to_float16

    with quiet():
        model = convert_float_to_float16(library.load_from_string(plain), keep_io_types=True)
    content: bytes = model.SerializeToString()
    return content


def in_bytes(plain: bytes, module: Shipped) -> bytes:
    """Weights, and what convolutions and matrix products take in, as int8, by ranges seen in CALIBRATED samples."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    given = examples(module, CALIBRATED, seed=2)
    fed = {name: tensor.numpy() for name, tensor in zip(module.inputs, given, strict=True)}

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """One batch, once."""

        batches = iter([fed])

        def get_next(self) -> dict[str, np.ndarray] | None:
            """The batch, then None."""
            return next(self.batches, None)

    with tempfile.TemporaryDirectory() as folder, quiet():
        first, ready, last = (Path(folder) / name for name in ("plain.onnx", "ready.onnx", "int8.onnx"))
        first.write_bytes(plain)
        quant_pre_process(first, ready, skip_symbolic_shape=True)
        kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
        quantize_static(ready, last, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, **kinds)
        return last.read_bytes()


__all__ = ["Exported", "onnx"]
