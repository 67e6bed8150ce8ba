"""Lineage as a drawing and in words, and the files of a project."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from fastapi import Request, Response

from ...catalog.code_version import CodeVersion
from ...catalog.lineage import File, Lineage, Step
from ...records.files import UNSEEN
from ..api.here import CurrentAccess, CurrentHub
from ..api.lineage import files_json
from ..services import projects
from ..services.lineage import Asked, both_ways, codes_of
from ..services.picture import FILE, FILES, MORE, RUN, Box, picture_of
from . import words
from .drawing import BOX_HEIGHT, BOX_WIDTH, draw
from .render import page

__all__ = ["show_files", "show_lineage"]

_MOST_TOLD = 20
"""Steps that are told in words."""


def show_lineage(
    request: Request,
    hub: CurrentHub,
    access: CurrentAccess,
    *,
    digest: str | None = None,
    path: str | None = None,
    run: str | None = None,
) -> Response:
    """The lineage of a file or a run: in words, and drawn."""
    project = access.here
    asked = Asked(digest, project.id, path, run)
    up, down = both_ways(hub, access.asker, asked, most=300)
    picture = picture_of(up, down, asked_run=run)
    told = up.steps[:_MOST_TOLD]
    names = {each.id: each.name for each in projects.listed(hub, access.asker)}
    thing = {"digest": digest, "path": path, "run": run}
    question = urlencode({name: value for name, value in thing.items() if value is not None})
    return page(
        request,
        "lineage.html",
        access,
        twin=f"/api/lineage?project={project.id}&{question}&direction=both",
        asked=asked,
        up=up,
        down=down,
        told=told,
        numbers={step.run: number for number, step in enumerate(told, 1)},
        codes=codes_of(hub, told),
        drawing=draw(picture),
        box_size=(BOX_WIDTH, BOX_HEIGHT),
        shown=lambda box: _shown(box, project.id, names),
        code=_code,
        file_link=file_link,
        run_link=run_link,
        unseen=UNSEEN,
        names=names,
        totals=_totals(up, down, run),
    )


def show_files(
    request: Request,
    hub: CurrentHub,
    access: CurrentAccess,
    *,
    path: str | None = None,
    digest: str | None = None,
    cursor: str | None = None,
) -> Response:
    """Every file version of a project, with who made it and who used it."""
    found = files_json(hub, access, path=path, digest=digest, limit=100, cursor=cursor)
    project = access.here.id
    asked = {name: value for name, value in (("path", path), ("digest", digest)) if value}
    more = urlencode({**asked, "cursor": found["next"]}) if found["next"] else None
    return page(
        request,
        "files.html",
        access,
        twin=f"/api/projects/{project}/files?{urlencode(asked)}",
        files=found["files"],
        file_path=path or "",
        file_digest=digest or "",
        more=more,
        run_link=run_link,
        lineage_link=lambda version: lineage_link(project, version["path"], version["digest"]),
    )


def lineage_link(project: str, path: str, digest: str | None) -> str:
    """The address of a file's lineage: by its bytes where they were seen, else by its path."""
    asked = {"path": path} if digest is None else {"digest": digest}
    return f"/projects/{project}/lineage?{urlencode(asked)}"


def file_link(file: File) -> str:
    """The address of the lineage of a file of a lineage."""
    return lineage_link(file.workspace, file.path, file.digest)


def run_link(project: str, run: str) -> str:
    """The address of a run's page."""
    return f"/projects/{project}/runs/{run}"


def _totals(up: Lineage, down: Lineage, asked_run: str | None) -> tuple[int, int]:
    """How many runs lie before, and how many after; the one that was asked about is neither."""
    before, after = ([step for step in each.steps if step.run != asked_run] for each in (up, down))
    return len(before), len(after)


