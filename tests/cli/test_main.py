"""The command as a whole: help, errors, exit codes, pipes and terminals."""

import dataclasses
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import pytest
from click.testing import Result

from dotscience.cli import exits
from dotscience.cli.keys import KEYS
from dotscience.cli.main import COMMANDS, commands
from dotscience.cli.reference import reference
from dotscience.errors import CorruptError, DotscienceError, NotFoundError, QueryError, StateError
from dotscience.records.record import Record

Ds = Callable[..., Result]
Ids = Mapping[str, str]

NAMES = [name for names in COMMANDS.values() for name in names]
DS = [sys.executable, "-m", "dotscience"]
ANSI = "\x1b["
WITH_A_HUB = {"hub", "login", "logout", "sync"}
"""Commands whose JSON is looked at where there is a Hub."""

RECORD_FIELDS = {"record"} | {field.name for field in dataclasses.fields(Record)} - {"seal"}


def found(name: str) -> click.Command:
    command = commands.get_command(click.Context(commands), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself_with_an_example(ds: Ds, name: str) -> None:
    shown = ds(name, "--help")
    assert shown.exit_code == 0
    example = shown.stdout.partition("Example:\n")[2]
    assert re.search(r"\bds\b", example.splitlines()[0])


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_does(name: str) -> None:
    assert all(option.help for option in found(name).params if isinstance(option, click.Option))


@pytest.mark.parametrize("name", sorted({*NAMES} - {"run", "completion", *WITH_A_HUB}))
def test_everything_that_prints_data_prints_json(study: Path, ids: Ids, ds: Ds, name: str) -> None:
    published, left = ids["prepared"], ids["explored"]
    (study / "old.log").write_text('[[DOTSCIENCE-RUN:77]]{"version": "1"}[[/DOTSCIENCE-RUN:77]]')
    arguments = {
        "show": [published],
        "diff": [published, ids["trained 5"]],
        "why": ["data/clean.csv"],
        "impact": ["data/raw.csv"],
        "collect": ["old.log"],
        "publish": [left],
        "discard": [left, "--yes"],
        "tag": [published, "baseline"],
        "note": [published, "remarkable"],
        "restore": [published, "--to", "back"],
        "export": [published],
    }
    result = ds(name, *arguments.get(name, []), *(["--json"] if name != "export" else []))
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.isascii()
    document, keys = json.loads(result.stdout), KEYS[name]
    if keys.is_list:
        assert document
    for entry in document if keys.is_list else [document]:
        own = entry.keys() - (RECORD_FIELDS if keys.with_record else set())
        assert own == set(keys.names.split())


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["list"], 0),
        (["lst"], exits.USAGE),
        (["show"], exits.USAGE),
        (["show", "no-such-run"], exits.NOT_FOUND),
        (["show", "@newest"], exits.NOT_FOUND),
        (["list", "metric."], exits.USAGE),
        (["list", "--sort", "colour"], exits.USAGE),
        (["why", "nothing.txt"], exits.NOT_FOUND),
        (["publish", "no-such-run"], exits.NOT_FOUND),
        (["restore", "no-such-run", "--to", "x"], exits.NOT_FOUND),
        (["run"], exits.USAGE),
        (["run", "--", "no-such-command-anywhere"], 127),
        (["run", "-d", "--", "no-such-command-anywhere"], 127),
        (["run", "--", "./left.py"], 126),
    ],
)
def test_a_mistake_gets_a_line_and_an_exit_code(study: Path, ds: Ds, arguments: list[str], code: int) -> None:
    result = ds(*arguments)
    assert result.exit_code == code
    if code:
        assert result.stdout == ""
        assert "Traceback" not in result.stderr
        assert result.stderr.strip()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFoundError("x"), 3),
        (CorruptError("file", "", "x"), 4),
        (QueryError("x", "q", 0), 2),
        (StateError("x"), 1),
        (DotscienceError("x"), 1),
    ],
)
def test_each_kind_of_error_has_its_code(error: DotscienceError, code: int) -> None:
    assert exits.exit_code(error) == code
    assert code in exits.MEANINGS


def test_a_prefix_that_fits_two_runs_is_refused(study: Path, ids: Ids, ds: Ds) -> None:
    runs = study / ".dotscience" / "runs"
    (runs / (ids["prepared"][:-1] + "_")).mkdir()
    result = ds("show", ids["prepared"][:-1])
    assert result.exit_code == exits.NOT_FOUND
    assert "fits 2 runs" in result.stderr


@pytest.mark.parametrize(("wrong", "right"), [("lst", "list"), ("stauts", "status"), ("versions", "")])
def test_a_command_that_there_is_not_is_corrected(ds: Ds, wrong: str, right: str) -> None:
    result = ds(wrong)
    assert result.exit_code == exits.USAGE
    assert f"No such command '{wrong}'." in result.stderr
    assert (f"Did you mean '{right}'?" in result.stderr) == bool(right)


def test_the_version_is_told(ds: Ds) -> None:
    import dotscience

    assert ds("--version").stdout == f"dotscience {dotscience.__version__}\n"


