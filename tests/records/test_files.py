"""File versions keep what is known of a file, and refuse what cannot be one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.records.files import CHANGES, UNSEEN, FileVersion

DIGEST = "0123456789abcdef" * 4


@given(
    st.builds(
        FileVersion,
        st.text(),
        st.none() | st.just(DIGEST),
        st.none() | st.integers(0, (1 << 63) - 1),
        st.none() | st.integers(),
        st.booleans(),
        st.none() | st.sampled_from(sorted(UNSEEN)),
        st.none() | st.sampled_from(sorted(CHANGES)),
    )
)
def test_a_version_comes_back_as_it_was(version: FileVersion) -> None:
    assert FileVersion.from_json(version.to_json()) == version


def test_what_says_nothing_is_left_out() -> None:
    assert FileVersion("a").to_json() == {"path": "a"}


def test_versions_of_one_path_are_told_apart_by_size_and_time() -> None:
    assert FileVersion("a", None, 1, 2).key == FileVersion("a", DIGEST, 1, 2, kept=True).key
    assert len({FileVersion("a", None, size, mtime).key for size in (1, 2) for mtime in (1, 2)}) == 4


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("path", None),
        ("path", 1),
        ("sha256", ""),
        ("sha256", DIGEST.upper()),
        ("sha256", DIGEST[1:] + "g"),
        ("sha256", 1),
        ("size", -1),
        ("size", True),
        ("size", 1.0),
        ("size", 1 << 63),
        ("mtime", "1"),
        ("mtime", 1.5),
        ("kept", 1),
        ("unseen", True),
        ("changed", {}),
    ],
)
def test_a_wrong_field_is_named(field: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        FileVersion.from_json({"path": "a", field: wrong})
