"""File versions: what an input or an output was, as far as it was seen.

A digest is of the bytes that were there at the moment the word belongs to: for an input the call, for
an output the publish. Where there is no digest, `unseen` says why; where the bytes were different later,
`changed` says when.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, NamedTuple

from .values import Json

__all__ = ["CHANGES", "UNSEEN", "FileVersion", "is_url"]

UNSEEN: Mapping[str, str] = {
    "missing": "there was no such file",
    "unreadable": "the file could not be read",
    "special": "a socket, pipe or device; nothing was read from it",
    "reference": "a URL; only its address is recorded",
    "changing": "the file was being written while it was read",
    "replaced": "the file had changed before it could be read",
    "unread": "the process ended before the file was read",
    "named": "only its name is known, from a run block; nobody looked at the file",
}
"""Every reason why a file version has no digest, with its meaning."""

CHANGES: Mapping[str, str] = {
    "during": "the file changed between the moment it was recorded and the end of the run",
    "gone": "the file was no longer there at the end of the run",
}
"""Every way in which a file that was seen is known to have changed before the run ended."""


class FileVersion(NamedTuple):
    """What one file was. A named tuple, because runs hold up to millions of them.

    Attributes:
        path: relative to the workspace root and `/`-separated; outside the root it starts with `../`,
            on another drive it is absolute, and a URL stands as it was given. Bytes of a name that are
            not valid UTF-8 are kept as lone surrogates (PEP 383).
        digest: sha256 of the content in hexadecimal, or None where it was not seen.
        size: in bytes, or None where it was not seen.
        mtime: modification time in nanoseconds since the Unix epoch, or None where it was not seen.
        kept: the content is stored as a blob; False means "fingerprint only".
        unseen: None, or a key of `UNSEEN`.
        changed: None, or a key of `CHANGES`.
    """

    path: str
    digest: str | None = None
    size: int | None = None
    mtime: int | None = None
    kept: bool = False
    unseen: str | None = None
    changed: str | None = None

    @property
    def key(self) -> tuple[str, int | None, int | None]:
        """What tells the versions of a run's inputs apart: a file read twice may have been two versions."""
        return (self.path, self.size, self.mtime)

    def to_json(self) -> dict[str, Json]:
        """The wire form: fields that say nothing are left out."""
        wire: dict[str, Json] = {"path": self.path}
        if self.digest is not None:
            wire["sha256"] = self.digest
        if self.size is not None:
            wire["size"] = self.size
        if self.mtime is not None:
            wire["mtime"] = self.mtime
        if self.kept:
            wire["kept"] = True
        if self.unseen is not None:
            wire["unseen"] = self.unseen
        if self.changed is not None:
            wire["changed"] = self.changed
        return wire

    def to_text(self) -> str:
        """The wire form as canonical JSON, for a third of what `json` takes: a record may hold very many of them."""
        path, digest, size, mtime, kept, unseen, changed = self
        return "".join(
            (
                "{" if changed is None else f'{{"changed":{quoted(changed)},',
                '"kept":true,' if kept else "",
                "" if mtime is None else f'"mtime":{mtime},',
                f'"path":{quoted(path)}',
                "" if digest is None else f',"sha256":{quoted(digest)}',
                "" if size is None else f',"size":{size}',
                "}" if unseen is None else f',"unseen":{quoted(unseen)}}}',
            )
        )

    @classmethod
    def from_json(cls, wire: Mapping[str, Any]) -> FileVersion:
        """Inverse of `to_json`.

        Raises:
            ValueError: a field is missing or of the wrong type; the message starts with its name.
        """
        get = wire.get
        path, digest, size, mtime = get("path"), get("sha256"), get("size"), get("mtime")
        kept, unseen, changed = get("kept", False), get("unseen"), get("changed")
        if type(path) is not str:
            raise ValueError("path: must be a text")
        if digest is not None and (type(digest) is not str or len(digest) != 64 or digest.strip(_HEX)):
            raise ValueError(f"sha256: must be 64 hexadecimal digits, not {digest!r}")
        if size is not None and (type(size) is not int or not 0 <= size < _TOO_LARGE):
            raise ValueError(f"size: must be a number of bytes, not {size!r}")
        if mtime is not None and type(mtime) is not int:
            raise ValueError(f"mtime: must be an integer, not {mtime!r}")
        if type(kept) is not bool:
            raise ValueError(f"kept: must be true or false, not {kept!r}")
        for name, word in (("unseen", unseen), ("changed", changed)):
            if word is not None and type(word) is not str:
                raise ValueError(f"{name}: must be a text, not {word!r}")
        return cls(path, digest, size, mtime, kept, unseen, changed)


_HEX = "0123456789abcdef"
_TOO_LARGE = 1 << 63
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def is_url(path: str) -> bool:
    """Whether what was given as a file is a URL, whose content nobody reads."""
    return _URL.match(path) is not None
