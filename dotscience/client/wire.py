"""Requests to one Hub: bounded in time and size, never redirected, and every way they can fail made one of three.

A Hub that answers no, `HubRefusedError` (`AccessError` where it is about the key); anything else but an answer of a Hub,
`HubUnreachableError`: nothing there, too slow, out of order, or something that is no Hub at all.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError, ProtocolError, TimeoutError

from ..errors import AccessError, HubError, HubRefusedError, HubUnreachableError
from ..settings import Settings
from .access import Access
from .timely import TimelyAdapter

__all__ = ["Wire"]

CONNECT = 3.0
"""Seconds for a connection to be made."""

_LARGEST = 16 << 20
"""Bytes of an answer; a Hub never says more to this client."""

_JSON = "application/json"
_BLOCK = 64 << 10
_CONNECTIONS = 8
_LONGEST = 500
_TEMPORARY = (408, 425, 429)


class _Basic(AuthBase):
    """User and key on every request. Made here so that no `.netrc` replaces it, and in UTF-8."""

    def __init__(self, access: Access) -> None:
        from base64 import b64encode

        pair = f"{access.user}:{access.key}".encode("utf-8", "replace")
        token = f"Bearer {access.key}" if access.user is None else f"Basic {b64encode(pair).decode('ascii')}"
        self._header = token.encode("utf-8", "replace")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class Wire:
    """One Hub, asked by one user. All methods may be called from several threads.

    Args:
        timeout: seconds that an answer may take, once its request is sent; the setting `timeout` where None.
        settings: of the workspace; without one, those of the user when None.

    Example:
        >>> Wire(access).ask("GET", "/api/me")
        {'user': {'name': 'ada', 'is_admin': False}, 'key': None}
    """

    def __init__(
        self, access: Access, timeout: float | None = None, settings: Settings | None = None
    ) -> None:
        self.url = access.url
        self._has_name = access.user is not None
        self._auth = _Basic(access)
        self._timeout = (settings or Settings())["timeout"] if timeout is None else timeout
        self._session: requests.Session | None = None
        self._lock = threading.Lock()

    def ask(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        data: bytes | Iterable[bytes] | None = None,
        query: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 0.0,
    ) -> dict[str, Any]:
        """The JSON object that the Hub answers with.

        Whatever breaks off is asked once more, for what is asked here does no harm when it is done twice; not so a body
        that comes in parts, which its sender resumes.

        Args:
            patience: seconds that the answer may take at least, where the Hub has much to do for it.

        Raises:
            HubRefusedError, AccessError: the Hub refuses.
            HubUnreachableError: there is no answer, or none of a Hub.
        """
        bound = max(self._timeout, patience)
        request = {
            "params": query,
            "json": json,
            "data": data,
            "headers": {"Accept": _JSON, **(headers or {})},
        }
        tries = 2 if data is None or isinstance(data, bytes) else 1
        while True:
            tries -= 1
            try:
                return self._ask(method, path, request, bound)
            except HubError:
                raise
            except (requests.ConnectionError, ProtocolError) as error:
                if not tries or isinstance(error, requests.ConnectTimeout):
                    raise HubUnreachableError(f"{self.url}: {_reason(error)}") from None
            except (requests.RequestException, HTTPError, OSError, ValueError) as error:
                raise HubUnreachableError(f"{self.url}: {_reason(error)}") from None

    def _ask(self, method: str, path: str, request: Mapping[str, Any], bound: float) -> dict[str, Any]:
        with self._open().request(
            method,
            self.url + path,
            **request,
            auth=self._auth,
            timeout=(CONNECT, bound),
            allow_redirects=False,
            stream=True,
        ) as response:
            return self._answer(response, _read(response))

    def _answer(self, response: requests.Response, body: bytes) -> dict[str, Any]:
        status = response.status_code
        if 300 <= status < 400:
            where = response.headers.get("Location", "")
            raise HubUnreachableError(
                f"{self.url} does not answer itself, it points to {_short(where)!r}. Keys are not sent after such a hint: "
                f"if your Hub is there, connect to that address."
            )
        said = {} if status == 204 else _object(body)
        if (status >= 500 and status != 501) or status in _TEMPORARY:
            raise HubUnreachableError(
                f"{self.url} cannot serve this now ({status}): {_detail(said, response)}"
            )
        if status == 401:
            raise AccessError(
                f"{self.url} does not accept this {'name and ' if self._has_name else ''}API key: {_detail(said, response)} "
                f"`ds login {self.url}` stores another.",
                status,
                said,
            )
        if status >= 400:
            kind = AccessError if status == 403 else HubRefusedError
            raise kind(_detail(said, response), status, said)
        if said is None:
            raise HubUnreachableError(
                f"What answers at {self.url} is no Hub: it sent no JSON object. Check the address."
            )
        return said

    def _open(self) -> requests.Session:
        with self._lock:
            if self._session is None:
                session = requests.Session()
                session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
                for scheme in ("http://", "https://"):
                    session.mount(scheme, TimelyAdapter(pool_connections=1, pool_maxsize=_CONNECTIONS))
                self._session = session
            return self._session

    def after_fork(self) -> None:
        """Let go of connections that are the parent's."""
        self._lock = threading.Lock()
        self._session = None


def _read(response: requests.Response) -> bytes:
    """The body, as long as it is of a size that a Hub sends."""
    body = bytearray()
    while block := response.raw.read(_BLOCK, decode_content=True):
        body += block
        if len(body) > _LARGEST:
            raise ValueError("the answer is larger than a Hub's ever is")
    return bytes(body)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _detail(said: Mapping[str, Any] | None, response: requests.Response) -> str:
    """What a Hub says went wrong, in words that can be shown."""
    for name in ("detail", "title"):
        words = (said or {}).get(name)
        if isinstance(words, str) and words:
            return _short(words)
    return _short(f"{response.status_code} {response.reason or ''}".strip())


def _short(words: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in words)
    return printable if len(printable) <= _LONGEST else printable[:_LONGEST] + "…"


def _reason(error: Exception) -> str:
    """What happened, without the layers of libraries that pass it on."""
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT:.0f} s"
    if isinstance(error, requests.Timeout | TimeoutError):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return f"the certificate or the encryption is not accepted ({_short(str(_root(error)))})"
    if isinstance(error, requests.ConnectionError):
        return _short(str(_root(error)) or "the connection broke off")
    return _short(str(error))


def _root(error: BaseException) -> BaseException:
    """The error at the bottom of what urllib3 and requests have wrapped around it."""
    seen = 0
    while seen < 10:
        inner = getattr(error, "reason", None) or next(
            (argument for argument in reversed(error.args) if isinstance(argument, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        error, seen = inner, seen + 1
    return error
