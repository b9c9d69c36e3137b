"""The page: one HTML file that holds everything it shows and asks the network for nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from ganvas.errors import InputError
from ganvas.evaluation.tables import OUTSIDE
from ganvas.reporting.chapter import by_class, chapter, nearness, protocol, results, summary, verdict
from ganvas.reporting.charts import charts
from ganvas.reporting.comparison import comparison, leader
from ganvas.reporting.drawing import png
from ganvas.reporting.drift import drifts
from ganvas.reporting.subject import Subject, titles
from ganvas.reporting.tables import chapter as chapter_of_table
from ganvas.reporting.tables import judgement, rows
from ganvas.reporting.tags import Markup, element, join
from ganvas.version import __version__

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def page(subjects: Sequence[Subject], plain: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The report on one run, or the comparison of several, as the text of an HTML file.

    ``plain`` are evaluations of plain baselines by name, to be compared with too. The same runs make the same text.
    Raises InputError without a subject, without matplotlib (the extra ``report``),
    or when a run folder is damaged.
    """
    if not subjects:
        raise InputError("a report is about one run or more; name their folders")
    names = titles(subjects)
    if len(subjects) == 1 and not plain:
        title, told = names[0], one(subjects[0], names[0])
    else:
        title = f"{len(subjects)} runs compared" if len(subjects) > 1 else f"{names[0]} and plain baselines"
        told = several(subjects, names, title, plain or {})
    return written(title, told)


def plots(subject: Subject) -> dict[str, bytes]:
    """The charts of a run as PNG files: {name: bytes}. Raises InputError without matplotlib."""
    return {name: png(chart) for name, chart in (charts(subject) | drifts(subject.evaluation)).items()}


def written(title: str, told: Markup) -> str:
    """The text of the file."""
    foot = element("footer", f"Made by ganvas {__version__}.")
    body = element("body", element("main", told, foot), element("script", Markup(resource("page.js"))))
    return f"<!doctype html>\n{element('html', head(title), body, lang='en')}\n"


def sheet(evaluations: Sequence[Mapping[str, Any]]) -> str:
    """Evaluations of samples that belong to no run, as the text of an HTML file."""
    told: list[Markup] = []
    for found in evaluations:
        name = f"{found.get('of', 'Samples')} against {found.get('against', 'real data')}"
        told.append(element("header", element("h1", name), element("p", nearness(found), class_="verdict")))
        if "normalised" in found:
            told += [rows(found), judgement(found)]
        else:
            told += [results(found, []), by_class(found.get("classes") or {})]
        told.append(protocol({"Evaluation": found}))
    return written("Evaluation", join(*told))


def one(subject: Subject, name: str) -> Markup:
    """The page of one run."""
    return join(
        element("header", element("p", summary(subject), class_="over"), element("h1", name), verdict(subject)),
        sections(subject, name),
    )


def sections(subject: Subject, name: str) -> Markup:
    """The sections of one run: of a table where its rows were judged, else of pictures or points.

    A run with a privacy budget may be given away; the first line says that its report may not.
    """
    judged = "normalised" in (subject.evaluation or {})
    outside = element("p", OUTSIDE, class_="warning") if "privacy" in subject.run.info else None
    return join(outside, (chapter_of_table if judged else chapter)(subject, name))


def several(
    subjects: Sequence[Subject], names: Sequence[str], title: str, plain: Mapping[str, Mapping[str, Any]]
) -> Markup:
    """The comparison, and below it each run, folded."""
    folded = []
    for subject, name in zip(subjects, names, strict=True):
        top = element("summary", element("h2", name), element("span", summary(subject), class_="over"))
        folded.append(element("details", top, verdict(subject), sections(subject, name), class_="run"))
    told = element("p", leader(subjects, names, plain), class_="verdict")
    top = element("header", element("p", " · ".join([*names, *plain]), class_="over"), element("h1", title), told)
    return join(top, comparison(subjects, names, plain), *folded)


def head(title: str) -> Markup:
    """Title, style, and a policy that lets nothing in but what the page holds."""
    digest = base64.b64encode(hashlib.sha256(resource("page.js").encode()).digest()).decode()
    policy = f"{POLICY}; script-src 'sha256-{digest}'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Markup(resource("page.css"))),
    )


def resource(name: str) -> str:
    """The text of a file of this package."""
    return files("ganvas.reporting").joinpath(name).read_text("utf-8")
