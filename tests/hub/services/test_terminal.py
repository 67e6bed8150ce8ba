"""What a program printed for a terminal, as a reader would have seen it there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.hub.services.terminal import as_text


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        (b"epoch 1\nepoch 2\n", "epoch 1\nepoch 2\n"),
        (b"\x1b[1;32mgreen\x1b[0m", "green"),
        (b"\x1b]0;a title\x07text", "text"),
        (b"\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bPq#0;2;0;0;0\x1b\\picture", "picture"),
        (b"\x1b(Bcharset\x1b7", "charset"),
        (b"\x1b[2J\x1b[1;1Hcleared", "cleared"),
        (b"\x1b]never ended\nnext", "\nnext"),
        (b"  0%\r 50%\r100%\ndone\n", "100%\ndone\n"),
        (b" 50%\r100%\r\n", "100%\n"),
        (b"\r 99%\r100%\x1b[K\r", "100%"),
        (b"windows\r\nlines\r\n", "windows\nlines\n"),
        (b"|\b/\b-\bdone\n", "done\n"),
        (b"\b\b\bat the edge", "at the edge"),
        ("Größe 4 µm ≈ ∞".encode(), "Größe 4 µm ≈ ∞"),
        (b"not utf-8: \xff\xfe", "not utf-8: \ufffd\ufffd"),
    ],
)
def test_text_is_as_it_stood_there_at_the_end(printed: bytes, shown: str) -> None:
    assert as_text(printed) == shown


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n")))
def test_plain_text_is_left_alone(text: str) -> None:
    assert as_text(text.encode()) == text


@given(
    st.lists(
        st.sampled_from([b"\x1b", b"[", b"]", b"0;1", b"m", b"\r", b"\b", b"\n", b"a", b"\x9b", b"P", b"\\"])
    )
)
def test_no_escape_and_no_return_is_left_of_anything(parts: list[bytes]) -> None:
    shown = as_text(b"".join(parts))
    assert "\r" not in shown and "\b" not in shown
    assert "\x1b[0;1m" not in shown
