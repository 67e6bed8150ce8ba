"""The lists on the pages are those of the code: settings, commands, errors, public names, the map."""

import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dotscience as ds
from dotscience import errors
from dotscience.settings import SETTINGS, Setting

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str, page: str = README) -> str:
    """The part of a page below a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {title!r}"
    return found[1]


def settings_table() -> str:
    """The table of docs/settings.md as it must be."""
    rows = ["| name | variable | is | default | meaning |", "|---|---|---|---|---|"]
    for setting in SETTINGS.values():
        cells = (
            f"`{setting.name}`",
            f"`{setting.variable}`",
            kind(setting),
            default(setting),
            setting.meaning,
        )
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def kind(setting: Setting) -> str:
    words = setting.kind
    return words if isinstance(words, str) else ", ".join(f"`{word}`" for word in words if word)


def default(setting: Setting) -> str:
    value = setting.default
    if setting.kind == "size" and value:
        power = max(power for power in range(1, 5) if value % 1024**power == 0)
        return f"{value // 1024**power} {'KMGT'[power - 1]}iB"
    if isinstance(value, bool | int):
        return str(value).lower()
    return ", ".join(f"`{word}`" for word in ([value] if isinstance(value, str) else value) if word)


def test_the_settings_page_lists_every_setting() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    assert settings_table() in page, f"docs/settings.md must hold this table:\n\n{settings_table()}"


def test_the_command_page_is_what_the_commands_say() -> None:
    written = subprocess.check_output(
        [sys.executable, "-m", "dotscience.cli.reference"], text=True, encoding="utf-8"
    )
    assert written == (ROOT / "docs/commands.md").read_text(encoding="utf-8"), (
        "write it anew: python -m dotscience.cli.reference > docs/commands.md"
    )


@pytest.mark.parametrize("name", errors.__all__)
def test_the_error_page_explains_every_error(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs/errors.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ds.__all__)
def test_every_public_name_is_in_the_readme_and_explains_itself(name: str) -> None:
    assert f"`ds.{name}" in section("The API on one page")
    assert inspect.getdoc(getattr(ds, name)), f"ds.{name} has no docstring"


def test_the_readme_names_nothing_that_is_not_public() -> None:
    named = set(re.findall(r"`ds\.(\w+)", README))
    assert named <= set(ds.__all__)


def test_every_path_on_the_map_exists_and_every_room_is_on_it() -> None:
    named = re.findall(r"`([\w./]+/[\w./]*)`", section("A map of the code"))
    assert [path for path in named if not (ROOT / path).exists()] == []
    rooms = {f"dotscience/{path.parent.name}/" for path in (ROOT / "dotscience").glob("*/__init__.py")}
    assert rooms - set(named) == set()


def test_the_hub_page_lists_every_route_of_the_api() -> None:
    from dotscience.hub.routes import API

    page = (ROOT / "docs/hub.md").read_text(encoding="utf-8")
    rows = [
        f"| `{route.method} {route.path}` | {str(route.handler.__doc__).strip().splitlines()[0]} | {route.need.value} |"
        for route in API
    ]
    table = "\n".join(rows)
    assert table in page, f"docs/hub.md must hold this table:\n\n{table}"
