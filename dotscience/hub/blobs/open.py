"""Chooses the store that a setting names."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ...errors import ArgumentError, DotscienceError, UnwritableError
from ...storage.blobs import Blobs, LocalBlobs
from ...storage.whole import sync_folder

__all__ = ["open_blobs"]

_SCHEMES = ("s3", "gs", "az")


def open_blobs(place: str, options: Mapping[str, str] | None = None) -> Blobs:
    """The store of blobs at a place.

    Args:
        place: a folder, `s3://bucket/prefix`, `gs://bucket/prefix` or `az://container/prefix`.
        options: of an object store: its endpoint and credentials, named like the environment variables that
            are looked at where one is missing here, such as `AWS_ENDPOINT_URL` and `AWS_ALLOW_HTTP`.

    Raises:
        ArgumentError: the place is none of these, or an option is unknown.
        UnwritableError: the folder cannot be made.

    Example:
        >>> blobs = open_blobs("s3://team/blobs", {"AWS_REGION": "eu-west-1"})
    """
    scheme, separator, rest = place.partition("://")
    if not separator:
        return _folder(place)
    if scheme not in _SCHEMES or not rest.strip("/"):
        known = ", ".join(f"{name}://…" for name in _SCHEMES)
        raise ArgumentError(f"Blobs cannot be kept in {place}: it must be a folder or one of {known}")
    try:
        from .objects import ObjectBlobs
    except ImportError as error:
        raise DotscienceError(f"Blobs in {place} need obstore: pip install 'dotscience[s3]'") from error
    return ObjectBlobs(place, options)


def _folder(path: str) -> LocalBlobs:
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)  # also where others may read the folder that it is in
        sync_folder(os.path.dirname(os.path.abspath(path)))
    except OSError as error:
        raise UnwritableError(path, error) from error
    return LocalBlobs(path, durable=True)
