"""The arguments and options that several commands share, and how a shell completes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ..storage.workspace import Workspace

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = ["here", "json_option", "run_argument"]


class RunType(click.ParamType):  # type: ignore[type-arg] # generic in some versions of click only
    """A run's id, a unique prefix of one, or `@latest`."""

    name = "run"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The ids that begin so. The catalog is not asked: a shell waits for this."""
        from click.shell_completion import CompletionItem

        ids = sorted(folder.id for folder in here().run_folders() if folder.id.startswith(incomplete))
        latest = ["@latest"] if "@latest".startswith(incomplete) else []
        return [CompletionItem(word) for word in (*latest, *ids)]


def run_argument(name: str = "run", **settings: Any) -> Callable[[Any], Any]:
    """An argument that names a run."""
    return click.argument(name, type=RunType(), metavar=settings.pop("metavar", "RUN"), **settings)


json_option = click.option("as_json", "--json", is_flag=True, help="Print JSON instead.")


def here() -> Workspace:
    """The workspace of the current directory."""
    return Workspace.find()
