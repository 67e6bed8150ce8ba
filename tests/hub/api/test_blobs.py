"""Content as it is fetched: whole, in part, or not again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ...hub_server import running

PICTURE = b"\x89PNG\r\n\x1a\n and so on"
DIGEST = hashlib.sha256(PICTURE).hexdigest()


@pytest.mark.parametrize("kind", ["/api/projects/{}/blobs/", "/projects/{}/images/"])
def test_content_that_a_client_says_it_has_is_not_sent_again(tmp_path: Path, kind: str) -> None:
    with running(tmp_path) as hub:
        project = hub.project(hub.admin).id
        assert hub.admin.put(f"/api/projects/{project}/blobs/{DIGEST}", data=PICTURE).status_code == 201
        address = kind.format(project) + DIGEST
        for said in (f'"{DIGEST}"', f'W/"{DIGEST}"', f'"other", "{DIGEST}"', "*"):
            answer = hub.admin.get(address, headers={"If-None-Match": said})
            assert (answer.status_code, answer.content) == (304, b""), said
        other = hub.admin.get(address, headers={"If-None-Match": '"other"'})
        assert (other.status_code, other.content) == (200, PICTURE)


def test_content_that_is_gone_is_said_to_be_and_not_where_it_was(tmp_path: Path) -> None:
    with running(tmp_path) as hub:
        project = hub.project(hub.admin).id
        address = f"/api/projects/{project}/blobs/{DIGEST}"
        assert hub.admin.put(address, data=PICTURE).status_code == 201
        hub.hub.blobs.delete(DIGEST)
        assert hub.admin.head(address).status_code == 404
        for path in (address, f"{address}/preview", f"/projects/{project}/images/{DIGEST}"):
            answer = hub.admin.get(path)
            assert (answer.status_code, answer.json()["reason"]) == (404, "content-gone"), path
            assert DIGEST in answer.json()["detail"] and str(tmp_path) not in answer.text
