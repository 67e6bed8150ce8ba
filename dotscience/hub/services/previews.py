"""What is in a file, as far as it can be shown safely: a table, a picture, a notebook, a text, or what kind of file it is.

Nothing that a browser could run is ever handed over as such: SVG and HTML are text, and of a notebook only its sources,
its texts and its PNG pictures are taken.
"""

from __future__ import annotations

import base64
import binascii
import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..access import Access
from ..hub import Hub
from . import blobs
from .contents import image_type

__all__ = ["Cell", "Output", "Preview", "preview"]

_MOST_TEXT = 256 * 1024
_MOST_NOTEBOOK = 20 << 20
_MOST_PARTS = 500_000
"""Values in the JSON of a notebook; each takes some hundred bytes once it is read, though it may be written in three."""

_MOST_PICTURE = 4 << 20
_MOST_ROWS, _MOST_COLUMNS, _MOST_CELLS, _MOST_OUTPUTS, _MOST_VALUE = 50, 50, 300, 20, 1000

_TABLES = {"csv": "", "tsv": "\t"}
_BINARY: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet table"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"SQLite format 3\0", "a SQLite database"),
    (b"PK\x03\x04", "a ZIP archive (also: Office documents, NumPy .npz, PyTorch models)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"%PDF-", "a PDF document"),
    (b"ARROW1", "an Arrow file"),
    (b"DSSERIES", "the packed points of a run's series"),
    (b"\x7fELF", "a program or library"),
    (b"\x80\x04", "a Python pickle"),
    (b"\x80\x05", "a Python pickle"),
    (b"\x80\x03", "a Python pickle"),
)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


