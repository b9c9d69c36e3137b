"""The page at /docs: what can be asked, read off the OpenAPI description. Nothing is fetched from anywhere."""

from __future__ import annotations

import html
import json
from typing import Any

STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 54rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin: 2.5rem 0 .25rem; font-size: 1.1rem } h2 code { font-size: 1rem }
.method { display: inline-block; min-width: 3.2rem; font-weight: 600; color: #2a6fdb }
table { border-collapse: collapse; width: 100%; margin: .75rem 0 } td, th { text-align: left; vertical-align: top;
padding: .3rem .75rem .3rem 0; border-top: 1px solid #8884 } code, pre { font: 14px/1.45 ui-monospace, monospace }
pre { padding: .75rem; white-space: pre-wrap; border: 1px solid #8884; border-radius: 6px } small { opacity: .75 }
"""
EXAMPLES = {
    "/v1/models/{name}/generate": "-H 'Content-Type: application/json' -d '{\"n\": 9, \"seed\": 1}' -o samples.png",
    "/v1/models/{name}/interpolate": "-H 'Content-Type: application/json' "
    '-d \'{"samples": [0, 1, 2], "format": "gif"}\' -o way.gif',
    "/v1/models/{name}/edit": "-F picture=@mine.png -F label=… -o edited.png",
}


def page(described: dict[str, Any]) -> str:
    """An OpenAPI description as HTML."""
    schemas = described.get("components", {}).get("schemas", {})
    parts = [
        section(path, method, told, schemas)
        for path, methods in described["paths"].items()
        for method, told in methods.items()
    ]
    title = f"{plain(described['info']['title'])} {plain(described['info']['version'])}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1><p>{plain(described['info']['description'])} "
        'What is not a success is JSON, <code>{"status": …, "error": …}</code>. Where a key is needed, send '
        "<code>Authorization: Bearer KEY</code>. For programs: <a href=openapi.json>openapi.json</a>; for Prometheus: "
        f"<a href=metrics>metrics</a>.</p>{''.join(parts)}</html>"
    )


def section(path: str, method: str, told: dict[str, Any], schemas: dict[str, Any]) -> str:
    """One route."""
    head = f"<h2><span class=method>{method.upper()}</span> <code>{plain(path)}</code></h2>"
    text = f"<p>{plain(told.get('description', ''))}</p>"
    rows = "".join(row(name, one) for name, one in fields(told, schemas).items())
    table = f"<table><tr><th>field<th>what<th>default</tr>{rows}</table>" if rows else ""
    example = f"<pre>curl http://localhost:8000{plain(path)} {plain(EXAMPLES[path])}</pre>" if path in EXAMPLES else ""
    return head + text + table + example


def fields(told: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The fields of a route's body."""
    content = told.get("requestBody", {}).get("content", {})
    for one in content.values():
        name = one["schema"].get("$ref", "").rpartition("/")[2]
        found: dict[str, Any] = schemas.get(name, {}).get("properties", {})
        return found
    return {}


def row(name: str, one: dict[str, Any]) -> str:
    """One field."""
    default = json.dumps(one["default"]) if one.get("default") is not None else ""
    told = {key: value for part in (*one.get("anyOf", ()), one) for key, value in part.items()}
    bounds = [f"{sign} {told[key]:g}" for sign, key in (("≥", "minimum"), ("≤", "maximum")) if key in told]
    limits = f"<small>{' and '.join(bounds)}</small>" if bounds else ""
    what = f"{plain(told.get('description', ''))} {limits}"
    return f"<tr><td><code>{plain(name)}</code><td>{what}<td><code>{plain(default)}</code></tr>"


def plain(text: str) -> str:
    """Text in HTML."""
    return html.escape(str(text))
