"""Globs and `like` fit what they say, in the database as in Python."""

import re
import sqlite3

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dotscience.catalog.patterns import ESCAPE, containing, glob, like
from dotscience.catalog.texts import escape

TEXTS = st.text(st.sampled_from("aB/.-%_!*[]\\\n\0\ud800é"), max_size=8)
WILD = st.sampled_from(["*", "**", "**/", "?", "[a-z]", "[!a]", "a", "B", "/", ".", "é", "\ud800", "%", "_"])
GLOBS = st.lists(WILD, max_size=6).map("".join)


@pytest.mark.parametrize(
    "pattern, fits, fits_not",
    [
        ("raw/*.csv", ["raw/a.csv", "raw/.csv"], ["raw/a/b.csv", "raw/a.csv.gz", "RAW/a.csv", "xraw/a.csv"]),
        ("*.csv", ["a.csv"], ["raw/a.csv"]),
        ("**/*.csv", ["a.csv", "raw/a.csv", "raw/x/a.csv"], ["a.csv/b"]),
        ("raw/**", ["raw/a", "raw/a/b"], ["raw", "xraw/a"]),
        ("raw/**/x", ["raw/x", "raw/a/x", "raw/a/b/x"], ["raw/ax", "rawx"]),
        ("part-?.bin", ["part-1.bin", "part-é.bin", "part-\udce9.bin"], ["part-10.bin", "part-/.bin"]),
        ("part-[0-3].bin", ["part-0.bin", "part-3.bin"], ["part-4.bin"]),
        ("part-[!0-3].bin", ["part-4.bin", "part-\udce9.bin"], ["part-0.bin", "part-/.bin"]),
        ("[]].x", ["].x"], ["[.x"]),
        ("[[]*", ["[1]", "["], ["1"]),
        ("[+-9]", ["+", "0"], ["/"]),
        ("[a\udce9]", ["a", "\udce9"], ["b", "\udcea"]),
        ("[!\udce9]", ["a", "\udcea"], ["\udce9"]),
        ("100%_!.txt", ["100%_!.txt"], ["100ab!.txt", "100%_.txt"]),
        ("a\nb*", ["a\nb", "a\nbc"], ["a"]),
    ],
)
def test_glob(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    found = glob(pattern)
    assert [text for text in fits + fits_not if re.search(found.regex, escape(text))] == fits


@pytest.mark.parametrize(
    "pattern, fits, fits_not",
    [
        ("te%", ["test", "te", "te\nst"], ["Test", "ate"]),
        ("%.csv", [".csv", "a.csv", "raw/a.csv"], ["a.csv2"]),
        ("t_st", ["test", "t/st", "t\udce9st"], ["tst", "teest"]),
        (r"100\%", ["100%"], ["100", "1000"]),
        (r"a\\b", ["a\\b"], ["ab", "a\\\\b"]),
        ("", [""], ["a"]),
        ("%", ["", "anything", "\n"], []),
    ],
)
def test_like(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    found = like(pattern)
    assert [text for text in fits + fits_not if re.search(found.regex, escape(text))] == fits


@pytest.mark.parametrize(
    "read, pattern, reason",
    [
        (glob, "raw/[a", "closed by a ]"),
        (glob, "[z-a]", "backwards"),
        (glob, "[a-\udce9]", "ordinary characters"),
        (glob, "*a" * 11, "at most 10 wildcards"),
        (glob, "a" * 1001, "1000 characters"),
        (like, "%a" * 11, "at most 10 wildcards"),
        (like, "a\\", "cannot end with a backslash"),
    ],
)
def test_a_wrong_pattern_says_why(read: object, pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        read(pattern)  # type: ignore[operator]


@given(GLOBS, TEXTS)
@example("**/", "a/")
def test_glob_fits_as_the_plain_algorithm_does(pattern: str, text: str) -> None:
    assert bool(re.search(glob(pattern).regex, escape(text))) == fits(split(pattern), text)


@given(st.sampled_from([glob, like]), GLOBS, TEXTS)
def test_what_fits_also_fits_the_coarse_pattern_and_the_prefix(read: object, pattern: str, text: str) -> None:
    found = read(pattern)  # type: ignore[operator]
    if re.search(found.regex, escape(text)):
        assert text.startswith(found.prefix)
        assert found.literal in (None, text)
        with sqlite3.connect(":memory:") as connection:
            query = "SELECT ? LIKE ? ESCAPE ?"
            assert connection.execute(query, (escape(text), escape(found.coarse), ESCAPE)).fetchone() == (1,)
        connection.close()


@given(TEXTS, TEXTS)
def test_containing(part: str, text: str) -> None:
    assert bool(re.search(containing(part).regex, escape(text))) == (part in text)


def split(pattern: str) -> list[str]:
    return re.findall(r"\*\*/|\*+|\?|\[[^]]+\]|[\s\S]", pattern)


def fits(parts: list[str], text: str) -> bool:
    """A glob, tried part by part."""
    if not parts:
        return not text
    first, *rest = parts
    if first == "**/":
        starts = [0, *(end + 1 for end, character in enumerate(text) if character == "/")]
        return any(fits(rest, text[start:]) for start in starts)
    if first.startswith("*"):
        reach = len(text) if len(first) > 1 else len(text.partition("/")[0])
        return any(fits(rest, text[start:]) for start in range(reach + 1))
    if not text:
        return False
    one = {"?": text[0] != "/", "[a-z]": "a" <= text[0] <= "z", "[!a]": text[0] not in "a/"}
    return one.get(first, text[0] == first) and fits(rest, text[1:])
