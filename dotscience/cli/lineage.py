"""How lineages are said in words, for `ds why` and `ds impact`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from . import words
from .arguments import here
from .catalogs import bring_up_to_date
from .printing import dim, heading, is_terminal, more, pairs, print_json, say, strong
from .progress import Waiting

if TYPE_CHECKING:
    from ..catalog.code_version import CodeVersion
    from ..catalog.lineage import File, Lineage, Step

__all__ = ["answer", "print_impact", "print_why"]

_MOST_FILES = 20
"""How many files of a step, or that were asked about, a terminal shows; a pipe gets all."""

_MOST_VALUES = 20


def answer(
    ask: Callable[..., Lineage],
    tell: Callable[[Lineage, str], None],
    *,
    file: str,
    here_only: bool,
    depth: int | None,
    as_json: bool,
) -> None:
    """Ask for a file's lineage, in the workspace of the current directory, and print it.

    Args:
        ask: `why` or `impact` of the catalog; tell: prints its answer in words, given the workspace root.
    """
    workspace = here()
    bring_up_to_date(workspace)
    with Waiting("reading files", in_bytes=True) as progress:
        lineage = ask(file, here=here_only, depth=depth, workspace=workspace, progress=progress)
    if as_json:
        print_lineage_json(lineage)
    else:
        tell(lineage, workspace.root)


def print_lineage_json(lineage: Lineage) -> None:
    """The lineage as JSON; each step has the version of its code as `code`."""
    from ..catalog.code_version import code_version

    document = lineage.to_json()
    for step, wire in zip(lineage.steps, document["steps"], strict=True):
        wire["code"] = code_version(step).to_json()
    print_json(document)


def print_why(lineage: Lineage, root: str) -> None:
    """The chain back to raw data: the file, the run that made it, the runs that made what that one read, and so on."""
    numbers = _numbers(lineage)
    _asked(lineage, lambda file: _origin(file, numbers))
    for step in lineage.steps:
        _print_step(step, numbers, root, (("made", step.outputs, None), ("read", step.inputs, _origin)))
    if lineage.truncated:
        say("\nThere is more behind these; give a greater --depth, or none.")


def print_impact(lineage: Lineage, root: str) -> None:
    """Everything made from a file: the runs that read it, what they made, the runs that read that, and so on."""
    numbers = _numbers(lineage)
    _asked(lineage, lambda file: _use(file, numbers) or "no run has read it")
    for step in lineage.steps:
        _print_step(step, numbers, root, (("read", step.inputs, None), ("made", step.outputs, _use)))
    if lineage.truncated:
        say("\nThere is more beyond these; give a greater --depth, or none.")


def _asked(lineage: Lineage, fate: Callable[[File], str]) -> None:
    """The files that were asked about, and what came of them."""
    shown = lineage.files[:_MOST_FILES] if is_terminal() else lineage.files
    for file in shown:
        say(f"{strong(words.value(file.path))}  {_identity(file, fate(file))}")
    if len(shown) < len(lineage.files):
        say(more(len(lineage.files) - len(shown)))


def _numbers(lineage: Lineage) -> Mapping[str, int]:
    return {step.run: number for number, step in enumerate(lineage.steps, 1)}


def _print_step(
    step: Step, numbers: Mapping[str, int], root: str, roles: Iterable[tuple[str, Any, Any]]
) -> None:
    from ..catalog.code_version import code_version

    description = f"  {words.clean(step.description)}" if step.description else ""
    when = words.ago(step.started) if is_terminal() else words.local(step.started)
    heading(
        f"[{numbers[step.run]}] run {words.short(step.run) if is_terminal() else step.run}  "
        f"{words.status(step.status, step.published is not None)}  {when}{description}"
    )
    code = code_version(step)
    rows = [
        ("workspace", "" if step.workspace == root else words.clean(step.workspace)),
        ("command", words.value(step.command or "")),
        ("code", _code(code)),
        ("cells", _cells(code)),
        ("parameters", _values(step.parameters)),
        ("metrics", _values(step.metrics)),
    ]
    for name, files, fate in roles:
        rows.append((name, _files(files, fate, numbers)))
    pairs(rows, indent=4)


def _code(code: CodeVersion) -> str:
    said = []
    if code.commit is not None:
        changes = {True: " with uncommitted changes", None: ", uncommitted changes unknown"}.get(
            code.dirty, ""
        )
        said.append(f"git {code.commit[:12] if is_terminal() else code.commit}{changes}")
    if code.workload is not None:
        digest = f" {words.short(code.digest) if is_terminal() else code.digest}" if code.digest else ""
        unknown = f" of an unknown version: {words.clean(code.unknown)}" if code.unknown else ""
        said.append(words.clean(code.workload) + (digest or unknown))
    if code.notebook is not None and code.notebook != code.workload:
        said.append(words.clean(code.notebook))
    if not said:
        said.append(f"unknown: {words.clean(code.unknown)}" if code.unknown else "unknown")
    return ", ".join(said)


def _cells(code: CodeVersion) -> str:
    return ", ".join(f"In[{number}]" for number in code.cells)


def _values(values: Mapping[str, Any]) -> str:
    listed = [f"{words.value(name)}={words.value(value)}" for name, value in values.items()]
    if is_terminal() and len(listed) > _MOST_VALUES:
        listed[_MOST_VALUES:] = ["…"]
    return "  ".join(listed)


def _files(files: tuple[File, ...], fate: Any, numbers: Mapping[str, int]) -> str:
    shown = files[:_MOST_FILES] if is_terminal() else files
    width = max((len(words.value(file.path)) for file in shown), default=0)
    lines = [
        f"{words.value(file.path).ljust(width)}  {_identity(file, fate(file, numbers) if fate else '')}".rstrip()
        for file in shown
    ]
    if len(shown) < len(files):
        lines.append(more(len(files) - len(shown)))
    return "\n".join(lines)


def _identity(file: File, fate: str) -> str:
    """Digest, size, state where it is not as it was, and where the file came from or went to."""
    from ..records.files import UNSEEN

    if file.digest is None:
        seen = f"unknown: {UNSEEN.get(file.unseen or '', file.unseen or 'its content was not seen')}"
        return f"{seen}  {fate}".rstrip()
    digest = dim(words.short(file.digest) if is_terminal() else file.digest)
    state = "" if file.state == "unchanged" else f"({file.state})"
    return "  ".join(part for part in (digest, words.size(file.size), state, fate) if part)


def _origin(file: File, numbers: Mapping[str, int]) -> str:
    if file.made_by is None:
        return "" if file.digest is None else "no run is known to have made it"
    others = f", one of {file.producers} runs that made the same" if file.producers > 1 else ""
    return f"made by {_step(file.made_by, numbers)}{others}"


def _use(file: File, numbers: Mapping[str, int]) -> str:
    return f"read by {', '.join(_step(run, numbers) for run in file.used_by)}" if file.used_by else ""


def _step(run: str, numbers: Mapping[str, int]) -> str:
    if run in numbers:
        return f"[{numbers[run]}]"
    return f"run {words.short(run) if is_terminal() else run}"
