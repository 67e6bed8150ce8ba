"""Finds run blocks in what a program prints, piece by piece as it comes, however much that is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

__all__ = ["BlockStream", "Found"]

_OPENING = re.compile(rb"\[\[DOTSCIENCE-RUN:([^\[\]\r\n]{1,200})\]\]")
_LONGEST_OPENING = 256
_LARGEST = 256 << 20
"""Bytes after which a block without an end is given up."""


class Found(NamedTuple):
    """A run block: its run's id and its JSON object, or why there is none."""

    run: str
    metadata: Mapping[str, Any] | None
    problem: str = ""


class BlockStream:
    """Finds blocks in bytes that are fed to it. It holds back no more than one unfinished block.

    Example:
        >>> blocks = BlockStream()
        >>> [*blocks.feed(b"epoch 1\\n[[DOTSCIENCE-RUN:a]]{}[[/DOTSC"), *blocks.feed(b"IENCE-RUN:a]]")]
        [Found(run='a', metadata={}, problem='')]
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._run: bytes | None = None
        self._searched = 0

    def feed(self, data: bytes) -> Iterator[Found]:
        """The blocks that end in these bytes, which follow those fed before."""
        self._buffer += data
        return self._scan(is_end=False)

    def finish(self) -> Iterator[Found]:
        """What is left when nothing more comes: blocks without an end, and those that they swallowed."""
        return self._scan(is_end=True)

    def _scan(self, is_end: bool) -> Iterator[Found]:
        buffer = self._buffer
        while True:
            if self._run is None:
                opening = _OPENING.search(buffer)
                if opening is None:
                    del buffer[: 0 if is_end else max(0, len(buffer) - _LONGEST_OPENING)]
                    return
                self._run, self._searched = bytes(opening[1]), 0
                del buffer[: opening.end()]
            closing = b"[[/DOTSCIENCE-RUN:%b]]" % self._run
            end = buffer.find(closing, self._searched)
            if end < 0 and not is_end and len(buffer) <= _LARGEST:
                self._searched = max(0, len(buffer) - len(closing))
                return
            run, self._run = self._run, None
            if end < 0:  # it was torn; another block may have begun since
                yield Found(_text(run), None, "the block has no end")
                continue
            body = bytes(buffer[:end])
            del buffer[: end + len(closing)]
            yield _parse(run, body)


def _parse(run: bytes, body: bytes) -> Found:
    # The same block may have been begun twice, the first time in vain.
    for candidate in (body, body.rpartition(b"[[DOTSCIENCE-RUN:%b]]" % run)[2]):
        try:
            metadata = json.loads(candidate.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            continue
        if isinstance(metadata, dict):
            return Found(_text(run), metadata)
        return Found(_text(run), None, "the block holds no JSON object")
    return Found(_text(run), None, "what stands in the block is not JSON")


def _text(run: bytes) -> str:
    return run.decode("utf-8", "replace")
