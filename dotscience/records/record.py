"""The record: the immutable published document of a run, version 1 of our own format.

On disk a record is one line of canonical JSON (sorted keys, no spaces, ASCII). Its `seal` is the
sha256 of the same document without the seal, so an altered record is noticed by whoever reads it.
docs/formats.md lists every field.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..errors import CorruptError
from .files import FileVersion
from .times import iso, parse_iso
from .values import Json, Stored, is_stored, text

__all__ = ["ARTEFACT", "RECORD_VERSION", "STATUSES", "Record", "canonical", "seal_of"]

RECORD_VERSION = 1
ARTEFACT = "artefact:"
"""A label of this prefix declares a model; the rest of the label's name is the model's."""

STATUSES = ("completed", "failed", "crashed", "killed")
"""What became of a published run: as it should; with an error set; ended by an exception; ended from outside."""


@dataclass(frozen=True)
class Record:
    """One published run. Times are UTC; paths are as `FileVersion.path` says."""

    id: str
    status: str
    published: datetime
    started: datetime | None = None
    ended: datetime | None = None
    mode: str | None = None
    workload_file: str | None = None
    description: str | None = None
    error: str | None = None
    continues: str | None = None
    corrects: str | None = None
    labels: Mapping[str, Stored] = field(default_factory=dict)
    parameters: Mapping[str, Stored] = field(default_factory=dict)
    metrics: Mapping[str, Stored] = field(default_factory=dict)
    inputs: tuple[FileVersion, ...] = ()
    outputs: tuple[FileVersion, ...] = ()
    series: Mapping[str, Json] = field(default_factory=dict)
    workspace: Mapping[str, Json] = field(default_factory=dict)
    process: Mapping[str, Json] = field(default_factory=dict)
    code: Mapping[str, Json] = field(default_factory=dict)
    git: Mapping[str, Json] = field(default_factory=dict)
    environment: Mapping[str, Json] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    seal: str | None = None

    @property
    def models(self) -> dict[str, Mapping[str, Any]]:
        """The registered models by name: `type`, `version` and `files` of each well-formed artefact label."""
        found: dict[str, Mapping[str, Any]] = {}
        for name, value in self.labels.items():
            if name.startswith(ARTEFACT):
                try:
                    declared = json.loads(text(value))
                except (ValueError, RecursionError):
                    continue
                if isinstance(declared, dict) and isinstance(declared.get("files"), dict):
                    found[name[len(ARTEFACT) :]] = declared
        return found

    def to_json(self) -> dict[str, Json]:
        """The document without its seal: fields that say nothing are left out."""
        return self._without_files() | {
            name: [version.to_json() for version in versions] for name, versions in self._files()
        }

    def _files(self) -> list[tuple[str, tuple[FileVersion, ...]]]:
        return [(name, getattr(self, name)) for name in _FILES if getattr(self, name)]

    def _without_files(self) -> dict[str, Json]:
        wire: dict[str, Json] = {"record": RECORD_VERSION, "id": self.id, "status": self.status}
        for name in _TIMES:
            moment = getattr(self, name)
            if moment is not None:
                wire[name] = iso(moment)
        for name in _TEXTS:
            if getattr(self, name) is not None:
                wire[name] = getattr(self, name)
        for name in _MAPPINGS:
            if getattr(self, name):
                wire[name] = dict(getattr(self, name))
        if self.notices:
            wire["notices"] = list(self.notices)
        return wire

    def to_bytes(self) -> bytes:
        """The sealed document as it is written to disk, ending in a line feed."""
        members = {name: canonical(value) for name, value in self._without_files().items()}
        for name, versions in self._files():
            members[name] = f"[{','.join(map(FileVersion.to_text, versions))}]".encode("ascii")
        body = b"".join(
            part for name in sorted(members) for part in (b',"%s":' % name.encode(), members[name])
        )
        return b'{"seal":"%s"%s}\n' % (seal_of(b"{", memoryview(body)[1:], b"}").encode(), body)

    @classmethod
    def from_bytes(cls, raw: bytes, source: str = "record") -> Record:
        """Read a sealed document.

        Args:
            source: the file's name, for messages.

        Raises:
            CorruptError: not JSON, a field of the wrong type, an unknown version, or a broken seal.
        """
        try:
            wire = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise CorruptError(source, "", f"not JSON ({error})") from None
        if not isinstance(wire, dict):
            raise CorruptError(source, "", "must be a JSON object")
        seal = wire.pop("seal", None)
        if not _is_sealed(raw, wire, seal):
            raise CorruptError(
                source, "seal", "does not match the document: it was altered after it was written"
            )
        return cls.from_json(wire, source, seal)

    @classmethod
    def from_json(cls, wire: Mapping[str, Any], source: str = "record", seal: str | None = None) -> Record:
        """Read a document without a seal, as `to_json` gives it.

        Raises:
            CorruptError: names the field that is wrong.
        """
        if wire.get("record") != RECORD_VERSION:
            raise CorruptError(
                source,
                "record",
                f"version {wire.get('record')!r} is not known here; this dotscience reads version {RECORD_VERSION}",
            )
        values: dict[str, Any] = {"seal": seal}
        for name, read in _READERS.items():
            if name in wire:
                try:
                    values[name] = read(wire[name])
                except (TypeError, ValueError) as error:
                    raise CorruptError(source, name, str(error)) from None
        for name in ("id", "status", "published"):
            if name not in values:
                raise CorruptError(source, name, "is missing")
        return cls(**values)


def canonical(value: Json) -> bytes:
    """Canonical JSON: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def seal_of(*body: bytes | memoryview) -> str:
    """The sha256 of a canonical document, in hexadecimal; it may come in parts, which saves copies of a long one."""
    sha = hashlib.sha256()
    for part in body:
        sha.update(part)
    return sha.hexdigest()


