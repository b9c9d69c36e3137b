"""What is answered over HTTP, to those who ask well and to those who do not."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.testclient import TestClient

import ganvas as gan
from ganvas.errors import InputError
from ganvas.exported import Exported
from ganvas.run import Run
from ganvas.serving.app import application
from ganvas.serving.counted import Counts
from ganvas.serving.gate import BODY_BYTES, JSON_BYTES, Gate, Keys, hostname, local
from ganvas.serving.models import Served, load
from ganvas.serving.page import page
from ganvas.serving.service import Limits, Service

GENERATE, WAY, EDIT = (f"/v1/models/file/{what}" for what in ("generate", "interpolate", "edit"))


@contextmanager
def serving(models: dict[str, Served], limits: Limits | None = None, **how: Any) -> Iterator[TestClient]:
    gate = application(
        Service(models, limits or Limits(), Counts()), how.get("keys", Keys(None)), how.get("hosts", frozenset())
    )
    with TestClient(gate, raise_server_exceptions=False) as client:
        client.gate = gate
        yield client


@pytest.fixture(scope="module")
def models(file: Path, run: Run) -> dict[str, Served]:
    return load([str(file), str(run.path)], 32)


@pytest.fixture(scope="module")
def client(models: dict[str, Served]) -> Iterator[TestClient]:
    with serving(models) as made:
        yield made


def picture(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def error(answer: Any, status: int) -> str:
    """What a refusal says; all have one shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.json().keys() == {"status", "error"}
    assert answer.json()["status"] == status
    told: str = answer.json()["error"]
    return told


def test_a_sample_is_that_of_the_run(client: TestClient, run: Run) -> None:
    for seed, start in ((0, 0), (5, 123456), (2**63 - 1, 2**31 - 1)):
        answer = client.post(GENERATE, json={"seed": seed, "start": start})
        raw, labels = run.samples([start], seed)
        assert np.abs(picture(answer.content).astype(int) - raw[0, :, :, 0]).max() <= 1
        assert json.loads(answer.headers["ganvas-labels"]) == run.space.labels.names(labels)


def test_same_seed_same_bytes_whoever_else_asks(client: TestClient) -> None:
    def asked(number: int) -> tuple[int, bytes]:
        seed = number % 10
        n = 1 + number % 5
        return seed * 100 + n, client.post(GENERATE, json={"seed": seed, "n": n, "format": "npz"}).content

    alone = dict(asked(number) for number in range(10))
    with ThreadPoolExecutor(16) as pool:
        for key, content in pool.map(asked, range(200)):
            assert content == alone[key]
    samples = [
        np.load(io.BytesIO(client.post(GENERATE, json={"n": n, "format": "npz"}).content))["samples"]
        for n in (1, 3, 64)
    ]
    assert np.array_equal(samples[2][:3], samples[1])
    assert np.array_equal(samples[1][:1], samples[0])
    metrics = client.get("/metrics").text
    assert "ganvas_batch_samples_sum" in metrics


