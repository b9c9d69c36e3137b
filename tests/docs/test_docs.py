"""Every code block of the README and the docs runs; pages and listings agree; the docs build.

A comment just before a block directs the test, and stays invisible to readers:

    <!-- replace: OLD -> NEW -->   a smaller number, so that all of it takes seconds
    <!-- before: ganvas … -->      a command that the page takes for granted
    <!-- file: mine.py -->         the block is a file that later blocks use
    <!-- skip: WHY -->             not run; listed in SKIPPED below

Blocks in ``console`` are read as sessions: a line ``$ ganvas …`` is run, the lines below it must be in its output
(``…`` stands for anything), and a shown ``ganvas: …`` means that the command is expected to fail.
"""

from __future__ import annotations

import contextlib
import csv
import importlib.util
import inspect
import io
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import ganvas
from ganvas import names
from ganvas.diagnosis import verdicts
from ganvas.evaluation.figures import MEASURES, OTHERS
from ganvas.game import Game
from ganvas.metrics.features import known
from ganvas.recipe import Flag, couple, flags_of
from ganvas.rules.rules import Rules
from ganvas.skins.cli import main
from ganvas.space import DataOptions
from ganvas.training.settings import Settings
from ganvas.verbs.train import fitting

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("nets/*.md"))]
BLOCK = re.compile(r"((?:^<!--.*-->\n)*)^```(.*)\n((?:.*\n)*?)^```$", re.M)
DIRECTIVE = re.compile(r"^<!-- (\w+): (.+) -->$", re.M)
SETTING_UP = ("make ", "pip install ")  # what these lines do is tested elsewhere, or needs the network
SKIPPED = {  # every block that is not run
    "README.md": ["make demo", "pip install ganvas"],
    "start.md": ["pip install ganvas"],
    "parallel.md": ["torchrun"],
}


@dataclass(frozen=True)
class Block:
    """A code block and the directives before it."""

    language: str
    text: str
    directives: list[tuple[str, str]]

    @property
    def commands(self) -> list[tuple[str, str]]:
        """(command, expected output) of a session."""
        if "$ " not in self.text:
            return [(line, "") for line in self.text.splitlines() if line.strip()]
        parts = re.split(r"^\$ ", self.text, flags=re.M)[1:]
        return [(p.partition("\n")[0], p.partition("\n")[2].strip()) for p in parts]

    @property
    def skipped(self) -> bool:
        """Whether the block is not run: it says so, or it only sets up."""
        told = any(kind == "skip" for kind, _ in self.directives)
        return told or (self.language == "console" and all(c.startswith(SETTING_UP) for c, _ in self.commands))


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page that can run, with their replacements made."""
    found = []
    for comments, language, text in BLOCK.findall(page.read_text("utf-8")):
        directives = DIRECTIVE.findall(comments)
        assert len(directives) == comments.count("<!--"), comments
        for kind, what in directives:
            assert kind in ("replace", "before", "file", "skip"), kind
            if kind == "replace":
                old, _, new = what.partition(" -> ")
                assert old in text, f"{page.name}: nothing to replace: {old}"
                text = text.replace(old, new)
        if language in ("python", "console", "bash", "shell", "sh"):
            found.append(Block(language, text, directives))
    return found


def customers(random: np.random.Generator, n: int = 120) -> pd.DataFrame:
    """A small table of the kind that the pages speak of."""
    city, age, first = random.choice(["Bonn", "Kiel", "Ulm"], n), random.integers(18, 80, n), random.integers(0, 9, n)
    spent = np.where(random.random(n) < 0.1, np.nan, (age * 1.5 + 20 * (city == "Bonn")).round(1))
    state = np.select([city == "Bonn", city == "Kiel"], ["NW", "SH"], "BW")
    told = {"city": city, "state": state, "age": age, "first": first, "last": first + random.integers(0, 9, n)}
    return pd.DataFrame(told | {"spent": spent, "loyal": random.random(n) < 0.2})


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder with the data that the pages speak of, as the working directory."""
    random = np.random.default_rng(0)
    for name in [f"faces/{i}.png" for i in range(24)] + [
        f"animals/{k}/{i}.png" for k in ("cat", "dog") for i in range(12)
    ]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (24, 20, 3), np.uint8)).save(tmp_path / name)
    (tmp_path / "empty").mkdir()
    customers(random).to_csv(tmp_path / "customers.csv", index=False)
    customers(random)[["city", "age"]].head(8).to_csv(tmp_path / "partial.csv", index=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    before = signal.getsignal(signal.SIGPIPE)
    yield tmp_path
    signal.signal(signal.SIGPIPE, before)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_every_block_of_the_page_runs(page: Path, scratch: Path) -> None:
    shared: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.skipped:
            continue
        told = dict(block.directives)
        if "before" in told:
            session(told["before"], "")
        if "file" in told:
            (scratch / told["file"]).write_text(block.text, "utf-8")
        elif block.language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(block.text, page.name, "exec"), shared)
        else:
            for command, expected in block.commands:
                session(command, expected)


