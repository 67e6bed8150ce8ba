"""What README and docs show is true: their code runs, their commands exist, their links lead somewhere."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, takewhile
from pathlib import Path

import click
import pytest
from sklearn.datasets import load_wine

from dotscience.cli.main import commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SOURCES = sorted((ROOT / "dotscience").rglob("*.py"))

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def blocks(page: Path, *languages: str) -> Iterator[tuple[int, str]]:
    """Each code block in one of the languages, with the number of the line before it."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if match[1] in languages:
            yield text.count("\n", 0, match.start(2)), match[2]


def script(page: Path) -> str:
    """The page's Python blocks as one script whose lines have the numbers that they have on the page."""
    lines: list[str] = []
    for before, code in blocks(page, "python"):
        lines += [""] * (before - len(lines)) + code.splitlines()
    return "\n".join(lines) + "\n"


def commands_of_page(page: Path) -> set[str]:
    """The `ds` command lines of console blocks, and those quoted in the text."""
    shown = chain.from_iterable(code.splitlines() for _, code in blocks(page, "console", "sh"))
    lines = {line.removeprefix("$ ").partition("  #")[0].strip() for line in shown}
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    quoted = {" ".join(words.split()) for words in re.findall(r"`([^`]+)`", prose)}
    return {line for line in lines | quoted if re.match(r"ds [a-z-]", line)}


def commands_of_source(source: Path) -> set[str]:
    """The `ds` command lines that messages, docstrings and help texts quote or show on a line of their own."""
    found = set()
    for node in ast.walk(ast.parse(source.read_bytes())):
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value if isinstance(part, ast.Constant) else "VALUE" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        found |= set(re.findall(r"`(ds [a-z-][^`\n]*)`", text))
        found |= set(re.findall(r"^ +(?:\$ )?(ds [a-z-].*)$", text, re.MULTILINE))
    return found


def check_command(line: str) -> None:
    """Take a command line apart as `ds` does, up to the point where it would do its work."""
    command: click.Command = commands
    context = click.Context(command, info_name="ds")
    words = list(takewhile(lambda word: word not in ("|", ">", "&&"), shlex.split(line, comments=True)[1:]))
    while isinstance(command, click.Group):
        given, words, _ = command.make_parser(context).parse_args(words)
        if not words:
            assert given or command is not commands, f"{line!r} names no command"
            return
        name, words = words[0], words[1:]
        found = command.get_command(context, name)
        assert found is not None, f"{line!r}: there is no command {name!r}"
        command, context = found, click.Context(found, parent=context, info_name=name)
    _, extra, _ = command.make_parser(context).parse_args(words)
    assert not extra or command.allow_extra_args, f"{line!r}: {extra} is more than the command takes"


@each_page
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    """Its Python blocks in their order, then the `$ ds` lines of its console blocks."""
    (tmp_path / "data").mkdir()
    load_wine(as_frame=True).frame.to_csv(tmp_path / "data/raw.csv", index=False)
    (tmp_path / f"{page.stem}.py").write_text(script(page), encoding="utf-8")
    shown = chain.from_iterable(code.splitlines() for _, code in blocks(page, "console"))
    commands = [shlex.split(line[2:], comments=True) for line in shown if line.startswith("$ ds ")]
    for command in ([f"{page.stem}.py"], *(["-m", "dotscience", *arguments] for _, *arguments in commands)):
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@each_page
def test_the_commands_of_a_page_exist(page: Path) -> None:
    for line in sorted(commands_of_page(page)):
        check_command(line)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_commands_that_messages_name_exist(source: Path) -> None:
    for line in sorted(commands_of_source(source)):
        check_command(line)


@each_page
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
            assert anchor in anchors, f"{page.name} links to {target}"


@each_page
def test_the_goals_of_make_that_a_page_names_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for goal in re.findall(r"\bmake ([a-z]+)`", page.read_text(encoding="utf-8")):
        assert re.search(rf"^{goal}:", makefile, re.MULTILINE), f"{page.name} names `make {goal}`"
