"""What a script consists of: its own file and the modules of the workspace that it imported."""

import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunScript = Callable[..., dict[str, Any]]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _modules(facts: dict[str, Any]) -> dict[str, Any]:
    modules = {module["path"]: module for module in facts["code"].get("modules", ())}
    modules.pop("report.py", None)
    return modules


def test_a_script_is_recorded_with_its_content(tmp_path: Path, run_script: RunScript) -> None:
    facts = run_script("begin(); finish()")
    script = tmp_path / "study.py"
    assert facts["code"]["workload"] == {
        "path": "study.py",
        "sha256": _digest(script),
        "size": script.stat().st_size,
        "mtime": script.stat().st_mtime_ns,
        "kept": True,
    }
    assert facts["workload_file"] == "study.py"
    assert _modules(facts) == {}
    assert "notices" not in facts


def test_local_modules_are_recorded_whenever_they_were_imported(
    tmp_path: Path, run_script: RunScript
) -> None:
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    for name in ("early.py", "late.py", "unused.py", "lib/__init__.py", "lib/deep/model.py"):
        (tmp_path / name).write_text(f"# {name}\n")
    facts = run_script("import early, json\nbegin()\nimport late, lib.deep.model\nfinish()")
    modules = _modules(facts)
    assert sorted(modules) == ["early.py", "late.py", "lib/__init__.py", "lib/deep/model.py"]
    for path, module in modules.items():
        assert module["sha256"] == _digest(tmp_path / path)
        assert module["kept"] is True


def test_installed_packages_are_no_local_modules(tmp_path: Path, run_script: RunScript) -> None:
    packages = tmp_path / ".venv" / "lib" / "python3" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "installed_one.py").write_text("")
    facts = run_script(
        f"import sys; sys.path.append({str(packages)!r})\nimport installed_one\nbegin(); finish()"
    )
    assert _modules(facts) == {}


def test_modules_beside_a_script_outside_the_workspace_are_recorded(
    tmp_path: Path, run_script: RunScript
) -> None:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "helper.py").write_text("")
    facts = run_script(f"import helper\nbegin({str(tmp_path / 'workspace')!r}); finish()")
    assert facts["workload_file"] == "../study.py"
    assert [module["path"] for module in facts["code"]["modules"]] == ["../helper.py", "../report.py"]


def test_a_lazy_module_is_not_made_to_load(tmp_path: Path, run_script: RunScript) -> None:
    (tmp_path / "lazy.py").write_text("open('loaded', 'w').close()\n")
    run_script(
        "import importlib.util, sys\n"
        "spec = importlib.util.find_spec('lazy')\n"
        "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['lazy'] = module\n"
        "spec.loader.exec_module(module)\n"
        "class Odd:\n    __slots__ = ()\n    def __getattr__(self, name): raise RuntimeError(name)\n"
        "sys.modules['odd'] = Odd()\n"
        "begin(); finish()"
    )
    assert not (tmp_path / "loaded").exists()


def test_code_that_changes_during_the_run_is_recorded_as_it_was_and_said_to_have_changed(
    tmp_path: Path, run_script: RunScript
) -> None:
    for name in ("edited", "touched", "deleted"):
        (tmp_path / f"{name}.py").write_text("a = 1\n")
    before = _digest(tmp_path / "edited.py")
    facts = run_script(
        "import edited, touched, deleted, os, time\n"
        "begin(); time.sleep(0.3)\n"
        "open('edited.py', 'w').write('a = 22\\n'); os.utime('touched.py'); os.unlink('deleted.py')\n"
        "finish()"
    )
    modules = _modules(facts)
    assert (modules["edited.py"]["sha256"], modules["edited.py"]["changed"]) == (before, "during")
    assert modules["deleted.py"]["changed"] == "gone"
    assert "changed" not in modules["touched.py"]


def test_code_edited_after_python_may_have_read_it_is_said_to_be_doubtful(
    tmp_path: Path, run_script: RunScript
) -> None:
    (tmp_path / "model.py").write_text("a = 1\n")
    facts = run_script(
        "import model, time\ntime.sleep(0.3)\nopen('model.py', 'w').write('a = 2\\n')\nbegin(); finish()"
    )
    assert facts["notices"] == [
        "model.py: modified after the process had started, so the recorded source may be newer than the code that ran."
    ]


