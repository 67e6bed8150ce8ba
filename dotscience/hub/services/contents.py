"""Content that a project holds, opened by its digest: knowing a digest alone opens nothing."""

from __future__ import annotations

import re
from typing import BinaryIO

from ...catalog.parts import Contents
from ...errors import NotFoundError
from ..hub import Hub
from ..store import holdings

__all__ = ["contents_of", "image_type", "is_digest"]

_DIGEST = re.compile("[0-9a-f]{64}")
_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def contents_of(hub: Hub, project: str, largest: int | None = None) -> Contents:
    """What opens the content that a project holds, which the asker may view.

    Args:
        largest: bytes; larger content counts as not there.
    """

    def open_blob(digest: str) -> BinaryIO:
        if not is_digest(digest):  # records may say anything
            raise ValueError("that is no digest")
        size = hub.read(lambda connection: holdings.holds(connection, project, digest))
        if size is None or (largest is not None and size > largest):
            raise NotFoundError(f"The project holds no content {digest[:64]!r} that can be shown.")
        return hub.blobs.open(digest)

    return open_blob


def is_digest(text: str) -> bool:
    """Whether a text is a digest."""
    return _DIGEST.fullmatch(text) is not None


def image_type(begin: bytes) -> str | None:
    """The media type of a picture that a browser may show, told by its first bytes; None for anything else."""
    for magic, media_type in _IMAGES:
        if begin.startswith(magic):
            return media_type
    return "image/webp" if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP" else None
