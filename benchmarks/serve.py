"""What a server stands: many clients, answers that are checked, memory, hostile requests.

    python benchmarks/serve.py load --model RUN|FILE.onnx [--clients 64] [--seconds 60] [--n 1 16] [--rounds 3]
    python benchmarks/serve.py fuzz --model RUN|FILE.onnx [--requests 10000]

``load``: two servers, `ganvas serve` and `ganvas serve --batch 1` (one sample at a time), each a process of its own on
the same cores as the clients, take turns: 64 connections ask for random seeds from 0 to 199 without a pause, and every
answer is compared, byte by byte, with that of the same seed asked alone before. "rate" is samples in a second, "ratio"
the median over the turns of batches to one at a time; "errors" are answers that are neither right nor 429. "cpu_ms" is
the server's processor time for each sample. Memory, in MB, is what the server holds before the clients come and after
they went.
``fuzz``: schemathesis makes requests from the server's own OpenAPI description, right ones and wrong ones; then come
hostile bodies and pictures. "bugs" are answers of 5xx, of unknown statuses or with bodies that are not as described.
Results are appended to benchmarks/results/serve.csv and serve_fuzz.csv.
"""

import argparse
import asyncio
import io
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from record import append, machine

SEEDS = 200


@contextmanager
def served(model, *flags):
    """A server on a free port: (address, process id)."""
    command = [sys.executable, "-m", "ganvas", "serve", f"it={model}", "--port", "0", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            port = None
            for line in process.stderr:
                print(line, end="", file=sys.stderr)
                if found := re.search(r" at http://[^:]+:(\d+);", line):
                    port = int(found[1])
                    break
            if port is None:
                raise SystemExit("the server did not start")
            yield f"http://127.0.0.1:{port}", process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            code = process.wait(60)
            print(process.stderr.read(), end="", file=sys.stderr)
            if code:
                raise SystemExit(f"the server ended with {code}")


def resident(pid):
    """Megabytes of memory that a process holds."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return round(int(found[1]) / 1024, 1)


def burnt(pid):
    """Processor seconds of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def request(n, seed):
    body = json.dumps({"n": n, "seed": seed, "format": "png"}).encode()
    head = (
        "POST /v1/models/it/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def exchange(reader, writer, message):
    """One request over an open connection: status and body."""
    writer.write(message)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head, re.I)[1])
    return int(head[9:12]), await reader.readexactly(length)


async def client(port, messages, expected, until, met, delays, chance):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        seed = chance.randrange(SEEDS)
        begun = time.monotonic()
        status, body = await exchange(reader, writer, messages[seed])
        delays.append(time.monotonic() - begun)
        met["right" if status == 200 and body == expected[seed] else "wrong" if status == 200 else status] += 1
    writer.close()


