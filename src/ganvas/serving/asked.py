"""What clients ask for: every field with its bounds, anything else refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, StrictStr

MOST = 1024  # samples in one request, whatever the server allows
FARTHEST = 100.0  # from 0: numbers of a latent
LONGEST = 200  # letters of a label
MEDIA = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "npz": "application/vnd.numpy.npz",
    "zip": "application/zip",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}

Word = Annotated[StrictStr, Field(max_length=LONGEST)] | StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1, description="sample number i is a function of (seed, i)")]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]
Truncation = Annotated[
    float, Field(ge=0.05, le=8.0, description="less variety, cleaner samples; as `ganvas generate` takes it")
]
Latent = Annotated[
    list[Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]], Field(min_length=1, max_length=16_384, fail_fast=True)
]


class Asked(BaseModel):
    """Strict: no other fields, no text for numbers, no infinities."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Generate(Asked):
    """Samples number ``start`` to ``start + n - 1`` of a seed, or of latents."""

    n: Annotated[int, Field(ge=1, le=MOST, description="how many samples")] = 1
    seed: Seed = 0
    start: Annotated[Number, Field(description="the number of the first sample")] = 0
    label: Annotated[
        Word | Annotated[list[Word], Field(min_length=1, max_length=MOST, fail_fast=True)] | None,
        Field(description="one for all samples, or a list of one for each; without it drawn as in the training data"),
    ] = None
    truncation: Truncation | None = None
    z: Annotated[
        Annotated[list[Latent], Field(min_length=1, max_length=MOST, fail_fast=True)] | None,
        Field(description="latents of your own, one for each sample, in the place of those of the seed"),
    ] = None
    format: Annotated[
        Literal["png", "jpeg", "webp", "npz", "zip", "json", "csv"] | None,
        Field(description="pictures: png (default), jpeg, webp, npz, zip; points: json (default), npz, png; rows: "
              "json (default), csv, npz"),
    ] = None  # fmt: skip
    grid: Annotated[
        bool | None, Field(description="one picture of all samples (default: when there is more than one)")
    ] = None


class Interpolate(Asked):
    """The way from one sample to the next."""

    samples: Annotated[
        list[Number],
        Field(min_length=2, max_length=64, description="numbers of the samples on the way", fail_fast=True),
    ]
    steps: Annotated[int, Field(ge=1, le=MOST, description="from one sample to the next")] = 8
    loop: Annotated[bool, Field(description="also from the last sample back to the first")] = False
    seed: Seed = 0
    label: Annotated[
        Word | Annotated[list[Word], Field(min_length=1, max_length=64, fail_fast=True)] | None,
        Field(description="one for all samples, or a list of one for each: then the condition changes on the way too"),
    ] = None
    truncation: Truncation | None = None
    format: Annotated[
        Literal["png", "jpeg", "webp", "gif", "npz", "zip"] | None,
        Field(description="pictures: png (default), jpeg, webp: all in one picture; gif: a film; npz, zip: each"),
    ] = None


@dataclass(frozen=True)
class Wish:
    """What becomes of a picture: another ``label``, or ``strength`` along an attribute ``by``; in so many pictures from
    what was inverted to the edit, after so many steps of search."""

    label: str | None
    by: str | None
    strength: float
    pictures: int
    search: int


class Problem(BaseModel):
    """What every answer looks like that is no success."""

    status: Annotated[int, Field(description="the status of the answer")]
    error: Annotated[str, Field(description="what was expected, what came, what to do")]


class Column(BaseModel):
    """A column of labels; one without classes holds numbers."""

    name: str
    classes: list[str]


class About(BaseModel):
    """What is known of a model."""

    name: str
    samples: Annotated[str, Field(description="what it makes: images, points or table")]
    shape: Annotated[list[int], Field(description="of one encoded sample: channels, height, width; or a length")]
    labels: list[Column]
    prior: Annotated[dict[str, str | int], Field(description="kind of the latents, and how many numbers each has")]
    truncation: Annotated[str, Field(description="what it does: to latents, to styles, or none")]
    formats: list[str]
    max_n: Annotated[int, Field(description="samples in one request, at the most")]
    editable: Annotated[bool, Field(description="whether pictures can be uploaded and edited")]
    runtime: str
    batch_sizes: list[int]
    figures: Annotated[dict[str, object], Field(description="what it was judged by, with the protocol")]


class State(BaseModel):
    """How the server is."""

    status: Literal["ok", "stopping"]
    models: list[str]
