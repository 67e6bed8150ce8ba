"""What a record refers to: the files of its code, and every blob that it needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from ..errors import CorruptError, NotFoundError
from ..records.files import FileVersion
from ..records.record import Record

__all__ = ["Contents", "Part", "code_files", "packages_of", "parts_of", "text_of"]


Contents: TypeAlias = Callable[[str], BinaryIO]
"""Opens a blob by its digest; raises NotFoundError where it is not there, ValueError where that is no digest."""


class Part(NamedTuple):
    """A blob that a record needs.

    Attributes:
        name: the file's path, or what else it is, such as `uncommitted changes`.
        size: in bytes, or None where the record does not say.
    """

    name: str
    digest: str
    size: int | None


def code_files(record: Record) -> list[FileVersion]:
    """The workload and the local modules that it imported, as far as they were recorded and can be read."""
    listed = record.code.get("modules")
    wires = [record.code.get("workload"), *(listed if isinstance(listed, list) else [])]
    found = []
    for wire in wires:
        if isinstance(wire, dict):
            with suppress(ValueError):  # a record may hold anything there
                found.append(FileVersion.from_json(wire))
    return found


def parts_of(record: Record) -> Iterator[Part]:
    """Every blob that a record says is kept; one may come several times."""
    for version in (*record.inputs, *record.outputs, *code_files(record)):
        if version.kept and version.digest is not None:
            yield Part(version.path, version.digest, version.size)
    for name, place in (
        ("points of the series", record.series.get("blob")),
        ("uncommitted changes", record.git.get("diff")),
        ("installed packages", record.environment.get("packages")),
    ):
        if isinstance(place, dict) and isinstance(place.get("sha256"), str):
            size = place.get("size")
            yield Part(name, place["sha256"], size if isinstance(size, int) else None)


def text_of(digest: object, contents: Contents) -> str | None:
    """A blob's text, or None where it is not kept here or is no digest."""
    if not isinstance(digest, str):
        return None
    try:
        with contents(digest) as stream:
            return stream.read().decode("utf-8", "replace")
    except (NotFoundError, ValueError):
        return None


def packages_of(record: Record, contents: Contents) -> Mapping[str, str] | None:
    """The installed distributions and their versions, or None where they are not known.

    Raises:
        CorruptError: what is kept is no list of packages.
    """
    place: Any = record.environment.get("packages")
    digest = place.get("sha256") if isinstance(place, dict) else None
    written = text_of(digest, contents)
    if written is None:
        return None
    try:
        found = json.loads(written)
    except ValueError as error:
        raise CorruptError(str(digest), "packages", f"not JSON ({error})") from None
    return {name: str(version) for name, version in found.items()} if isinstance(found, dict) else None
