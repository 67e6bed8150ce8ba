"""What this client asks of a Hub, in Python's terms. Answers are checked: what comes over a network may be anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from ..errors import AccessError, HubRefusedError, HubUnreachableError
from .addresses import page_address
from .wire import Wire

__all__ = ["Gap", "HubApi", "Key", "MissingBlobs", "Place"]

_UPLOAD_PATIENCE = 60.0
"""Seconds that a Hub may take at least to store a file, or a record with all that it refers to."""

_MOST_DIGESTS = 1000
_WRITERS = ("owner", "editor")


class Place(NamedTuple):
    """A project of a Hub."""

    id: str
    name: str


class Key(NamedTuple):
    """An API key that a Hub has just made; it is never told again."""

    id: str | None
    key: str


class MissingBlobs(Exception):
    """A record was not taken, because the Hub lacks content that it refers to."""

    def __init__(self, digests: Sequence[str]) -> None:
        super().__init__(f"{len(digests)} blobs are missing")
        self.digests = digests


class Gap(Exception):
    """Bytes were not taken, because the Hub lacks some before them; it has `length`."""

    def __init__(self, length: int) -> None:
        super().__init__(f"only {length} bytes are there")
        self.length = length


class HubApi:
    """A Hub's API. Every method raises HubRefusedError, AccessError and HubUnreachableError as `Wire.ask` does.

    Example:
        >>> HubApi(Wire(access)).me()
        'ada'
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.url = wire.url

    # People and projects

    def me(self) -> str | None:
        """The name of who asks; None where the key opens one project and nothing else."""
        try:
            user = self.wire.ask("GET", "/api/me").get("user")
        except AccessError as error:
            if error.status != 403:
                raise
            return None
        return self._text(user if isinstance(user, dict) else {}, "name")

    def make_key(self, name: str) -> Key:
        """A new API key for who asks, which may be with a password."""
        said = self.wire.ask("POST", "/api/keys", json={"name": name})
        key_id = said.get("id")
        return Key(key_id if isinstance(key_id, str) else None, self._text(said, "secret"))

    def revoke_key(self, key_id: str) -> None:
        """Make an API key worthless."""
        self.wire.ask("DELETE", f"/api/keys/{_quoted(key_id)}")

    def place(self, name: str) -> Place:
        """The project of that name, which is made where there is none.

        Raises:
            AccessError: who asks may not publish there.
        """
        found = self._find(name)
        if found is None or found.get("role") is None:  # none, or one of strangers that anybody may look at
            try:
                found = self.wire.ask("POST", "/api/projects", json={"name": name})
            except HubRefusedError as error:
                # Somebody else may just have made it, or the answer to an earlier request was lost.
                found = self._find(name) if error.status == 409 else None
                if found is None:
                    raise
        if found.get("role") not in _WRITERS:
            raise AccessError(
                f"You may look at the project {name!r} at {self.url} but not publish to it. Ask an owner of it to make you "
                f"an editor, or publish to another project.",
                403,
            )
        return Place(self._text(found, "id"), name)

    def place_there(self, name: str) -> Place | None:
        """The project of that name as it is there, whatever one may do in it; None where there is none."""
        found = self._find(name)
        return None if found is None else Place(self._text(found, "id"), name)

    def _find(self, name: str) -> dict[str, Any] | None:
        """The project of exactly that name; of several, one that can be published to."""
        listed = self.wire.ask("GET", "/api/projects", query={"name": name}).get("projects")
        if not isinstance(listed, list):
            raise self._unfit("projects")
        found = [each for each in listed if isinstance(each, dict) and each.get("name") == name]
        found.sort(key=lambda each: [*_WRITERS, each.get("role")].index(each.get("role")))
        return found[0] if found else None

    # Content

    def missing(self, place: Place, digests: Iterable[str]) -> set[str]:
        """Those of the digests whose content the Hub does not have yet."""
        wanted = list(dict.fromkeys(digests))
        found: set[str] = set()
        for begin in range(0, len(wanted), _MOST_DIGESTS):
            part = wanted[begin : begin + _MOST_DIGESTS]
            said = self.wire.ask("POST", f"{_project(place)}/blobs/missing", json={"digests": part})
            listed = said.get("missing")
            if not isinstance(listed, list):
                raise self._unfit("missing")
            found.update(set(part).intersection(each for each in listed if isinstance(each, str)))
        return found

    def held_of(self, place: Place, digest: str) -> int:
        """How many bytes the Hub kept of an upload that broke off."""
        said = self.wire.ask("GET", f"{_project(place)}/blobs/{digest}/upload")
        return self._count(said, "offset")

    def put_blob(
        self, place: Place, digest: str, data: bytes | Iterable[bytes], offset: int, size: int
    ) -> None:
        """Store content.

        Args:
            data: its bytes from `offset` on; where they come in parts it has a length.
            size: of the whole content.

        Raises:
            Gap: the Hub has another number of bytes of it, or somebody else has sent the same meanwhile.
        """
        headers = {
            "Content-Type": "application/octet-stream",
            "Upload-Offset": str(offset),
            "Upload-Length": str(size),
        }
        try:
            self.wire.ask(
                "PUT",
                f"{_project(place)}/blobs/{digest}",
                data=data,
                headers=headers,
                patience=_UPLOAD_PATIENCE,
            )
        except HubRefusedError as error:
            if error.status == 409:
                held = error.problem.get("offset")
                raise Gap(held if type(held) is int else 0) from None
            raise

    # Runs

    def put_record(self, place: Place, run: str, record: bytes) -> str:
        """Publish a run, and return the address of its page.

        Raises:
            MissingBlobs: content that it refers to has to be sent before.
        """
        said = self._put_document(f"{_project(place)}/runs/{_quoted(run)}", record)
        return page_address(said.get("url"), self.page_of(place, run))

    def put_execution(self, place: Place, execution: str, document: bytes) -> None:
        """Put what `ds run` executed beside runs that it held.

        Raises:
            MissingBlobs: what it printed has to be sent before.
        """
        self._put_document(f"{_project(place)}/executions/{_quoted(execution)}", document)

    def _put_document(self, path: str, document: bytes) -> dict[str, Any]:
        try:
            return self.wire.ask(
                "PUT",
                path,
                data=document,
                headers={"Content-Type": "application/json"},
                patience=_UPLOAD_PATIENCE,
            )
        except HubRefusedError as error:
            listed = error.problem.get("missing")
            if error.status == 409 and isinstance(listed, list):
                raise MissingBlobs([each for each in listed if isinstance(each, str)]) from None
            raise

    def page_of(self, place: Place, run: str) -> str:
        """The address of a run's page."""
        return f"{self.url}/projects/{_quoted(place.id)}/runs/{_quoted(run)}"

    def journal_length(self, place: Place, run: str) -> int:
        """How many bytes the Hub has of the journal of a run in progress."""
        return self._count(self.wire.ask("GET", f"{_project(place)}/runs/{_quoted(run)}/journal"), "length")

    def append(self, place: Place, run: str, kind: str, offset: int, data: bytes) -> int:
        """Add to the `journal` or the `points` of a run in progress, and return how many bytes of it are there now.

        Raises:
            Gap: bytes before `offset` are not there.
        """
        try:
            said = self.wire.ask(
                "PUT",
                f"{_project(place)}/runs/{_quoted(run)}/{kind}",
                data=data,
                query={"offset": offset},
                headers={"Content-Type": "application/octet-stream"},
            )
        except HubRefusedError as error:
            if error.problem.get("reason") == "gap":
                raise Gap(self._count(error.problem, "length")) from None
            raise
        return self._count(said, "length")

    def annotate(self, place: Place, run: str, annotation_id: str, annotation: Mapping[str, Any]) -> None:
        """Put a tag or a note beside a published run."""
        said = {name: annotation[name] for name in ("at", "tag", "untag", "note") if name in annotation}
        self.wire.ask(
            "PUT", f"{_project(place)}/runs/{_quoted(run)}/annotations/{_quoted(annotation_id)}", json=said
        )

    # Answers

    def _text(self, said: Mapping[str, Any], name: str) -> str:
        value = said.get(name)
        if not isinstance(value, str) or not value:
            raise self._unfit(name)
        return value

    def _count(self, said: Mapping[str, Any], name: str) -> int:
        value = said.get(name)
        if type(value) is not int or value < 0:
            raise self._unfit(name)
        return value

    def _unfit(self, name: str) -> HubUnreachableError:
        return HubUnreachableError(
            f"What answers at {self.url} does not speak as a Hub does: {name!r} is not as it must be. Check the address, "
            f"and which version of dotscience the Hub runs."
        )


def _project(place: Place) -> str:
    return f"/api/projects/{_quoted(place.id)}"


def _quoted(part: str) -> str:
    """A part of a path that stays one part, whatever is in it."""
    quoted = quote(part, safe="", errors="surrogatepass")
    return quoted.replace(".", "%2E") if quoted.strip(".") == "" else quoted
