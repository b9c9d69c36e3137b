"""The page: in a real browser it makes the samples of the run, offline, and takes nobody's word for markup."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import ganvas as gan
from exporting.browser import changed, launched, needs_browser, opened, saved, settled, shown
from exporting.making import LABELS, untrained
from ganvas.errors import InputError
from ganvas.exporting import web as exporting
from ganvas.files import write_json
from ganvas.labels import Labels
from ganvas.run import Run
from ganvas.spaces import toys
from ganvas.spaces.images import Images
from ganvas.spaces.tables import tables
from make import mixed

KINDS = {
    "colour": Images(9, 16, 3, mode="RGB"),
    "grey": Images(40, 8, 1),
    "alpha": Images(20, 16, 4, mode="RGBA"),
    "grey and alpha": Images(8, 8, 2, mode="LA"),
    "two channels": Images(8, 8, 2, mode="N"),
    "16 bits": Images(8, 8, 1, bits=16),
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("made")
    run = untrained(folder / "run", "dcgan")
    exporting.web(run, folder / "page.html")
    return run, folder / "page.html"


def apart(page: Any, raw: np.ndarray) -> int:
    """The largest difference in grey levels between the tiles and stored colour pictures."""
    return int(np.abs(shown(page)[..., :3].astype(int) - raw).max())


@needs_browser
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_shows_what_generate_makes(kind: str, browser: Any, tmp_path: Path) -> None:
    run = untrained(tmp_path / kind, "mlp", KINDS[kind])
    found = exporting.web(run, tmp_path / "page.html")
    assert found["bytes"] == (tmp_path / "page.html").stat().st_size
    raw, _ = run.samples(range(16))
    expected = np.asarray(run.space.show(raw, 4).convert("RGB")).astype(int)
    with opened(browser, tmp_path / "page.html") as page:
        name, sheet = saved(page, "#save")
        assert np.abs(sheet[..., :3].astype(int) - expected).max() <= 1
        assert name.startswith(kind.split()[0])
        assert len(shown(page)) == 16


@needs_browser
@pytest.mark.parametrize(("net", "value", "step"), [("mlp", 1.5, 10), ("stylegan2", 0.5, 10)])
def test_labels_and_truncation_are_those_of_the_run(
    net: str, value: float, step: int, browser: Any, tmp_path: Path
) -> None:
    run = untrained(tmp_path / "run", net)
    exporting.web(run, tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        raw, labels = run.samples(range(16))
        assert apart(page, raw) <= 1
        told = page.eval_on_selector_all(".tile span", "all => all.map(one => one.textContent)")
        assert [one.split(", ")[0] for one in told] == [one.split(",")[0] for one in LABELS.names(labels)]
        changed(page, "#label0", 1)
        changed(page, "#label1", 0.5)
        whole, _ = run.samples(range(16), label="dog,0.5")
        assert apart(page, whole) <= 1
        changed(page, "#truncation", step)
        narrow = run.samples(range(16), label="dog,0.5", truncation=value)[0]
        assert apart(page, narrow) <= 1
        assert np.abs(narrow.astype(int) - whole).max() > 9 < np.abs(whole.astype(int) - raw).max()


@needs_browser
def test_other_seeds_are_other_samples_and_always_the_same(labelled: tuple[Run, Path], browser: Any) -> None:
    with opened(browser, labelled[1]) as page:
        start = shown(page)
        page.click("#another")
        settled(page)
        assert page.input_value("#seed") == "1"
        second = shown(page)
        assert np.abs(second.astype(int) - start).max() > 1
    with opened(browser, labelled[1]) as page:
        changed(page, "#seed", 1)
        assert np.array_equal(shown(page), second)
        changed(page, "#seed", 0)
        assert np.array_equal(shown(page), start)


@needs_browser
@pytest.mark.parametrize(
    ("prior", "spread", "most"),
    [("normal", 1.0, 5.0), ("uniform", 3**-0.5, 1.0), ("truncated", stats.truncnorm.std(-1.5, 1.5), 1.5)],
)
def test_own_latents_follow_the_prior(prior: str, spread: float, most: float, browser: Any, tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "mlp", Images(8, 8, 1), prior=prior, limit=1.5)
    exporting.web(run, tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        z = np.array(page.evaluate("[...Array(2000).keys()].map(i => [...ganvas.sample(7, i, []).z])"))
    assert abs(z.mean()) < 0.02  # 24,000 numbers: 3 standard errors
    assert z.std() == pytest.approx(spread, abs=0.02)
    assert most * 0.7 < np.abs(z).max() <= most
    assert np.abs(np.corrcoef(z.T) - np.eye(12)).max() < 0.1
    assert np.abs(np.corrcoef(z[:-1].ravel(), z[1:].ravel())[0, 1]) < 0.03


@needs_browser
def test_labels_are_drawn_as_in_the_training_data(browser: Any, tmp_path: Path) -> None:
    uneven = Labels.of(["kind", "side"], [["a", "b"], ["l", "r"]], np.array([[0, 0]] * 6 + [[1, 0]] * 1 + [[1, 1]] * 3))
    run = untrained(tmp_path / "run", "mlp", Images(8, 8, 1, labels=uneven))
    exporting.web(run, tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        rows = np.array(page.evaluate("[...Array(3000).keys()].map(i => ganvas.sample(7, i, [null, null]).row)"))
        some = np.array(page.evaluate("[...Array(3000).keys()].map(i => ganvas.sample(7, i, [1, null]).row)"))
        never = page.evaluate("ganvas.sample(7, 0, [0, 1]).row")
    assert rows[:, 0].mean() == pytest.approx(0.4, abs=0.03)
    assert not ((rows[:, 0] == 0) & (rows[:, 1] == 1)).any()
    assert (some[:, 0] == 1).all()
    assert some[:, 1].mean() == pytest.approx(0.75, abs=0.03)
    assert never == [0, 1]


@needs_browser
def test_a_sample_is_enlarged_and_walks_to_another(labelled: tuple[Run, Path], browser: Any) -> None:
    raw, _ = labelled[0].samples(range(16))
    with opened(browser, labelled[1]) as page:
        page.focus(".tile")
        for key in ("ArrowRight", "ArrowDown", "Enter"):
            page.keyboard.press(key)
        assert page.inner_text("#shown").startswith("Sample 6")
        assert np.abs(shown(page, "#large")[0, ..., :3].astype(int) - raw[5]).max() <= 1
        page.select_option("#goal", "9")
        changed(page, "#way", 1)
        page.wait_for_selector("#shown:text-is('From 6 to 10')")
        assert np.abs(shown(page, "#large")[0, ..., :3].astype(int) - raw[9]).max() <= 1
        page.keyboard.press("ArrowRight")
        assert page.inner_text("#shown").startswith("Sample 7")
        name, picture = saved(page, "#keep")
        assert np.abs(picture[..., :3].astype(int) - raw[6]).max() <= 1
        assert name.startswith("run-sample-7")
        still = shown(page, "#large")
        page.click("#play")
        while float(page.input_value("#way")) <= 0.3:
            page.wait_for_timeout(50)
        assert not np.array_equal(shown(page, "#large"), still)
        page.click("#play")
        page.keyboard.press("Escape")
        assert not page.eval_on_selector("#viewer", "one => one.open")


@needs_browser
def test_points_are_a_plot(browser: Any, tmp_path: Path) -> None:
    space = toys.ring().space
    run = untrained(tmp_path / "run", "mlp", space)
    exporting.web(run, tmp_path / "page.html")
    raw, _ = run.samples(range(exporting.POINTS))
    with opened(browser, tmp_path / "page.html") as page:
        plot = shown(page, "#grid canvas")[0]
    reach = np.abs(space.centres).max() + 8 * space.sigma
    x, y = (np.array([1, -1]) * raw / reach + 1).T * 512
    assert (plot[y.astype(int), x.astype(int), 3] == 255).all()
    assert (plot[..., 3] > 0).mean() < 0.1  # … and nothing is elsewhere but circles


@needs_browser
def test_names_from_the_run_are_texts(browser: Any, tmp_path: Path) -> None:
    evil = "</script><img src=x onerror=document.title='!'>"
    labels = Labels.of([evil], [[evil, "{{policy}}"]], np.arange(10)[:, None] % 2)
    run = untrained(tmp_path / "run", "mlp", Images(8, 8, 1, labels=labels))
    run.update(data={"name": evil, "train": 10})
    exporting.web(run, tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        assert page.title() == "run"
        assert page.locator("img").count() == 0
        assert page.inner_text("label[for=label0]") == evil
        assert page.locator("#label0 option").nth(2).inner_text() == "{{policy}}"


@needs_browser
@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_smaller_weights_run_too(precision: Any, browser: Any, tmp_path: Path) -> None:
    run = untrained(tmp_path / "run", "dcgan")
    found = exporting.web(run, tmp_path / "page.html", precision)
    with opened(browser, tmp_path / "page.html") as page:
        assert apart(page, run.samples(range(16))[0]) <= 2 + found["max_difference"] * 127.5 * 3


@needs_browser
def test_it_fits_a_telephone(labelled: tuple[Run, Path], browser: Any) -> None:
    with opened(browser, labelled[1], has_touch=True) as page:
        page.set_viewport_size({"width": 360, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        page.tap(".tile")
        box = page.locator("#viewer").bounding_box()
        assert box["x"] >= 0
        assert box["width"] <= 360
        assert box["height"] <= 640


def block(text: str, name: str) -> str:
    found = re.search(rf'<script type="[\w/-]+" id="{name}">(.*?)</script>', text, re.S)
    assert found is not None
    return found[1]


def test_the_file_holds_all_it_needs_and_no_path_of_this_machine(labelled: tuple[Run, Path]) -> None:
    text = labelled[1].read_text("utf-8")
    outside = re.sub(r'<script type="module">.*?</script>', "", text, flags=re.S)
    assert not re.search(r"(src|href)=|url\(|@import", outside)
    assert gzip.decompress(base64.b64decode(block(text, "wasm")))[:4] == b"\0asm"
    assert "MIT License" in text
    told = json.loads(block(text, "told"))
    assert told["count"] == len(told["rows"]) == 16
    z = np.frombuffer(gzip.decompress(base64.b64decode(block(text, "latents"))), "<f4").reshape(16, -1)
    assert np.array_equal(z, labelled[0].generator.prior.latents(0, range(16))[0])
    assert str(Path(gan.__file__).parent) not in text
    assert str(labelled[1].parent) not in text


def test_the_same_run_gives_the_same_page(labelled: tuple[Run, Path]) -> None:
    assert exporting.page(labelled[0], b"model") == exporting.page(Run(labelled[0].path), b"model")


def test_figures_of_the_generator_as_it_is_are_told(labelled: tuple[Run, Path]) -> None:
    run = Run(labelled[0].path)
    write_json(run.path / "evaluation.json", {"kid": 3.25, "protocol": {"checkpoint": "round-0"}})
    assert exporting.described(run)["figures"][0][:2] == ("Kernel distance (KID)", "3.25")
    write_json(run.path / "evaluation.json", {"kid": 3.25, "protocol": {"checkpoint": "round-9"}})
    assert exporting.described(run)["figures"] == []
    (run.path / "evaluation.json").unlink()


def test_tables_are_refused_by_name(tmp_path: Path) -> None:
    space = tables(mixed(60)).space
    run = untrained(tmp_path / "people", "rows", space)
    with pytest.raises(InputError, match="people makes rows"):
        exporting.web(run, tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()