def test_formats(client: TestClient, run: Run) -> None:
    raw, labels = run.samples(range(3), 1, "7")
    for form, media in (("png", "image/png"), ("jpeg", "image/jpeg"), ("webp", "image/webp")):
        one = client.post(GENERATE, json={"seed": 1, "label": 7, "format": form})
        assert one.headers["content-type"] == media
        assert picture(one.content).shape[:2] == (8, 8)
        grid = client.post(GENERATE, json={"seed": 1, "label": 7, "format": form, "n": 3})
        assert picture(grid.content).shape[:2] == (np.asarray(run.space.show(raw, 2)).shape[:2])
        assert picture(client.post(GENERATE, json={"format": form, "grid": True}).content).shape[0] > 8
    found = np.load(io.BytesIO(client.post(GENERATE, json={"seed": 1, "label": "7", "n": 3, "format": "npz"}).content))
    assert np.abs(found["samples"].astype(int) - raw).max() <= 1
    assert found["labels"].tolist() == labels[:, 0].tolist() == [7, 7, 7]
    answer = client.post(GENERATE, json={"seed": 1, "label": [7, 3], "n": 2, "start": 9, "format": "zip"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert file.namelist() == ["00009.png", "00010.png", "labels.json"]
        assert json.loads(file.read("labels.json")) == ["7", "3"]
        assert picture(file.read("00009.png")).shape == (8, 8)
    assert (
        answer.content
        == client.post(GENERATE, json={"seed": 1, "label": [7, 3], "n": 2, "start": 9, "format": "zip"}).content
    )


def test_latents_of_ones_own(client: TestClient, file: Path) -> None:
    made = Exported(file)
    z = made.prior.latents(4, range(2))[0].astype(float).tolist()
    own = client.post(GENERATE, json={"z": z, "label": [1, 2], "format": "npz"}).content
    seeded = client.post(GENERATE, json={"seed": 4, "n": 2, "label": [1, 2], "format": "npz"}).content
    assert own == seeded
    assert "has 64 numbers, and one of z has 2" in error(client.post(GENERATE, json={"z": [[1, 2]]}), 422)
    assert "leave n out" in error(client.post(GENERATE, json={"z": z, "n": 5}), 422)


def test_truncation_is_each_requests_own(client: TestClient, run: Run) -> None:
    narrow = np.load(io.BytesIO(client.post(GENERATE, json={"n": 4, "truncation": 0.3, "format": "npz"}).content))
    assert np.abs(narrow["samples"].astype(int) - run.samples(range(4), 0, None, 0.3)[0]).max() <= 1


def test_a_way_begins_and_ends_at_its_samples(client: TestClient) -> None:
    def way(**asked: Any) -> np.ndarray:
        found = client.post(WAY, json={"samples": [3, 8], "seed": 2, "label": 5, "format": "npz", **asked})
        made: np.ndarray = np.load(io.BytesIO(found.content))["samples"]
        return made

    ends = np.load(
        io.BytesIO(client.post(GENERATE, json={"seed": 2, "start": 3, "n": 6, "label": 5, "format": "npz"}).content)
    )["samples"]
    found = way(steps=6)
    assert len(found) == 7
    assert np.array_equal(found[[0, -1]], ends[[0, -1]])
    assert not np.array_equal(found[3], ends[0])
    there_and_back = way(steps=4, loop=True)
    assert len(there_and_back) == 8
    assert np.array_equal(there_and_back[[0, 4]], ends[[0, -1]])
    assert np.array_equal(way(label=[5, 5]), way())
    gif = Image.open(io.BytesIO(client.post(WAY, json={"samples": [1, 2, 3], "steps": 3, "format": "gif"}).content))
    assert gif.n_frames == 7
    assert picture(client.post(WAY, json={"samples": [1, 2]}).content).ndim >= 2
    assert "pictures on the way" in error(client.post(WAY, json={"samples": [1, 2], "steps": 64}), 422)
    assert "give one for each" in error(client.post(WAY, json={"samples": [1, 2], "label": [1, 2, 3]}), 422)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"n": 65}, "1 to 64 are possible in one request, and these are 65"),
        ({"n": 0}, "n: Input should be greater than or equal to 1"),
        ({"n": "3"}, "n: Input should be a valid integer"),
        ({"n": True}, "n: Input should be a valid integer"),
        ({"n": 1.5}, "n: Input should be a valid integer"),
        ({"seed": -1}, "seed: "),
        ({"seed": 2**63}, "seed: "),
        ({"start": 2**31}, "start: "),
        ({"nn": 1}, "nn: Extra inputs are not permitted"),
        ({"label": "eleven"}, "no label 'eleven' in column 'class'"),
        ({"label": 10}, "no label '10'"),
        ({"label": [1, 2, 3]}, "label lists 3 and there are 1 samples"),
        ({"label": "x" * 201}, "label: expected text of 200 letters"),
        ({"label": {"class": 1}}, "label: expected"),
        ({"truncation": 0.01}, "truncation: "),
        ({"truncation": 1e9}, "truncation: "),
        ({"format": "gif"}, "format: Input should be 'png'"),
        ({"format": "csv"}, "file has no format csv; it has png, jpeg, webp, npz, zip"),
        ({"n": 2, "grid": False}, "ask for zip, npz or a grid"),
        ({"z": []}, "z: List should have at least 1 item"),
        ({"z": [["1"]]}, "z.0.0: Input should be a valid number"),
        ({"z": [[1e3] * 64]}, "z.0.0: Input should be less than or equal to 100"),
        ({"z": [[None] * 64] * 3}, "z.0.0: Input should be a valid number"),
        ([], "body: "),
        (None, "body: "),
    ],
)
def test_wrong_requests_are_told_why(client: TestClient, body: object, told: str) -> None:
    assert told in error(client.post(GENERATE, json=body), 422)


