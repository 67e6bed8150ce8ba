"""Blobs in an object store: S3 and what speaks like it, Google Cloud Storage, Azure.

The keys are those of a folder of blobs, `<2 hex>/<62 hex>`, so one can be copied to the other. No store
computes a sha256 and not all know conditional writes; none is needed. A key says what its bytes are, and only
bytes whose digest has been computed here are written to it, so whoever is last writes what is there already.
"""

from __future__ import annotations

import hashlib
import io
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, BinaryIO, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from ...errors import ArgumentError, NotFoundError
from ...storage.blobs import BLOCK, Entry, blob_key, check_range
from ...storage.uploads import check_upload_name
from .failures import reading, reason, writing
from .reader import ObjectReader
from .uploads import PIECE, UPLOADS, ObjectUpload, kept_pieces, name_of, remove_pieces

__all__ = ["ObjectBlobs"]

_OF_THE_CONNECTION = {"allow_http", "allow_invalid_certificates", "connect_timeout", "timeout", "proxy_url"}
"""Options that are not the store's: obstore takes them apart from the others."""

_KEY = re.compile("[0-9a-f]{2}/[0-9a-f]{62}")
_RETRIES: Any = {"max_retries": 5, "retry_timeout": timedelta(seconds=60)}
"""Somebody waits for the answer; a client tries again by itself."""


class ObjectBlobs:
    """Blobs below a URL such as `s3://bucket/prefix`. Its methods do what `Blobs` says of them.

    Args:
        url: see `open_blobs`, which also says what `options` are.

    Raises:
        ArgumentError: the URL or an option is not understood.
    """

    def __init__(self, url: str, options: Mapping[str, str] | None = None) -> None:
        self.url = url.rstrip("/")
        self._store: Any = _connect(self.url, dict(options or {}))

    def has(self, digest: str) -> bool:
        """Whether the blob is there."""
        try:
            self.size(digest)
        except NotFoundError:
            return False
        return True

    def size(self, digest: str) -> int:
        """The blob's size in bytes; raises NotFoundError."""
        key = blob_key(digest)
        try:
            with reading(self.url):
                return int(obstore.head(self._store, key)["size"])
        except FileNotFoundError:
            raise self._missing(digest) from None

    def open(self, digest: str) -> BinaryIO:
        """The blob's bytes, fetched a MiB at a time as they are read; raises NotFoundError."""
        reader = io.BufferedReader(
            ObjectReader(lambda start, end: self._fetch(digest, start, end), self.size(digest)), BLOCK
        )
        return cast(BinaryIO, reader)

    def read(self, digest: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The blob's bytes from `start` on, in pieces of at most 8 MiB; raises NotFoundError at once.

        Each piece is a request of its own: however slowly they are taken, none of them lasts long.
        """
        check_range(start, length)
        size = self.size(digest)
        end = size if length is None else min(start + length, size)
        return (self._fetch(digest, at, min(at + PIECE, end)) for at in range(start, end, PIECE))

    def put_bytes(self, data: bytes) -> str:
        """Store bytes and return their digest; raises UnwritableError."""
        digest = hashlib.sha256(data).hexdigest()
        with writing(self.url):
            obstore.put(self._store, blob_key(digest), data, use_multipart=False)
        return digest

    def put_file(self, file: BinaryIO) -> str:
        """Store what a file still has to read and return its digest; raises UnwritableError."""
        sha, upload = hashlib.sha256(), self.upload(uuid.uuid4().hex)
        try:
            while block := file.read(BLOCK):
                sha.update(block)
                upload.write(block)
            upload.commit(sha.hexdigest())
        finally:
            upload.discard()
        return sha.hexdigest()

    def upload(self, name: str) -> ObjectUpload:
        """Begin the upload of that name, or go on where it left off."""
        check_upload_name(name)
        return ObjectUpload(self._store, self.url, name)

    def upload_offset(self, name: str) -> int:
        """How many bytes are kept of the upload of that name."""
        check_upload_name(name)
        with reading(self.url):
            return sum(kept_pieces(self._store, name))

    def group_size(self, group: str) -> int:
        """How many bytes are kept of all uploads of a group."""
        check_upload_name(group)
        pieces = self._list(f"{UPLOADS}/{group}")
        return sum(
            int(item["size"]) for item in pieces if (name_of(item["path"]) or "").startswith(f"{group}/")
        )

    def stale_uploads(self, before: float) -> Iterator[str]:
        """The names of uploads that nobody wrote to since then, in seconds since the Unix epoch."""
        newest: dict[str, float] = {}
        for item in self._list(UPLOADS):
            if name := name_of(item["path"]):
                newest[name] = max(newest.get(name, 0.0), item["last_modified"].timestamp())
        yield from sorted(name for name, modified in newest.items() if modified < before)

    def sweep(self, before: float) -> int:
        """Remove uploads that nobody wrote to since then; return how many there were."""
        stale = list(self.stale_uploads(before))
        for name in stale:
            with writing(self.url):
                remove_pieces(self._store, name)
        return len(stale)

    def delete(self, digest: str) -> None:
        """Remove the blob; nothing happens where there is none."""
        key = blob_key(digest)
        with writing(self.url):
            try:
                obstore.delete(self._store, key)
            except FileNotFoundError:  # some stores say so, others do not
                return

    def entries(self) -> Iterator[Entry]:
        """All blobs."""
        for item in self._list():
            if _KEY.fullmatch(item["path"]):
                digest = item["path"].replace("/", "")
                yield Entry(digest, item["size"], item["last_modified"].timestamp())

    def __iter__(self) -> Iterator[str]:
        """The digests of all blobs."""
        return (entry.digest for entry in self.entries())

    def _list(self, folder: str | None = None) -> Iterator[Any]:
        listing = iter(obstore.list(self._store, folder))
        while True:
            with reading(self.url):
                items = next(listing, None)
            if items is None:
                return
            yield from items

    def _fetch(self, digest: str, start: int, end: int) -> bytes:
        try:
            with reading(self.url):
                return bytes(obstore.get_range(self._store, blob_key(digest), start=start, end=end))
        except FileNotFoundError:
            raise self._missing(digest) from None

    def _missing(self, digest: str) -> NotFoundError:
        return NotFoundError(
            f"There is no blob {digest} in {self.url}: the content was never sent here, or it was removed. "
            f"Send it again from a workspace that kept it.",
            digest=digest,
        )


def _connect(url: str, options: dict[str, str]) -> Any:
    client = {}
    for name in list(options):
        plain = name.lower().partition("_")[2]
        if plain in _OF_THE_CONNECTION:
            client[plain] = options.pop(name)
    extra = {"config": options} if options else {}
    try:
        return cast(Any, from_url)(url, client_options=client or None, retry_config=_RETRIES, **extra)
    except (BaseError, ValueError) as error:
        raise ArgumentError(
            f"Blobs cannot be kept in {url}: {reason(error)}. Check the URL and the options."
        ) from error
