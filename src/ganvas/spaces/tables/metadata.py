"""What columns are, as the user says: in a word each, or as SDV's metadata (SINGLE_TABLE_V1 and V1), read and written.

The format: https://docs.sdv.dev/sdv/concepts/metadata/metadata-json
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganvas.errors import InputError, nearest
from ganvas.files import read_json
from ganvas.spaces.tables.columns import Column
from ganvas.spaces.tables.detection import Hint
from ganvas.spaces.tables.fields import Field
from ganvas.spaces.tables.identifiers import Pattern
from ganvas.spaces.tables.space import Table

VERSION = "METADATA_SPEC_VERSION"
SINGLE, SEVERAL = "SINGLE_TABLE_V1", ("V1", "MULTI_TABLE_V1")
KIND_OF = {"numerical": "number", "categorical": "category", "boolean": "boolean", "datetime": "date", "id": "id"}
SDTYPE_OF = {"number": "numerical", "category": "categorical", "ordered": "categorical"} | {
    "boolean": "boolean",
    "date": "datetime",
}


def plain(metadata: object) -> dict[str, Any]:
    """Metadata as a dictionary: none, one, the path of a JSON file, or an object of SDV's.

    Raises InputError for anything else.
    """
    if metadata is None:
        return {}
    if isinstance(metadata, str | Path):
        metadata = read_json(Path(metadata).expanduser())
    elif callable(getattr(metadata, "to_dict", None)):
        metadata = metadata.to_dict()  # type: ignore[attr-defined]
    if not isinstance(metadata, Mapping):
        raise InputError(f"metadata is a {type(metadata).__name__}; give SDV's JSON or {{'column': 'category'}}")
    return dict(metadata)


def hints(metadata: Mapping[str, Any], names: list[str]) -> dict[str, Hint]:
    """What metadata says of the columns ``names``. InputError for an unknown version, kind or column."""
    if VERSION in metadata or isinstance(metadata.get("columns"), Mapping):
        table = single(metadata)
        found = {name: hint(name, said, table) for name, said in table.get("columns", {}).items()}
    else:
        found = {str(name): Hint(str(kind)) for name, kind in metadata.items()}
    for name in found:
        if name not in names:
            raise InputError(f"the metadata names a column '{name}' that the table lacks{nearest(name, names)}")
    return found


def single(metadata: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of SDV's metadata that describes the one table."""
    version = metadata.get(VERSION, SINGLE)
    if version == SINGLE:
        return metadata
    if version not in SEVERAL:
        raise InputError(f"metadata of version {version!r} is not known; give {SINGLE} or V1")
    found = metadata.get("tables", {})
    if len(found) != 1:
        raise InputError(f"the metadata describes {len(found)} tables ({', '.join(found)}); give that of one")
    table: Mapping[str, Any] = next(iter(found.values()))
    return table


def hint(name: str, said: Mapping[str, Any], table: Mapping[str, Any]) -> Hint:
    """What SDV's metadata say of one column. Kinds of personal data (email, ssn …) are ids if they are keys, else free
    text; what is marked as harmless (pii false), or "unknown" without a mark, is left to be found out."""
    sdtype = said.get("sdtype")
    keys = [table.get("primary_key"), table.get("sequence_key"), *(table.get("alternate_keys") or [])]
    order = tuple(map(str, said.get("order") or ()))
    if sdtype == "categorical" and (order or said.get("order_by")):
        return Hint("ordered", order=order)
    if sdtype in KIND_OF:
        return Hint("id" if name in keys else KIND_OF[sdtype], said.get("datetime_format") or "")
    if not isinstance(sdtype, str):
        raise InputError(f"the metadata of column '{name}' has no sdtype; give one, such as 'categorical'")
    if name in keys:
        return Hint("id")
    return Hint("text" if said.get("pii", sdtype != "unknown") else None)


def sdv(space: Table, version: str = "V1", table: str = "table") -> dict[str, Any]:
    """A table's description as SDV's metadata, ``version`` "V1" or "SINGLE_TABLE_V1". InputError for another."""
    if version not in ("V1", SINGLE):
        raise InputError(f"no version '{version}' of metadata; known: V1, {SINGLE}")
    fields = {field.name: field for field in space.fields}
    columns = {column.name: described(column, fields.get(column.name)) for column in space.plain.columns}
    ids = [name for name, said in columns.items() if said["sdtype"] == "id"]
    described_table: dict[str, Any] = {"columns": columns} | ({"primary_key": ids[0]} if ids else {})
    if version == SINGLE:
        return described_table | {VERSION: SINGLE}
    return {"tables": {table: described_table}, "relationships": [], VERSION: "V1"}


def described(column: Column, field: Field | None) -> dict[str, Any]:
    """One column in SDV's words."""
    if column.role == "id":
        return {"sdtype": "id"} | regex(column.pattern or Pattern())
    if column.role == "text":
        return {"sdtype": "unknown", "pii": True}
    if field is None:
        return {"sdtype": "categorical"}
    said: dict[str, Any] = {"sdtype": SDTYPE_OF[field.kind]}
    if field.kind == "ordered":
        said["order"] = column.cells.values() if set(column.cells.types) <= set("sifb") else list(field.classes)
    if field.kind == "date" and column.style not in ("", "date", "datetime"):
        said["datetime_format"] = column.style
    return said


def regex(pattern: Pattern) -> dict[str, str]:
    """The form of ids as a regular expression, where they have one."""
    if pattern.kind == "integer":
        return {}
    if pattern.kind == "uuid":
        return {"regex_format": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"}
    escaped = "".join(f"\\{sign}" if sign in r"\.^$*+?{}[]()|" else sign for sign in pattern.prefix)
    return {"regex_format": f"{escaped}[0-9]{{{max(pattern.width, 1)}}}"}