def test_hostile_bodies(client: TestClient) -> None:
    as_json = {"content-type": "application/json"}
    for body in ('{"n":NaN}', '{"z":[[Infinity]]}', '{"truncation":1e999}', '{"n":1e999}', "{", '"', '{"n":1}x'):
        error(client.post(GENERATE, content=body, headers=as_json), 422)
    for body in (
        '{"z":' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"n":' + "9" * 5000 + "}",
        "\xff\xfe",
        '{"label":"\\ud800"}',
    ):
        assert client.post(GENERATE, content=body.encode("latin-1"), headers=as_json).status_code in (400, 422)
    assert "z.0: " in error(client.post(GENERATE, content='{"z":[' + "1," * 900_000 + "1]}", headers=as_json), 422)
    long = b'{"z":[' + b"1," * JSON_BYTES
    assert "too long" in error(client.post(GENERATE, content=long, headers=as_json), 413)
    pieces = (b" " * (1 << 16) for _ in range(BODY_BYTES >> 10))
    assert "too long" in error(client.post(GENERATE, content=pieces, headers=as_json), 413)  # no Content-Length
    error(client.post(GENERATE, content=b'{"n":1}', headers={"content-type": "text/plain"}), 422)
    error(client.post(GENERATE, content=b"{}", headers={"content-length": "-5"}), 400)


def test_paths_models_and_methods_that_are_not_there(client: TestClient) -> None:
    assert "did you mean 'file'?" in error(client.post("/v1/models/fle/generate", json={}), 404)
    error(client.get("/v1/models/..%2F..%2Fetc%2Fpasswd"), 404)
    error(client.get(f"/v1/models/{'x' * 65}"), 422)
    error(client.get("/etc/passwd"), 404)
    error(client.delete(GENERATE), 405)
    assert 'route="other"' in client.get("/metrics").text
    assert "passwd" not in client.get("/metrics").text


def test_what_is_known_of_models(client: TestClient) -> None:
    told = {one["name"]: one for one in client.get("/v1/models").json()}
    assert told.keys() == {"file", "digits"}
    assert told["file"] == client.get("/v1/models/file").json()
    assert told["file"]["shape"] == [1, 8, 8]
    assert told["file"]["labels"] == [{"name": "class", "classes": [str(i) for i in range(10)]}]
    assert told["file"]["max_n"] == 64
    assert [told[name]["editable"] for name in ("file", "digits")] == [False, True]


def test_the_pages(client: TestClient) -> None:
    assert client.get("/health").json() == {"status": "ok", "models": []}
    assert client.get("/ready").json() == {"status": "ok", "models": ["file", "digits"]}
    told = client.get("/openapi.json").json()
    html = client.get("/docs").text
    assert "http" not in html.replace("http://localhost:8000", "")  # nothing is fetched
    for path in told["paths"]:
        assert f"<code>{path}</code>" in html
    for field in told["components"]["schemas"]["Generate"]["properties"]:
        assert f"<code>{field}</code>" in html
    hostile = page({"info": {"title": "<script>", "version": "", "description": ""}, "paths": {}})
    assert "<script" not in hostile
    metrics = client.get("/metrics").text
    assert 'ganvas_requests_total{route="/health",status="200"} 1.0' in metrics
    assert "ganvas_request_seconds_bucket" in metrics
    assert 'ganvas_samples_waiting{model="file"} 0.0' in metrics


