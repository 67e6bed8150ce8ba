"""Runs are sent as the settings of their own workspace say."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dotscience.client.connection import connect
from dotscience.client.outbox import Shipment
from dotscience.client.sync import Senders
from dotscience.errors import AccessError, ArgumentError, DotscienceError, HubUnreachableError
from dotscience.records.destination import Wanted
from dotscience.storage.workspace import Workspace

URL = "http://127.0.0.1:9"
SHIPMENT = Shipment(URL, "flowers", None, "ada", None)


def workspace_with(root: Path, **settings: object) -> str:
    Path(Workspace(str(root)).prepare(), "config.json").write_text(json.dumps(settings))
    return str(root)


def test_each_workspace_says_how_its_runs_are_sent(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    senders = Senders("key", environ)
    patient = senders.sender(SHIPMENT, workspace_with(tmp_path / "patient", timeout=77, limit_file="200 GiB"))
    strict = senders.sender(SHIPMENT, workspace_with(tmp_path / "strict", limit_file=5))
    assert (patient.api.wire._timeout, patient._limits.file) == (77, 200 << 30)
    assert (strict.api.wire._timeout, strict._limits.file) == (10, 5)
    with pytest.raises(ArgumentError, match="above zero"):
        senders.sender(SHIPMENT, workspace_with(tmp_path / "wrong", timeout=0))


def test_connecting_heeds_the_workspace_and_what_it_is_given_as_the_environment(tmp_path: Path) -> None:
    wanted = Wanted("ada", "key", "flowers", URL)
    root = workspace_with(tmp_path, timeout=77)
    assert connect(wanted, root, {"HOME": str(tmp_path)})._api.wire._timeout == 77
    said = {"HOME": str(tmp_path), "DOTSCIENCE_TIMEOUT": "5"}
    assert connect(wanted, root, said)._api.wire._timeout == 5


def test_a_key_that_is_refused_stops_its_own_user_only(tmp_path: Path) -> None:
    root = workspace_with(tmp_path)
    senders = Senders("key", {"HOME": str(tmp_path)})
    others = [replace(SHIPMENT, user=user) for user in ("bob", None)]
    refused = AccessError("this key is not accepted", 401)
    senders.give_up(SHIPMENT, refused)
    with pytest.raises(AccessError):
        senders.sender(SHIPMENT, root)
    for other in others:
        assert senders.sender(other, root).api.url == URL
    senders.give_up(others[1], refused)
    assert senders.sender(others[0], root).api.url == URL
    senders.give_up(SHIPMENT, HubUnreachableError("nothing there"))
    for other in others:
        with pytest.raises(DotscienceError):
            senders.sender(other, root)
