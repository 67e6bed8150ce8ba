"""All sources together: what each switch turns off, and that nothing that goes wrong reaches the user."""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from dotscience.capture import surroundings
from dotscience.capture.task import Facts, Source, Task, merged, start
from dotscience.records.record import Record
from dotscience.records.surroundings import Moment
from dotscience.settings import Settings

Git = Callable[..., str]


def _gather(moment: Moment, **variables: str) -> Mapping[str, Any]:
    gathering = surroundings(Settings(moment.root, variables))
    gathering.begin(moment)
    return gathering.finish(moment)


def test_everything_is_recorded_by_default(repository: Path, moment: Moment, git: Git, store: Any) -> None:
    (repository / "train.py").write_text("rate = 0.5\n")
    facts = _gather(moment, OMP_NUM_THREADS="3")
    assert sorted(facts) == ["code", "environment", "git", "workload_file"]
    diff = facts["git"].pop("diff")
    assert b"+rate = 0.5" in store.blobs[diff["sha256"]]
    assert facts["git"] == {
        "root": str(repository),
        "commit": git("rev-parse", "HEAD"),
        "branch": "main",
        "dirty": True,
        "untracked": 0,
    }
    packages = facts["environment"]["packages"]
    listed = json.loads(store.blobs[packages["sha256"]])
    assert packages["size"] == len(store.blobs[packages["sha256"]])
    assert packages["count"] == len(listed)
    assert "pytest" in listed
    assert set(facts["environment"]) >= {
        "python",
        "implementation",
        "platform",
        "cpu",
        "ram",
        "argv",
        "executable",
    }


def test_what_is_gathered_fits_into_a_record(repository: Path, moment: Moment) -> None:
    facts = dict(_gather(moment))
    wire = {
        "record": 1,
        "id": "x",
        "status": "completed",
        "published": "2026-11-01T08:30:00.000000Z",
        **facts,
    }
    record = Record.from_json(wire)
    assert Record.from_bytes(record.to_bytes()).git == facts["git"]


@pytest.mark.parametrize(
    ("switch", "gone"),
    [
        ("CODE", {"code", "workload_file"}),
        ("GIT", {"git"}),
        ("PACKAGES", {"packages"}),
        ("HOST", {"python", "implementation", "platform", "cpu", "ram"}),
        ("COMMAND", {"argv", "executable"}),
    ],
)
def test_each_source_can_be_switched_off(
    repository: Path, moment: Moment, switch: str, gone: set[str]
) -> None:
    def names(facts: Mapping[str, Any]) -> set[str]:
        return {*facts, *facts["environment"]}

    everything = names(_gather(moment))
    assert everything - names(_gather(moment, **{f"DOTSCIENCE_CAPTURE_{switch}": "no"})) == gone


