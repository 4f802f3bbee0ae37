"""The readable page of the platform's API, made from its OpenAPI document."""

from __future__ import annotations

from html import escape
from typing import Any


def page(document: dict[str, Any]) -> str:
    """HTML without script: every operation with its parameters, what it takes and what it gives."""
    info, schemas = document["info"], document["components"]["schemas"]
    operations = "".join(
        _operation(method, path, operation, schemas)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    types = "".join(_schema(name, schema) for name, schema in sorted(schemas.items()))
    return f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(info["title"])}</title>
<link rel="stylesheet" href="/static/tokens.css">
<link rel="stylesheet" href="/static/reference.css">
<main>
<h1>{escape(info["title"])}</h1>
<p>Version {escape(info["version"])}. {escape(info["description"])}
The same for programs: <a href="/v1/openapi.json">openapi.json</a>.</p>
<h2>Operations</h2>
{operations}
<h2>Types</h2>
{types}
</main>
</html>"""


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    rows = [
        f"<tr><th scope=row><code>{escape(one['name'])}</code><td>{one['in']}<td>{escape(one.get('description', ''))}</tr>"
        for one in operation["parameters"]
    ]
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]["schema"]
        rows.append(f"<tr><th scope=row>takes<td colspan=2>{_type(content)}</tr>")
    for status, response in operation["responses"].items():
        given = response.get("content", {}).get("application/json", {}).get("schema")
        rows.append(f"<tr><th scope=row>{status}<td colspan=2>{_type(given) if given else 'nothing'}</tr>")
    return (
        f'<section><h3><span class="method">{method.upper()}</span> <code>{escape(path)}</code></h3>'
        f"<p>{escape(operation['summary'])}</p><table>{''.join(rows)}</table></section>"
    )


def _schema(name: str, schema: dict[str, Any]) -> str:
    about = f"<p>{escape(schema.get('description', ''))}</p>"
    if "enum" in schema:
        return f'<section id="{escape(name)}"><h3>{escape(name)}</h3><p>{_type(schema)}</p></section>'
    rows = "".join(
        f"<tr><th scope=row><code>{escape(field)}</code><td>{_type(kind)}"
        f"<td>{'required' if field in schema.get('required', ()) else ''}</tr>"
        for field, kind in schema.get("properties", {}).items()
    )
    return f'<section id="{escape(name)}"><h3>{escape(name)}</h3>{about}<table>{rows}</table></section>'


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(one))}</code>" for one in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    bounds = ", ".join(
        f"{word} {schema[key]}"
        for key, word in (("minLength", "at least"), ("maxLength", "at most"), ("minimum", "from"), ("maximum", "to"))
        if key in schema
    )
    return escape(str(schema.get("type", "any"))) + (f" ({bounds})" if bounds else "")
