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
