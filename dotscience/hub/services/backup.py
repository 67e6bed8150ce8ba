"""A Hub in one file: its database, and the content that the database names.

The file is a tar. First `hub.json` (what this is), then `hub.sqlite`, then `blobs/<2 hex>/<62 hex>`. The database is copied first, so
the content that it names is there already; what is published while the content is copied is in the next backup. A database
on PostgreSQL is copied by its own tool: then the file holds the content alone.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from ...errors import CorruptError, NotFoundError, StateError, UnwritableError
from ...storage.whole import sync_folder
from ..database import head
from ..hub import Hub
from ..store import sweeping

if TYPE_CHECKING:
    from ...storage.blobs import Blobs

__all__ = ["Backup", "Restored", "restore_backup", "write_backup"]

_FORMAT = 1
_BLOB = re.compile("blobs/([0-9a-f]{2})/([0-9a-f]{62})")
_LARGEST_MANIFEST = 1 << 16

Progress = Callable[[int, int], object]


class Backup(NamedTuple):
    """What was written; `missing` are digests that the database names and the store does not have."""

    has_database: bool
    blobs: int
    size: int
    missing: tuple[str, ...]


class Restored(NamedTuple):
    """What was read back."""

    has_database: bool
    blobs: int


def write_backup(hub: Hub, path: str, progress: Progress = lambda done, total: None) -> Backup:
    """Write a backup; the Hub may serve meanwhile. Nothing is left where it fails.

    Args:
        progress: called with how many blobs are done, and how many there are.

    Raises:
        UnwritableError: the file cannot be written.
        StorageError: content cannot be read.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        with tempfile.TemporaryDirectory(prefix=".hub-backup-", dir=folder) as room:
            written = _write(hub, os.path.join(room, "backup"), room, progress)
            os.replace(os.path.join(room, "backup"), path)
            sync_folder(folder)
    except (OSError, sqlite3.Error) as error:
        raise UnwritableError(path, error if isinstance(error, OSError) else str(error)) from error
    return written


def _write(hub: Hub, path: str, room: str, progress: Progress) -> Backup:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # it holds hashes of passwords
    missing, size, done = [], 0, 0
    with os.fdopen(descriptor, "wb") as stream:
        has_database = hub.catalog.engine.dialect.name == "sqlite"
        with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as tar:
            digests = _add_database(hub, tar, os.path.join(room, "hub.sqlite") if has_database else None)
            for digest in digests:
                begin = tar.offset
                try:
                    length = hub.blobs.size(digest)
                    with hub.blobs.open(digest) as blob:
                        _add(tar, f"blobs/{digest[:2]}/{digest[2:]}", blob, length)
                    size += length
                except NotFoundError:
                    missing.append(digest)
                    _take_back(tar, stream, begin)
                done += 1
                progress(done, len(digests))
        stream.flush()
        os.fsync(stream.fileno())
    return Backup(has_database, done - len(missing), size, tuple(missing))


def _add_database(hub: Hub, tar: tarfile.TarFile, copy: str | None) -> list[str]:
    """What the backup begins with, and the digests of the content that belongs to it."""
    manifest: dict[str, Any] = {"format": _FORMAT, "tables": head(), "database": None}
    if copy is None:
        _add_manifest(tar, manifest)
        return list(hub.read(sweeping.every_digest))
    _copy_database(hub, copy)
    with open(copy, "rb") as database:
        _add_manifest(tar, {**manifest, "database": _sha256(database)})
        database.seek(0)
        _add(tar, "hub.sqlite", database, os.path.getsize(copy))
    digests = _digests_in(copy)
    os.unlink(copy)
    return digests


def _add_manifest(tar: tarfile.TarFile, manifest: dict[str, Any]) -> None:
    said = json.dumps(manifest).encode()
    _add(tar, "hub.json", io.BytesIO(said), len(said))


def _sha256(stream: Any) -> str:
    sha = hashlib.sha256()
    while block := stream.read(1 << 20):
        sha.update(block)
    return sha.hexdigest()


def _copy_database(hub: Hub, copy: str) -> None:
    """A copy of the SQLite file as it is at one moment, while others write to it."""
    with closing(sqlite3.connect(copy)) as target, hub.catalog.engine.connect() as connection:
        source = cast(sqlite3.Connection, connection.connection.driver_connection)
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")


def _digests_in(copy: str) -> list[str]:
    from ..database import open_database

    engine = open_database(copy)
    try:
        with engine.connect() as connection:
            return list(sweeping.every_digest(connection))
    finally:
        engine.dispose()


