"""The recorder: one per process, hidden behind the functions of `dotscience`.

Imported by `import dotscience`; whatever costs time is imported at the first event.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from .verbs import Verbs, named_as_called

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import TextIO

    from ..records.destination import Connect, Destination, Wanted
    from ..records.surroundings import Factory
    from .mode import Chosen
    from .published import Published
    from .recording import Recording
    from .run import Run
    from .session import Session

__all__ = ["Recorder"]


@named_as_called
class Recorder(Verbs):
    """Records runs, one after the other, into the workspace that the first event finds.

    The functions of `dotscience` are the bound methods of one default recorder; another one is only needed in tests and
    by programs that record several things side by side.

    Args:
        root: the workspace root; found as docs/recording.md says when absent.
        environ: environment variables to obey.
        clock: seconds since the Unix epoch.
        new_id: makes run ids.
        surroundings: gives the factory of what gathers code, packages and host around each run; called at the first event.
        connecting: gives what connects to a Hub; called by `connect` and `remote`.
    """

    def __init__(
        self,
        *,
        root: str | os.PathLike[str] | None = None,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] | None = None,
        surroundings: Callable[[], Factory] | None = None,
        connecting: Callable[[], Connect] | None = None,
    ) -> None:
        self._given_root = root
        self._environ, self._clock, self._new_id = environ, clock, new_id
        self._surroundings, self._connecting = surroundings, connecting
        self._hub: Destination | None = None
        self._lock = threading.RLock()
        self._mode: str | None = None
        self._code_from: str | None = None
        self._workload_file: str | None = None
        self._parent: str | None = None
        self._session: Session | None = None
        self._open: Run | None = None
        self._recording: Recording | None = None
        self._last: Run | None = None
        self._blocks: list[ScopedRun] = []
        self._too_late: Run | None = None

    def _begin(self) -> Run:
        """Open a run for an event that came without `start()`: after a publish it carries the declarations over."""
        with self._lock:
            if self._open is not None:  # another thread was faster
                return self._open
            if self._last is None and self._parent is None:
                from .notices import notice

                notice("You have not called ds.start() yet, so the run starts with this call.")
            return self._open_run(self._last)

    def _open_run(self, carried: Run | None) -> Run:
        if self._too_late is not None and (sys.is_finalizing() or threading.current_thread().daemon):
            return self._too_late
        try:
            run, self._recording = self._recorded_run(carried)
        except Exception as error:  # a fault of ours, which must not become the user's
            from .notices import notice
            from .run import Run

            notice(
                f"recording cannot begin, your program goes on and the run is kept in memory only: "
                f"{type(error).__name__}: {error}"
            )
            run, self._recording = Run(self._given_root or os.curdir, clock=self._clock), None
            run.start()
        self._open = self._last = run
        return run

    def _recorded_run(self, carried: Run | None) -> tuple[Run, Recording]:
        from .lifecycle import hold, watch
        from .recording import Recording
        from .session import Session

        if self._session is None:
            self._session = Session(self._given_root, self._environ, self._surroundings)
            watch(self)
        run = self._session.new_run(self._clock, self._new_id, carried)
        run.start()
        # What opens its first run in an exit hook is not told of the end: Python calls no hook that is added then.
        is_late = self._too_late is not None or not threading.main_thread().is_alive()
        recording = Recording(run, self._session, self._chosen(), self._parent, is_late=is_late)
        hold(self)
        if self._hub is not None:
            recording.send_to(self._hub)
        return run, recording

    # Modes

    @property
    def mode(self) -> str:
        """The mode as chosen (`interactive`, `script` or `remote`), else as it is guessed now."""
        return self._mode or self._source_of_code()

    def _source_of_code(self) -> str:
        """`interactive` or `script`: a Hub is a place where runs go to, whatever their code comes from."""
        if self._code_from is not None:
            return self._code_from
        from .mode import guess_mode

        word = "" if self._session is None else self._session.setting("workload_type")
        return guess_mode(word, self._environ)

    def _chosen(self) -> Chosen:
        from .mode import Chosen

        source = self._source_of_code()
        return Chosen(self._mode or source, source == "script", self._workload_file)

    def interactive(self) -> None:
        """Record in interactive mode: the code comes from a notebook or a prompt, not from a script file.

        Raises:
            ModeError: another mode was chosen before.
        """
        self._choose("interactive", None)

    def script(self, workload_file: str | os.PathLike[str] | None = None) -> None:
        """Record in script mode: the code comes from a file, by default the running script.

        Args:
            workload_file: that file, relative to the current directory.

        Raises:
            ArgumentError: it is no path.
            ModeError: another mode was chosen before.
        """
        from ..storage.script import running_script
        from .files import absolute_path, path_of

        self._choose(
            "script",
            running_script() if workload_file is None else absolute_path(path_of(workload_file, "script")),
        )

    def connect(
        self,
        username: str | None = None,
        apikey: str | None = None,
        project: str | None = None,
        url: str | None = None,
        *,
        profile: str | None = None,
        hostname: str | None = None,
    ) -> None:
        """Send runs to a project of a Hub, from now on and including those that are open; choose remote mode.

        What is not given comes from the environment (`DOTSCIENCE_USERNAME`, `_APIKEY`, `_PROJECT_NAME`, and `_URL` or
        `_HOSTNAME`), else from the profile that `ds login` stored. A project that does not exist is made. Runs are
        recorded here first, as ever. Where the Hub cannot be reached that is said once, and they are sent later.

        Args:
            username: your name on the Hub.
            apikey: a key of yours, as `ds login` or your settings page on the Hub makes them.
            project: the project's name.
            url: the Hub's address, such as `https://hub.example.org`.
            profile: the name of the stored profile to take; `default` unless `DOTSCIENCE_PROFILE` says otherwise.
            hostname: another word for `url`.

        Raises:
            ArgumentError: the address, the key or the project is not known, or makes no sense.
            AccessError: the key is wrong, or you may not publish to the project.
            HubRefusedError: the Hub refuses for another reason.

        Example:
            >>> ds.connect("ada", key, "flowers", "https://hub.example.org")
        """
        from ..records.destination import Wanted
        from .lifecycle import watch

        hub = self._reach(Wanted(username, apikey, project, url or hostname, profile))
        watch(self)
        with self._lock:
            self._hub = hub
            self._mode = "remote"
            for recording in self._recordings():
                recording.choose(self._chosen())
                recording.send_to(hub)

    def remote(self) -> None:
        """Send runs to a Hub that the environment or your profile names; see `connect`.

        Raises:
            ModeError: another mode was chosen before.
            ArgumentError, AccessError, HubRefusedError: as `connect` does.
        """
        with self._lock:
            if self._mode not in (None, "remote"):
                from ..errors import ModeError

                raise ModeError("remote", str(self._mode))
            if self._hub is not None:
                return
        self.connect()

    def _reach(self, wanted: Wanted) -> Destination:
        if self._connecting is None:
            from ..errors import StateError

            raise StateError(
                "This recorder was made without a way to a Hub. Make it as Recorder(connecting=lambda: "
                "dotscience.client.connection.connect), or use ds.connect()."
            )
        root = None if self._given_root is None else os.fspath(self._given_root)
        return self._connecting()(wanted, root, self._environ)

    def _choose(self, mode: str, workload_file: str | None) -> None:
        with self._lock:
            if self._mode not in (None, mode):
                from ..errors import ModeError

                raise ModeError(mode, str(self._mode))
            self._mode = self._code_from = mode
            self._workload_file = workload_file
            if self._recording is not None:
                self._recording.choose(self._chosen())

    # Runs

    def start(self, description: object = None) -> None:
        """Start a new run. One that is still open is left as `unpublished`, for `ds publish RUN`.

        Args:
            description: what the run is going to do.
        """
        self._start(description)

    def _start(self, description: object) -> Run:
        with self._lock:
            if self._recording is not None:
                self._recording.leave("unpublished")
            run = self._open_run(None)
            if description is not None:
                run.set_text("description", description)
            return run

    def publish(
        self,
        description: object = None,
        stream: TextIO | None = None,
        build: bool = False,
        deploy: bool = False,
    ) -> Published:
        """Turn the run into a permanent record and write its run block.

        Waits until all inputs are read, then reads the outputs. What is said after this without a new `start()` opens
        another run that carries the declarations over.

        Args:
            description: what the run did; replaces an earlier one.
            stream: where to write the run block, instead of where it would go by itself.
            build: also build an image of each registered model; needs a Hub.
            deploy: also build and deploy each registered model; needs a Hub.

        Returns:
            The published run: `.id`, `.record`, `.block`, and `.url`, the address of its page once it is on a Hub; it
            shows itself as a card in a notebook.

        Raises:
            ArgumentError: `stream` cannot be written to.
            HubNeededError: `build` or `deploy` without a Hub that can. The run is recorded all the same.

        Example:
            >>> ds.publish("trained the forest")
        """
        if stream is not None and not hasattr(stream, "write"):
            from ..errors import ArgumentError

            raise ArgumentError(
                f"ds.publish(): stream must be a file that is open for writing, not {stream!r:.80}. The run is still open."
            )
        with self._lock:  # other threads go on: what they say from here on belongs to the next run
            run = self._open or self._begin()
            recording = self._recording
            if description is not None:
                run.set_text("description", description)
            run.set_end()
            self._open = self._recording = None
        published = self._finish(run, recording, stream)
        if build or deploy:
            from ..errors import HubNeededError

            address = None if self._hub is None else self._hub.address
            raise HubNeededError(f"ds.publish({'deploy' if deploy else 'build'}=True)", published.id, address)
        return published

    def _finish(self, run: Run, recording: Recording | None, stream: TextIO | None = None) -> Published:
        from .emit import emit
        from .published import Published

        if recording is None:
            published, wanted = Published(run.outline(()), None), "none" if run is self._too_late else "auto"
        else:
            published = recording.publish(self._chosen())
            wanted = recording.session.setting("publish_to")
            published.url = recording.send()
            self._rest()
        if wanted == "auto" and self._mode == "remote":
            wanted = "remote"
        emit(published, stream, wanted, self._environ)
        return published

    def _rest(self) -> None:
        """A run has ended: without another one nothing needs this recorder."""
        from .lifecycle import let_go

        with self._lock:
            if not self._recordings():
                let_go(self)

    def run(self, description: object = None) -> ScopedRun:
        """A run as a `with` block: started on entry, published at the end.

        An exception inside is recorded as the run's error and goes on to the caller. A run that was open before is
        current again afterwards. Where several threads have such blocks at once, say it to the block's own run.

        Example:
            >>> with ds.run("train") as run:
            ...     run.metric("accuracy", 0.93)
        """
        return ScopedRun(self, description)

    # Ends of the process

    def _at_exit(self) -> None:
        """The process ends: what is still open stays behind, truthfully named.

        Threads that are cut off in the middle, and objects that are torn down, may go on speaking. That opens no further
        run, which nobody would end; exit hooks of the user's that come after this one may have one.
        """
        with self._lock:
            if self._session is not None:  # else nothing was recorded, and nothing need be loaded
                from .run import Run

                self._too_late = Run(self._session.workspace.root, clock=self._clock)
            still_open = self._recordings()
            self._open = self._recording = None
            self._blocks.clear()
        if not still_open and self._hub is None:
            return
        from .notices import contained

        for recording in still_open:
            with contained("leaving the run as the process ends"):
                recording.leave_at_exit(self._chosen())
        if self._hub is not None:
            with contained("sending to the Hub"):
                self._hub.at_exit()
        self._rest()

    def _after_fork(self) -> None:
        """In a forked child: its events belong to runs of its own, which name the parent's."""
        self._lock = threading.RLock()
        if self._open is not None:
            self._parent = self._open.id
        for recording in self._recordings():
            recording.abandon()
        if self._hub is not None:
            self._hub.after_fork()
        if self._session is not None:
            self._given_root = self._session.workspace.root
        self._session = None
        self._open = self._recording = self._last = self._too_late = None
        self._blocks.clear()

    def _recordings(self) -> list[Recording]:
        """Every open one: the current one and those around the blocks that it is in."""
        found = [self._recording, *(block.around[1] for block in self._blocks)]
        return [recording for recording in found if recording is not None]


