"""The report: holds what it is given, escapes it, asks the network for nothing, and says who is best with care."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import ganvas as gan
from ganvas.reporting import Subject, drawing, measures, page, plots
from ganvas.reporting.document import resource
from ganvas.reporting.pictures import FILM_SIDE, FRAMES, address, evenly, film
from ganvas.reporting.tags import Markup, element, join
from ganvas.reporting.values import number
from ganvas.run import Run

VOID = {"br", "img", "input", "meta"}
EVIL = "<img src=x onerror=alert(1)>&\"'"


class Page(HTMLParser):
    """A page taken apart: (tag, attributes) of all elements, their balance, and the text outside style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.script = self.style = self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "script":
            self.script += data
        elif inside == "style":
            self.style += data
        else:
            self.text += data + "\n"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("runs") / "digits"
    gan.train("digits", game="gan", run=place, rounds=12, width=4, latent=8, batch=16, quiet=True)
    lines = [{"t": t, "seen": 16 * t, "metric": "kid", "score": 1 / t} for t in (4, 8, 12)]
    (place / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return place


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Run:
    shutil.copytree(trained, tmp_path / "digits")
    return Run(tmp_path / "digits")


def evaluation(**changes: Any) -> dict[str, Any]:
    return {
        "of": "64 samples",
        "against": "held-out digits",
        "frechet_distance": 12.34,
        "kid": 0.0213,
        "kid_standard_error": 0.0041,
        "precision": 0.812,
        "recall": 0.623,
        "lpips": 0.41,
        "lpips_real": 0.52,
        "modes": {"covered": 9, "of": 10, "share_good": 0.97},
        "memorisation": {"copies": 0.031, "expected": 0.012, "p_value": 0.2, "alarm": False},
        "noise_floor": {"frechet_distance": 5.67, "precision": 0.934, "recall": 0.921},
        "classes": {"0": {"frechet_distance": 15.1, "n_real": 17}, "1": {"frechet_distance": 30.2, "n_real": 18.0}},
        "warnings": ["few samples"],
        "protocol": {"extractor": "digits", "n_real": 180, "versions": {"ganvas": "9.9"}},
        "not_yet_known": 0.777,
    } | changes


DIAGNOSIS = {
    "verdict": "collapsed",
    "action": "change",
    "summary": "Six of ten digits are missing.",
    "findings": [{"verdict": "Modes are missing", "evidence": ["recall 0.1"], "proposal": "--gamma 1"}],
    "figures": {"worst_class": 0.25},
    "protocol": {"thresholds": "first"},
}


def test_the_page_holds_all_that_it_is_given(run: Run) -> None:
    picture = Image.new("RGB", (30, 20), "red")
    told = Page(page([Subject(run, evaluation(), DIAGNOSIS, picture)]))
    assert not told.open
    for text in (
        *("digits", "GAN on digits", "192 samples seen", "Six of ten digits are missing.", "Change something"),
        *("12.3", "5.67", "0.0213 ± 0.0041", "0.812", "0.934", "9 of 10", "0.410", "0.520", "0.0310", "0.0120"),
        *("not yet known", "0.777", "few samples", "64 samples against held-out digits", "15.1", "30.2"),
        *("Modes are missing", "recall 0.1", "--gamma 1", "worst class", "0.25"),
        *("extractor", "versions: ganvas", "9.9", "thresholds", "first", "Nearest training samples"),
        *("Losses", "D(real)", "D(fake)", "How often it is right", "Gradient norms", "Precision and recall"),
        *("Kernel distance (KID) of checkpoints", "The ring is the best: 0.0833 after 192 samples."),
        *(run.info["data"]["fingerprint"], run.info["command"], run.info["versions"]["torch"], "game: loss"),
    ):
        assert text in told.text, text
    assert {"badge change"} == {a["class"] for a in told.all("span") if "badge" in (a.get("class") or "")}


def test_the_page_asks_the_network_for_nothing(run: Run) -> None:
    evil = evaluation(of="https://example.org/x")
    told = Page(page([Subject(run, evil, DIAGNOSIS, Image.new("L", (9, 9)))]))
    assert "https://example.org/x" in told.text
    for tag, attributes in told.elements:
        assert tag not in {"link", "iframe", "object", "embed", "base", "form", "video", "audio", "image", "a"}
        for name, value in attributes.items():
            assert tag == "table" or "://" not in (value or "") or name == "aria-label", (tag, name)
            if name in {"src", "href", "xlink:href", "srcset", "data", "action", "poster", "background"}:
                assert value is not None
                assert value.startswith(("data:image/", "#")), (tag, name, value[:50])
            assert not name.startswith("on")
    assert "url(" not in told.style
    assert "@import" not in told.style
    assert not re.search(r"fetch|XMLHttp|import|src|http", told.script)


def test_only_the_own_script_may_run(run: Run) -> None:
    told = Page(page([Subject(run)]))
    policy = next(m["content"] or "" for m in told.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    digest = base64.b64encode(hashlib.sha256(told.script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert len(told.all("script")) == 1
    assert len(resource("page.js").splitlines()) <= 40


def test_everything_given_is_escaped(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "<script>alert(1)<b onclick=x>"
    shutil.copytree(run.path, place)
    info = json.loads((place / "run.json").read_text("utf-8"))
    info["data"]["name"] = info["command"] = info["settings"]["game"]["loss"] = info["machine"]["device"] = EVIL
    info["rollbacks"] = [{"seen": 5, "reason": EVIL}]
    (place / "run.json").write_text(json.dumps(info), "utf-8")
    with open(place / "log.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps({"t": 13, "seen": 999, EVIL: 1.0, "$\\frac{$": 2.0}) + "\n")
    values = evaluation(of=EVIL, warnings=[EVIL], classes={EVIL: {EVIL: 0.5}}, protocol={EVIL: EVIL}, **{EVIL: 1.0})
    finding = {"verdict": EVIL, "evidence": [EVIL], "proposal": EVIL}
    diagnosis = {"action": EVIL, "summary": EVIL, "findings": [finding], "figures": {EVIL: 1}, "protocol": {EVIL: EVIL}}
    subject = Subject(Run(place), values, diagnosis)
    for subjects in ([subject], [subject, Subject(run, values, diagnosis)]):
        told = Page(page(subjects))
        assert not told.open
        assert len(told.all("script")) == 1
        assert not told.all("b")
        assert all((image["src"] or "").startswith("data:") for image in told.all("img"))
        assert not [name for _, attributes in told.elements for name in attributes if name.startswith("on")]
        assert place.name in told.text
        assert told.text.count(EVIL) >= 12


@pytest.mark.parametrize("count", [1, 2])
def test_the_page_can_be_read_by_all(run: Run, tmp_path: Path, count: int) -> None:
    shutil.copytree(run.path, tmp_path / "other")
    runs = [run, Run(tmp_path / "other")][:count]
    told = Page(page([Subject(one, evaluation(), DIAGNOSIS, Image.new("L", (9, 9))) for one in runs]))
    assert told.all("html") == [{"lang": "en"}]
    assert len(told.all("h1")) == 1
    assert all(image.get("alt") for image in told.all("img"))
    assert all(drawn.get("role") == "img" and drawn.get("aria-label") for drawn in told.all("svg"))
    assert all(field.get("aria-label") for field in told.all("input"))
    assert all(cell.get("scope") in ("row", "col") for cell in told.all("th"))
    named = [a["id"] for tag, a in told.elements if "id" in a and tag not in ("path", "clippath")]
    assert not named


def test_nothing_is_needed_beside_the_run(run: Run) -> None:
    told = Page(page([Subject(run)]))
    assert "Not evaluated yet." in told.text
    assert "Diagnosis" not in told.text
    assert "Class by class" not in told.text
    odd = {"frechet_distance": None, "kid": float("nan"), "modes": None, "classes": None, "memorisation": {}}
    assert Page(page([Subject(run, odd, {"findings": None})])).text == told.text


def test_a_run_that_has_hardly_begun(run: Run) -> None:
    for part in ("samples", "generator", "state"):
        shutil.rmtree(run.path / part)
    for part in ("log.jsonl", "scores.jsonl"):
        (run.path / part).unlink()
    told = Page(page([Subject(Run(run.path))]))
    assert "No samples yet." in told.text
    assert not told.all("svg")
    assert plots(Subject(Run(run.path))) == {}


def test_no_subject_is_an_error() -> None:
    with pytest.raises(gan.InputError, match="one run or more"):
        page([])


def test_the_same_runs_make_the_same_page(run: Run) -> None:
    subject = Subject(run, evaluation(), DIAGNOSIS)
    assert page([subject]) == page([Subject(run, evaluation(), DIAGNOSIS)])


def test_the_newest_samples_are_shown_without_scripts(run: Run) -> None:
    told = Page(page([Subject(run)]))
    frames = [image for image in told.all("img") if image.get("class") == "frame"]
    assert [("hidden" in frame) for frame in frames] == [True] * (len(frames) - 1) + [False]
    assert len(frames) == len(list((run.path / "samples").glob("*.png")))
    assert frames[-1]["alt"] == "Samples of digits after 160 samples seen"
    controls = next(a for tag, a in told.elements if a.get("class") == "controls")
    assert "hidden" in controls  # until the script wakes it
    (slider,) = told.all("input")
    assert (slider["min"], slider["max"], slider["value"]) == ("0", str(len(frames) - 1), str(len(frames) - 1))


def test_a_film_is_bounded(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (700, 2000, 3), np.uint8)
    files = []
    for number_ in range(FRAMES + 7):
        files.append((number_, tmp_path / f"{number_:09d}.png"))
        Image.fromarray(noise[: 300 if number_ % 9 else 700]).save(files[-1][1], compress_level=1)
    frames = Page(film(files, "x")).all("img")
    assert len(frames) == FRAMES
    assert frames[0]["alt"] == "x after 0 samples seen"
    assert frames[-1]["alt"] == f"x after {FRAMES + 6} samples seen"
    for frame in frames[:-1]:
        assert max(opened(frame["src"]).size) <= FILM_SIDE
        assert len(frame["src"] or "") < 200_000
    assert opened(frames[-1]["src"]).size == (1600, 240)


def opened(source: str | None) -> Image.Image:
    kind, _, data = (source or "").partition(";base64,")
    assert kind == "data:image/webp"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_small_pictures_lose_nothing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (31, 40, 3), np.uint8)
    assert np.array_equal(np.asarray(opened(address(Image.fromarray(pixels)))), pixels)


@given(st.integers(1, 300), st.integers(2, 50))
def test_evenly_keeps_the_first_and_the_last(size: int, count: int) -> None:
    chosen = evenly(range(size), count)
    assert len(chosen) == min(size, count)
    assert chosen[0] == 0
    assert chosen[-1] == size - 1
    steps = np.diff(chosen)
    assert not len(steps) or 1 <= steps.min() <= steps.max() <= steps.min() + 1


# --- several runs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "figures", "floor", "wanted"),
    [
        ("frechet_distance", [20.0, 10.0, 14.0], 3.0, [False, True, False]),
        ("frechet_distance", [20.0, 10.0, 12.9], 3.0, [False, True, True]),  # apart by less than the floor
        ("frechet_distance", [1.0, 2.9, 3.0], 3.0, [False] * 3),  # all within the noise floor
        ("frechet_distance", [1.0, 2.9, 7.0], 3.0, [True, True, False]),
        ("frechet_distance", [5.0, 4.0, 4.5], None, [False, True, False]),
        ("precision", [0.5, 0.7, 0.6], None, [False, True, False]),
        ("precision", [0.95, 0.99, 0.6], 0.9, [True, True, False]),  # better than real data is no better
        ("precision", [0.5, None, None], 0.9, [False] * 3),
        ("density", [0.5, None, 0.6], None, [False, False, True]),
        ("memorisation.p_value", [0.5, 0.1, 0.2], None, [False] * 3),  # no side is better
        ("unknown", [1.0, 2.0, 3.0], None, [False] * 3),
    ],
)
def test_within_the_noise_floor_is_not_better(
    name: str, figures: list[float | None], floor: float | None, wanted: list[bool]
) -> None:
    told = [{name: figure, "noise_floor": {name: floor}} for figure in figures]
    assert measures.best(name, told) == wanted


def test_two_standard_errors_are_not_better() -> None:
    def told(error: float) -> list[dict[str, float]]:
        return [{"kid": kid, "kid_standard_error": error} for kid in (0.01, 0.02, 0.09)]

    assert measures.best("kid", told(0.001)) == [True, False, False]
    assert measures.best("kid", told(0.006)) == [True, True, False]


def test_likeness_is_best_near_that_of_real_data() -> None:
    told = [{"ms_ssim": likeness, "ms_ssim_real": 0.3} for likeness in (0.1, 0.32, 0.6)]
    assert measures.best("ms_ssim", told) == [False, True, False]
    assert measures.best("ms_ssim", [{"ms_ssim": 0.1}, {"ms_ssim": 0.2}]) == [False, False]


def test_runs_are_compared_and_then_folded(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "worse")
    worse = Subject(Run(tmp_path / "worse"), evaluation(frechet_distance=99.0, precision=0.1), None)
    text = page([Subject(run, evaluation(), DIAGNOSIS), worse])
    told = Page(text)
    assert "2 runs compared" in told.text
    assert "digits leads: best by 2 of 2 measures that tell the runs apart." in told.text
    stars = re.findall(r"<strong>★ ([^<]*)</strong>", text)
    assert stars == ["12.3", "0.812"]
    assert len([a for a in told.all("details") if a.get("class") == "run"]) == 2
    assert not any("open" in attributes for attributes in told.all("details"))
    by = [a["aria-label"] or "" for a in told.all("svg") if "digits ends at" in (a["aria-label"] or "")]
    assert [label.split(":")[0].partition(" by ")[2] for label in by] == ["samples seen", "seconds of training"]
    assert "worse precision 0.100, recall 0.623" in text


def test_figures_measured_in_different_ways_are_not_ranked(run: Run, tmp_path: Path) -> None:
    shutil.copytree(run.path, tmp_path / "other")
    other = Run(tmp_path / "other")
    for part, changed in [("extractor", {"extractor": "inception"}), ("data", {"fingerprint": "another"})]:
        protocol = evaluation()["protocol"] | changed
        told = evaluation(frechet_distance=1000.0, protocol=protocol)
        text = page([Subject(run, evaluation()), Subject(other, told)])
        assert f"cannot be compared, for the runs differ in {part}." in text
        assert "★" not in text
        assert "★" in page([Subject(run, evaluation(protocol=protocol)), Subject(other, told)])


def test_runs_of_the_same_name_are_told_apart(run: Run, tmp_path: Path) -> None:
    twin = tmp_path / "elsewhere" / "digits"
    shutil.copytree(run.path, twin)
    headings = re.findall(r"<summary><h2>([^<]*)</h2>", page([Subject(run), Subject(Run(twin))]))
    assert headings == [str(run.path), str(twin)]


# --- charts ----------------------------------------------------------------------------------------------------------


def test_the_charts_as_files(run: Run) -> None:
    found = plots(Subject(run, evaluation()))
    assert {"losses", "judgement", "score_kid", "precision_recall"} <= found.keys()
    assert all(re.fullmatch(r"\w+", name) for name in found)
    for data in found.values():
        picture = Image.open(io.BytesIO(data))
        assert picture.format == "PNG"
        assert picture.width > 700


def test_without_matplotlib_the_error_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(gan.InputError, match=r"pip install 'ganvas\[report\]'"):
        page([Subject(run)])


def test_charts_follow_the_colours_of_the_page(run: Run) -> None:
    style = resource("page.css")
    light, _, dark = style.partition("prefers-color-scheme: dark")
    for name, colour in drawing.COLOURS.items():
        assert f"--{name}: {colour};" in light
        assert f"--{name}: #" in dark
    text = page([Subject(run, evaluation())])
    body = text.partition("</style>")[2]
    assert "var(--one)" in body
    assert not [colour for colour in drawing.COLOURS.values() if colour in body]


def chart(*values: np.ndarray) -> Any:
    curves = [drawing.Curve(f"c{i}", (np.arange(len(y), dtype=float), y)) for i, y in enumerate(values)]
    return drawing.lines("T", "", curves, "x").figure.axes[0]


def test_the_scale_is_logarithmic_when_positive_values_span_decades() -> None:
    decades = np.geomspace(1, 1000, 50)
    assert chart(decades).get_yscale() == "log"
    assert chart(decades - 2).get_yscale() == "linear"
    assert chart(np.linspace(1, 9, 50)).get_yscale() == "linear"


def test_labels_stand_beside_the_ends_of_their_curves() -> None:
    for values in ([0.0, 1.0], [1.0, 1000.0]):
        axes = chart(*(np.full(5, value) for value in values))
        places = axes.transAxes.transform([text.get_position() for text in axes.texts])[:, 1]
        ends = axes.transData.transform([(4, value) for value in values])[:, 1]
        assert np.allclose(places, ends, atol=1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_labels_never_meet(places: list[float]) -> None:
    moved = drawing.apart(np.array(places), 0.1)
    assert np.diff(np.sort(moved)).min(initial=1.0) >= 0.1 - 1e-9
    assert moved.max() <= 1
    assert moved.min() >= -1e-9
    assert (np.argsort(moved, kind="stable") == np.argsort(places, kind="stable")).all()


def test_the_running_mean_keeps_what_is_steady() -> None:
    assert np.allclose(drawing.running_mean(np.full(500, 3.0)), 3.0)
    line = np.arange(500.0)
    assert np.allclose(drawing.running_mean(line)[10:-10], line[10:-10])
    few = np.array([1.0, 5.0, 2.0])
    assert drawing.running_mean(few) is few


# --- words and tags ---------------------------------------------------------------------------------------------------


def test_elements() -> None:
    assert element("p", "a<b", None, Markup("<i></i>"), class_='x"y') == '<p class="x&quot;y">a&lt;b<i></i></p>'
    assert element("img", src="s", hidden=True, alt=None, width=3) == '<img src="s" hidden width="3">'
    assert join("&", Markup("&amp;")) == "&amp;&amp;"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, "–"),
        (float("nan"), "–"),
        (0, "0"),
        (0.0, "0"),
        (1234567, "1,234,567"),
        (0.5, "0.500"),
        (12.345, "12.3"),
        (123.4, "123"),
        (-98765.4, "-98,765"),
        (0.000123, "0.000123"),
    ],
)
def test_numbers_for_readers(value: float | None, wanted: str) -> None:
    assert number(value) == wanted
