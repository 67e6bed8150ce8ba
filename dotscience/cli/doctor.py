"""`ds doctor`: whether everything is in order here."""

from __future__ import annotations

import click

from . import words
from .arguments import here, json_option
from .exits import NO
from .printing import print_json, say

__all__ = ["command"]

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """Check what recording and asking need, and tell the cure where something is wrong.

    The exit code is 1 where a check fails; a warning does not count.

    \b
    Example:
      ds doctor
    """
    from ..catalog.checkup import check_up

    checks = []
    for check in check_up(here()):
        checks.append(check)
        if not as_json:
            verdict = click.style(check.verdict.ljust(4), fg=_COLOURS[check.verdict])
            say(f"{verdict}  {check.name.ljust(9)}  {words.clean(check.said)}")
            if check.cure:
                say(f"{' ' * 17}{words.clean(check.cure)}")
    if as_json:
        print_json([check.to_json() for check in checks])
    return NO if any(check.verdict == "fail" for check in checks) else 0
