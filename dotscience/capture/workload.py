"""What executes: the script, or the notebook with the cells that ran, and the modules of the workspace."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..records.files import FileVersion
from ..records.surroundings import Moment
from ..records.values import Json
from ..storage.workspace import relative_path
from . import code
from .task import Facts, Source

if TYPE_CHECKING:
    from .cells import CellLog

__all__ = ["Workload"]


class Workload(Source):
    """The code of one run.

    Args:
        moment: what is known when the run begins.
        shell: the IPython shell that the code runs in, or None.
        named: the script or notebook that the user named, absolute, or None.
        keep: whether the content of code is kept.
    """

    what = "The code"

    def __init__(self, moment: Moment, shell: Any | None, named: str | None, keep: bool) -> None:
        self._root, self._keep = moment.root, moment.keep if keep else None
        self._file, self._found_by = named, "setting" if named else None
        self._unknown: str | None = None
        self._shell, self._mark = shell, 0
        self._log: CellLog | None = None
        self._sources: dict[str, code.Read] = {}

    def prepare(self) -> None:
        if self._shell is not None:
            from . import notebook
            from .cells import log_of

            self._notebook = notebook
            self._log = log_of(self._shell)
            self._mark = self._log.mark()

    def name(self, file: str) -> None:
        """Take the file that the user has named meanwhile."""
        self._file, self._found_by, self._unknown = file, "setting", None

    def look(self) -> Facts:
        if self._file is None and self._unknown is None:
            self._find()
        self._read()
        return self._facts({path: source.version for path, source in self._sources.items()})

    def settle(self, facts: Facts) -> Facts:
        self._read()
        versions, notices = code.describe(self._sources, self._root)
        return self._facts(versions) | {"notices": notices}

    def _find(self) -> None:
        if self._shell is None:
            self._file, self._unknown = code.main_script()
        elif getattr(self._shell, "kernel", None) is None:
            self._unknown = "the code was typed at a prompt"
        else:
            self._file, self._found_by, self._unknown = self._notebook.find_notebook(
                self._shell.user_ns, self._notebook.kernel_connection()
            )

    def _script(self) -> str | None:
        return None if self._file is None or self._file.endswith(".ipynb") else self._file

    def _read(self) -> None:
        """Read what has not been read yet: the script, the modules, and what %run ran."""
        script = self._script()
        folders = [self._root, *([] if self._file is None else [os.path.dirname(self._file)])]
        ran = getattr(self._shell, "_main_mod_cache", ())
        files = [*([script] if script else []), *code.local_files(folders, ran)]
        for file in files:
            if file not in self._sources:
                self._sources[file] = code.read(file, self._root, self._keep)

    def _facts(self, versions: Mapping[str, FileVersion]) -> Facts:
        script = self._script()
        facts: dict[str, Json] = {}
        if script is not None:
            facts["workload"] = versions[script].to_json()
        elif self._file is not None:
            facts["notebook"] = {"path": relative_path(self._file, self._root), "found_by": self._found_by}
        else:
            facts["workload_unknown"] = self._unknown
        modules = [versions[file].to_json() for file in sorted(versions) if file != script]
        if modules:
            facts["modules"] = modules
        if self._log is not None:
            facts["cells"] = self._log.cells(self._mark)
        named = {} if self._file is None else {"workload_file": relative_path(self._file, self._root)}
        return {"code": facts, **named}
