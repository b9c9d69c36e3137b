"""A folder for the hub is a run; the way to the hub and back is tried on a small stand-in that speaks its language."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from exporting.making import untrained
from exporting.test_card import EVALUATION, INFO
from ganvas.errors import InputError
from ganvas.exporting import hub as exporting
from ganvas.exporting import paths
from ganvas.files import write_json
from ganvas.run import Run
from ganvas.spaces.tables import tables
from make import mixed

HOME = "/home/somebody/secret"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = untrained(tmp_path / "digits", "mlp")
    origin = {"source": f"{HOME}/digits", "size": 16}
    made.update(**INFO | {"data": INFO["data"] | {"origin": origin, "report": {"skipped": [f"{HOME}/a.png"]}}})
    made.update(command=f"ganvas train {HOME}/digits", settings={"run": {"extractor": f"{HOME}/net.onnx"}})
    write_json(made.path / "evaluation.json", EVALUATION | {"of": str(made.path), "examples": {"rows": [["Ann"]]}})
    told = {"run": str(made.path), "summary": f"See {HOME}/log.txt.", "protocol": {"checkpoint": "round-0"}}
    write_json(made.path / "diagnosis.json", told)
    (made.path / "neighbours.png").write_bytes(b"training data")
    (made.path / "privacy.json").write_text('{"seed": 1}')
    return made


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_the_folder_is_a_run_with_the_same_samples(run: Run, tmp_path: Path) -> None:
    found = exporting.hub(run, tmp_path / "sent")
    assert found["max_difference"] == 0
    assert files(tmp_path / "sent") == set(exporting.TAKEN) == set(found["files"])
    again = Run(tmp_path / "sent")
    here, labels = run.samples(range(5), 3, "dog,0.5", 0.7)
    there, told = again.samples(range(5), 3, "dog,0.5", 0.7)
    assert np.array_equal(here, there)
    assert labels is not None
    assert told is not None
    assert np.array_equal(labels, told)
    assert again.progress.seen == 64680
    with Image.open(tmp_path / "sent" / "samples.png") as picture:
        assert picture.size == (8 * 33 + 1, 8 * 33 + 1)
    config = json.loads((tmp_path / "sent" / "config.json").read_text())
    assert config["library_name"] == "ganvas"
    assert config["labels"] == {"kind": ["cat", "dog", "3"], "size": []}


def test_nothing_private_leaves(run: Run, tmp_path: Path) -> None:
    exporting.hub(run, tmp_path / "sent")
    text = b"".join((tmp_path / "sent" / name).read_bytes() for name in exporting.TAKEN)
    for secret in (b"somebody", b"/home", str(tmp_path).encode(), b"Ann", b"training data", b"a.png"):
        assert secret not in text
    info = Run(tmp_path / "sent").info
    assert info["data"]["origin"] == {"source": "digits", "size": 16}
    assert info["settings"]["run"]["extractor"] == "net.onnx"
    assert "command" not in info
    told = json.loads((tmp_path / "sent" / "diagnosis.json").read_text())
    assert told["summary"] == "See log.txt."
    assert told["run"] == "digits"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/me/x.png", "x.png"),
        ("~/runs/faces", "faces"),
        ("../data/faces/", "faces"),
        (r"C:\Users\me\faces", "faces"),
        ("from /srv/a_b/net.onnx; hash", "from net.onnx; hash"),
        ("ganvas.nets.dcgan:Generator", "ganvas.nets.dcgan:Generator"),
        ("a / b > 0; N/A", "a / b > 0; N/A"),
        ("https://example.org/a/b", "https://example.org/a/b"),
        ("hf:owner/name", "hf:owner/name"),
        ("area to 8×8", "area to 8×8"),
    ],
)
def test_paths_are_reduced_to_names(text: str, left: str) -> None:
    assert paths.bare({"a": [text, 1, None]}) == {"a": [left, 1, None]}


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("hf:owner/name", "hf:owner/name"),
        ("hf:owner/name:part", "hf:owner/name:part"),
        ("hf:/home/me/saved", "saved"),
        ("data/my faces/", "my faces"),
        ("digits", "digits"),
    ],
)
def test_the_source_of_the_data_is_reduced_to_its_name(where: str, left: str) -> None:
    assert paths.source(where) == left


def test_tables_too(tmp_path: Path) -> None:
    run = untrained(tmp_path / "people", "rows", tables(mixed(60)).space)
    assert exporting.hub(run, tmp_path / "sent")["max_difference"] == 0


def test_what_cannot_be_written_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is there already"):
        exporting.hub(run, run.path)
    with pytest.raises(InputError, match="keeps the weights"):
        exporting.hub(run, tmp_path / "sent", "int8")


def test_a_folder_is_read_where_it_is(run: Run, tmp_path: Path) -> None:
    exporting.hub(run, tmp_path / "sent")
    assert exporting.from_pretrained(tmp_path / "sent").path == tmp_path / "sent"
    with pytest.raises(InputError, match="no folder and no repository"):
        exporting.from_pretrained("nowhere/at/all")


def test_foreign_code_is_never_run(run: Run, tmp_path: Path) -> None:
    exporting.hub(run, tmp_path / "sent")
    config = json.loads((tmp_path / "sent/generator/config.json").read_text())
    write_json(tmp_path / "sent/generator/config.json", config | {"net": "os:system"})
    with pytest.raises(InputError, match="code of its own"):
        _ = exporting.from_pretrained(tmp_path / "sent").generator


# --- the way to the hub and back


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as sending and fetching a model takes."""

    protocol_version = "HTTP/1.1"
    repositories: dict[str, dict[str, bytes]]
    sizes: dict[str, int]  # what is said of a file's size, when it is not the truth
    asked: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append(self.path)
        if self.headers.get("Authorization") != "Bearer good":
            self.answer(401, {"error": "Invalid credentials"})
        elif self.path == "/api/repos/create":
            told = json.loads(body)
            name = f"{told.get('organization', 'me')}/{told['name']}"
            hidden = told.get("private") or told.get("visibility") == "private"
            self.repositories.setdefault(name, {})["private"] = str(hidden).encode()
            self.answer(200, {"url": f"http://{self.headers['Host']}/{name}", "name": name})
        elif "/preupload/" in self.path:
            wanted = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]
            ]
            self.answer(200, {"files": wanted})
        elif "/commit/" in self.path:
            lines = [json.loads(line) for line in body.splitlines()]
            sent = {v["path"]: base64.b64decode(v["content"]) for v in (line["value"] for line in lines[1:])}
            self.repositories["/".join(self.path.split("/")[3:5])].update(sent)
            self.answer(
                200,
                {
                    "commitUrl": f"http://{self.headers['Host']}/me/x/commit/{COMMIT}",
                    "commitOid": COMMIT,
                    "success": True,
                },
            )
        else:
            self.answer(200, {"errors": [], "warnings": []})

    def do_GET(self) -> None:
        self.asked.append(self.path)
        found = re.match(r"(?:/api/models)?/([\w.-]+/[\w.-]+)", self.path)
        held = self.repositories.get(found[1]) if found else None
        if held is None:
            self.answer(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        elif file := re.search(r"/resolve/\w+/([^?]+)", self.path):
            self.send(200, held[file[1]], {"ETag": f'"{hashlib.sha1(held[file[1]]).hexdigest()}"'})
        else:
            listed = [
                {
                    "rfilename": name,
                    "path": name,
                    "type": "file",
                    "size": self.sizes.get(name, len(content)),
                    "oid": COMMIT,
                }
                for name, content in held.items()
            ]
            tree = "/tree/" in self.path
            self.answer(200, listed if tree else {"id": found[1], "sha": COMMIT, "siblings": listed})  # type: ignore[index]

    do_HEAD = do_GET

    def answer(self, code: int, told: Any, headers: dict[str, str] | None = None) -> None:
        self.send(code, json.dumps(told).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def send(self, code: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in ({"X-Repo-Commit": COMMIT, "Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[str, type[Hub]]]:
    pytest.importorskip("huggingface_hub")
    made: type[Hub] = type("Fresh", (Hub,), {"repositories": {}, "sizes": {}, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), made) as listening:
        Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", made
        listening.shutdown()


def asked_of(address: str, home: Path, code: str) -> list[str]:
    """What a fresh Python prints that takes ``address`` for the hub; errors of the user are printed too."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING"))}
    env |= {"HF_ENDPOINT": address, "HF_HOME": str(home), "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
    env |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1"} | ({} if address else {"HF_HUB_OFFLINE": "1"})
    head = "from ganvas.exporting.hub import *\nfrom ganvas.errors import InputError\n"
    tried = "".join(
        f"try:\n    {line}\nexcept InputError as error:\n    print('refused:', error)\n" for line in code.splitlines()
    )
    done = subprocess.run([sys.executable, "-c", head + tried], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_to_the_hub_and_back(run: Run, tmp_path: Path, server: tuple[str, type[Hub]]) -> None:
    address, hub = server
    made = tmp_path / "sent"
    exporting.hub(run, made)
    (made / "evil.py").write_text("raise SystemExit(9)")
    (made / "README.md").write_text("edited OWNER/digits")
    told = asked_of(
        address,
        tmp_path / "home",
        f"print(push_to_hub({str(run.path)!r}, 'me/digits', private=True, token='good'))\n"
        f"print(push_to_hub({str(made)!r}, 'me/edited', token='good'))\n"
        f"print(push_to_hub({str(made)!r}, 'me/edited', token='bad'))\n"
        "print(float(from_pretrained('me/digits').samples([0])[0].mean()))\n"
        "print(from_pretrained('me/edited', revision='main').path)\n"
        "print(from_pretrained('me/none').path)",
    )
    assert told[0] == f"{address}/me/digits"
    assert hub.repositories["me/digits"].pop("private") == b"True"
    assert set(hub.repositories["me/digits"]) == set(exporting.TAKEN)
    assert b'from_pretrained("me/digits")' in hub.repositories["me/digits"]["README.md"]
    assert hub.repositories["me/edited"]["README.md"] == b"edited me/edited"
    assert "evil.py" not in hub.repositories["me/edited"]
    assert told[2].startswith("refused: the hub on me/edited: no such repository, or it is private: log in")
    assert float(told[3]) == run.samples([0])[0].mean()
    assert Path(told[4]).is_dir()
    assert told[5].startswith("refused: the hub on me/none: no such repository")
    offline = asked_of(
        "", tmp_path / "home", "print(from_pretrained('me/digits').path)\nprint(from_pretrained('me/no').path)"
    )
    assert COMMIT in offline[0]
    assert offline[1].startswith("refused: the hub on me/no: ")


def test_only_known_files_of_bounded_size_are_fetched(run: Run, tmp_path: Path, server: tuple[str, type[Hub]]) -> None:
    address, hub = server
    held = exporting.contents(run)
    evil = {"evil.py": b"print('run')", "pytorch_model.bin": b"\x80\x04.", "generator/mine.py": b"print('run')"}
    hub.repositories = {"me/evil": held | evil, "me/other": {"config.json": b"{}"}, "me/large": dict(held)}
    hub.repositories["me/large"]["samples.png"] = b"x"
    told = asked_of(
        address,
        tmp_path / "home",
        "print(*[p for p in from_pretrained('me/evil').path.rglob('*') if p.is_file()], sep=':')\n"
        "from_pretrained('me/other')",
    )
    assert {path.partition(f"{COMMIT}/")[2] for path in told[0].split(":")} == set(exporting.TAKEN)
    assert not [path for path in hub.asked if "evil.py" in path or "mine.py" in path or "pytorch" in path]
    assert told[1] == "refused: me/other is not from ganvas: it has no run.json"
    hub.sizes["generator/config.json"] = 1 << 40
    hub.asked.clear()
    told = asked_of(address, tmp_path / "home", "from_pretrained('me/large')")
    assert re.match(r"refused: me/large/generator/config.json is 1,099,511,627,776 bytes, more than", told[0])
    assert not [path for path in hub.asked if "resolve" in path]


def test_without_a_network_it_says_so(tmp_path: Path) -> None:
    told = asked_of("http://127.0.0.1:9", tmp_path, "from_pretrained('me/none')")
    assert told[0].startswith("refused: the hub on me/none: ")
