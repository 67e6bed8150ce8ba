"""The compose file says what the Hub understands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import yaml

from dotscience.hub.blobs.open import open_blobs
from dotscience.settings import SETTINGS

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker/compose.yaml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
HUB, OBJECTS = SERVICES["hub"], SERVICES["objects"]
IMAGE = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text()


def test_the_services_wait_for_what_they_need() -> None:
    assert HUB["depends_on"].keys() == SERVICES.keys() - {"hub"}
    for needed, how in HUB["depends_on"].items():
        assert how == {"condition": "service_healthy"} and "healthcheck" in SERVICES[needed]


def test_every_variable_of_ours_is_a_setting() -> None:
    variables = set(re.findall(r"DOTSCIENCE_\w+", COMPOSE + IMAGE))
    assert variables <= {setting.variable for setting in SETTINGS.values()}


def test_every_secret_must_be_given_and_is_in_the_example() -> None:
    example = (ROOT / "docker/example.env").read_text()
    for name in set(re.findall(r"\$\{(\w+)", COMPOSE)):
        assert re.search(rf"^{name}=", example, re.MULTILINE), f"example.env lacks {name}"
    for secret in ("HUB_APIKEY", "DATABASE_PASSWORD", "OBJECTS_PASSWORD"):
        assert f"${{{secret}:?" in COMPOSE


def test_the_hub_finds_and_opens_the_bucket_that_the_object_store_makes() -> None:
    hub, objects = HUB["environment"], OBJECTS["environment"]
    assert hub["DOTSCIENCE_HUB_BLOBS"].startswith(f"s3://{objects['S3_BUCKET']}/")
    assert hub["AWS_ACCESS_KEY_ID"] == objects["AWS_ACCESS_KEY_ID"]
    assert hub["AWS_SECRET_ACCESS_KEY"].startswith("${OBJECTS_PASSWORD:?")
    assert objects["AWS_SECRET_ACCESS_KEY"] == "${OBJECTS_PASSWORD}"
    assert OBJECTS["healthcheck"]["test"][-1] == f"{hub['AWS_ENDPOINT_URL']}/healthz"
    options = {name: value for name, value in hub.items() if name.startswith("AWS_")}
    open_blobs(hub["DOTSCIENCE_HUB_BLOBS"], options)  # knows each of them


def test_the_hub_keeps_no_state_of_its_own() -> None:
    assert "volumes" not in HUB and HUB["read_only"] is True
    assert "/data" in HUB["tmpfs"], "the image names a volume, which compose would leave behind"
    volumes = {name: service["volumes"] for name, service in SERVICES.items() if "volumes" in service}
    assert volumes == {"database": ["database:/var/lib/postgresql/data"], "objects": ["objects:/data"]}


def test_what_keeps_data_is_of_a_version_that_is_named() -> None:
    for name in ("database", "objects"):
        assert re.fullmatch(r"[a-z/]+:\d[\d.]*", SERVICES[name]["image"])


def test_a_password_of_any_characters_opens_the_database() -> None:
    assert HUB["environment"]["PGPASSWORD"].startswith("${DATABASE_PASSWORD:?")
    assert "$" not in HUB["environment"]["DOTSCIENCE_HUB_DATABASE"]


def test_the_hub_waits_for_the_database_that_it_will_use() -> None:
    # The image first starts one that listens on a socket only, to make the tables in.
    check = SERVICES["database"]["healthcheck"]["test"]
    assert check[check.index("--host") + 1] == "127.0.0.1"


def test_the_image_is_made_of_the_package_alone() -> None:
    rules = [line for line in IGNORED.splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*", "secrets and data of the folder go into no image"
    assert {rule for rule in rules if rule.startswith("!")} == {
        "!LICENSE",
        "!README.md",
        "!pyproject.toml",
        "!setup.py",
        "!dotscience",
    }


def test_the_image_asks_the_port_that_it_serves() -> None:
    command = re.search(r"HEALTHCHECK .*?CMD (\[.*?\])$", IMAGE, re.MULTILINE | re.DOTALL)
    assert command
    with HTTPServer(("127.0.0.1", 0), Ready) as server:
        thread = threading.Thread(target=server.handle_request, daemon=True)
        thread.start()
        environ = {**os.environ, "DOTSCIENCE_HUB_PORT": str(server.server_port)}
        subprocess.run([sys.executable, *json.loads(command[1])[1:]], env=environ, check=True, timeout=60)
        thread.join()


class Ready(BaseHTTPRequestHandler):
    """A Hub that is ready."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def test_nothing_is_reached_from_outside_but_the_hub_on_loopback() -> None:
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert {name for name, published in ports.items() if published} == {"hub"}
    assert all(port.startswith("127.0.0.1:") for port in ports["hub"])


def test_the_image_runs_without_privileges() -> None:
    last = IMAGE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER (?!root)\w+", last, re.MULTILINE)
    assert '"/source[hub,postgres,s3]"' in IMAGE