async def crowd(port, n, clients, seconds):
    """How many answers of each kind, the delays, and the seconds it took."""
    messages = [request(n, seed) for seed in range(SEEDS)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    expected = [(await exchange(reader, writer, message))[1] for message in messages]
    writer.close()
    met, delays, begun = Counter(), [], time.monotonic()
    each = (
        client(port, messages, expected, begun + seconds, met, delays, random.Random(number))
        for number in range(clients)
    )
    await asyncio.gather(*each)
    return met, delays, time.monotonic() - begun


def load(options):
    for n in options.n:
        turns, rows = {"32": [], "1": []}, {}
        with served(options.model) as many, served(options.model, "--batch", "1") as one:
            places = {"32": many, "1": one}
            before = {batch: resident(pid) for batch, (_, pid) in places.items()}
            met = {batch: Counter() for batch in places}
            delays, cpu = {batch: [] for batch in places}, dict.fromkeys(places, 0.0)
            for _ in range(options.rounds):
                for batch, (address, pid) in places.items():
                    port = int(address.rpartition(":")[2])
                    begun = burnt(pid)
                    found, waits, took = asyncio.run(crowd(port, n, options.clients, options.seconds))
                    cpu[batch] += burnt(pid) - begun
                    met[batch] += found
                    delays[batch] += waits
                    turns[batch].append(found["right"] * n / took)
            for batch, (_, pid) in places.items():
                rows[batch] = (before[batch], resident(pid))
        ratios = [many / one for many, one in zip(turns["32"], turns["1"], strict=True)]
        for batch in turns:
            waits = sorted(delays[batch])
            row = {
                "model": options.name or Path(options.model).stem,
                "clients": options.clients,
                "n": n,
                "batch": batch,
                "seconds": options.seconds * options.rounds,
                "answers": met[batch].total(),
                "right": met[batch]["right"],
                "refused": met[batch][429],
                "errors": met[batch].total() - met[batch]["right"] - met[batch][429],
                "rate": round(statistics.median(turns[batch]), 1),
                "ratio": round(statistics.median(ratios), 2),
                "cpu_ms": round(1000 * cpu[batch] / (met[batch].total() * n), 3),
                "median_ms": round(1000 * waits[len(waits) // 2], 1),
                "p99_ms": round(1000 * waits[len(waits) * 99 // 100], 1),
                "memory_before": rows[batch][0],
                "memory_after": rows[batch][1],
                "omp_threads": os.environ.get("OMP_NUM_THREADS", ""),
            }
            print(row, flush=True)
            if not options.dry:
                append("serve.csv", {**row, **machine()})


CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def fuzz(options):
    settings = Path(tempfile.mkdtemp()) / "schemathesis.toml"
    settings.write_text('[parameters]\n"path.name" = "it"\n')
    program, made, bugs, turn = Path(sys.executable).with_name("schemathesis"), 0, 0, 0
    with served(options.model) as (address, pid):
        hostile(address)  # once before, so that what is loaded on demand is there
        before = resident(pid)
        while made < options.requests:
            turn += 1
            command = [program, "--config-file", settings, "run", f"{address}/openapi.json", "-c", CHECKS, "-n", "500"]
            how = ["--phases", "coverage,fuzzing", "--no-shrink", "--seed", str(turn), "--suppress-health-check", "all"]
            found = subprocess.run([*command, *how], capture_output=True, text=True, cwd=settings.parent)
            made += int(re.search(r"(\d+) generated", found.stdout)[1])
            if found.returncode:
                print(found.stdout[-5000:])
                bugs += int(re.search(r"found (\d+) unique failure", found.stdout)[1])
            print(made, bugs, resident(pid), flush=True)
        answers = hostile(address)
        row = {
            "model": options.name or Path(options.model).stem,
            "requests": made,
            "bugs": bugs,
            "hostile": sum(answers.values()),
            "hostile_5xx": sum(count for status, count in answers.items() if status >= 500),
            "memory_before": before,
            "memory_after": resident(pid),
        }
    print(row, answers)
    if not options.dry:
        append("serve_fuzz.csv", {**row, **machine()})


def hostile(address, times=20):
    """How often each status answers bodies and pictures that mean harm."""
    random, picture, bomb = np.random.default_rng(0), io.BytesIO(), io.BytesIO()
    Image.fromarray(random.integers(0, 256, (64, 64, 3), np.uint8)).save(picture, "png")
    Image.new("1", (20_000, 20_000)).save(bomb, "png")
    good = picture.getvalue()
    files = [b"", b"GIF89a", good[:-9], good[:99], bomb.getvalue(), b"%!PS", b"<svg/>", random.bytes(1 << 20)]
    files += [good.replace(b"IDAT", b"ZDAT"), good[:40] + random.bytes(500) + good[540:]]
    bodies = [b"[" * 500_000, b'{"z":' + b"[" * 99_999 + b"]" * 99_999 + b"}", b'{"n":' + b"9" * 9999 + b"}"]
    bodies += [b'{"z":[' + b"[1]," * 400_000 + b"[1]]}", b'{"label":"' + b"x" * 1_000_000 + b'"}', b"\xff" * 999]
    found = Counter()
    for _ in range(times):
        for body in bodies:
            found[sent(f"{address}/v1/models/it/generate", body, "application/json")] += 1
        for file in files:
            head = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="../../etc/x"\r\n\r\n'
            tail = b'\r\n--x\r\nContent-Disposition: form-data; name="label"\r\n\r\n3\r\n--x--\r\n'
            found[sent(f"{address}/v1/models/it/edit", head + file + tail, "multipart/form-data; boundary=x")] += 1
    return found


def sent(url, body, kind):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": kind}), timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["load", "fuzz"])
    parser.add_argument("--model", required=True)
    parser.add_argument("--name")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--n", type=int, nargs="+", default=[1])
    parser.add_argument("--dry", action="store_true", help="print only")
    options = parser.parse_args()
    (load if options.what == "load" else fuzz)(options)


if __name__ == "__main__":
    main()