def test_chosen_variables_are_recorded(moment: Moment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_SEED", "7")
    monkeypatch.setenv("STUDY_TOKEN", "abc")
    facts = _gather(moment, DOTSCIENCE_CAPTURE_VARIABLES="STUDY_*")
    assert facts["environment"]["variables"] == {"STUDY_SEED": "7", "STUDY_TOKEN": "[redacted]"}


def test_without_a_repository_there_is_no_git_and_no_complaint(moment: Moment) -> None:
    facts = _gather(moment)
    assert "git" not in facts
    assert "notices" not in facts


def test_a_repository_on_a_machine_without_git_is_said_to_be_unseen(
    repository: Path, tmp_path: Path, moment: Moment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    facts = _gather(moment)
    assert "git" not in facts
    assert facts["notices"] == ["The state of git: not recorded, because git is not installed."]


def test_a_workspace_apart_from_the_code_has_the_repository_of_the_script(
    repository: Path, run_script: Callable[..., dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("data")
    assert run_script(f"begin({str(data)!r}); finish()")["git"]["root"] == str(repository)


def test_what_git_refuses_becomes_a_notice(tmp_path: Path, moment: Moment) -> None:
    (tmp_path / ".git").mkdir()
    facts = _gather(moment)
    assert "git" not in facts
    (notice,) = facts["notices"]
    assert notice.startswith(
        "The state of git: not recorded, because of GitError: `git status` failed: fatal: not a git"
    )


def test_the_diff_is_of_the_code_as_it_was_when_the_run_began(
    repository: Path, moment: Moment, store: Any, git: Git
) -> None:
    (repository / "train.py").write_text("rate = 0.5\n")
    told: list[Mapping[str, Any]] = []
    ready = threading.Event()
    gathering = surroundings(Settings(moment.root, {}))
    gathering.begin(moment._replace(tell=lambda facts: (told.append(facts), ready.set())[0]))
    assert ready.wait(60)
    first = git("rev-parse", "HEAD")
    (repository / "train.py").write_text("rate = 0.7\n")
    git("commit", "--quiet", "-a", "-m", "second")
    facts = gathering.finish(moment)
    assert facts["git"]["commit"] == first
    assert b"+rate = 0.5" in store.blobs[facts["git"]["diff"]["sha256"]]
    assert facts["notices"] == [
        f"During the run HEAD moved from {first[:12]} to {git('rev-parse', 'HEAD')[:12]}; the record names the first."
    ]


def test_a_second_run_sees_what_has_changed_since_the_first(
    repository: Path, moment: Moment, git: Git
) -> None:
    first = _gather(moment)
    (repository / "train.py").write_text("rate = 0.7\n")
    assert _gather(moment)["git"]["dirty"]
    git("commit", "--quiet", "-a", "-m", "second")
    third = _gather(moment)
    assert third["git"]["commit"] != first["git"]["commit"]
    assert third["git"]["dirty"] is False


def test_what_was_gathered_is_told_once_before_the_run_ends(repository: Path, moment: Moment) -> None:
    told: list[Mapping[str, Any]] = []
    facts = _gather(moment._replace(tell=told.append))
    assert told
    assert all(set(found) >= {"code", "environment", "git"} for found in told)
    assert told[0]["git"] == facts["git"]


def test_the_present_is_described_where_nobody_said_that_the_run_began(
    repository: Path, moment: Moment
) -> None:
    facts = surroundings(Settings(moment.root, {})).finish(moment)
    assert facts["git"]["branch"] == "main"
    assert facts["environment"]["python"]


def test_a_file_named_after_the_run_began_is_the_workload(tmp_path: Path, moment: Moment) -> None:
    (tmp_path / "named.py").write_text("")
    gathering = surroundings(Settings(moment.root, {}))
    gathering.begin(moment)
    facts = gathering.finish(moment._replace(workload_file=str(tmp_path / "named.py")))
    assert facts["workload_file"] == "named.py"
    assert facts["code"]["workload"]["size"] == 0


def test_a_disk_that_keeps_nothing_is_said_to_have_kept_nothing(repository: Path, moment: Moment) -> None:
    (repository / "train.py").write_text("rate = 0.5\n")
    facts = _gather(moment._replace(keep=lambda data: None))
    assert "diff" not in facts["git"]
    assert "packages" not in facts["environment"]
    assert not facts["code"]["workload"].get("kept")
    assert sorted(facts["notices"]) == [
        "The list of installed packages could not be kept.",
        "The uncommitted changes could not be kept.",
    ]


def test_a_wrong_setting_is_noted_and_its_default_used(moment: Moment) -> None:
    facts = _gather(moment, DOTSCIENCE_CAPTURE_HOST="perhaps")
    assert facts["environment"]["python"]
    (notice,) = facts["notices"]
    assert "DOTSCIENCE_CAPTURE_HOST" in notice


def test_secrets_in_a_text_are_redacted(moment: Moment) -> None:
    assert (
        surroundings(Settings(moment.root, {})).redact("ValueError: token=abc")
        == "ValueError: token=[redacted]"
    )


# One source


class Failing(Source):
    """Raises in the method of a name."""

    what = "The weather"

    def __init__(self, where: str) -> None:
        self._where = where

    def _maybe(self, where: str) -> None:
        if where == self._where:
            raise OSError("no sky")

    def prepare(self) -> None:
        self._maybe("prepare")

    def look(self) -> Facts:
        self._maybe("look")
        return {"weather": {"sun": True}}

    def settle(self, facts: Facts) -> Facts:
        self._maybe("settle")
        return facts


@pytest.mark.parametrize("where", ["prepare", "look"])
@pytest.mark.parametrize("begun", [True, False])
def test_whatever_goes_wrong_in_a_source_is_one_sentence(where: str, begun: bool) -> None:
    task = Task(Failing(where))
    if begun:
        task.prepare()
        start([[task]], lambda: None)
    assert task.settled(time.monotonic() + 60) == {
        "notices": ["The weather: not recorded, because of OSError: no sky"]
    }


def test_what_was_found_is_not_lost_when_its_end_goes_wrong() -> None:
    assert Task(Failing("settle")).settled(0.0) == {
        "weather": {"sun": True},
        "notices": ["The weather: changes during the run not looked for, because of OSError: no sky"],
    }


def test_a_source_that_does_not_come_to_an_end_is_not_waited_for() -> None:
    released, over = threading.Event(), threading.Event()

    class Endless(Source):
        what = "The weather"

        def look(self) -> Facts:
            released.wait(60)
            return {}

    task = Task(Endless())
    task.prepare()
    start([[task]], over.set)
    settled = task.settled(0.0)
    released.set()
    over.wait(60)
    assert settled == {"notices": ["The weather: not recorded, because it took too long to find out."]}


def test_facts_of_several_sources_are_joined() -> None:
    parts: list[Facts] = [
        {"environment": {"python": "3"}, "notices": ["a"]},
        {"environment": {"argv": []}, "workload_file": "x"},
        {"notices": ["b"]},
    ]
    assert merged(parts) == {
        "environment": {"python": "3", "argv": []},
        "notices": ["a", "b"],
        "workload_file": "x",
    }


# Processes


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_gathers_anew(repository: Path, run_script: Callable[..., dict[str, Any]]) -> None:
    facts = run_script(
        "import os\n"
        "begin()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    finish('of_child.json')\n"
        "    begin(); finish('second_of_child.json')\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "finish()\n"
    )
    for name in ("of_child.json", "second_of_child.json"):
        of_child = json.loads((repository / name).read_text())
        assert of_child["git"]["commit"] == facts["git"]["commit"]
        assert of_child["environment"]["packages"] == facts["environment"]["packages"]
        assert of_child["code"]["workload"] == facts["code"]["workload"]


def test_a_process_that_ends_does_not_wait_for_what_is_gathered(repository: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = (
        "from dotscience.capture import surroundings\n"
        "from dotscience.records.surroundings import Moment\n"
        "from dotscience.settings import Settings\n"
        "import os, time\n"
        "surroundings(Settings(os.getcwd())).begin(Moment(os.getcwd(), lambda data: None))\n"
        "time.sleep(0.2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"},
        timeout=50,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""


def test_a_run_that_begins_and_ends_while_the_interpreter_goes_down_is_described(
    repository: Path, run_script: Callable[..., dict[str, Any]]
) -> None:
    facts = run_script("import atexit\natexit.register(lambda: (begin(), finish()))\n")
    assert facts["code"]["workload"]["path"] == "study.py"
    assert facts["environment"]["packages"]["count"] > 0


def test_no_thread_is_left_behind(moment: Moment) -> None:
    before = set(threading.enumerate())
    _gather(moment)
    assert set(threading.enumerate()) <= before
