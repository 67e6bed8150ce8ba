"""What a program printed for a terminal, as the text that a reader would have seen there at the end."""

from __future__ import annotations

import re

__all__ = ["as_text"]

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # titles and links (OSC)
    r"|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?"  # strings for the terminal itself (DCS, SOS, PM, APC)
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and movements (CSI)
    r"|\x1b[ -/]*[0-~]"  # what is left: two or three characters
)


def as_text(raw: bytes) -> str:
    """Bytes as text: without escapes, and of a line that was written over, such as a progress bar, how it ended.

    Other control characters stay: whoever shows the text makes them visible.

    Example:
        >>> as_text(b"\\x1b[32m 10%\\r100%\\x1b[0m\\ndone\\n")
        '100%\\ndone\\n'
    """
    text = _ESCAPES.sub("", raw.decode("utf-8", "replace"))
    if "\r" not in text and "\b" not in text:
        return text
    return "\n".join(_written_over(line) for line in text.split("\n"))


def _written_over(line: str) -> str:
    shown = next((part for part in reversed(line.split("\r")) if part.strip()), "")
    return _backspaced(shown) if "\b" in shown else shown


def _backspaced(line: str) -> str:
    left: list[str] = []
    for each in line:
        if each != "\b":
            left.append(each)
        elif left:
            left.pop()
    return "".join(left)
