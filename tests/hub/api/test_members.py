"""Who belongs to a project, and what becomes of a project whose owner leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ...hub_server import Person, RunningHub, running


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    with running(tmp_path) as served:
        yield served


def shared(hub: RunningHub, other: Person) -> str:
    """A project that ada has made and shares with another owner."""
    assert other.user is not None
    here = f"/api/projects/{hub.project(hub.admin, 'flowers').id}"
    owner = hub.admin.put(f"{here}/members/{other.user.name}", json={"role": "owner"})
    assert owner.status_code == 200
    return here


@pytest.mark.parametrize("leaves", [True, False])
def test_a_project_is_another_owners_when_the_one_it_is_named_after_is_none_any_more(
    hub: RunningHub, leaves: bool
) -> None:
    bob = hub.person("bob")
    here = shared(hub, bob)
    if leaves:
        assert hub.admin.delete(f"{here}/members/ada").status_code == 204
    else:
        assert bob.put(f"{here}/members/ada", json={"role": "viewer"}).status_code == 200
    assert bob.get(here).json()["owner"] == "bob"
    assert hub.admin.post("/api/projects", json={"name": "flowers"}).status_code == 201
    (latest, *_) = bob.get(f"{here}/changes").json()["changes"]
    assert latest["detail"] == {"role": None if leaves else "viewer", "owner": "bob"}


def test_an_owner_who_leaves_takes_the_name_of_no_project_from_others(hub: RunningHub) -> None:
    bob = hub.person("bob")
    hub.project(bob, "flowers")
    here = shared(hub, bob)
    refused = hub.admin.delete(f"{here}/members/ada")
    assert (refused.status_code, refused.json()["reason"]) == (409, "taken")
    assert "bob would have two projects 'flowers'" in refused.json()["detail"]
    assert hub.admin.get(here).json()["role"] == "owner"
    assert bob.delete(f"{here}/members/bob").status_code == 204
    assert hub.admin.get(here).json()["owner"] == "ada"
