"""The files of a dot as its S3-like API lists them, as JSON or XML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from ..store.entries import Entry
from ..times import iso_of

__all__ = ["Listing", "Question", "list_files"]

_UNFIT = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML cannot hold."""


@dataclass(frozen=True)
class Question:
    """What is asked for.

    Attributes:
        prefix: of the paths.
        most: items on a page; `page` counts from 0.
        is_flat: only what lies directly below the prefix's directory.
        has_directories: directories are items too.
    """

    prefix: str = ""
    most: int = 100
    page: int = 0
    is_flat: bool = False
    has_directories: bool = False


@dataclass(frozen=True)
class Item:
    """A file or a directory."""

    key: str
    size: int
    modified: int
    is_directory: bool


@dataclass(frozen=True)
class Listing:
    """A page of items; `total` counts those of all pages."""

    items: list[Item]
    total: int

    def to_json(self, name: str, question: Question) -> dict[str, Any]:
        """As JSON; `name` is the dot's."""
        contents = [
            {
                "key": item.key,
                "last_modified": iso_of(item.modified),
                "size": item.size,
                "directory": item.is_directory,
            }
            for item in self.items
        ]
        return {"name": name, "prefix": question.prefix, "contents": contents, "total_results": self.total}

    def to_xml(self, name: str, question: Question) -> bytes:
        """As XML."""
        root = ElementTree.Element("ListBucketResult")
        is_more = self.total > (question.page + 1) * question.most
        for tag, value in (
            ("Name", name),
            ("Prefix", question.prefix),
            ("MaxKeys", str(question.most)),
            ("IsTruncated", str(is_more).lower()),
        ):
            _add(root, tag, value)
        for item in self.items:
            contents = ElementTree.SubElement(root, "Contents")
            _add(contents, "Key", item.key)
            _add(contents, "LastModified", iso_of(item.modified))
            _add(contents, "Size", str(item.size))
        found: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
        return found


def list_files(entries: Iterable[Entry], question: Question) -> Listing:
    """A page of what there is.

    Args:
        entries: those whose paths have the prefix, by path. They are looked at one by one and not kept.
    """
    first, items, total = question.page * question.most, [], 0
    for item in _items(entries, question):
        if first <= total < first + question.most:
            items.append(item)
        total += 1
    return Listing(items, total)


def _items(entries: Iterable[Entry], question: Question) -> Iterator[Item]:
    home = question.prefix.rpartition("/")[0]
    depth = home.count("/") + 1 if home else 0
    seen: set[str] = set()
    for entry in entries:
        parts = entry.path.split("/")
        deepest = min(len(parts) - 1, depth + 1) if question.is_flat else len(parts) - 1
        if question.has_directories:
            for count in range(depth + 1, deepest + 1):
                directory = "/".join(parts[:count])
                if directory not in seen:
                    seen.add(directory)
                    yield Item(directory, 0, entry.modified, True)
        if not question.is_flat or len(parts) == depth + 1:
            yield Item(entry.path, entry.size, entry.modified, False)


def _add(parent: ElementTree.Element, tag: str, value: str) -> None:
    ElementTree.SubElement(parent, tag).text = _UNFIT.sub("\ufffd", value)
