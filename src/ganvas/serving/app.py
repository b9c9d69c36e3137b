"""The routes: what can be asked over HTTP, and what the answers look like."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import FastAPI, File, Form, Path, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from ganvas.errors import InputError
from ganvas.serving.asked import LONGEST, MEDIA, About, Generate, Interpolate, Problem, State, Wish
from ganvas.serving.gate import Gate, Keys
from ganvas.serving.page import page
from ganvas.serving.refused import Gone, RefusedError
from ganvas.version import __version__

if TYPE_CHECKING:
    from ganvas.serving.service import Service

SHOWN = 5  # of the things that are wrong with a request
LABELS = 4096  # bytes of the header that tells the labels
Name = Annotated[str, Path(description="of a model, as /v1/models lists them", max_length=64)]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of answers that are no success."""
    always = (400, 401, 408, 413, 421, 422, 500, 503)
    return {status: {"model": Problem} for status in sorted({*statuses, *always})}


def media(*names: str) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI says of answers in these formats."""
    content = {MEDIA[name].partition(";")[0]: {"schema": {"type": "string", "format": "binary"}} for name in names}
    if "json" in names:
        content["application/json"] = {"schema": {"type": "object"}}
    return {200: {"content": content, "description": "the samples"}}


MAKING: dict[str, Any] = {"response_class": Response}
GENERATED = media("png", "jpeg", "webp", "npz", "zip", "json", "csv") | problems(404, 429, 504)
ON_A_WAY = media("png", "jpeg", "webp", "gif", "npz", "zip") | problems(404, 429, 504)
EDITED = media("png", "jpeg", "webp", "npz", "zip") | problems(404, 409, 429, 504)


def application(service: Service, keys: Keys, hosts: frozenset[str] = frozenset()) -> Gate:
    """The application, behind its gate."""

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        service.open()
        yield
        service.close()

    about = "Samples of trained generators. The same seed gives the same bytes."
    app = FastAPI(
        title="ganvas", version=__version__, description=about, lifespan=living, docs_url=None, redoc_url=None
    )
    gate = Gate(app, service.counts, keys, hosts)
    Routes(service, gate).join(app)
    for kind, answer in (
        (RefusedError, refused),
        (InputError, wrong),
        (StarletteHTTPException, other),
        (Exception, broken),
    ):
        app.add_exception_handler(kind, answer)
    app.add_exception_handler(RequestValidationError, invalid)
    return gate


class Routes:
    """The functions behind the routes."""

    def __init__(self, service: Service, gate: Gate) -> None:
        self.service, self.gate = service, gate

    def join(self, app: FastAPI) -> None:
        """Add them all."""
        one = "/v1/models/{name}"
        app.get("/v1/models", responses=problems(), summary="All models")(self.models)
        app.get(one, responses=problems(404), summary="One model")(self.model)
        app.post(f"{one}/generate", responses=GENERATED, summary="Samples", **MAKING)(self.generate)
        app.post(f"{one}/interpolate", responses=ON_A_WAY, summary="A way between samples", **MAKING)(self.interpolate)
        app.post(f"{one}/edit", responses=EDITED, summary="A picture of your own, changed", **MAKING)(self.edit)
        app.get("/health", summary="Whether the process is alive", responses=problems())(self.health)
        app.get("/ready", summary="Whether requests are taken", responses=problems())(self.ready)
        app.get("/metrics", include_in_schema=False)(self.metrics)

        @app.get("/docs", include_in_schema=False)
        async def docs() -> HTMLResponse:
            policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
            return HTMLResponse(page(app.openapi()), headers={"Content-Security-Policy": policy})

    async def models(self) -> list[About]:
        """What is known of every model."""
        return [About(**self.service.about(name)) for name in self.service.models]

    async def model(self, name: Name) -> About:
        """What is known of a model."""
        return About(**self.service.about(name))

    async def generate(self, name: Name, asked: Generate, request: Request) -> Response:
        """Samples of a seed or of latents. One is a picture, several are a grid, an .npz or a .zip.

        The header ganvas-labels tells the labels, as JSON."""
        content, form, labels = await self.service.generate(name, asked, leaving(request))
        told = json.dumps(labels) if labels else ""
        headers = {"ganvas-labels": told} if 0 < len(told) <= LABELS else None
        return Response(content, media_type=MEDIA[form], headers=headers)

    async def interpolate(self, name: Name, asked: Interpolate, request: Request) -> Response:
        """The way between samples: all in one picture, a film, or each picture alone."""
        content, form = await self.service.interpolate(name, asked, leaving(request))
        return Response(content, media_type=MEDIA[form])

    async def edit(
        self,
        name: Name,
        request: Request,
        picture: Annotated[UploadFile, File(description="a picture file: PNG, JPEG, WebP …")],
        label: Annotated[str | None, Form(max_length=200, description="the label it gets")] = None,
        by: Annotated[str | None, Form(max_length=200, description="… or what it gains, COLUMN=VALUE")] = None,
        strength: Annotated[float, Form(ge=-20, le=20, allow_inf_nan=False, description="how much of it")] = 3.0,
        pictures: Annotated[int, Form(ge=1, le=16, description="on the way; more than 1: a strip")] = 1,
        search: Annotated[int, Form(ge=0, le=400, description="steps of the search for its latent")] = 100,
        format: Annotated[Literal["png", "jpeg", "webp", "npz", "zip"], Form()] = "png",
    ) -> Response:
        """The picture is inverted (its latent is searched for), then that is changed: another label, or more or less of
        an attribute. A strip shows target, inversion and the way to the edit. Models of runs alone can do this."""
        self.service.named(name)
        if (label is None) == (by is None):
            raise InputError("give label, or by=COLUMN=VALUE; one of the two")
        wish = Wish(label, by, strength, pictures, search)
        content, done = await self.service.edit(name, await picture.read(), wish, format, leaving(request))
        return Response(content, media_type=MEDIA[format], headers={"ganvas-inversion-error": f"{done.error:.6f}"})

    async def health(self) -> State:
        """Whether the process is alive; also while it stops."""
        return State(status="stopping" if self.gate.stopping else "ok", models=[])

    async def ready(self) -> State:
        """Whether requests are taken: 503 while the server stops."""
        return State(status="ok", models=list(self.service.models))

    async def metrics(self) -> Response:
        """For Prometheus."""
        return Response(self.service.counts.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def leaving(request: Request) -> Gone:
    """What returns when the client hangs up, once its body has been read."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return gone


