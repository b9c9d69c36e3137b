"""HTML that is safe by construction: every text is escaped unless it is finished Markup."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from ganvas.reporting.values import flat, plain

VOID = {"br", "img", "input", "meta"}  # elements without an end


class Markup(str):
    """Finished HTML, written as it is."""

    __slots__ = ()


Child = str | None


def join(*children: Child) -> Markup:
    """The children after one another. Plain texts are escaped, None is left out."""
    return Markup("".join(c if isinstance(c, Markup) else html.escape(c) for c in children if c is not None))


def element(name: str, /, *children: Child, **attributes: str | int | bool | None) -> Markup:
    """``<name attributes>children</name>``.

    ``class_`` is written class and ``aria_label`` aria-label; an attribute True stands alone, False and None are
    left out. Children and values of attributes are escaped, unless a child is Markup.
    """
    told = ""
    for key, value in attributes.items():
        if value is not None and value is not False:
            word = key.rstrip("_").replace("_", "-")
            told += f" {word}" if value is True else f' {word}="{html.escape(str(value))}"'
    return Markup(f"<{name}{told}>" + ("" if name in VOID else f"{join(*children)}</{name}>"))


def table(head: Sequence[str], rows: Iterable[Sequence[Child]], caption: Child = None, class_: str = "") -> Markup:
    """A table that scrolls when it is too wide. The first cell of each row is its header."""
    titles = [element("th", title, scope="col") for title in head]
    lines = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])) for row in rows
    ]
    parts = [caption and element("caption", caption), titles and element("thead", element("tr", *titles))]
    inner = element("table", *(p for p in parts if p), element("tbody", *lines), class_=class_ or None)
    return element("div", inner, class_="scroll", tabindex=0, role="region", aria_label=caption or "table")


def section(title: str, *children: Child) -> Markup:
    """A part of the page under its own heading; nothing when there is nothing to say."""
    return element("section", element("h2", title), *children) if any(children) else Markup()


def facts(values: object) -> Markup:
    """A two-column table of nested values, one row for each; nothing for an empty dictionary."""
    told = {key: value for key, value in flat(values).items() if value not in (None, "", [])}
    rows = [(key.replace("_", " ").replace(".", ": "), plain(value)) for key, value in told.items()]
    return table([], rows, class_="facts") if rows else Markup()