def session(command: str, expected: str) -> None:
    """Run one ``ganvas …`` line and compare what it prints with what the page shows."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == "ganvas", f"no rule for this line: {command}"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = main(arguments)
    output = " ".join(printed.getvalue().split())
    assert (code != 0) == ("ganvas: " in expected), f"{command}: exit code {code}: {output}"
    for line in expected.splitlines():
        pattern = ".*".join(re.escape(" ".join(part.split())) for part in line.split("…"))
        assert re.search(pattern, output), f"{command}: the page shows {line!r}, it prints {output!r}"


def test_no_other_block_is_skipped() -> None:
    found = {page.name: [block.commands[0][0] for block in blocks(page) if block.skipped] for page in PAGES}
    shown = {name: [line.split("  ")[0] for line in lines] for name, lines in found.items() if lines}
    assert shown.keys() == SKIPPED.keys()
    for name, starts in SKIPPED.items():
        assert len(shown[name]) == len(starts)
        assert all(line.startswith(start) for line, start in zip(shown[name], starts, strict=True))


def test_there_are_blocks_to_run() -> None:
    assert sum(len(blocks(page)) for page in PAGES) > 30


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text("utf-8")


@pytest.mark.parametrize("name", [*names.listing("games"), *names.listing("verbs")])
def test_games_and_verbs_have_a_page_in_the_table_of_contents(name: str) -> None:
    assert page(name).startswith(f"# {name}\n")
    assert re.search(rf"^{name}$", page("index"), re.M)


@pytest.mark.parametrize("net", names.listing("nets"))
def test_nets_have_a_page(net: str) -> None:
    assert page(f"nets/{net}").startswith(f"# {net}\n")
    assert re.search(rf"^nets/{net}$", page("index"), re.M)
    assert f"](nets/{net}.md)" in page("nets")


@pytest.mark.parametrize("name", [*names.listing("recipes"), *names.built_in()])
def test_recipes_and_built_in_data_are_described(name: str) -> None:
    assert re.search(rf"^`{name}`\n: ", page("list"), re.M)


def described(text: str, flag: Flag, name: str) -> None:
    """A row of a table gives the flag and its default."""
    assert f"| `--{name.replace('_', '-')}` | `{flag.default}` |" in text, f"no row for --{name}, {flag.default}"


@pytest.mark.parametrize("game", names.listing("games"))
def test_the_page_of_a_game_has_its_flags_with_their_defaults_and_its_paper(game: str) -> None:
    kind, text = names.member("games", game, Game), page(game)
    made = couple(kind, names.module("nets", fitting(kind, "mlp")))
    own = [flag for flag in made.flags() if flag.owner == "game"]
    for flag in own:
        described(text, flag, flag.name)
    listed = re.findall(r"^\| `--([\w-]+)` \|", text, re.M)
    assert sorted(listed) == sorted(flag.name.replace("_", "-") for flag in own)
    paper = re.search(r"arXiv:[\d.]+\d", names.listing("games")[game])
    assert paper is not None
    assert paper[0] in text


@pytest.mark.parametrize("net", names.listing("nets"))
def test_the_page_of_a_net_has_its_flags_with_their_defaults_and_its_paper(net: str) -> None:
    made, text = couple(names.member("games", "gan", Game), names.module("nets", net)), page(f"nets/{net}")
    flags = [flag for flag in made.flags() if flag.owner != "game"]
    for flag in flags:
        described(text, flag, f"{flag.owner}.{flag.name}")
    assert len(re.findall(r"^\| `--[GD]\.", text, re.M)) == len(flags)
    paper = re.search(r"arXiv:[\d.]+\d", names.listing("nets")[net])
    assert paper is not None
    assert paper[0] in text


def test_games_and_nets_say_what_was_measured() -> None:
    """The docstring, which ``ganvas list`` shows, gives the last figure of the benchmark; the page has its picture."""
    with open(ROOT / "benchmarks" / "results" / "gallery.csv", encoding="utf-8") as file:
        rows = {row["entry"]: row for row in csv.DictReader(file)}
    for entry, row in rows.items():
        kind, _, name = entry.partition(":")
        told = names.measured(f"{kind}s").get(name, "")
        said = f"Fréchet distance {row['frechet']} on MNIST after {int(row['seen']):,} samples"
        assert said in told, f"{kind}s/{name}.py: {told or 'nothing measured'}, not: {said}"
        assert f"pictures/{kind}_{name}.png)" in page(name if kind == "game" else f"nets/{name}")


@pytest.mark.parametrize(("name", "settings"), [("train", Settings), ("data", DataOptions), ("rules", Rules)])
def test_the_settings_of_a_run_and_of_data_are_listed_with_their_defaults(name: str, settings: type) -> None:
    for flag in flags_of(settings, name):
        described(page(name), flag, flag.name)


@pytest.mark.parametrize("verb", ["evaluate", "diagnose", "report"])
def test_the_options_of_a_verb_are_listed_with_their_defaults(verb: str) -> None:
    parameters = inspect.signature(getattr(names.module("verbs", verb), verb)).parameters.values()
    flags = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY} | {"json": False}
    for name, default in flags.items():
        assert f"| `--{name}` | `{default}` |" in page(verb), f"no row for --{name}, {default}"
    assert len(re.findall(r"^\| `--", page(verb), re.M)) == len(flags)


@pytest.mark.parametrize("name", sorted(names.listing("metrics").keys() - {"extractors", "features", "neighbours"}))
def test_measures_have_a_section(name: str) -> None:
    assert f"\n## {name}\n" in page("metrics")


def test_what_evaluate_can_be_asked_for_is_listed() -> None:
    assert not [name for name in [*MEASURES, *OTHERS] if f"`{name}`" not in page("evaluate")]


@pytest.mark.parametrize("name", known())
def test_extractors_are_listed(name: str) -> None:
    assert f"\n| `{name}` | " in page("extractors")


@pytest.mark.parametrize("verdict", [*(rule.__name__ for rule in verdicts.RULES), "healthy", "equilibrium"])
def test_verdicts_are_listed(verdict: str) -> None:
    assert f"\n| `{verdict}` | " in page("diagnose")


def share(value: float) -> str:
    return f"{100 * value:.0f} %"


@pytest.mark.parametrize(("verdict", "thresholds"), [
    ("divergence", [f"{verdicts.HUGE:,.0f}"]),
    ("exploding_gradient", [f"{verdicts.GROWN:.0f} times"]),
    ("discriminator_overfits", [share(verdicts.OVERFITTED)]),
    ("vanishing_gradient", [str(verdicts.SILENT), share(verdicts.WINS)]),
    ("generator_wins", [share(verdicts.LOSES), f"{verdicts.SEVERAL} checkpoints"]),
    ("mode_collapse", [share(verdicts.COLLAPSED), share(verdicts.COLLAPSED_CLASS)]),
    ("oscillation", [str(verdicts.TURNED).replace("-", "−")]),
    ("discriminator_wins", [share(verdicts.WINS)]),
    ("saturated_output", [share(verdicts.FLATTENED)]),
    ("dead_units", [share(verdicts.DEAD)]),
    ("equilibrium", [share(verdicts.NEAR)]),
])  # fmt: skip
def test_the_thresholds_of_a_verdict_are_those_of_its_rule(verdict: str, thresholds: list[str]) -> None:
    row = re.search(rf"^\| `{verdict}` \| (.*)$", page("diagnose"), re.M)
    assert row is not None
    assert not [threshold for threshold in thresholds if threshold not in row[1]]


def test_every_public_name_is_described() -> None:
    assert not [name for name in ganvas.__all__ if f"`{name}`" not in page("names")]


def test_the_file_tree_of_the_readme_exists() -> None:
    tree = next(text for _, language, text in BLOCK.findall((ROOT / "README.md").read_text("utf-8")) if not language)
    for line in tree.splitlines():
        name = line.split()[0]
        at = ROOT / "src" / "ganvas" if line.startswith("  ") else ROOT
        assert (at / name).exists(), f"{name} is in the README's file tree and not in {at}"
    package = {p.name for p in (ROOT / "src" / "ganvas").iterdir() if p.is_dir() and (not p.name.startswith("_"))}
    assert package <= {line.split()[0].rstrip("/") for line in tree.splitlines()}


def test_the_own_game_is_the_same_everywhere() -> None:
    def body(text: str) -> str:
        return text[text.index("class WGANGP") :]

    shown = [
        next(b.text for b in blocks(p) if ("file", "mine.py") in b.directives)
        for p in PAGES
        if "mine.py -->" in p.read_text("utf-8")
    ]
    example = re.sub(r'\n {8}""".*"""', "", body((ROOT / "examples" / "mine.py").read_text("utf-8")))
    assert len(shown) == 2
    assert {body(text) for text in shown} == {example}


@pytest.mark.parametrize(
    "link", sorted({(p, t) for p in PAGES for t in re.findall(r"\]\((?!https?:)([^)#]+)", p.read_text("utf-8"))})
)
def test_links_lead_somewhere(link: tuple[Path, str]) -> None:
    assert (link[0].parent / link[1]).exists()


@pytest.mark.slow
@pytest.mark.parametrize(("script", "options"), [
    ("mode_collapse.py", ["--rounds", "10"]),
    ("by_hand.py", ["--rounds", "10"]),
    ("equilibrium.py", ["--rounds", "400"]),
])  # fmt: skip
def test_examples_run(script: str, options: list[str], scratch: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / script, *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if script == "equilibrium.py":
        found = re.findall(r"V = (-[\d.]+)", done.stdout)
        assert float(found[-1]) == pytest.approx(-np.log(4), abs=0.02)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("sphinx") is None, reason="needs sphinx: pip install 'ganvas[dev]'")
def test_the_docs_build_without_warnings(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", ROOT / "docs", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