def answer(status: int, error: str, headers: Mapping[str, str] | None = None) -> Response:
    """A Problem."""
    return JSONResponse({"status": status, "error": error}, status, headers)


def refused(request: Request, error: Exception) -> Response:
    """Of a request that cannot be fulfilled now."""
    assert isinstance(error, RefusedError)
    return answer(error.status, error.error, error.headers)


def wrong(request: Request, error: Exception) -> Response:
    """Of what this model cannot do."""
    return answer(422, str(error))


def other(request: Request, error: Exception) -> Response:
    """Of what the framework refuses: unknown paths and methods, bodies that cannot be read."""
    assert isinstance(error, StarletteHTTPException)
    said = {
        404: "there is nothing at this path; /docs lists what there is",
        405: "this path has other methods; see /docs",
    }
    said[400] = "the body cannot be read; send JSON with Content-Type: application/json, or a form"
    return answer(error.status_code, said.get(error.status_code, str(error.detail)), error.headers)


def invalid(request: Request, error: Exception) -> Response:
    """Of a request that is not as it must be."""
    assert isinstance(error, RequestValidationError)
    found = list(dict.fromkeys(told(one["loc"], one["msg"]) for one in error.errors()))
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return answer(422, "; ".join(found[:SHOWN]) + more + "; see /docs")


def told(place: tuple[int | str, ...], message: str) -> str:
    """What is wrong at a place in a request, ``z.3.17: …``; of a label in one sentence, for it may be many things."""
    names = [str(part)[:40] for part in place if part != "body"]
    if names[:1] == ["label"]:
        return f"label: expected text of {LONGEST} letters at most, a number, or a list of them"
    return f"{'.'.join(names) or 'body'}: {message}"


def broken(request: Request, error: Exception) -> Response:
    """Of a mistake of ours."""
    return answer(500, "something went wrong here, not with your request; the server's log has it")