def _add(tar: tarfile.TarFile, name: str, content: Any, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    tar.addfile(member, content)


def _take_back(tar: tarfile.TarFile, stream: BinaryIO, begin: int) -> None:
    """Go back to where a member began whose content went while it was copied: what follows would be taken for the rest of it."""
    stream.seek(begin)
    stream.truncate()
    tar.offset = begin


def restore_backup(
    path: str, database: str, blobs: Blobs, progress: Progress = lambda done, total: None
) -> Restored:
    """Read a backup back; the database comes last, so there is none where something else failed.

    Args:
        path: of a file or a pipe: it is read once, from its beginning to its end.
        database: the SQLite file to make; it must not be there. "" where the database is on PostgreSQL.
        progress: called with how many bytes of the file are read, and how many there are; of a pipe, 0.

    Raises:
        StateError: there is a database already, or the file is for another kind of Hub.
        CorruptError: the file is no backup, or is damaged.
        UnwritableError: something cannot be written.
    """
    if database and os.path.exists(database):
        raise StateError(f"There is a Hub in {database} already. Restore into an empty folder: --data DIR.")
    total, count, found = os.path.getsize(path), 0, None
    with _reading(path) as tar:
        digest = _manifest(path, tar.next(), tar)
        if bool(digest) != bool(database):
            other = "a SQLite file" if digest else "PostgreSQL, whose database pg_restore brings back"
            raise StateError(f"{path} is of a Hub on {other}. Restore it into such a one.")
        with _drafted(database) as draft:
            for member in _members(tar):
                content = _content(path, member, tar)
                if member.name == "hub.sqlite" and database:
                    found = _fill(draft, content)
                else:
                    _restore_blob(path, member.name, content, blobs)
                    count += 1
                progress(member.offset_data + member.size, total)
            if found != digest:
                raise CorruptError(path, "hub.sqlite", "is missing or damaged")
            if database:
                _settle(draft, database)
    return Restored(digest is not None, count)


@contextmanager
def _reading(path: str) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, mode="r|") as tar:
            yield tar
    except tarfile.TarError as error:
        raise CorruptError(path, "", f"is no whole backup ({error})") from None


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """What follows, one after the other; raises TarError where the mark at the end of an archive is missing."""
    while (member := tar.next()) is not None:
        yield member
    # tarfile takes a cut between two members for the end
    if tar.fileobj is not None and tar.fileobj.tell() == tar.offset:
        raise tarfile.ReadError("unexpected end of data")


def _manifest(path: str, member: tarfile.TarInfo | None, tar: tarfile.TarFile) -> str | None:
    """The digest of the database, if the backup holds one."""
    if member is None or member.name != "hub.json" or member.size > _LARGEST_MANIFEST:
        raise CorruptError(path, "hub.json", "is not where a backup begins with it")
    try:
        manifest = json.loads(_content(path, member, tar).read())
        known, tables, digest = manifest["format"], manifest["tables"], manifest["database"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise CorruptError(path, "hub.json", "cannot be read") from None
    if known != _FORMAT or not isinstance(tables, str) or tables > head():
        raise StateError(f"{path} is of a newer version of dotscience. Upgrade, and restore it then.")
    return None if digest is None else str(digest)


def _content(path: str, member: tarfile.TarInfo, tar: tarfile.TarFile) -> Any:
    content = tar.extractfile(member) if member.isreg() else None
    if content is None:
        raise CorruptError(path, member.name[:200], "is no plain file")
    return content


@contextmanager
def _drafted(database: str) -> Iterator[str]:
    """A file beside the database, which does not stay; "" where there is none."""
    if not database:
        yield ""
        return
    folder = os.path.dirname(os.path.abspath(database))
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=".restoring-", dir=folder)
        os.close(descriptor)
        try:
            yield draft
        finally:
            os.unlink(draft)
    except OSError as error:
        raise UnwritableError(database, error) from error


def _fill(draft: str, content: Any) -> str:
    """Write the database; its digest."""
    sha = hashlib.sha256()
    with open(draft, "wb") as stream:
        while block := content.read(1 << 20):
            sha.update(block)
            stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())
    return sha.hexdigest()


def _settle(draft: str, database: str) -> None:
    os.link(draft, database)  # not over one that somebody made meanwhile
    sync_folder(os.path.dirname(os.path.abspath(database)))


def _restore_blob(path: str, name: str, content: Any, blobs: Blobs) -> None:
    found = _BLOB.fullmatch(name)
    if found is None:
        raise CorruptError(path, name[:200], "belongs to no backup")
    digest = found[1] + found[2]
    if blobs.put_file(content) != digest:
        raise CorruptError(path, name, "holds other bytes than its name says")