def _is_sealed(raw: bytes, wire: Mapping[str, Any], seal: object) -> bool:
    if not isinstance(seal, str):
        return False
    head = b'{"seal":"%s",' % seal.encode("utf-8", "replace")
    if raw.startswith(head) and seal_of(b"{" + raw[len(head) :].rstrip(b"\n")) == seal:
        return True  # as `to_bytes` wrote it: no need to write it again, which takes longer than all the rest
    try:
        return seal_of(canonical(wire)) == seal
    except (ValueError, RecursionError):  # NaN, or nested too deep: we never wrote that
        return False


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be a text, not {value!r}")
    return value


def _read_mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("must be an object")
    return value


def _read_values(value: object) -> Mapping[str, Any]:
    values = _read_mapping(value)
    for name, each in values.items():
        if not is_stored(each):
            raise TypeError(f"{name!r} must be plain, or have a type and a text")
    return values


def _read_files(value: object) -> tuple[FileVersion, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise TypeError("must be a list of objects")
    return tuple(map(FileVersion.from_json, value))


def _read_texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("must be a list of texts")
    return tuple(map(_read_text, value))


def _read_status(value: object) -> str:
    if value not in STATUSES:
        raise ValueError(f"must be one of {', '.join(STATUSES)}, not {value!r}")
    return str(value)


_TIMES = ("published", "started", "ended")
_TEXTS = ("mode", "workload_file", "description", "error", "continues", "corrects")
_VALUES = ("labels", "parameters", "metrics")
_MAPPINGS = (
    *_VALUES,
    "series",
    "workspace",
    "process",
    "code",
    "git",
    "environment",
)
_FILES = ("inputs", "outputs")
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "id": _read_text,
    "status": _read_status,
    **dict.fromkeys(_TIMES, lambda value: parse_iso(_read_text(value))),
    **dict.fromkeys(_TEXTS, _read_text),
    **dict.fromkeys(_MAPPINGS, _read_mapping),
    **dict.fromkeys(_VALUES, _read_values),
    **dict.fromkeys(_FILES, _read_files),
    "notices": _read_texts,
}
