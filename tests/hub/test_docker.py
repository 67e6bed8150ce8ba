"""The compose file says what the Hub understands."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from dotscience.settings import SETTINGS

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker/compose.yaml").read_text()
IMAGE = (ROOT / "Dockerfile").read_text()


def test_the_services_wait_for_what_they_need() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    assert services.keys() == {"hub", "database", "objects", "bucket"}
    for name, service in services.items():
        for needed, how in service.get("depends_on", {}).items():
            assert needed in services, f"{name} waits for {needed}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[needed]


def test_every_variable_of_ours_is_a_setting() -> None:
    variables = set(re.findall(r"DOTSCIENCE_\w+", COMPOSE + IMAGE))
    assert variables <= {setting.variable for setting in SETTINGS.values()}


def test_every_secret_must_be_given_and_is_in_the_example() -> None:
    example = (ROOT / "docker/example.env").read_text()
    for name in set(re.findall(r"\$\{(\w+)", COMPOSE)):
        assert re.search(rf"^{name}=", example, re.MULTILINE), f"example.env lacks {name}"
    for secret in ("HUB_APIKEY", "DATABASE_PASSWORD", "OBJECTS_PASSWORD"):
        assert f"${{{secret}:?" in COMPOSE


def test_nothing_is_reached_from_outside_but_the_hub_on_loopback() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    ports = {name: service.get("ports", []) for name, service in services.items()}
    assert {name for name, published in ports.items() if published} == {"hub"}
    assert all(port.startswith("127.0.0.1:") for port in ports["hub"])


def test_the_image_runs_without_privileges() -> None:
    last = IMAGE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!root)\w+", last, re.MULTILINE)
    assert '"/source[hub,postgres,s3]"' in IMAGE
