"""The run block, version 1: the text form of a record that existing tools parse.

[[DOTSCIENCE-RUN:<id>]]{ JSON, sorted keys, indent 4, ASCII }[[/DOTSCIENCE-RUN:<id>]]
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .files import FileVersion
from .record import Record
from .times import block_time
from .values import Json, text

__all__ = ["block_metadata", "block_text", "find_blocks"]

_OPENING = re.compile(r"\[\[DOTSCIENCE-RUN:([^\[\]\r\n]+)\]\]\s*")
_CLOSING = re.compile(r"\s*\[\[/DOTSCIENCE-RUN:([^\[\]\r\n]+)\]\]")
_decode = json.JSONDecoder().raw_decode


def block_metadata(record: Record) -> dict[str, Json]:
    """The run block's JSON object for a record."""
    metadata: dict[str, Json] = {
        "version": "1",
        "input": _paths(record.inputs),
        "output": _paths(record.outputs),
        "labels": _texts(record.labels),
        "parameters": _texts(record.parameters),
        "summary": _texts(record.metrics),
    }
    optional = {
        "description": record.description,
        "error": record.error,
        "start": record.started and block_time(record.started),
        "end": record.ended and block_time(record.ended),
        "workload-file": None if record.mode == "interactive" else record.workload_file,
    }
    return metadata | {key: value for key, value in optional.items() if value is not None}


def block_text(run_id: str | None, metadata: Mapping[str, Json]) -> str:
    """The run block as text, without a line end."""
    body = json.dumps(metadata, sort_keys=True, indent=4)
    return f"[[DOTSCIENCE-RUN:{run_id}]]{body}[[/DOTSCIENCE-RUN:{run_id}]]"


def find_blocks(written: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each (run id, metadata) among other text; a block that is not JSON is passed over.

    Example:
        >>> list(find_blocks('noise [[DOTSCIENCE-RUN:a]]{"version": "1"}[[/DOTSCIENCE-RUN:a]]'))
        [('a', {'version': '1'})]
    """
    place = 0
    while opening := _OPENING.search(written, place):
        place = opening.end()
        try:
            metadata, end = _decode(written, place)
        except (
            ValueError,
            RecursionError,
        ):  # torn, or another process wrote in between: there may be a block inside
            continue
        closing = _CLOSING.match(written, end)
        if isinstance(metadata, dict) and closing is not None and closing[1] == opening[1]:
            place = closing.end()
            yield opening[1], metadata


def _paths(versions: Iterable[FileVersion]) -> list[str]:
    """Each path once, in order; a record has them in order already, which a set would forget."""
    return sorted(dict.fromkeys(version.path for version in versions))


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: text(value) for name, value in values.items()}