def _shown(box: Box, project: str, names: Mapping[str, str]) -> dict[str, object]:
    """What a box says: two lines, where a click leads, and what hovering tells."""
    if box.kind == MORE:
        return {
            "title": "more …",
            "line": "not drawn",
            "link": None,
            "facts": ["There is more than is drawn here."],
        }
    if box.kind == FILE:
        return _shown_file(box.files[0], project, names)
    if box.kind == FILES:
        return _shown_files(box, project)
    if box.kind == RUN:
        return _shown_run(box.steps[0], project, names)
    first = box.steps[0]
    return {
        "title": f"{len(box.steps)} runs",
        "line": words.visible(first.workload_file or first.description or "of one kind"),
        "link": _runs_link(box.steps),
        "facts": [_name(step) for step in box.steps[:10]] + (["…"] if len(box.steps) > 10 else []),
    }


def _runs_link(steps: Sequence[Step]) -> str:
    """The address of a table of these runs; of those of the first one's project, as a table is of one."""
    home = steps[0].workspace
    query = f"id in {json.dumps([step.run for step in steps if step.workspace == home])}"
    return f"/projects/{home}/runs?{urlencode({'query': query})}"


def _shown_file(file: File, project: str, names: Mapping[str, str]) -> dict[str, object]:
    digest = words.short(file.digest) if file.digest else UNSEEN.get(file.unseen or "", "not seen")
    facts = [words.visible(file.path), f"sha256 {file.digest}" if file.digest else f"unknown: {digest}"]
    if file.size is not None:
        facts.append(words.size(file.size))
    if file.workspace != project:
        facts.append(f"project {words.visible(names.get(file.workspace, ''))}")
    title = words.visible(file.path.rpartition("/")[2] or file.path)
    return {
        "title": title,
        "line": f"{digest} {words.size(file.size)}".strip(),
        "link": file_link(file),
        "facts": facts,
    }


def _shown_files(box: Box, project: str) -> dict[str, object]:
    total = sum(file.size or 0 for file in box.files)
    paths = [words.visible(file.path) for file in box.files[:10]]
    home = box.files[0].workspace or project
    return {
        "title": f"{words.visible(box.folder) or '.'}/",
        "line": f"{len(box.files):,} files, {words.size(total)}",
        "link": f"/projects/{home}/lineage?{urlencode({'path': box.folder})}" if box.folder else None,
        "facts": paths + (["…"] if len(box.files) > 10 else []),
    }


def _shown_run(step: Step, project: str, names: Mapping[str, str]) -> dict[str, object]:
    facts = [f"run {step.run}", step.status]
    if step.started is not None:
        facts.append(f"{step.started:%Y-%m-%d %H:%M:%S} UTC")
    if step.command:
        facts.append(words.visible(step.command))
    facts += [
        f"{words.visible(name)} = {words.value(value)}" for name, value in list(step.parameters.items())[:8]
    ]
    facts += [
        f"{words.visible(name)} = {words.value(value)}" for name, value in list(step.metrics.items())[:8]
    ]
    if step.workspace != project:
        facts.append(f"project {words.visible(names.get(step.workspace, ''))}")
    return {
        "title": _name(step),
        "line": f"{words.short(step.run)} {step.status}",
        "link": f"/projects/{step.workspace}/lineage?{urlencode({'run': step.run})}",
        "page": run_link(step.workspace, step.run),
        "facts": facts,
    }


def _name(step: Step) -> str:
    workload = (step.workload_file or "").rpartition("/")[2]
    return words.visible(workload or step.description or f"run {words.short(step.run)}")


def _code(code: CodeVersion) -> str:
    """The version of a step's code in one line, as `ds why` says it."""
    said = []
    if code.commit is not None:
        changes = {True: " with uncommitted changes", None: ", uncommitted changes unknown"}.get(
            code.dirty, ""
        )
        said.append(f"git {code.commit[:12]}{changes}")
    if code.workload is not None:
        said.append(words.visible(code.workload) + (f" {words.short(code.digest)}" if code.digest else ""))
    if code.notebook is not None and code.notebook != code.workload:
        said.append(words.visible(code.notebook))
    if code.cells:
        said.append(", ".join(f"In[{number}]" for number in code.cells))
    return ", ".join(said) or "unknown"
