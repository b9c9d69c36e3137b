"""Answer HTTP requests for samples of one or several generators."""

from __future__ import annotations

from ganvas.errors import InputError


def serve(
    *models: str,
    host: str = "127.0.0.1",
    port: int = 8000,
    api_key_file: str | None = None,
    max_n: int = 64,
    batch: int = 32,
    queue: int = 1024,
    timeout: float = 30.0,
    trust: str | None = None,
) -> None:
    """Answer HTTP requests for samples, until it is stopped. The same seed gives the same bytes.

    Args:
        models: run folders or exported files, each as PATH or NAME=PATH.
        host: the address to listen on; 0.0.0.0 is all of them.
        port: where; 0 takes a free one.
        api_key_file: a file with a key in each line; requests must carry one.
        max_n: samples in one request.
        batch: samples made together, from one or several requests.
        queue: samples that may wait for one model; beyond that requests are told to come back.
        timeout: seconds a request may take.
        trust: your own Python file, when a run's network is yours.

    Raises:
        InputError: no such run or file, or it cannot listen there.
    """
    try:
        from ganvas.serving import models as loading
        from ganvas.serving import server
        from ganvas.serving.counted import Counts
        from ganvas.serving.gate import Keys
        from ganvas.serving.service import Limits, Service
    except ImportError as error:
        raise InputError(f"serving needs {error.name}; pip install 'ganvas[serve]'") from None
    for name, value, least, most in (
        ("port", port, 0, 65535),
        ("max-n", max_n, 1, 1024),
        ("batch", batch, 1, 32),
        ("queue", queue, max_n, 1 << 20),
        ("timeout", timeout, 0.1, 3600),
    ):
        if not least <= value <= most:
            raise InputError(f"--{name} {value} must be from {least} to {most}")
    keys = Keys(api_key_file)
    service = Service(loading.load(models, batch, trust), Limits(max_n, queue, timeout), Counts())
    server.run(service, host, port, keys)