def test_keys(models: dict[str, Served], tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# mine\n" + "a" * 20 + "\n\n" + "b" * 20 + "\n")
    with serving(models, keys=Keys(path)) as client:
        assert "an API key is needed" in error(client.post(GENERATE, json={}), 401)
        assert client.get("/v1/models").headers["www-authenticate"] == "Bearer"
        for headers in (
            {"authorization": "Bearer " + "a" * 20},
            {"authorization": "bearer " + "b" * 20},
            {"x-api-key": "b" * 20},
        ):
            assert client.post(GENERATE, json={}, headers=headers).status_code == 200
        for headers in (
            {"authorization": "a" * 20},
            {"x-api-key": "# mine"},
            {"x-api-key": ""},
            {"x-api-key": "ä" * 20},
        ):
            error(client.get("/metrics", headers={k: v.encode("latin-1") for k, v in headers.items()}), 401)
        for open_ in ("/health", "/ready", "/docs", "/openapi.json"):
            assert client.get(open_).status_code == 200
    for text in ("", "# none\n", "short\n"):
        path.write_text(text)
        with pytest.raises(InputError, match="letters or more in each line"):
            Keys(path)
    with pytest.raises(InputError, match="cannot be read"):
        Keys(tmp_path / "none")


def test_hosts(models: dict[str, Served]) -> None:
    with serving(models, hosts=frozenset({"localhost", "::1"})) as client:
        for host in ("localhost", "localhost:8000", "LOCALHOST:1", "[::1]:8000"):
            assert client.get("/health", headers={"host": host}).status_code == 200
        for host in ("evil.example", "evil.example:8000", "localhost.evil.example", ""):
            assert "answers to" in error(client.get("/health", headers={"host": host}), 421)
    assert [local(host) for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9")] == [True] * 4
    assert [local(host) for host in ("0.0.0.0", "10.0.0.1", "example.org", "::")] == [False] * 4
    assert hostname("A.b:80") == "a.b"


class Held:
    """An exported generator whose samples wait."""

    def __init__(self, made: Exported) -> None:
        self.made, self.go, self.begun, self.count = made, threading.Event(), threading.Event(), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.made, name)

    def raw(self, given: dict[str, np.ndarray], size: int = 16) -> np.ndarray:
        self.begun.set()
        assert self.go.wait(60)
        self.count += len(given["z"])
        return self.made.raw(given, size)


def test_a_full_queue_says_when_to_come_back(file: Path) -> None:
    held = Held(Exported(file))
    with serving({"file": Served("file", held, (1,))}, Limits(4, 4)) as client, ThreadPoolExecutor(4) as pool:  # type: ignore[arg-type]
        first = pool.submit(client.post, GENERATE, json={})
        assert held.begun.wait(60)
        waiting = pool.submit(client.post, GENERATE, json={"n": 4})
        while 'waiting{model="file"} 4.0' not in client.get("/metrics").text:
            pass
        refused = client.post(GENERATE, json={})
        assert "try again in 1 s" in error(refused, 429)
        assert refused.headers["retry-after"] == "1"
        held.go.set()
        assert first.result().status_code == waiting.result().status_code == 200
        assert client.post(GENERATE, json={}).status_code == 200


def test_what_takes_too_long_is_dropped(file: Path) -> None:
    held = Held(Exported(file))
    with serving({"file": Served("file", held, (1,))}, Limits(4, 40, 0.3)) as client:  # type: ignore[arg-type]
        assert "not done after 0.3 s" in error(client.post(GENERATE, json={}), 504)
        assert "not done after 0.3 s" in error(client.post(GENERATE, json={"n": 4}), 504)
        held.go.set()
        assert client.post(GENERATE, json={}).status_code == 200
        assert held.count == 2  # the four were never made


def test_a_mistake_of_ours_is_told_plainly(file: Path) -> None:
    held = Held(Exported(file))
    held.raw = lambda given, size: 1 / 0  # type: ignore[method-assign, assignment]
    with serving({"file": Served("file", held, (1,))}) as client:  # type: ignore[arg-type]
        told = error(client.post(GENERATE, json={}), 500)
        assert "not with your request" in told
        assert "zero" not in told


def test_while_it_stops_it_takes_nothing_new(models: dict[str, Served]) -> None:
    with serving(models) as client:
        gate: Gate = client.gate
        gate.stopping = True
        assert "stopping" in error(client.post(GENERATE, json={}), 503)
        assert client.get("/ready").headers["retry-after"] == "5"
        assert client.get("/health").json()["status"] == "stopping"


def sent(content: bytes, **form: str) -> dict[str, Any]:
    return {"files": {"picture": ("../../x.png", content)}, "data": form}


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "png")
    return buffer.getvalue()


