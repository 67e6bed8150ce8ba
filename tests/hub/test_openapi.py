"""The OpenAPI document says what the Hub does: made-up requests of every kind get answers that it describes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from dotscience.hub.access import Need
from dotscience.hub.api.shapes import ProblemDocument
from dotscience.hub.routes import API, Route

from ..hub_server import running
from .scene import People, Scene, a_journal

CHECKS: Any = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]

ROUTES = {f"{route.method} {route.path}": route for route in API}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("hub")
    (folder / "blobs").mkdir()
    with running(folder) as hub:
        yield Scene.make(People(hub), a_journal())


@pytest.fixture(scope="module")
def document(scene: Scene) -> Any:
    return scene.people.hub.nobody.get("/api/openapi.json").json()


@pytest.fixture(scope="module")
def schema(document: Any) -> Any:
    return schemathesis.openapi.from_dict(document)


@pytest.mark.parametrize("role", ["owner", "viewer", "anonymous", "administrator"])
@pytest.mark.parametrize("name", ROUTES)
def test_made_up_requests_get_answers_that_the_document_describes(
    scene: Scene, schema: Any, name: str, role: str
) -> None:
    """Half of them name what is there, so that they get past the first look."""
    method, path = name.split(" ", 1)
    person = scene.people.by_role[role]
    operation = schema[path][method]
    names = scene.values if method in ("GET", "HEAD") else {"project": scene.values["project"]}
    makers = operation.as_strategy(GenerationMode.POSITIVE) | operation.as_strategy(GenerationMode.NEGATIVE)

    @settings(
        max_examples=4,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=makers)
    def ask(case: Case) -> None:
        for part in case.path_parameters:
            if part in names and len(str(case.path_parameters[part])) % 2:
                case.path_parameters[part] = names[part]
        if path == "/api/projects/{project}" and method == "DELETE":
            case.path_parameters["project"] = "none"
        case.headers.pop("Authorization", None)
        answer = case.call(base_url=person.url, session=person)
        case.validate_response(answer, checks=CHECKS)

    ask()


@pytest.mark.parametrize("name", ROUTES)
def test_a_route_is_described_well_enough_to_call_it(document: Any, name: str) -> None:
    route: Route = ROUTES[name]
    operation = document["paths"][route.path][route.method.lower()]
    assert operation["summary"]
    named = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", route.path))
    for status, answer in operation["responses"].items():
        if int(status) >= 400:
            assert list(answer["content"]) == ["application/problem+json"]
        elif int(status) != 204 and route.method != "HEAD":
            for content in answer["content"].values():
                assert content["schema"], f"{name} does not say what it answers: give the route a shape"
    assert ({} in operation["security"]) == (route.need is Need.NOTHING)


def test_operations_have_names_of_their_own(document: Any) -> None:
    ids = [
        operation["operationId"]
        for operations in document["paths"].values()
        for operation in operations.values()
    ]
    assert len(ids) == len(set(ids))


def test_a_problem_is_what_the_document_says(scene: Scene) -> None:
    answer = scene.people.hub.nobody.get("/api/me")
    assert ProblemDocument.model_validate(answer.json()).status == 401
