import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.catalog import fitting
from dotscience.catalog.patterns import containing, glob, like
from dotscience.catalog.texts import escape

TEXTS = st.text(st.sampled_from("aab/.\0\ud800\ufdd0é"), max_size=12)


@pytest.fixture(params=[0, 100_000], ids=["read once", "by regular expression"])
def steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_STEPS", request.param)


PATTERNS = st.lists(
    st.sampled_from(["a", "b", "/", ".", "*", "**", "**/", "?", "[ab]", "[!a]", "[\ud800]", "é", "\0"]),
    max_size=9,
).map("".join)


@pytest.mark.usefixtures("steps")
def test_a_text_fits_as_the_regular_expression_says() -> None:
    @given(PATTERNS, TEXTS)
    def check(pattern: str, text: str) -> None:
        found = glob(pattern)
        assert fitting.fits(escape(found.source), escape(text)) == bool(re.search(found.regex, escape(text)))

    check()


@pytest.mark.usefixtures("steps")
def test_like_and_containing_fit_as_their_regular_expressions_say() -> None:
    @given(st.text(st.sampled_from("aab/_%é\0\ud800"), max_size=8), TEXTS)
    def check(pattern: str, text: str) -> None:
        for found in (like(pattern), containing(pattern)):
            assert fitting.fits(escape(found.source), escape(text)) == bool(
                re.search(found.regex, escape(text))
            )

    check()


@pytest.mark.parametrize(
    "pattern", ["*a*a*a*a*a*a*a*a*a/b", "**a**a**a**a**a**a**a**a**ab", "**/**/**/**/**/**/**/**/**/b"]
)
def test_no_pattern_takes_for_ever(pattern: str) -> None:
    for text in ("a" * 5000 + "/x/b", "a/" * 3000 + "c"):
        assert fitting.fits(glob(pattern).source, text) is (pattern.startswith("**/") and text.endswith("/b"))


def test_what_is_missing_fits_nothing_known() -> None:
    assert fitting.fits("glob:*", None) is None
