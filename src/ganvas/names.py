"""A name -> the thing. A name is an import path: ``wgan_gp`` is ``ganvas/games/wgan_gp.py``, ``mine.py:MyGAN`` is
yours. Listings walk the package; nothing is registered."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from ganvas.errors import InputError, nearest
from ganvas.files import is_table
from ganvas.space import Data

PACKAGE = Path(__file__).parent
OURS = re.compile(r"ganvas\.(games|nets|spaces)(\.[a-z_][a-z0-9_]*)+:[A-Za-z_][A-Za-z0-9_]*|ganvas\.players:Head")


@cache
def listing(kind: str) -> dict[str, str]:
    """The names of a kind (``games``, ``nets``, ``recipes``, ``verbs`` …) and the first line of each docstring.

    Reads the files without importing them.
    """
    found = {}
    for path in sorted((PACKAGE / kind).iterdir()):
        file = path / "__init__.py" if path.is_dir() else path
        if file.suffix == ".py" and file.exists() and path.name[0] not in "_.":
            doc = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
            found[path.stem] = doc.split("\n")[0]
    return found


def measured(kind: str) -> dict[str, str]:
    """What was measured, by name: the paragraph "Measured: …" of a docstring, where there is one."""
    found = {}
    for name in listing(kind):
        doc = ast.get_docstring(ast.parse((PACKAGE / kind / f"{name}.py").read_text("utf-8"))) or ""
        for paragraph in doc.split("\n\n"):
            if paragraph.startswith("Measured: "):
                found[name] = " ".join(paragraph.split())
    return found


def module(kind: str, name: str) -> ModuleType:
    """The module ``ganvas.<kind>.<name>``, or the user's own file ``mine.py``. InputError when there is none."""
    if name.endswith(".py"):
        return from_file(Path(name))
    if name not in (known := listing(kind)):
        raise InputError(f"no {kind.removesuffix('s')} '{name}'{nearest(name, known)}")
    return importlib.import_module(f"ganvas.{kind}.{name}")


def member(kind: str, name: str, base: type) -> type[Any]:
    """The subclass of ``base`` that a name means: ``wgan_gp`` (the one in that file) or ``mine.py:MyGAN``."""
    path, _, wanted = name.partition(":")
    found = module(kind, path)
    classes = {
        n: c
        for n, c in vars(found).items()
        if inspect.isclass(c) and issubclass(c, base) and c.__module__ == found.__name__
    }
    if wanted and wanted not in classes:
        raise InputError(f"{path} has no {base.__name__} '{wanted}'{nearest(wanted, classes)}")
    if not wanted and len(classes) != 1:
        raise InputError(f"write {path}:CLASS; it has {', '.join(classes) or f'no {base.__name__}'}")
    return classes[wanted] if wanted else next(iter(classes.values()))


def built_in() -> dict[str, Callable[..., Data]]:
    """Data that needs no file: the functions that modules in ``spaces`` name as BUILT_IN."""
    found: dict[str, Callable[..., Data]] = {}
    for name in listing("spaces"):
        for function in getattr(importlib.import_module(f"ganvas.spaces.{name}"), "BUILT_IN", ()):
            found[function.__name__] = function
    return found


def data(source: Any, **options: Any) -> Data:
    """The data a name means: an existing path first, then ``hf:NAME``, then a built-in name; or a table in memory.

    Raises InputError for anything else, and for an option that this data does not have; no network is asked.
    """
    own = built_in().get(source) if isinstance(source, str) else None
    load: Callable[..., Data]
    if not isinstance(source, str) or is_table(source):
        load = importlib.import_module("ganvas.spaces.tables").tables
    elif Path(source).exists() or source.startswith("hf:"):
        load = importlib.import_module("ganvas.spaces.images").images
    elif own is None:
        raise InputError(f"no file, folder or data named '{source}'{nearest(source, built_in())}")
    else:
        load = own
    if unknown := [o for o in options if o not in inspect.signature(load).parameters]:
        told = source if isinstance(source, str) else "a table"
        raise InputError(f"'{told}' has no option {', '.join(unknown)}; leave it out")
    loaded: Data = load(**options) if load is own else load(source, **options)
    return loaded


def again(origin: dict[str, Any], fingerprint: str) -> Data:
    """The data that a run began with. A folder that has the name of built-in data does not hide what the run used."""
    source = origin["source"]
    if isinstance(source, str) and source in built_in() and Path(source).exists():
        options = {name: value for name, value in origin.items() if name != "source"}
        found = built_in()[source](**options)
        if found.fingerprint == fingerprint:
            return found
    return data(**origin)


def path_of(thing: type) -> str:
    """The name under which a run stores a class: ``ganvas.nets.dcgan:Generator`` or ``mine.py:Net``."""
    source = sys.modules[thing.__module__]
    if thing.__module__.startswith("ganvas."):
        return f"{thing.__module__}:{thing.__qualname__}"
    return f"{Path(source.__file__ or '').name}:{thing.__qualname__}"


def load(path: str, trust: str | Path | None = None) -> Any:
    """The class a run names. Ours are imported; a user's own only from the file given as ``trust``.

    Raises InputError for anything else, so a folder from a stranger cannot run code.
    """
    if OURS.fullmatch(path):
        name, _, cls = path.partition(":")
        try:
            return getattr(importlib.import_module(name), cls)
        except (ImportError, AttributeError):
            raise InputError(f"this ganvas has no {path}; was the run made by another version?") from None
    file, _, cls = path.partition(":")
    if trust is None or Path(trust).name != file:
        raise InputError(f"this run uses code of its own, {path}; give it again with --trust {file}")
    found = getattr(from_file(Path(trust)), cls, None)
    if found is None:
        raise InputError(f"{trust} has no {cls}")
    return found


def from_file(path: Path) -> ModuleType:
    """The module in a user's own Python file."""
    if not path.is_file():
        raise InputError(f"no file {path}")
    name = f"_user_{path.stem}_{abs(hash(path.resolve()))}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    try:
        spec.loader.exec_module(made)
    except Exception as error:
        del sys.modules[name]
        raise InputError(f"{path} does not run: {type(error).__name__}: {error}") from error
    return made