class ScopedRun:
    """What `Recorder.run` returns; a context manager that gives the `Run`.

    Blocks of several threads end in any order, so each knows what was current around it, and takes its own run.
    """

    around: tuple[Run | None, Recording | None, Run | None]

    def __init__(self, recorder: Recorder, description: object) -> None:
        self._recorder, self._description = recorder, description

    def __enter__(self) -> Run:
        recorder = self._recorder
        with recorder._lock:
            self.around = recorder._open, recorder._recording, recorder._last
            recorder._blocks.append(self)
            recorder._open = recorder._recording = None
            return recorder._start(self._description)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        recorder = self._recorder
        with recorder._lock:
            run, recording = self._take()
        if run is None or recording is None:  # published inside the block
            return
        if error is not None and not _is_quiet(error):
            recording.note_exception(error)
        run.set_end()
        recorder._finish(run, recording)

    def _take(self) -> tuple[Run | None, Recording | None]:
        """Take this block out, and what is open in it."""
        recorder, blocks = self._recorder, self._recorder._blocks
        inner = blocks[blocks.index(self) + 1 :] if self in blocks else []
        if inner:
            (run, recording, _), inner[0].around = inner[0].around, self.around
        else:
            run, recording = recorder._open, recorder._recording
            # In a forked child the block and what is around it are the parent's.
            around = self.around if self in blocks else (None, None, None)
            recorder._open, recorder._recording, recorder._last = around
        if self in blocks:
            blocks.remove(self)
        return run, recording


def _is_quiet(error: BaseException) -> bool:
    """Whether it only says that the block is over: `sys.exit()`, or a generator that nobody goes on with."""
    return isinstance(error, GeneratorExit) or (isinstance(error, SystemExit) and not error.code)
