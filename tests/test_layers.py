"""Data goes one way: imports go only down the list of rooms, and `import dotscience` loads next to nothing."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import pytest

import dotscience

PACKAGE = Path(dotscience.__file__).parent

STOREYS = (
    ("cli",), ("hub",), ("models", "runner"), ("client",), ("catalog",),
    ("capture", "recorder"), ("storage",), ("records",), ("settings",), ("errors",),
)  # fmt: skip
HEIGHT = {room: -number for number, storey in enumerate(STOREYS) for room in storey}
STRANGERS = {("hub", "recorder")}

ABOVE_ALL = {"__init__", "__main__", "testing"}
"""Modules that may import everything, and that no room imports."""

STANDARD_LIBRARY_ONLY = {"records", "storage", "recorder", "capture", "settings", "errors", "__init__"}

LOADED_BY_THE_USER = {"IPython", "ipykernel", "jupyter_core"}
"""What recorder-side rooms may import inside a function, where the user's process is a notebook kernel."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
MODULES = sorted(PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(module: Path) -> Iterator[tuple[str, bool]]:
    """Each imported module's full name, and whether it is imported as soon as this module is.

    Imports for type checkers count like any other: what a room knows by name it depends on.
    """
    tree = ast.parse(module.read_bytes())
    package = ".".join(("dotscience", *module.relative_to(PACKAGE).parts[:-1]))
    later = {
        id(inner) for outer in ast.walk(tree) if isinstance(outer, FUNCTIONS) for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) not in later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "dotscience" else [base]
            yield from ((name, id(node) not in later) for name in names)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_only_downwards(module: Path) -> None:
    here = room_of(module)
    if here in ABOVE_ALL:
        return
    assert here in HEIGHT, f"{here} is no room of the house; add it to STOREYS and to the design"
    for name, _ in imports(module):
        top, _, rest = name.partition(".")
        there = rest.split(".")[0]
        if top == "dotscience" and there not in (here, "", "__version__"):
            assert there in HEIGHT, f"{module} imports {name}, which stands above every room"
            assert HEIGHT[there] < HEIGHT[here], f"{module} imports {name}, which is not below it"
            assert (here, there) not in STRANGERS, f"{module} imports {name}, which it must not know"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_recording_needs_only_the_standard_library(module: Path) -> None:
    if room_of(module) not in STANDARD_LIBRARY_ONLY:
        return
    for name, at_once in imports(module):
        top = name.partition(".")[0]
        allowed = {"dotscience"} if at_once else {"dotscience", *LOADED_BY_THE_USER}
        assert top in sys.stdlib_module_names | allowed, f"{module} imports {name}"


def loaded_by_import() -> set[str]:
    """The modules that `import dotscience` adds to a bare interpreter's own."""
    code = (
        "import sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1]); import dotscience; "
        "after = set(sys.modules); print(*(after - before))"
    )
    bare = [sys.executable, "-I", "-S", "-c", code, str(PACKAGE.parent)]
    return set(subprocess.run(bare, capture_output=True, text=True, check=True).stdout.split())


def test_importing_dotscience_loads_no_third_party_module() -> None:
    loaded = {name.partition(".")[0] for name in loaded_by_import()}
    assert loaded <= {"dotscience"} | sys.stdlib_module_names


def test_importing_dotscience_loads_only_its_recorder() -> None:
    own = {name for name in loaded_by_import() if name.startswith("dotscience")}
    assert own == {
        "dotscience",
        "dotscience.recorder",
        "dotscience.recorder.recorder",
        "dotscience.recorder.verbs",
    }


def test_what_costs_time_waits_until_first_use() -> None:
    costly = {
        "asyncio", "concurrent", "ctypes", "dataclasses", "datetime", "decimal", "email", "hashlib", "importlib.metadata",
        "inspect", "json", "logging", "multiprocessing", "pathlib", "platform", "random", "re", "shutil", "socket",
        "sqlite3", "struct", "subprocess", "tempfile", "traceback", "typing", "urllib", "uuid",
    }  # fmt: skip
    assert loaded_by_import() & costly == set()
