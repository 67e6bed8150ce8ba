"""`ds show`: everything that is known of one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from ..errors import NotFoundError
from . import words
from .arguments import here, json_option, run_argument
from .hubs import hub_json, hub_lines
from .printing import aligned, heading, is_terminal, more, pairs, print_json, say, strong

if TYPE_CHECKING:
    from ..catalog.view import RunView
    from ..records.files import FileVersion

__all__ = ["command"]

_MOST_RUNS = 8

_FIGURES = ("last", "min", "max")
"""What is shown of a series beside the count of its points."""

_MOST_FILES = 20
"""How many files of a role a terminal shows; a pipe gets all."""


@click.command("show")
@run_argument()
@json_option
def command(run: str, as_json: bool) -> None:
    """Show everything that is known of a run, or of an execution of `ds run`.

    Of a run that is not published yet it shows what its journal says, and how to publish it. Runs of other
    workspaces are found as well.

    \b
    Example:
      ds show @latest
    """
    from ..catalog.view import view

    workspace = here()
    try:
        found = view(run, workspace)
    except NotFoundError:
        from .execution import show_execution

        if not show_execution(run, workspace, as_json):
            raise
        return
    if as_json:
        print_json({**found.to_json(), "hub": hub_json(found.record.id, found.workspace)})
    else:
        _print(found)


def _print(found: RunView) -> None:
    record = found.record
    status = words.status(record.status, found.is_published)
    title = f"  {words.clean(record.description)}" if record.description else ""
    say(f"{strong(record.id)}  {status}{title}")
    if found.cure:
        say(f"  {found.cure}")
    say()
    pairs(_about(found))
    for name, values in (
        ("Parameters", record.parameters),
        ("Metrics", record.metrics),
        ("Labels", {key: value for key, value in record.labels.items() if not key.startswith("artefact:")}),
    ):
        _section(name, ((key, words.value(_plain(value))) for key, value in values.items()))
    _section("Series", _series(record.series))
    _section("Models", _models(record.models))
    _files("Inputs", record.inputs)
    _files("Outputs", record.outputs)
    _section("Code", _code(found))
    _section("Git", _git(record.git))
    _section("Environment", _environment(record.environment))
    _section(
        "Process", ((name, words.value(fact)) for name, fact in record.process.items() if name != "traceback")
    )
    _traceback(record.process.get("traceback"))
    for note in found.notes:
        heading(f"Note, {note.get('author') or 'somebody'}, {note['at']}")
        say(f"  {words.clean(str(note['note']))}")
    if record.notices:
        heading("Notices")
        for notice in record.notices:
            say(f"  {words.clean(notice)}")


def _plain(value: Any) -> Any:
    from ..records.values import plain

    return plain(value)


def _section(name: str, rows: Iterable[tuple[str, str]]) -> None:
    listed = [row for row in rows if row[1]]
    if listed:
        heading(name)
        pairs(listed)


def _about(found: RunView) -> Iterable[tuple[str, str]]:
    record = found.record
    took = None if record.started is None or record.ended is None else record.ended - record.started
    yield "started", _moment(record.started)
    yield "ended", words.local(record.ended)
    yield "took", words.duration(None if took is None else took.total_seconds())
    yield "published", words.local(record.published) if found.is_published else ""
    yield "mode", record.mode or ""
    yield "workload", words.clean(record.workload_file or "")
    yield "error", words.clean(record.error or "")
    yield "tags", words.clean(", ".join(found.tags))
    yield "continues", words.clean(record.continues or "")
    yield "corrects", words.clean(record.corrects or "")
    yield "workspace", words.clean(found.workspace)
    yield "host", words.clean(str(record.workspace.get("host") or ""))
    yield from hub_lines(record.id, found.workspace)
    yield "made from", _runs(found.made_from)
    yield "used by", _runs(found.used_by)


def _moment(moment: Any) -> str:
    return (
        f"{words.local(moment)} ({words.ago(moment)})"
        if moment is not None and is_terminal()
        else words.local(moment)
    )


def _runs(ids: tuple[str, ...]) -> str:
    if not is_terminal():
        return ", ".join(ids)
    more = f" and {len(ids) - _MOST_RUNS:,} more" if len(ids) > _MOST_RUNS else ""
    return ", ".join(map(words.short, ids[:_MOST_RUNS])) + more


def _series(series: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, summary in _mapping(series.get("names")).items():
        figures = {key: words.value(_plain(figure)) for key, figure in _mapping(summary).items()}
        count = [f"{figures['count']} points"] if "count" in figures else []
        yield name, ", ".join([*count, *(f"{key} {figures[key]}" for key in _FIGURES if key in figures)])


def _models(models: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str]]:
    for name, declared in models.items():
        files = ", ".join(str(file) for file in _mapping(declared.get("files")).values())
        yield name, words.clean(f"{declared.get('type')} {declared.get('version')}: {files}")


def _files(name: str, versions: tuple[FileVersion, ...]) -> None:
    if not versions:
        return
    heading(f"{name} ({len(versions):,})")
    shown = versions[:_MOST_FILES] if is_terminal() else versions
    aligned([_file(version) for version in shown], right=(2,), dimmed=1)
    if len(shown) < len(versions):
        say(f"  {more(len(versions) - len(shown))}")


def _file(version: FileVersion) -> tuple[str, ...]:
    digest = version.digest or ""
    shown = words.short(digest) if is_terminal() else digest
    return version.path, shown, words.size(version.size), ", ".join(_words(version))


def _words(version: FileVersion) -> Iterable[str]:
    from ..records.files import CHANGES, UNSEEN

    if version.unseen is not None:
        yield f"unseen: {UNSEEN.get(version.unseen, version.unseen)}"
    elif version.digest is not None and not version.kept:
        yield "fingerprint only"
    if version.changed is not None:
        yield CHANGES.get(version.changed, version.changed)


def _code(found: RunView) -> Iterable[tuple[str, str]]:
    code = found.record.code
    for version in found.code:
        kept = "" if version.kept else ", fingerprint only"
        yield (
            version.path,
            f"{words.short(version.digest)}{kept}" if version.digest else ", ".join(_words(version)),
        )
    notebook = _mapping(code.get("notebook"))
    yield "notebook", words.clean(str(notebook.get("path") or ""))
    yield "cells", ", ".join(f"In[{number}]" for number in found.cells)
    yield "unknown", words.clean(str(code.get("workload_unknown") or ""))


def _git(git: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if git:
        dirty = {True: "  with uncommitted changes", False: ""}.get(git.get("dirty"), "")  # type: ignore[arg-type]
        yield "commit", f"{words.value(git.get('commit') or 'none yet')}{dirty}"
        yield from ((name, words.value(git.get(name) or "")) for name in ("branch", "remote", "root"))


def _environment(environment: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    import shlex

    argv = environment.get("argv")
    yield "command", words.value(shlex.join(map(str, argv)) if isinstance(argv, list) else "")
    yield (
        "python",
        words.value(f"{environment.get('implementation', '')} {environment.get('python', '')}".strip()),
    )
    yield "platform", words.value(environment.get("platform") or "")
    cpu = _mapping(environment.get("cpu"))
    yield "cpu", words.value(f"{cpu.get('count', '?')} × {cpu.get('model', 'unknown')}" if cpu else "")
    ram = environment.get("ram")
    yield "ram", words.size(ram) if isinstance(ram, int) else ""
    gpus = environment.get("gpus")
    yield (
        "gpus",
        words.value(
            ", ".join(str(_mapping(gpu).get("name")) for gpu in gpus) if isinstance(gpus, list) else ""
        ),
    )
    packages = _mapping(environment.get("packages"))
    yield (
        "packages",
        words.count(packages["count"], "distribution") if isinstance(packages.get("count"), int) else "",
    )
    yield from (
        (f"${name}", words.value(value)) for name, value in _mapping(environment.get("variables")).items()
    )


def _traceback(text: Any) -> None:
    if isinstance(text, str):
        heading("Traceback")
        for line in text.rstrip().splitlines():
            say(f"  {words.clean(line)}")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
