"""Every Hub has one address, and nothing else passes for one."""

import pytest

from dotscience.client.addresses import hub_address, page_address
from dotscience.errors import ArgumentError


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://hub.example.org", "https://hub.example.org"),
        ("https://hub.example.org/", "https://hub.example.org"),
        ("HTTPS://Hub.Example.ORG:443/", "https://hub.example.org"),
        (" http://localhost:8000 ", "http://localhost:8000"),
        ("http://localhost:80", "http://localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://example.org/team/hub/", "https://example.org/team/hub"),
    ],
)
def test_an_address_has_one_spelling(given: str, address: str) -> None:
    assert hub_address(given) == address
    assert hub_address(address) == address


@pytest.mark.parametrize(
    "given",
    [
        "", "hub.example.org", "localhost:8000", "ftp://hub.example.org", "file:///etc/passwd", "https://",
        "https://ada:key@hub.example.org", "https://key@hub.example.org", "https://hub.example.org/?a=b",
        "https://hub.example.org/#a", "http://hub:port", "http://hub:99999", "http://[::1", "http://hub\n.org/x y",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(given: str) -> None:
    with pytest.raises(ArgumentError, match="address of a Hub"):
        hub_address(given)


@pytest.mark.parametrize(
    "said",
    [None, 7, "", "javascript:alert(1)", "data:text/html,x", "//evil.example.org", "https://", "http://a\nb/", "http://[",
     "https://ada:key@hub.example.org/", "https://hub.example.org/" + 3000 * "a"],
)  # fmt: skip
def test_a_page_that_people_could_not_open_safely_is_not_taken_over(said: object) -> None:
    assert page_address(said, "https://hub.example.org/runs/7") == "https://hub.example.org/runs/7"


def test_a_hub_may_be_known_to_people_by_another_address() -> None:
    assert (
        page_address("https://runs.example.org/runs/7", "http://10.0.0.7/runs/7")
        == "https://runs.example.org/runs/7"
    )
