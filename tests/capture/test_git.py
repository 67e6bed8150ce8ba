"""What is recorded of real repositories in every state that they can be in."""

import gc
import os
import stat
import subprocess
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from dotscience.capture.git import Checkout, GitError, Repository, find

Git = Callable[..., str]


def _repository(folder: Path) -> Repository:
    top = find([str(folder)])
    assert top is not None
    return Repository(top)


def _look(folder: Path) -> Checkout:
    checkout = _repository(folder).look()
    assert checkout is not None
    return checkout


def test_a_clean_checkout_has_commit_branch_and_root(repository: Path, git: Git) -> None:
    assert _look(repository) == Checkout(
        root=str(repository), commit=git("rev-parse", "HEAD"), branch="main", dirty=False, untracked=0
    )


def test_the_repository_is_found_from_a_folder_below_its_top(repository: Path) -> None:
    below = repository / "src" / "deep"
    below.mkdir(parents=True)
    assert find([str(below)]) == str(repository)


def test_the_first_folder_that_lies_in_a_repository_counts(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert find([str(elsewhere), str(repository)]) == str(repository)
    assert find([str(elsewhere)]) is None


def test_a_repository_without_commits_has_a_branch_only(tmp_path: Path, git: Git) -> None:
    git("init", "--quiet")
    (tmp_path / "train.py").write_text("")
    git("add", ".")
    assert _look(tmp_path) == Checkout(root=str(tmp_path), branch="main", dirty=True, untracked=0)


def test_a_detached_head_has_no_branch(repository: Path, git: Git) -> None:
    git("checkout", "--quiet", "--detach")
    checkout = _look(repository)
    assert checkout.branch is None
    assert checkout.commit == git("rev-parse", "HEAD")


def test_uncommitted_changes_can_be_applied_again(
    repository: Path, git: Git, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (repository / "weights.bin").write_bytes(bytes(range(256)) * 8)
    (repository / "old name.py").write_text("x = 1\n" * 20)
    git("add", ".")
    git("commit", "--quiet", "-m", "second")
    (repository / "train.py").write_text("rate = 0.2\n")
    (repository / "weights.bin").write_bytes(bytes(reversed(range(256))) * 8)
    git("mv", "old name.py", "neuer Näme.py")
    (repository / "staged.py").write_text("y = 2\n")
    git("add", "staged.py")
    checkout = _look(repository)
    assert checkout.dirty
    assert checkout.diff is not None
    copy = tmp_path_factory.mktemp("copy")
    git("clone", "--quiet", str(repository), ".", at=copy)
    subprocess.run(["git", "apply", "-"], cwd=copy, input=checkout.diff, check=True)
    for name in ("train.py", "weights.bin", "neuer Näme.py", "staged.py"):
        assert (copy / name).read_bytes() == (repository / name).read_bytes()
    assert not (copy / "old name.py").exists()


def test_secrets_in_uncommitted_changes_are_redacted(repository: Path) -> None:
    (repository / "train.py").write_text("password = 'hunter2'\n")
    diff = _look(repository).diff
    assert diff is not None
    assert b"+password = '[redacted]'" in diff


def test_the_users_own_diff_settings_do_not_show(repository: Path, git: Git) -> None:
    for name, value in (
        ("color.ui", "always"),
        ("diff.external", "false"),
        ("diff.noprefix", "true"),
        ("diff.mnemonicPrefix", "true"),
        ("core.pager", "false"),
        ("core.fsmonitor", "false"),
        ("diff.txt.textconv", "false"),
    ):
        git("config", name, value)
    (repository / ".gitattributes").write_text("*.py diff=txt\n")
    (repository / "train.py").write_text("rate = 0.3\n")
    diff = _look(repository).diff
    assert diff is not None
    assert diff.startswith(b"diff --git a/train.py b/train.py\n")
    assert diff.endswith(b"-rate = 0.1\n+rate = 0.3\n")


def test_untracked_files_are_counted_and_are_no_change(repository: Path) -> None:
    (repository / ".gitignore").write_text("data\n")
    (repository / "notes.txt").write_text("")
    for folder in ("data", "plots"):
        (repository / folder).mkdir()
        (repository / folder / "a").write_text("")
        (repository / folder / "b").write_text("")
    checkout = _look(repository)
    assert checkout.untracked == 3  # .gitignore, notes.txt and the folder plots
    assert checkout.dirty is False
    assert checkout.diff is None


@pytest.mark.parametrize(
    ("remotes", "upstream", "expected"),
    [
        ({}, None, None),
        ({"origin": "https://me:pw@example.org/a.git"}, None, "https://example.org/a.git"),
        ({"origin": "https://example.org/a", "team": "git@example.org:b"}, "team", "git@example.org:b"),
        ({"origin": "https://example.org/a", "team": "git@example.org:b"}, None, "https://example.org/a"),
        ({"team/x": "/srv/x", "tea": "/srv/b", "origin": "/srv/o"}, "team/x", "/srv/x"),
        ({"team": "/srv/b"}, None, "/srv/b"),
        ({"one": "/srv/1", "two": "/srv/2"}, None, None),
    ],
)
def test_the_remote_is_the_upstreams_else_origin_else_the_only_one(
    repository: Path, git: Git, remotes: dict[str, str], upstream: str | None, expected: str | None
) -> None:
    for name, address in remotes.items():
        git("remote", "add", name, address)
    if upstream is not None:
        git("update-ref", f"refs/remotes/{upstream}/main", "HEAD")
        git("branch", "--quiet", f"--set-upstream-to={upstream}/main")
    assert _look(repository).remote == expected


def test_a_worktree_has_its_own_branch(repository: Path, git: Git) -> None:
    git("worktree", "add", "--quiet", "-b", "other", "wt")
    checkout = _look(repository / "wt")
    assert checkout.branch == "other"
    assert checkout.root == str(repository / "wt")
    before = Repository(checkout.root).trace()
    git("commit", "--quiet", "--allow-empty", "-m", "more", at=repository / "wt")
    assert Repository(checkout.root).trace() != before


def test_a_changed_submodule_is_a_change_with_its_content(
    repository: Path, git: Git, tmp_path_factory: pytest.TempPathFactory
) -> None:
    library = tmp_path_factory.mktemp("library")
    git("init", "--quiet", at=library)
    (library / "lib.py").write_text("a = 1\n")
    git("add", ".", at=library)
    git("commit", "--quiet", "-m", "first", at=library)
    git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    git("commit", "--quiet", "-m", "with library")
    assert _look(repository).dirty is False
    (repository / "lib" / "lib.py").write_text("a = 2\n")
    checkout = _look(repository)
    assert checkout.dirty
    assert b"+a = 2" in (checkout.diff or b"")
    assert _look(repository / "lib").root == str(repository / "lib")


def test_a_file_too_large_to_compare_is_left_out_and_named(repository: Path, git: Git) -> None:
    (repository / "big.csv").write_text("")
    git("add", ".")
    git("commit", "--quiet", "-m", "big")
    (repository / "big.csv").write_text("1\n" * 1000)
    (repository / "train.py").write_text("rate = 0.9\n")
    checkout = Repository(str(repository), largest_diff=1000).look()
    assert checkout is not None
    assert b"rate = 0.9" in (checkout.diff or b"")
    assert b"big.csv" not in (checkout.diff or b"")
    assert checkout.problems == ["The uncommitted changes of big.csv were not recorded: too large."]


def test_changes_that_are_too_large_altogether_are_said_to_be_left_out(repository: Path) -> None:
    (repository / "train.py").write_text("rate = 0.9\n" * 90)
    checkout = Repository(str(repository), largest_diff=1000).look()
    assert checkout is not None
    assert (checkout.dirty, checkout.diff) == (True, None)
    assert checkout.problems == [
        "The uncommitted changes were not recorded: they are larger than 1000 bytes."
    ]


def test_variables_of_a_git_hook_do_not_mislead(
    repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nothing"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    assert _look(repository).dirty is False


def test_no_lock_is_taken_and_the_index_is_not_written(repository: Path) -> None:
    index = repository / ".git" / "index"
    os.utime(repository / "train.py")
    before = index.stat().st_mtime_ns
    _look(repository)
    assert index.stat().st_mtime_ns == before


def test_a_machine_without_git_has_nothing_to_say(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert Repository(str(repository)).look() is None


def test_what_git_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    with pytest.raises(GitError, match="not a git repository"):
        Repository(str(tmp_path)).look()


def _fake_git(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program called git before the real one."""
    folder.mkdir()
    program = folder / "git"
    real = subprocess.run(
        ["/bin/sh", "-c", "command -v git"], capture_output=True, text=True, check=True
    ).stdout
    program.write_text(f"#!/bin/sh\nREAL={real.strip()}\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_working_tree_too_slow_to_compare_still_has_its_commit(
    repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git("rev-parse", "HEAD")
    body = 'case "$*" in *" status "*) sleep 60 & wait;; *) exec "$REAL" "$@";; esac'
    _fake_git(tmp_path / "bin", body, monkeypatch)
    checkout = Repository(str(repository), patience=4).look()
    assert checkout is not None
    assert (checkout.commit, checkout.branch, checkout.dirty) == (commit, "main", None)
    assert ["longer than 4 s" in problem for problem in checkout.problems] == [True]


def test_what_took_too_long_is_not_waited_for_again_by_the_next_run(
    repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git("rev-parse", "HEAD")
    asked = tmp_path / "asked"
    body = f'case "$*" in *" status "*) echo >> {asked}; sleep 60 & wait;; *) exec "$REAL" "$@";; esac'
    _fake_git(tmp_path / "bin", body, monkeypatch)
    first, second = (Repository(str(repository), patience=4).look() for _ in range(2))
    assert first is not None
    assert second == first
    assert first.commit == commit
    assert asked.read_text() == "\n"


def test_what_took_too_long_keeps_nothing_of_the_runs_that_asked(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_git(
        tmp_path / "bin", 'case "$*" in *" status "*) sleep 60 & wait;; esac; exec "$REAL" "$@"', monkeypatch
    )
    Repository(str(repository), patience=4).look()
    next_run = Repository(str(repository), patience=20)
    assert next_run.look() is not None
    gone = weakref.ref(next_run)
    del next_run
    gc.collect()
    assert gone() is None


def test_what_took_too_long_is_tried_again_after_a_while(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dotscience.capture.git._REST", 0)
    slow = tmp_path / "slow"
    slow.touch()
    body = f'case "$*" in *" status "*) [ -e {slow} ] && rm {slow} && sleep 60;; esac; exec "$REAL" "$@"'
    _fake_git(tmp_path / "bin", body, monkeypatch)
    first = Repository(str(repository), patience=4).look()
    second = Repository(str(repository), patience=60).look()
    assert first is not None
    assert second is not None
    assert (first.dirty, second.dirty) == (None, False)


def test_a_git_that_never_answers_is_an_error(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_git(tmp_path / "bin", "sleep 60", monkeypatch)
    with pytest.raises(GitError, match=r"took longer than 0\.2 s"):
        Repository(str(repository), patience=0.2).look()


def test_a_git_with_many_warnings_is_listened_to(
    repository: Path, git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git("rev-parse", "HEAD")
    _fake_git(tmp_path / "bin", 'yes warning | head -c 1000000 >&2; exec "$REAL" "$@"', monkeypatch)
    checkout = Repository(str(repository), patience=20).look()
    assert checkout is not None
    assert (checkout.commit, checkout.dirty, checkout.problems) == (commit, False, [])


def test_a_git_that_tells_nothing_is_not_taken_for_a_clean_checkout(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_git(tmp_path / "bin", "exit 0", monkeypatch)
    with pytest.raises(GitError, match="told nothing"):
        Repository(str(repository)).look()


def test_another_commit_leaves_a_trace(repository: Path, git: Git) -> None:
    tree = Repository(str(repository))
    before = tree.trace()
    (repository / "untracked").write_text("")
    assert tree.trace() == before
    git("commit", "--quiet", "--allow-empty", "-m", "more")
    assert tree.trace() != before
    assert tree.head() == git("rev-parse", "HEAD")
