"""Tar archives, read as they come and never trusted."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.hub.problems import Problem
from dotscience.hub.protocols.archive import Member, TarReader, tar_header, tar_of

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)


def archive(files: Iterable[tuple[str, bytes]], kind: int = tarfile.PAX_FORMAT) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:", format=kind) as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return written.getvalue()


def special(name: str, kind: bytes, change: Callable[[tarfile.TarInfo], object] = lambda info: None) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:") as tar:
        info = tarfile.TarInfo(name)
        info.type = kind
        change(info)
        tar.addfile(info)
    return written.getvalue()


def read(data: bytes, piece: int = 1 << 20) -> list[tuple[str, bytes]]:
    """All files of an archive that comes in pieces of that length."""
    reader, found = TarReader(), []
    for start in range(0, len(data), piece):
        for part in reader.feed(data[start : start + piece]):
            if isinstance(part, Member):
                found.append((part.name, part.size, bytearray()))
            else:
                found[-1][2].extend(part)
    reader.close()
    assert all(size == len(content) for _, size, content in found)
    return [(name, bytes(content)) for name, _, content in found]


segments = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=60
)
names = st.lists(segments.filter(lambda part: part not in (".", "..")), min_size=1, max_size=4).map("/".join)
contents = st.binary(max_size=1100)


@given(st.lists(st.tuples(names, contents), max_size=4), st.sampled_from(FORMATS[1:]), st.integers(1, 2000))
def test_what_was_packed_is_unpacked_in_pieces_of_any_length(
    files: list[tuple[str, bytes]], kind: int, piece: int
) -> None:
    assert read(archive(files, kind), piece) == files


@given(st.lists(st.tuples(names, contents), max_size=4))
def test_what_is_written_is_read_by_everybody(files: list[tuple[str, bytes]]) -> None:
    parts = [(tar_header(name, len(content)), len(content), [content]) for name, content in files]
    written = b"".join(tar_of(parts))
    with tarfile.open(fileobj=io.BytesIO(written)) as tar:
        found = [(info.name, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]
    assert found == files == read(written)


@given(st.binary(max_size=3000), st.integers(1, 700))
def test_anything_else_is_refused_in_words(data: bytes, piece: int) -> None:
    with pytest.raises(Problem, match="This tar archive is not taken") as raised:
        read(data.ljust(512, b"x"), piece)
    assert raised.value.status == 422


@given(st.data())
def test_a_damaged_archive_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(
        archive([("é" * 80, b"abc"), ("data/b", b"x" * 600)], data.draw(st.sampled_from(FORMATS[1:])))
    )
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] = data.draw(st.integers(0, 255))
    try:
        read(bytes(whole), 700)
    except Problem as problem:
        assert problem.status == 422


@pytest.mark.parametrize("kind", FORMATS)
def test_directories_are_no_files(kind: int) -> None:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w:", format=kind) as tar:
        for name in ("./", "data", "data/deep/"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
    assert read(written.getvalue()) == []


def test_dots_in_a_name_say_nothing() -> None:
    assert read(archive([("./a//./b", b"1")])) == [("a/b", b"1")]


def test_what_follows_the_end_is_passed_over() -> None:
    assert read(archive([("a", b"1")]) + b"more" * 1000, 333) == [("a", b"1")]


HOSTILE = {
    "absolute": (archive([("/etc/passwd", b"")]), "leads out"),
    "parent": (archive([("a/../../b", b"")]), "leads out"),
    "parent in a long name": (archive([("a/" * 80 + "../b", b"")], tarfile.GNU_FORMAT), "leads out"),
    "parent in a pax name": (archive([("é" * 90 + "/../b", b"")]), "leads out"),
    "directory above": (special("..", tarfile.DIRTYPE), "leads out"),
    "symbolic link": (
        special("a", tarfile.SYMTYPE, lambda info: setattr(info, "linkname", "/etc")),
        "a link",
    ),
    "hard link": (special("a", tarfile.LNKTYPE, lambda info: setattr(info, "linkname", "b")), "a link"),
    "character device": (special("a", tarfile.CHRTYPE), "a device"),
    "block device": (special("a", tarfile.BLKTYPE), "a device"),
    "pipe": (special("a", tarfile.FIFOTYPE), "or the like"),
    "old sparse file": (special("a", tarfile.GNUTYPE_SPARSE), "or the like"),
    "sparse file": (
        special("a", tarfile.REGTYPE, lambda info: info.pax_headers.update({"GNU.sparse.major": "1"})),
        "sparse",
    ),
    "no name": (archive([("./.", b"")]), "no name"),
    "long name": (archive([("a" * 1001, b"")]), "more than 1000 characters"),
    "NUL in a pax name": (
        special("a", tarfile.REGTYPE, lambda info: info.pax_headers.update({"path": "a\0b"})),
        "leads out",
    ),
    "a description without end": (
        special("a", tarfile.REGTYPE, lambda info: info.pax_headers.update({"comment": "x" * (2 << 20)})),
        "description",
    ),
    "broken off in a file": (archive([("a", b"x" * 5000)])[:2000], "breaks off"),
    "broken off in a header": (archive([("a", b"1")])[:700], "breaks off"),
    "without an end": (archive([("a", b"1")])[:1024], "breaks off"),
    "nothing": (b"", "breaks off"),
    "gzip": (b"\x1f\x8b" + b"x" * 600, "a header cannot be read"),
}


@pytest.mark.parametrize(("data", "why"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(Problem, match=why) as raised:
        read(data, 1000)
    assert (raised.value.status, raised.value.reason) == (422, "archive")


def test_more_members_than_anybody_needs_are_refused() -> None:
    header = tar_header("a", 0)
    reader = TarReader()
    with pytest.raises(Problem, match="more than 100000 members"):
        for _ in range(101):
            list(reader.feed(header * 1000))