def _facts_of(tmp_path: Path, *command: str, given: str | None = None) -> dict[str, Any]:
    subprocess.run([sys.executable, *command], cwd=tmp_path, check=True, input=given, text=True)
    return json.loads((tmp_path / "facts.json").read_text())


REPORTED = "from report import begin, finish\nbegin(); finish()\n"


@pytest.fixture
def study(tmp_path: Path, run_script: RunScript) -> Path:
    """A folder with `study.py` and the module it reports with."""
    run_script("begin(); finish()")
    return tmp_path


def test_code_without_a_file_is_said_to_have_none(study: Path) -> None:
    facts = _facts_of(study, "-c", REPORTED)
    assert facts["code"]["workload_unknown"] == "the code was given on the command line"
    assert "workload_file" not in facts
    facts = _facts_of(study, "-", given=REPORTED)
    assert facts["code"]["workload_unknown"] == "the code was read from standard input"
    facts = _facts_of(study, "-i", given=f"{REPORTED}\n")
    assert facts["code"]["workload_unknown"] == "the code was typed at a prompt"


def test_a_module_or_a_folder_that_is_run_is_the_workload(study: Path) -> None:
    (study / "package").mkdir()
    (study / "package" / "__main__.py").write_text(REPORTED)
    assert _facts_of(study, "-m", "package")["workload_file"] == "package/__main__.py"
    (study / "facts.json").unlink()
    (study / "package" / "report.py").write_bytes((study / "report.py").read_bytes())
    assert _facts_of(study, "package")["workload_file"] == "package/__main__.py"


def test_a_zip_archive_that_is_run_is_the_workload(study: Path) -> None:
    with zipfile.ZipFile(study / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", f"import sys; sys.path.append({str(study)!r})\n{REPORTED}")
    assert _facts_of(study, "app.pyz")["code"]["workload"]["sha256"] == _digest(study / "app.pyz")


def test_a_script_under_a_profiler_is_the_workload(study: Path) -> None:
    assert _facts_of(study, "-m", "cProfile", "study.py")["workload_file"] == "study.py"


def test_a_script_that_changes_the_directory_is_still_found(tmp_path: Path, run_script: RunScript) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "study.py").write_text("# another")
    facts = run_script(
        "import os; root = os.getcwd(); os.chdir('elsewhere'); begin(root); finish('../facts.json')"
    )
    assert facts["code"]["workload"]["sha256"] == _digest(tmp_path / "study.py")


def test_a_file_that_the_user_names_is_the_workload(
    tmp_path: Path, run_script: RunScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named.py").write_text("# named\n")
    source = "import os; begin(workload_file=os.path.abspath('named.py')); finish()"
    assert run_script(source)["code"]["workload"]["sha256"] == _digest(tmp_path / "named.py")
    monkeypatch.setenv("DOTSCIENCE_WORKLOAD_FILE", "named.py")
    facts = run_script("begin(); finish()")
    assert facts["workload_file"] == "named.py"
    assert "study.py" in _modules(facts)


def test_a_named_file_that_is_not_there_is_said_to_be_missing(run_script: RunScript) -> None:
    facts = run_script("import os; begin(workload_file=os.path.abspath('none.py')); finish()")
    assert facts["code"]["workload"] == {"path": "none.py", "unseen": "missing"}


def test_code_is_recorded_by_digest_only_where_it_is_not_to_be_kept(
    tmp_path: Path, run_script: RunScript, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOTSCIENCE_KEEP_CODE", "no")
    workload = run_script("begin(); finish()")["code"]["workload"]
    assert workload["sha256"] == _digest(tmp_path / "study.py")
    assert "kept" not in workload


def test_a_spawned_worker_knows_its_script(tmp_path: Path, run_script: RunScript) -> None:
    facts = run_script(
        "import multiprocessing\n"
        "def work(): begin(); finish()\n"
        "if __name__ == '__main__':\n"
        "    worker = multiprocessing.get_context('spawn').Process(target=work)\n"
        "    worker.start(); worker.join()\n"
    )
    assert facts["workload_file"] == "study.py"