def test_a_picture_is_edited(client: TestClient, run: Run) -> None:
    raw = run.samples([0], 0, "3")[0][0, :, :, 0]
    path = EDIT.replace("file", "digits")
    answer = client.post(path, **sent(png(raw), label="5", search="5", pictures="3", format="npz"))
    assert answer.status_code == 200, answer.text
    found = np.load(io.BytesIO(answer.content))["samples"]
    assert found.shape == (5, 8, 8, 1)  # target, inversion, three on the way
    assert np.array_equal(found[0, :, :, 0], raw)
    assert float(answer.headers["ganvas-inversion-error"]) < 0.5
    large = client.post(path, **sent(png(np.zeros((300, 200, 4), np.uint8)), label="5", search="0"))
    assert picture(large.content).shape == (8, 8)


def test_what_cannot_be_edited(client: TestClient) -> None:
    path, good = EDIT.replace("file", "digits"), png(np.zeros((8, 8), np.uint8))
    assert "serve the run itself" in error(client.post(EDIT, **sent(good, label="5")), 409)
    assert "one of the two" in error(client.post(path, **sent(good)), 422)
    assert "one of the two" in error(client.post(path, **sent(good, label="1", by="class=2")), 422)
    assert "no label" in error(client.post(path, **sent(good, label="eleven")), 422)
    assert "picture: Field required" in error(client.post(path, data={"label": "5"}), 422)
    noise, bomb = png(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)), io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(bomb, "png")
    for hostile in (
        b"",
        b"no picture",
        noise[: len(noise) // 2],
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 100,
        bomb.getvalue(),
        b"%!PS-Adobe",
    ):
        assert "the picture cannot be read" in error(client.post(path, **sent(hostile, label="5")), 422)
    for wrong in ({"search": "401"}, {"pictures": "0"}, {"strength": "nan"}, {"strength": "21"}, {"format": "gif"}):
        error(client.post(path, **sent(good, label="5", **wrong)), 422)
    error(client.post(path, **sent(b"x" * (BODY_BYTES + 1), label="5")), 413)


@pytest.mark.slow
def test_rows_of_a_table_and_points(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"city": ["Bonn", "Kiel", "Ulm"] * 40, "age": range(120), "low": range(120), "high": range(5, 125)}
    )
    rows.to_csv(tmp_path / "rows.csv", index=False)
    table = gan.train(
        str(tmp_path / "rows.csv"), run=tmp_path / "table", rounds=2, quiet=True, constraints="low <= high"
    )
    ring = gan.train("ring", run=tmp_path / "ring", rounds=2, quiet=True)
    with serving(load([str(table.path), str(ring.path)], 8)) as client:
        asked = "/v1/models/{}/generate".format
        told = client.post(asked("table"), json={"n": 20, "seed": 1})
        assert told.status_code == 200, told.text
        made = told.json()["samples"]
        assert len(made) == 20
        assert list(made[0]) == ["city", "age", "low", "high"]
        assert all(row["low"] <= row["high"] for row in made)
        text = client.post(asked("table"), json={"n": 20, "seed": 1, "format": "csv"})
        assert text.headers["content-type"].startswith("text/csv")
        assert pd.read_csv(io.BytesIO(text.content))["city"].tolist() == [row["city"] for row in made]
        points = client.post(asked("ring"), json={"n": 5}).json()["samples"]
        assert np.allclose(points, ring.samples(range(5))[0], atol=1e-3)
        assert picture(client.post(asked("ring"), json={"n": 5, "format": "png"}).content).shape == (512, 512, 3)
        assert "this model makes none" in error(
            client.post("/v1/models/ring/interpolate", json={"samples": [1, 2]}), 422
        )
        error(client.post("/v1/models/ring/edit", **sent(b"", label="1")), 409)
