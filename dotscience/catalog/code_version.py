"""Which version of the code a run executed, in the little that tells it apart."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ..errors import CorruptError, NotFoundError
from ..records.record import Record
from ..records.values import Json
from ..storage.workspace import Workspace
from .find import folder_of
from .lineage import Step
from .view import cells_of, record_of

__all__ = ["CodeVersion", "code_of", "code_version"]


@dataclass(frozen=True)
class CodeVersion:
    """The code of one run. What is not known is None.

    Attributes:
        commit: of git; `dirty`: whether there were uncommitted changes.
        workload: the script, with the `digest` (sha256) of its content.
        notebook: its path; `cells`: the numbers of the cells that ran in the run, in the order they ran.
        unknown: why neither script nor notebook is known.
    """

    commit: str | None = None
    dirty: bool | None = None
    workload: str | None = None
    digest: str | None = None
    notebook: str | None = None
    cells: tuple[int, ...] = ()
    unknown: str | None = None

    def to_json(self) -> dict[str, Json]:
        """Plain JSON values."""
        return asdict(self)


def code_version(step: Step) -> CodeVersion:
    """The code of a step, read from its record or journal; where that cannot be read, what the catalog knows of it."""
    try:
        record = record_of(folder_of(step.run, Workspace(step.workspace)))
    except (NotFoundError, CorruptError) as error:
        return CodeVersion(step.commit, step.dirty, step.workload_file, unknown=str(error))
    return code_of(record, step)


def code_of(record: Record, step: Step) -> CodeVersion:
    """The code of a step whose record, or what is known of it in the form of one, is at hand."""
    workload, notebook = record.code.get("workload"), record.code.get("notebook")
    unknown = record.code.get("workload_unknown")
    return CodeVersion(
        commit=step.commit,
        dirty=step.dirty,
        workload=record.workload_file,
        digest=workload.get("sha256") if isinstance(workload, dict) else None,
        notebook=notebook.get("path") if isinstance(notebook, dict) else None,
        cells=tuple(cells_of(record)),
        unknown=unknown if isinstance(unknown, str) else None,
    )
