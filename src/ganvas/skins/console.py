"""What the verbs found, for a person at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

BY_CLASS = ("n_real", "n_fake", "frechet_distance", "precision", "recall", "diversity", "label_accuracy")


def tell(verb: str, result: Any) -> None:
    """Print a verb's result for a person."""
    from rich.console import Console

    console = Console()
    if verb in ("generate", "impute", "report"):
        print(result)
    elif verb == "evaluate":
        several = result.get("compared", {})
        if several:
            console.print(compared(several))
        for figures in several.values() or [result]:
            (tell_table if "normalised" in figures else tell_figures)(console, figures)
    elif verb == "balance":
        figures = {name: {k: round(v, 4) for k, v in of.items()} for name, of in result["figures"].items()}
        console.print(compared(figures))
        console.print(result["advice"], soft_wrap=True)
    elif verb == "diagnose":
        tell_diagnosis(console, result)
    elif verb in ("explore", "export"):
        tell_explored(console, result)
    else:
        for title, rows in result.items() if verb == "list" else [(result["run"], result)]:
            console.print(table(rows.items(), title=title))


def table(rows: Iterable[tuple[Any, ...]], title: str = "", head: tuple[str, ...] = ()) -> Any:
    """A plain table of text and figures."""
    from rich.table import Table

    made = Table(*head, title=title, title_justify="left", show_header=bool(head), box=None, padding=(0, 2))
    for row in rows:
        made.add_row(*(cell if isinstance(cell, str) else json.dumps(cell) for cell in row))
    return made


def compared(several: dict[str, dict[str, Any]]) -> Any:
    """Figures of several side by side."""
    names = [name for name, value in next(iter(several.values())).items() if type(value) is float]
    rows = [(name, *(shown(figures.get(name, "")) for figures in several.values())) for name in names]
    return table(rows, "compared", ("figure", *several))


def tell_figures(console: Any, figures: dict[str, Any]) -> None:
    """Figures beside their floor, by class, then warnings and the protocol."""
    floor = figures["noise_floor"]
    rows = [(k, f"{v:.4g}", f"{floor[k]:.4g}" if k in floor else "") for k, v in figures.items() if type(v) is float]
    for group in ("memorisation", "modes"):
        rows += [(f"{group}: {k}", shown(v), "") for k, v in figures.get(group, {}).items()]
    title = f"{figures['of']} against {figures['against']}"
    console.print(table(rows, title, ("figure", "samples", "real samples")))
    if classes := figures.get("classes"):
        columns = [name for name in BY_CLASS if any(name in row for row in classes.values())]
        lines = [(name, *(shown(row.get(c, "")) for c in columns)) for name, row in classes.items()]
        console.print(table(lines, "", ("class", *columns)))
    tell_protocol(console, figures, ("extractor", "resizer", "dimensions", "n_real", "n_fake", "seed", "noise_floor"))


def tell_table(console: Any, figures: dict[str, Any]) -> None:
    """Figures of the rows of a table between their floor and what real rows reach, then what drifted most."""
    beside = (figures["floor"], figures["ceiling"])
    rows = []
    for name, value in figures.items():
        if type(value) is float and not name.endswith("_standard_error"):
            error = figures.get(f"{name}_standard_error")
            place = figures["normalised"].get(name)
            cells = [f"{value:.4g}" + (f" ± {error:.2g}" if error else ""), *(shown(b.get(name, "")) for b in beside)]
            rows.append((name, *cells, "" if place is None else f"{round(100 * place)} %"))
    title = f"{figures['of']} against {figures['against']}"
    console.print(table(rows, title, ("figure", "made rows", "floor", "real rows", "place")))
    if drifted := figures.get("columns"):
        worst = ", ".join(f"{one['name']} {one['shape']}" for one in drifted[:3])
        console.print(f"columns least alike: {worst}", soft_wrap=True)
    tell_protocol(console, figures, ("n_real", "n_fake", "n_train", "target", "trees", "seed", "floor", "ceiling"))


def tell_protocol(console: Any, figures: dict[str, Any], told: tuple[str, ...]) -> None:
    """What one must know before quoting a figure."""
    for warning in figures["warnings"]:
        console.print(f"note: {warning}", soft_wrap=True)
    protocol = {k: figures["protocol"].get(k) for k in (*told, "seconds")}
    console.print("; ".join(f"{k} {value}" for k, value in protocol.items() if value is not None), soft_wrap=True)


def shown(value: Any) -> str:
    """A figure in four digits."""
    return f"{value:.4g}" if type(value) is float else str(value)


def tell_diagnosis(console: Any, found: dict[str, Any]) -> None:
    """Verdicts, evidence, proposals."""
    action = {"train_on": "train on", "stop": "stop now", "change": "change this"}[found["action"]]
    console.print(f"{found['run']}: {found['verdict'].replace('_', ' ')} -> {action}", soft_wrap=True)
    for finding in found["findings"]:
        console.print(f"\n{finding['verdict'].replace('_', ' ')}")
        for line in (*finding["evidence"], f"do: {finding['proposal']}"):
            console.print(f"  - {line}", soft_wrap=True)


def tell_explored(console: Any, found: dict[str, Any]) -> None:
    """Figures of an experiment, then its tables, then where the picture is."""
    several = {
        name: value for name, value in found.items() if isinstance(value, list) and value and type(value[0]) is dict
    }
    rows = [
        (name, value if type(value) is str else json.dumps(value)) for name, value in found.items() if name != "out"
    ]
    console.print(table([row for row in rows if row[0] not in several]))
    for title, lines in several.items():
        console.print(table([tuple(map(shown, line.values())) for line in lines], title, tuple(lines[0])))
    console.print(str(found["out"]), soft_wrap=True)