@dataclass(frozen=True)
class Output:
    """One output of a notebook cell.

    Attributes:
        text: what it printed, or which kinds were left out.
        picture: a PNG, base64; or None.
        is_error: it is a traceback, or was written to stderr.
        is_note: the text is ours.
    """

    text: str = ""
    picture: str | None = None
    is_error: bool = False
    is_note: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell of a notebook; `kind` is `code`, `markdown` or `raw`, `count` its number where it ran."""

    kind: str
    source: str
    count: int | None
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class Preview:
    """What is in a file.

    Attributes:
        kind: `table`, `image`, `notebook`, `text`, `empty`, or `none` where only `note` says what it is.
        size: of the whole file in bytes.
        note: what the reader should know, such as how much is shown.
        media_type: of an image.
        rows: of a table, the first its heads.
        language: of a text, or of a notebook's cells; a word such as `python`.
    """

    kind: str
    size: int
    note: str = ""
    text: str = ""
    media_type: str | None = None
    rows: tuple[tuple[str, ...], ...] = ()
    cells: tuple[Cell, ...] = ()
    language: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def preview(hub: Hub, access: Access, digest: str, name: str) -> Preview:
    """What is in content that the project holds.

    Args:
        name: of the file; its ending says how to read it.

    Raises:
        Problem: 404, the project holds no such content; 422, that is no digest.
    """
    size = blobs.size_of(hub, access, digest)
    if size == 0:
        return Preview("empty", 0, "The file is empty.")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    with hub.blobs.open(digest) as stream:
        if ending == "ipynb" and size <= _MOST_NOTEBOOK:
            found = _notebook(stream.read(_MOST_NOTEBOOK), size)
            if found is not None:
                return found
            stream.seek(0)
        begin = stream.read(_MOST_TEXT)
    media_type = image_type(begin)
    if media_type is not None:
        return Preview("image", size, media_type=media_type)
    what = next((what for magic, what in _BINARY if begin.startswith(magic)), None)
    text = None if what else _text(begin, size > len(begin))
    if text is None:
        return Preview("none", size, f"This is {what or 'a binary file'}; it can be downloaded.")
    if ending in _TABLES:
        rows = _table(text, _TABLES[ending], size > len(begin))
        if rows:
            return Preview("table", size, _table_note(rows), rows=rows)
    cut = f"The first {_MOST_TEXT // 1024} KiB are shown." if size > len(begin) else ""
    return Preview("text", size, cut, _pretty(text, ending, bool(cut)), language=ending)


def _text(raw: bytes, is_cut: bool) -> str | None:
    """The text that the bytes are, or None where they are none."""
    if b"\0" in raw:
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(raw) - 4:
            return raw[: error.start].decode("utf-8-sig")
    text = raw.decode("latin-1")
    odd = sum(1 for each in text[:4096] if ord(each) < 32 and each not in "\t\r\n\f\x1b")
    return text if odd * 50 < len(text[:4096]) else None


def _pretty(text: str, ending: str, is_cut: bool) -> str:
    """JSON on one line, laid out; anything else as it is."""
    if ending != "json" or is_cut or text.count("\n") > 3:
        return text
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def _table(text: str, delimiter: str, is_cut: bool) -> tuple[tuple[str, ...], ...]:
    lines = text.splitlines()
    if is_cut and len(lines) > 1:
        lines.pop()
    if not delimiter:
        head = lines[0] if lines else ""
        delimiter = max(",;\t|", key=head.count)
    rows = []
    try:
        for row in csv.reader(iter(lines), delimiter=delimiter):
            rows.append(tuple(value[:_MOST_VALUE] for value in row[:_MOST_COLUMNS]))
            if len(rows) > _MOST_ROWS:
                break
    except csv.Error:
        return ()
    width = max(map(len, rows), default=0)
    return tuple(row + ("",) * (width - len(row)) for row in rows) if width > 1 or len(rows) > 1 else ()


def _table_note(rows: tuple[tuple[str, ...], ...]) -> str:
    shown = len(rows) - 1
    return f"The first {shown} rows are shown." if shown == _MOST_ROWS else ""


def _notebook(raw: bytes, size: int) -> Preview | None:
    if sum(map(raw.count, (b",", b":", b"[", b"{"))) > _MOST_PARTS:
        return None
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    cells = document.get("cells") if isinstance(document, dict) else None
    if not isinstance(cells, list):
        return None
    shown = tuple(_cell(each) for each in cells[:_MOST_CELLS] if isinstance(each, dict))
    note = f"The first {_MOST_CELLS} of {len(cells)} cells are shown." if len(cells) > _MOST_CELLS else ""
    return Preview("notebook", size, note, cells=shown, language=_language(document))


def _language(document: Mapping[str, Any]) -> str:
    metadata = document.get("metadata")
    spec = metadata.get("kernelspec") if isinstance(metadata, dict) else None
    said = spec.get("language") if isinstance(spec, dict) else None
    return said.lower()[:20] if isinstance(said, str) else "python"


def _cell(cell: Mapping[str, Any]) -> Cell:
    kind, count, outputs = cell.get("cell_type"), cell.get("execution_count"), cell.get("outputs")
    listed = outputs if isinstance(outputs, list) else []
    return Cell(
        kind if kind in ("code", "markdown", "raw") else "raw",
        _joined(cell.get("source"))[:_MOST_TEXT],
        count if isinstance(count, int) else None,
        tuple(shown for each in listed[:_MOST_OUTPUTS] if isinstance(each, dict) for shown in _outputs(each)),
    )


def _outputs(output: Mapping[str, Any]) -> Iterator[Output]:
    kind = output.get("output_type")
    if kind == "stream":
        yield Output(_plain(_joined(output.get("text"))), is_error=output.get("name") == "stderr")
        return
    if kind == "error":
        yield Output(_plain(_joined(output.get("traceback"), "\n")), is_error=True)
        return
    data = output.get("data")
    if not isinstance(data, dict):
        return
    picture = _png(data.get("image/png"))
    if picture is not None:
        yield Output(picture=picture)
    elif "text/plain" in data:
        yield Output(_plain(_joined(data["text/plain"])))
    left_out = [
        name[:80]
        for name in data
        if name not in ("text/plain", "text/markdown") and not (name == "image/png" and picture)
    ]
    if left_out:
        yield Output(f"Not shown here: {', '.join(left_out[:5])}", is_note=True)


def _png(value: object) -> str | None:
    """A PNG in base64 that is one, written anew; None for anything else."""
    packed = _joined(value)
    if not packed or len(packed) > 2 * _MOST_PICTURE:
        return None
    try:
        raw = base64.b64decode("".join(packed.split()), validate=True)
    except (ValueError, binascii.Error):
        return None
    return base64.b64encode(raw).decode() if image_type(raw) == "image/png" else None


def _plain(text: str) -> str:
    """Without the escapes that colour a terminal, and no longer than a page takes."""
    text = _ANSI.sub("", text)
    return text if len(text) <= 20_000 else f"{text[:20_000]}\n… {len(text) - 20_000} more characters"


def _joined(value: object, between: str = "") -> str:
    if isinstance(value, list):
        return between.join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
