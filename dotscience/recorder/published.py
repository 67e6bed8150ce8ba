"""What `publish()` returns: the record, and how it shows itself."""

from __future__ import annotations

import html
from typing import Any

from ..records.block import block_metadata, block_text
from ..records.files import FileVersion
from ..records.record import Record
from ..records.values import text

__all__ = ["Published"]

_MOST = 12
_LONGEST = 200
MIME = "application/vnd.dotscience.run+json"


class Published:
    """A published run.

    Attributes:
        id: the run's id.
        record: its record.
        folder: where the record lies, or None when it could not be written.
        url: the run's page on the Hub; None while it is not there.
    """

    def __init__(self, record: Record, folder: str | None) -> None:
        self.id, self.record, self.folder = record.id, record, folder
        self.url: str | None = None
        self._shown_in: int | None = None

    @property
    def block(self) -> str:
        """The run block, version 1."""
        return block_text(self.id, block_metadata(self.record))

    def __repr__(self) -> str:
        return f"<dotscience run {self.id} {self.record.status}>"

    def __str__(self) -> str:
        record = self.record
        where = self.folder or "not saved: its folder could not be written"
        lines = [
            f"run {self.id} {record.status}"
            + (f": {_line(record.description)}" if record.description else ""),
            f"  metrics     {_listed(record.metrics)}",
            f"  files       {_files('input', record.inputs)}, {_files('output', record.outputs)}",
            f"  record      {_line(where)}",
        ]
        if self.url is not None:
            lines.append(f"  page        {_line(self.url)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        record = self.record
        rows = "".join(
            f"<tr><th style='text-align:left;vertical-align:top'>{title}</th><td>{body}</td></tr>"
            for title, body in (
                ("Parameters", _pairs(record.parameters)),
                ("Metrics", _pairs(record.metrics)),
                ("Labels", _pairs(record.labels)),
                ("Inputs", _paths(record.inputs)),
                ("Outputs", _paths(record.outputs)),
                ("Error", _escaped(record.error or "")),
            )
            if body
        )
        return (
            f"<div class='dotscience-run'><p><b>{_escaped(record.description or 'Run')}</b><br>"
            f"<code>{html.escape(self.id)}</code> {html.escape(record.status)}{self._link()}</p>"
            f"<table>{rows}</table></div>"
        )

    def _link(self) -> str:
        if self.url is None:
            return ""
        return f"<br><a href='{html.escape(self.url)}'>{_escaped(self.url)}</a>"

    def bundle(self) -> dict[str, Any]:
        """The representations for a notebook: a card for people, the run block and its JSON for tools."""
        return {
            "text/html": self._repr_html_(),
            "text/plain": self.block,
            MIME: _sendable({"id": self.id, **block_metadata(self.record)}),
        }

    def show_in(self, shell: Any) -> None:
        """Put the bundle into the output of the cell that runs now."""
        from IPython.display import display

        self._shown_in = shell.execution_count
        display(self.bundle(), raw=True)  # type: ignore[no-untyped-call]

    def _ipython_display_(self) -> None:
        """Show the card, but not a second time in the cell that published it."""
        from .mode import kernel

        shell = kernel()
        if shell is None:
            print(self)
        elif shell.execution_count != self._shown_in:
            self.show_in(shell)


def _files(role: str, versions: tuple[FileVersion, ...]) -> str:
    return f"{len(versions)} {role}{'' if len(versions) == 1 else 's'}"


def _listed(values: Any) -> str:
    shown = [f"{_line(name):.40}={_line(text(value)):.40}" for name, value in list(values.items())[:_MOST]]
    return " ".join(shown) + (" …" if len(values) > _MOST else "") if shown else "none"


def _pairs(values: Any) -> str:
    shown = [
        f"{_escaped(name)} = <b>{_escaped(text(value))}</b>" for name, value in list(values.items())[:_MOST]
    ]
    return "<br>".join(shown + ["…"] * (len(values) > _MOST))


def _paths(versions: tuple[FileVersion, ...]) -> str:
    shown = [
        f"{_escaped(version.path)} <code>{(version.digest or version.unseen or '')[:12]}</code>"
        for version in versions[:_MOST]
    ]
    return "<br>".join(shown + [f"… {len(versions)} in all"] * (len(versions) > _MOST))


def _escaped(words: str) -> str:
    return html.escape(_visible(words[:_LONGEST]))


def _line(words: str) -> str:
    return _visible(" ".join(words[:_LONGEST].split()))


def _visible(words: str) -> str:
    """The text with what no screen can show, or what would steer a terminal, written as an escape."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode("ascii")
        for each in words
    )


def _sendable(value: Any) -> Any:
    """The JSON with lone surrogates escaped, which no UTF-8 text can hold."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_sendable(item) for item in value]
    if isinstance(value, dict):
        return {_sendable(key): _sendable(item) for key, item in value.items()}
    return value
