"""A browser for the tests of pages, or the reason why there is none."""

from __future__ import annotations

import base64
import importlib.util
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--force-color-profile=srgb"),
]
READ_BACK = "willReadFrequently"  # advice on what these tests do, not the page
needs_browser = pytest.mark.skipif(
    CHROMIUM is None or importlib.util.find_spec("playwright") is None,
    reason="needs chromium and playwright: apt-get install chromium; pip install playwright",
)


@contextmanager
def launched() -> Iterator[Any]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, file: Path, **settings: Any) -> Iterator[Any]:
    """The page, when it has made its first samples. It asks the network for nothing and complains of nothing."""
    context = browser.new_context(viewport={"width": 1100, "height": 800}, offline=True, **settings)
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: READ_BACK in message.text or said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    settled(page)
    yield page
    assert not said, said
    assert [url for url in asked if not url.startswith("blob:")] == [file.as_uri()]
    context.close()


def settled(page: Any) -> None:
    """Wait until the samples that were asked for are there."""
    page.wait_for_selector('#grid[aria-busy="false"]', timeout=120_000)
    assert page.get_attribute("#status", "class") is None, page.inner_text("#status")


def changed(page: Any, selector: str, value: object) -> None:
    """Set a field as a user would, and wait for what comes of it."""
    page.eval_on_selector(
        selector, "(field, value) => { field.value = value; field.dispatchEvent(new Event('input')); }", str(value)
    )
    settled(page)


def shown(page: Any, selector: str = ".tile canvas") -> np.ndarray:
    """What stands in canvases: [n, h, w, 4] uint8."""
    found = page.eval_on_selector_all(
        selector,
        "all => all.map(c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        " return [d.height, d.width, btoa(Array.from(d.data, v => String.fromCharCode(v)).join(String()))]; })",
    )
    return np.stack([np.frombuffer(base64.b64decode(t), np.uint8).reshape(h, w, 4) for h, w, t in found])


def saved(page: Any, button: str) -> tuple[str, np.ndarray]:
    """The name and the pixels of the PNG that a button hands out."""
    with page.expect_download() as waiting:
        page.click(button)
    with Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())) as picture:
        return waiting.value.suggested_filename, np.asarray(picture)
