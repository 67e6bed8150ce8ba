"""The address of a Hub: one spelling for each, and nothing in it that does not belong there."""

from __future__ import annotations

from urllib.parse import urlsplit

from ..errors import ArgumentError

__all__ = ["hub_address", "page_address"]

_PORTS = {"http": 80, "https": 443}
_LONGEST = 2000


def hub_address(given: str) -> str:
    """The address in its one spelling, without a slash at the end.

    Raises:
        ArgumentError: it is no address of a Hub.

    Example:
        >>> hub_address("HTTPS://Hub.Example.org:443/")
        'https://hub.example.org'
    """
    given = given.strip()
    try:
        parts = urlsplit(given)
        port = parts.port
    except ValueError as error:
        raise ArgumentError(f"{given!r} is no address of a Hub: {error}.") from None
    if parts.scheme not in _PORTS or not parts.hostname or not given.isprintable() or " " in given:
        raise ArgumentError(
            f"{given!r} is no address of a Hub: write it whole, as in https://hub.example.org or http://localhost:8000."
        )
    if parts.username is not None or parts.password is not None:
        raise ArgumentError("The address of a Hub holds no name and no key; give those by themselves.")
    if parts.query or parts.fragment:
        raise ArgumentError(f"{given!r} is no address of a Hub: it ends in a query or a fragment.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    where = host if port in (None, _PORTS[parts.scheme]) else f"{host}:{port}"
    return f"{parts.scheme}://{where}{parts.path.rstrip('/')}"


def page_address(said: object, otherwise: str) -> str:
    """The address of a page as a Hub said it, where that can be shown to people and opened; else the other one."""
    if isinstance(said, str) and len(said) <= _LONGEST and said.isascii() and said.isprintable():
        try:
            parts = urlsplit(said)
        except ValueError:
            return otherwise
        if parts.scheme in _PORTS and parts.hostname and parts.username is None:
            return said
    return otherwise
