"""The house keeps its shape: seven floors with no arrow upwards, no cycles, and budgets for size."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "ganvas"
FILES = sorted(SRC.rglob("*.py"))
FLOORS = [  # from the ground up; a module may import its own floor and those below
    {
        "errors",
        "exported",
        "files",
        "game",
        "guarded",
        "labels",
        "latents",
        "losses",
        "metrics",
        "names",
        "penalties",
        "players",
        "space",
        "spaces",
        "version",
        "watching",
    },
    {"generator", "layers", "nets", "rules", "training"},
    {"games", "monitors", "run", "rows", "imputation", "evaluation", "exploring", "exporting", "reporting", "serving"},
    {"recipe", "recipes"},
    {"session", "record", "diagnosis"},
    {"verbs"},
    {"skins", "estimators", "__main__"},
]
GAMES_MAY = {"errors", "game", "generator", "guarded", "labels", "latents", "losses", "penalties", "players"}


def module(path: Path) -> str:
    parts = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module(path) for path in FILES}


def imports(path: Path) -> set[str]:
    """The modules of ours that a file imports when it is run, also inside functions, but not for types alone."""
    tree, found = ast.parse(path.read_text("utf-8")), set()
    only_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in only_types:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name in MODULES}


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef):
                yield f"{path.relative_to(SRC)}:{node.name}", node


def lines(node: ast.FunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def parameters(node: ast.FunctionDef) -> int:
    """How many a caller may give; self and cls are not given."""
    found = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
    return len([name for name in found if name not in ("self", "cls")])


def depth(node: ast.AST, level: int = 0) -> int:
    """How deep blocks are nested in a function; an elif counts as its if."""
    deepest = level
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                continue
            if isinstance(child, ast.AST):
                elif_ = isinstance(node, ast.If) and name == "orelse" and isinstance(child, ast.If)
                block = isinstance(child, ast.If | ast.For | ast.While | ast.With | ast.Try | ast.Match)
                deepest = max(deepest, depth(child, level + (block and not elif_)))
    return deepest


def test_every_room_has_a_floor() -> None:
    known = set().union(*FLOORS)
    assert {room(name) for name in MODULES} - {""} == known


def test_no_arrow_goes_up() -> None:
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    wrong = [
        f"{module(path)} -> {other}"
        for path in FILES
        for other in imports(path)
        if room(module(path)) and room(other) and floor[room(other)] > floor[room(module(path))]
    ]
    assert not wrong


def test_games_never_see_nets_or_spaces_and_nets_never_see_games() -> None:
    for path in (SRC / "games").glob("*.py"):
        assert {room(other) for other in imports(path)} - {""} <= GAMES_MAY, path
    for path in (SRC / "nets").glob("*.py"):
        assert not {room(other) for other in imports(path)} & {"games", "generator", "training"}, path
    for path in (SRC / "skins").glob("*.py"):
        assert {other for other in imports(path) if room(other) != "skins"} <= {"ganvas"}, path


def test_no_cycles_and_short_import_chains() -> None:
    graph = {module(path): imports(path) - {module(path), "ganvas"} for path in FILES}
    heights: dict[str, int] = {}

    def height(name: str, way: tuple[str, ...] = ()) -> int:
        assert name not in way, " -> ".join((*way, name))
        if name not in heights:
            parents = {name.rsplit(".", 1)[0]} if name.count(".") > 1 else set()
            heights[name] = 1 + max((height(n, (*way, name)) for n in graph[name] - parents), default=0)
        return heights[name]

    tallest = max(graph, key=height)
    assert heights[tallest] - 1 <= 8, (tallest, heights[tallest])


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_file_budgets(path: Path) -> None:
    length = len(path.read_text("utf-8").splitlines())
    assert length <= (120 if path.parent.name == "games" else 300)


def test_function_budgets() -> None:
    sizes = {name: lines(node) for name, node in functions()}
    assert max(sizes.values()) <= 60, max(sizes, key=lambda n: sizes[n])
    assert statistics.quantiles(sizes.values(), n=10)[-1] <= 30
    assert not [n for n, node in functions() if parameters(node) > 8]
    assert not [(n, depth(node)) for n, node in functions() if depth(node) > 3]


def test_the_loop_is_on_one_page() -> None:
    tree = ast.parse((SRC / "training" / "rounds.py").read_text("utf-8"))
    assert sum(lines(node) for node in tree.body if isinstance(node, ast.FunctionDef)) <= 80


def test_nothing_is_pickled_and_nothing_is_swallowed() -> None:
    for path in FILES:
        text = path.read_text("utf-8")
        if path.parent.name == "extractors":  # weights of others, after their hash was checked; runs no code
            text = text.replace("torch.load(io.BytesIO(checked(path, sha256)), weights_only=True", "")
        for forbidden in (
            "import pickle",
            " torch.load(",
            " torch.save(",
            "allow_pickle=True",
            "raise NotImplementedError",
        ):
            assert forbidden not in text, (path, forbidden)


def test_no_code_is_copied_between_files() -> None:
    """Of the windows of six code lines in a row, at most 5 % stand in another file too."""
    windows: dict[tuple[str, ...], set[Path]] = {}
    total = 0
    for path in FILES:
        tree = ast.parse(path.read_text("utf-8"))
        body = [n for n in tree.body if not isinstance(n, ast.Import | ast.ImportFrom)]
        text = [line for n in body for line in ast.unparse(n).splitlines() if len(line.strip()) > 8]
        for start in range(len(text) - 5):
            windows.setdefault(tuple(text[start : start + 6]), set()).add(path)
            total += 1
    copied = sum(len(files) for files in windows.values() if len(files) > 1)
    assert copied <= 0.05 * total


def test_the_public_names() -> None:
    import ganvas

    for name in ganvas.__all__:
        assert getattr(ganvas, name) is not None
    assert sorted(ganvas.__all__) == ganvas.__all__
    for_the_command_line = {"experiment", "experiments", "flags", "nearest"}
    assert set(ganvas.WHERE) == {*ganvas.__all__, *for_the_command_line}
    wanted = {"Game", "Generator", "Discriminator", "Move", "Batch", "losses", "penalties", "images", "toys"}
    assert wanted | {"train", "generate", "Run"} <= set(ganvas.__all__)
