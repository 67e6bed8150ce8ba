"""The state of the git repository that the code lies in.

Git is run as a program, never for longer than `PATIENCE`, without a terminal, a network, locks, or the
pagers and external diff programs that a user may have configured.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO

from .redact import redact_diff, without_credentials

__all__ = ["LARGEST_DIFF", "PATIENCE", "Checkout", "GitError", "Repository", "find"]

PATIENCE = 5.0
"""Seconds that one call of git may take."""

_COMPLAINT = 64 << 10
"""How many bytes are kept of what git complains of."""

_REST = 100
"""A command that took too long is not tried again in its working tree for so many times as long: a process that records
one run after the other must not wait for it in each of them. Not for good, because what was slow may have been the disk."""

LARGEST_DIFF = 10 * 1024**2
"""Bytes of uncommitted changes that are kept; more are only said to be there."""

_ASIDE = (
    "git",
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.safecrlf=false"),
    *("-c", "color.ui=false"),
    *("-c", "diff.relative=false"),
    *("-c", "diff.noprefix=false"),
    *("-c", "diff.mnemonicPrefix=false"),
    *("-c", "diff.srcPrefix=a/"),
    *("-c", "diff.dstPrefix=b/"),
    *("-c", "status.renames=false"),
    *("-c", "protocol.allow=never"),
)
_STATUS = ("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")
_FIELDS_BEFORE_PATH = {"1": 7, "2": 8, "u": 9}
_DIFF = ("diff", "HEAD", "--binary", "--submodule=diff", "--no-ext-diff", "--no-textconv")


class GitError(Exception):
    """Git could not tell something; the message says why."""


class _TooSlow(GitError):
    """Git took too long."""


_slow: dict[tuple[str, str], tuple[float, str]] = {}
"""By working tree and command: when by `time.monotonic()` what took too long may be tried again, and what to say till then."""


@dataclass(frozen=True)
class Checkout:
    """What git says of a repository and its working tree. None where it could not be found out.

    Attributes:
        root: the top of the working tree, absolute.
        commit: None where there is no commit yet.
        branch: None where HEAD is detached.
        remote: address of the branch's upstream, else of `origin`, else of the only remote; without credentials.
        dirty: whether tracked files differ from the commit.
        untracked: number of files, and of folders of them, that git neither tracks nor ignores.
        diff: the uncommitted changes, redacted.
        problems: sentences about what could not be found out.
    """

    root: str
    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    dirty: bool | None = None
    untracked: int | None = None
    diff: bytes | None = None
    problems: list[str] = field(default_factory=list)


def find(folders: Iterable[str]) -> str | None:
    """The top of the working tree that the first of some folders lies in, found without running git."""
    for folder in folders:
        top, below = folder, ""
        while top != below:
            if os.path.exists(os.path.join(top, ".git")):
                return top
            top, below = os.path.dirname(top), top
    return None


class Repository:
    """A repository's working tree.

    Args:
        root: the top of the working tree, absolute.
        patience: seconds that one call of git may take.
        largest_diff: bytes of uncommitted changes that are looked at.
    """

    def __init__(self, root: str, patience: float = PATIENCE, largest_diff: int = LARGEST_DIFF) -> None:
        self.root, self._patience, self._largest_diff = root, patience, largest_diff

    def look(self) -> Checkout | None:
        """The state of the working tree now. None where git is not installed.

        Raises:
            GitError: git refuses to tell anything, or takes too long.
        """
        try:
            status = self._run(*_STATUS)
        except FileNotFoundError:
            return None
        except _TooSlow as error:
            return self._look_briefly(error)
        facts, changed, untracked = _parse_status(status)
        if "branch.oid" not in facts:  # it failed, but the user's program took its exit status from us
            raise GitError("`git status` told nothing")
        commit, branch = facts.get("branch.oid"), facts.get("branch.head")
        commit = None if commit == "(initial)" else commit
        branch = None if branch == "(detached)" else branch
        problems: list[str] = []
        diff = self._diff(changed, problems) if changed and commit is not None else None
        remote = _remote(self._run("remote", "-v"), facts.get("branch.upstream", ""))
        return Checkout(self.root, commit, branch, remote, bool(changed), untracked, diff, problems)

    def head(self) -> str | None:
        """The commit that is checked out now.

        Raises:
            GitError: git does not tell.
        """
        return self._run("rev-parse", "--verify", "--quiet", "HEAD").decode().strip() or None

    def trace(self) -> tuple[object, ...]:
        """Something that changes whenever another commit is made or checked out, read without running git."""
        folder = os.path.join(self.root, ".git")
        try:
            if os.path.isfile(folder):  # a worktree or a submodule
                with open(folder, encoding="utf-8", errors="surrogateescape") as stream:
                    folder = os.path.join(self.root, stream.read().partition("gitdir:")[2].strip())
            with open(os.path.join(folder, "HEAD"), "rb") as stream:
                content = stream.read()
            log = os.stat(os.path.join(folder, "logs", "HEAD"))
        except OSError:
            return ()
        return content, log.st_size, log.st_mtime_ns

    def _look_briefly(self, why: GitError) -> Checkout:
        """What is quick to tell of a working tree that is too large or too slow to compare with its commit."""
        told = self._run("rev-parse", "HEAD", "--abbrev-ref", "HEAD").decode().split("\n")
        branch = None if told[1] == "HEAD" else told[1]
        remote = _remote(self._run("remote", "-v"), "")
        problem = f"Whether there are uncommitted changes is not known: {why}."
        return Checkout(self.root, told[0], branch, remote, problems=[problem])

    def _diff(self, changed: Iterable[str], problems: list[str]) -> bytes | None:
        """The uncommitted changes, without those of files so large that git would need much memory for them."""
        large = [path for path in changed if _size(os.path.join(self.root, path)) > self._largest_diff]
        if large:
            names = ", ".join(large[:3]) + (f" and {len(large) - 3} more" if len(large) > 3 else "")
            problems.append(f"The uncommitted changes of {names} were not recorded: too large.")
        excluded = [f":(exclude,literal){path}" for path in large]
        try:
            printed = self._run(*_DIFF, "--", ".", *excluded, ceiling=self._largest_diff)
        except GitError as error:
            problems.append(f"The uncommitted changes were not recorded: {error}.")
            return None
        return redact_diff(printed) or None

    def _run(self, *arguments: str, ceiling: int | None = None) -> bytes:
        """What git prints.

        Raises:
            FileNotFoundError: git is not installed.
            GitError: it failed, was too slow, now or a short while ago, or printed more than `ceiling` bytes.
        """
        key = self.root, arguments[0]
        until, said_before = _slow.get(key, (0.0, ""))
        if time.monotonic() < until:
            raise _TooSlow(
                said_before
            )  # anew, for an exception that is raised again keeps every frame that it went through
        with subprocess.Popen(
            [*_ASIDE, *arguments],
            cwd=self.root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that an interrupt meant for the user's program does not reach it
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            ended: list[GitError] = []
            slow = _TooSlow(f"`git {arguments[0]}` took longer than {self._patience:g} s")
            timer = threading.Timer(self._patience, _end, (process, ended, slow))
            timer.daemon = True
            timer.start()
            said: list[bytes] = []
            listener = threading.Thread(target=_listen, args=(process.stderr, said), daemon=True)
            listener.start()  # git stands still where nobody takes its warnings
            try:
                printed = process.stdout.read(-1 if ceiling is None else ceiling + 1)
                if ceiling is not None and len(printed) > ceiling:
                    _end(process, ended, GitError(f"they are larger than {ceiling} bytes"))
                listener.join()
                failed = process.wait() != 0
            finally:
                timer.cancel()
        if ended:
            if ended[0] is slow:
                _slow[key] = time.monotonic() + _REST * self._patience, str(slow)
            raise ended[0]
        if failed:
            complaint = said[0].decode("utf-8", "replace").strip() if said else ""
            reason = complaint.partition("\n")[0] or "it did not say why"
            raise GitError(f"`git {arguments[0]}` failed: {reason}")
        return printed


def _parse_status(status: bytes) -> tuple[dict[str, str], list[str], int]:
    """The headers of `git status --porcelain=v2 -z`, the tracked files that are changed, and how much is untracked."""
    facts: dict[str, str] = {}
    changed: list[str] = []
    untracked = 0
    entries = iter(status.decode("utf-8", "surrogateescape").split("\0"))
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            facts[name] = value
        elif kind == "?":
            untracked += 1
        elif kind in _FIELDS_BEFORE_PATH:
            changed.append(rest.split(" ", _FIELDS_BEFORE_PATH[kind])[-1])
            if kind == "2":  # a rename: the next entry is the old name
                next(entries, None)
    return facts, changed, untracked


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:  # deleted: what is recorded is that it is gone
        return 0


def _remote(listed: bytes, upstream: str) -> str | None:
    """The address to name, of those that `git remote -v` lists."""
    addresses: dict[str, str] = {}
    for line in listed.decode("utf-8", "surrogateescape").splitlines():
        name, _, rest = line.partition("\t")
        address, fetch, _ = rest.rpartition(" (fetch)")
        if fetch:
            addresses[name] = address
    tracked = [name for name in addresses if upstream.startswith(f"{name}/")]
    chosen = max(tracked, key=len) if tracked else "origin"
    if chosen not in addresses and len(addresses) == 1:
        (chosen,) = addresses
    return without_credentials(addresses[chosen]) if chosen in addresses else None


def _end(process: subprocess.Popen[bytes], ended: list[GitError], why: GitError) -> None:
    """End git together with the filters that it may have started."""
    if process.returncode is not None:
        return
    ended.append(why)
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        return


def _listen(stream: IO[bytes], said: list[bytes]) -> None:
    """Read to the end what git complains of, and keep the first of it."""
    said.append(stream.read(_COMPLAINT))
    while stream.read(_COMPLAINT):
        continue


def _environment() -> dict[str, str]:
    """The user's environment without what would make git speak of another repository, ask, lock or fetch."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith("GIT_CONFIG") or name == "GIT_EXEC_PATH"
    }
    return kept | {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "LC_ALL": "C",
    }
