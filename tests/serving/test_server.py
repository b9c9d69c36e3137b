"""A real server, in a process of its own: it starts, answers a crowd, and stops as it should."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import numpy as np
import pytest

from ganvas.errors import InputError
from ganvas.exported import Exported
from ganvas.verbs.serve import serve

START = re.compile(r"serving .* at (http://127\.0\.0\.1:\d+);")


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "ganvas", "serve", *arguments, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            lines = []
            for line in process.stderr:
                lines.append(line)
                if found := START.search(line):
                    yield process, found[1]
                    return
            raise AssertionError("".join(lines))
        finally:
            process.kill()


def generate(url: str, **asked: object) -> httpx2.Response:
    return httpx2.post(f"{url}/v1/models/it/generate", json=asked, timeout=60)


def test_what_was_accepted_is_finished_before_it_stops(file: Path) -> None:
    with started(f"it={file}") as (process, url):
        host, port = url.removeprefix("http://").split(":")
        body = json.dumps({"seed": 1}).encode()
        with socket.create_connection((host, int(port))) as half:
            half.sendall(
                b"POST /v1/models/it/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            )
            half.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:4])
            time.sleep(0.3)  # it is inside now
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            refused = generate(url)
            assert refused.status_code == 503
            assert "stopping" in refused.json()["error"]
            half.sendall(body[4:])
            half.settimeout(30)
            answer = b""
            while piece := half.recv(1 << 16):
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"\x89PNG" in answer
        assert process.wait(30) == 0


def test_killed_and_started_again_it_answers_the_same(file: Path) -> None:
    with started(f"it={file}") as (process, url):
        before = generate(url, seed=3, n=5, format="npz").content
        process.kill()
    with started(f"it={file}") as (process, url):
        assert generate(url, seed=3, n=5, format="npz").content == before
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_torch_is_not_loaded_for_a_file(file: Path) -> None:
    code = "import sys; from ganvas.serving import server, models; models.load([sys.argv[1]], 4); print([*sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, str(file)], check=True, capture_output=True, text=True)
    assert "'onnxruntime'" in done.stdout
    assert "'torch'" not in done.stdout


@pytest.mark.slow
def test_a_crowd_gets_what_it_asked_for(file: Path) -> None:
    expected = Exported(file).samples(range(200))[0]
    wrong: list[object] = []

    def client(number: int, url: str, until: float) -> int:
        random, count = np.random.default_rng(number), 0
        with httpx2.Client(timeout=60) as connection:
            while time.monotonic() < until:
                start, n = int(random.integers(0, 190)), int(random.integers(1, 9))
                asked = {"start": start, "n": n, "format": "npz"}
                answer = connection.post(f"{url}/v1/models/it/generate", json=asked)
                count += answer.status_code == 200
                if answer.status_code == 429:
                    continue
                right = answer.status_code == 200 and np.array_equal(
                    np.load(io.BytesIO(answer.content))["samples"], expected[start : start + n]
                )
                if not right:
                    wrong.append((asked, answer.status_code))
        return count

    with started(f"it={file}", "--queue", "100") as (_, url), ThreadPoolExecutor(32) as pool:
        until = time.monotonic() + 5
        counts = list(pool.map(lambda number: client(number, url, until), range(32)))
    assert not wrong
    assert min(counts) > 0


def test_clients_that_hang_up_are_forgotten(file: Path) -> None:
    with started(f"it={file}", "--queue", "64") as (_, url):
        host, port = url.removeprefix("http://").split(":")
        body = b'{"n":64}'
        for _ in range(50):
            with socket.create_connection((host, int(port))) as gone:
                gone.sendall(
                    b"POST /v1/models/it/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + f"Content-Length: {len(body)}\r\n\r\n".encode()
                    + body
                )
        for _ in range(100):
            answer = generate(url)
            if answer.status_code == 200:
                break
            time.sleep(0.1)
        assert answer.status_code == 200


def test_the_port_may_be_taken_and_options_are_checked(file: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen on 127.0.0.1, port {port}"):
            serve(str(file), port=port)
    for name, value in (("port", -1), ("max_n", 0), ("batch", 33), ("queue", 1), ("timeout", 0.0)):
        with pytest.raises(InputError, match="must be from"):
            serve(str(file), **{name: value})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cannot be read"):
        serve(str(file), api_key_file=str(tmp_path / "none"))


def test_other_machines_without_a_key_are_worth_a_warning(file: Path) -> None:
    command = [sys.executable, "-m", "ganvas", "serve", str(file), "--port", "0", "--host", "0.0.0.0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert "no --api-key-file: anyone there can use it" in process.stderr.readline()
        process.kill()


@pytest.mark.slow
def test_fuzzed_requests_meet_no_mistake_of_ours(file: Path, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    settings = tmp_path / "schemathesis.toml"
    settings.write_text('[parameters]\n"path.name" = "it"\n')
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    program = Path(sys.executable).with_name("schemathesis")
    with started(f"it={file}") as (_, url):
        command = [program, "--config-file", settings, "run", f"{url}/openapi.json", "-n", "40", "-c", checks]
        options = ["--phases", "coverage,fuzzing", "--no-shrink", "--seed", "0", "--suppress-health-check", "all"]
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, cwd=tmp_path, env=os.environ, check=False
        )
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_page_lists_the_options_with_their_defaults() -> None:
    text = (Path(__file__).parents[2] / "docs" / "serve.md").read_text("utf-8")
    options = [p for p in inspect.signature(serve).parameters.values() if p.kind is p.KEYWORD_ONLY]
    for option in options:
        assert f"| `--{option.name.replace('_', '-')}` | `{option.default}` |" in text
    assert len(re.findall(r"^\| `--", text, re.M)) == len(options)