def test_only_the_file_of_the_command_is_imported() -> None:
    code = (
        "import sys\nfrom dotscience.cli.main import commands\n"
        "commands(['config', 'keep_code'], standalone_mode=False)\n"
        "print(*(name for name in sys.modules if name.startswith(('dotscience.cli', 'sqlalchemy', 'rich'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "dotscience.cli.config" in loaded
    assert loaded.isdisjoint({"dotscience.cli.list", "dotscience.cli.show", "sqlalchemy", "rich"})


@pytest.mark.parametrize("command", [["list"], ["why", "models/forest.joblib"]])
def test_questions_load_neither_what_talks_to_hubs_nor_what_hubs_store_with(
    study: Path, command: list[str]
) -> None:
    code = (
        f"import sys\nfrom dotscience.cli.main import commands\ncommands({command!r}, standalone_mode=False)\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "sqlalchemy" in loaded
    assert loaded.isdisjoint(
        {"requests", "http.client", "sqlalchemy.dialects.postgresql", "dotscience.client.wire"}
    )


def test_the_reference_holds_the_help_of_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = reference()
    monkeypatch.setenv("COLUMNS", "40")
    assert reference() == printed
    for name in NAMES:
        assert f"### `ds {name}`" in printed
        assert f"Usage: ds {name}" in printed


def test_nothing_is_coloured_or_cut_in_a_pipe(study: Path, ids: Ids) -> None:
    for arguments in (
        ["list"],
        ["show", "@latest"],
        ["why", "models/forest.joblib"],
        ["diff", *list(ids.values())[:2]],
    ):
        done = subprocess.run(
            [*DS, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "COLUMNS": "40"},
        )
        assert ANSI not in done.stdout + done.stderr
        assert "…" not in done.stdout
    listed = subprocess.run([*DS, "list"], capture_output=True, text=True, check=True).stdout
    assert all(run in listed for run in ids.values())


def test_a_terminal_gets_colours_and_short_ids(
    study: Path, ids: Ids, on_terminal: Callable[..., str]
) -> None:
    shown = on_terminal("list")
    assert ANSI in shown
    assert ids["prepared"][:8] in shown
    assert ids["prepared"] not in shown
    assert "ago" in shown
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines())) <= 100


def test_a_terminal_that_wants_no_colour_gets_none(study: Path, on_terminal: Callable[..., str]) -> None:
    environ = {**os.environ, "NO_COLOR": "1"}
    assert ANSI not in on_terminal("show", "@latest", environ=environ)
    assert "\x1b[3" not in on_terminal("list", environ=environ)


def test_somebody_is_asked_before_a_run_is_dropped(study: Path, ids: Ids) -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe(DS[0], [*DS, "discard", ids["tuned"]], dict(os.environ))
    asked = b""
    while b"[y/N]" not in asked:
        asked += os.read(terminal, 1024)
    os.write(terminal, b"n\n")
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == exits.NO
    assert (study / ".dotscience" / "runs" / ids["tuned"]).exists()


def test_a_reader_that_goes_away_is_no_error(study: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*DS, "show", "@latest"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (exits.PIPE_CLOSED, "")


def test_an_interruption_is_quiet(study: Path) -> None:
    code = (
        "import os, signal\nfrom dotscience.catalog import verify\nfrom dotscience.cli.main import main\n"
        "verify.verify = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "import sys; sys.argv = ['ds', 'verify']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (exits.INTERRUPTED, "", "")


def test_names_that_are_not_utf_8_are_shown(study: Path) -> None:
    code = (
        "import os, dotscience as ds\nds.start()\nname = os.fsdecode(b'm\\xff.bin')\n"
        "open(ds.output(name), 'w').close()\nds.publish()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    for environ in ({}, {"PYTHONIOENCODING": "ascii"}):
        shown = subprocess.run(
            [*DS, "show", "@latest"], check=True, capture_output=True, env={**os.environ, **environ}
        )
        assert b"m\\udcff.bin" in shown.stdout
    document = subprocess.run([*DS, "show", "@latest", "--json"], check=True, capture_output=True)
    assert json.loads(document.stdout)["outputs"][0]["path"] == "m\udcff.bin"


def test_numbers_that_json_does_not_know_become_texts(study: Path, ds: Ds) -> None:
    from dotscience.testing import fresh_recorder

    with fresh_recorder(study) as recorder:
        recorder.start()
        recorder.metric("loss", float("nan"))
        recorder.log({"gain": float("inf")})
        recorder.publish()
    for arguments in (["list"], ["show", "@latest"]):
        result = ds(*arguments, "--json")
        assert "NaN" not in result.stdout and "Infinity" not in result.stdout
        json.loads(result.stdout)


def test_a_read_only_workspace_can_be_asked(study: Path, ids: Ids, ds: Ds) -> None:
    ds("list")
    (study / ".dotscience" / "catalog.sqlite").unlink()
    (study / ".dotscience" / "catalog.sqlite").mkdir()
    assert ids["prepared"] in ds("list").stdout
