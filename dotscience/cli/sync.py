"""`ds sync`: sends what is not on its Hub yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from . import words
from .arguments import here, json_option, run_argument
from .exits import NO
from .printing import is_terminal, print_json, say
from .progress import Waiting

if TYPE_CHECKING:
    from ..client.sync import Outcome
    from ..runner.logs import LogOutcome
    from ..storage.runs import RunFolder
    from ..storage.workspace import Workspace

__all__ = ["command"]


@click.command("sync")
@run_argument("runs", nargs=-1, metavar="[RUN]…")
@click.option("--everywhere", is_flag=True, help="Send from every workspace that you have recorded in.")
@click.option(
    "--to", "project", metavar="PROJECT", help="Send the runs to this project, wherever they were going."
)
@click.option("--profile", metavar="NAME", help="With --to: the stored profile whose Hub is meant.")
@click.option("--apikey", metavar="KEY", help="The API key to use, instead of a stored one.")
@json_option
def command(
    *,
    runs: tuple[str, ...],
    everywhere: bool,
    project: str | None,
    profile: str | None,
    apikey: str | None,
    as_json: bool,
) -> int:
    """Send runs to their Hub: those that are named, else all that are not there yet.

    What `ds run` printed follows its runs. What was sent half is resumed, and what is there already is not sent again. A run that the Hub refused before is
    tried again. The exit code is 1 where something is still not there.

    \b
    Example:
      ds sync --to flowers @latest
    """
    if project is not None and not runs:
        raise click.UsageError("--to PROJECT takes the RUNs to send.")
    if everywhere and runs:
        raise click.UsageError("--everywhere sends all that waits; it takes no RUN.")
    if profile is not None and project is None:
        raise click.UsageError("--profile goes with --to PROJECT.")
    from ..client.sync import sync
    from ..runner.logs import NEEDLESS, send_logs, unsent, unsent_of_runs

    chosen = _chosen(runs, everywhere)
    if project is not None:
        _address([folder for _, folder in chosen], project, profile, apikey)
    with Waiting("sending", in_bytes=True) as progress:
        outcomes = sync(chosen, apikey=apikey, tell=_silent if as_json else _say, progress=progress)
    found: list[Outcome | LogOutcome] = [*outcomes]
    found += send_logs(
        unsent_of_runs(chosen) if runs else (each for root in _roots(everywhere) for each in unsent(root)),
        apikey=apikey,
        tell=_silent if as_json else _say_log,
    )
    if as_json:
        print_json([outcome.to_json() for outcome in found])
    elif not found and is_terminal():
        say("Nothing waits to be sent.")
    is_there = all(outcome.outcome in ("sent", NEEDLESS) for outcome in found)
    return 0 if is_there else NO


def _chosen(runs: tuple[str, ...], everywhere: bool) -> list[tuple[Workspace, RunFolder]]:
    from ..catalog.find import find_run
    from ..client.sync import waiting

    if runs:
        return [find_run(run, here(), everywhere=True) for run in runs]
    return list(waiting(_roots(everywhere)))


def _roots(everywhere: bool) -> list[Workspace]:
    from ..storage.workspace import Workspace, known_workspaces

    roots = [here().root, *(known_workspaces() if everywhere else [])]
    return [Workspace(root) for root in dict.fromkeys(roots)]


def _address(folders: list[RunFolder], project: str, profile: str | None, apikey: str | None) -> None:
    from ..client.access import find_access
    from ..client.sync import address
    from ..records.destination import Wanted

    access = find_access(Wanted(apikey=apikey, project=project, profile=profile), here().root)
    for folder in folders:
        address(folder, access, project)


def _say(outcome: Outcome) -> None:
    said = outcome.url if outcome.outcome == "sent" else outcome.reason
    say(f"{words.clean(outcome.run)}  {outcome.outcome}  {words.value(said or '')}".rstrip())


def _say_log(outcome: LogOutcome) -> None:
    said = f"{words.clean(outcome.execution)}  {outcome.outcome}  log of `ds run`"
    say(said if outcome.reason is None else f"{said}: {words.value(outcome.reason)}")


def _silent(outcome: Outcome | LogOutcome) -> None:
    """The document says it at the end."""
