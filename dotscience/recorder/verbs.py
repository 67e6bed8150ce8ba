"""The recording verbs, written once: a `Run` takes them itself, a `Recorder` passes them to its current run.

This module is imported by `import dotscience`, so it imports nothing that costs time.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from types import ModuleType
    from typing import Any, TypeVar

    from .run import Run

    K = TypeVar("K")
    T = TypeVar("T")
    P = TypeVar("P", bound="str | os.PathLike[str]")


def named_as_called(kind: type[K]) -> type[K]:
    """Let Python's complaints about missing and surplus arguments name a verb as users call it: `ds.label() missing …`."""
    for name, verb in list(vars(kind).items()):
        if callable(verb) and not name.startswith("_"):
            verb.__qualname__ = f"ds.{verb.__name__}"
    return kind


@named_as_called
class Verbs:
    """Everything that can be said about a run while it goes on."""

    _open: Run | None
    """The run that takes what is said, or None when `_begin` has to find one. Spelled out in each verb, because a call
    that only fetches it would be a fifth of the time that a verb takes."""

    def _begin(self) -> Run:
        """Open the run that takes what is said."""
        raise NotImplementedError

    # Labels, parameters, metrics

    def label(self, label: str, value: T) -> T:
        """Attach a label, by which runs are found again, and return the value itself.

        Example:
            >>> mode = ds.label("mode", "test")
        """
        (self._open or self._begin()).set_value("label", label, value)
        return value

    def add_label(self, label: str, value: object) -> None:
        """Attach a label."""
        (self._open or self._begin()).set_value("label", label, value)

    def add_labels(self, /, *pairs: Any, **named: Any) -> None:
        """Attach several labels, as `("a", 1, "b", 2)`, as keywords, or both.

        Raises:
            ArgumentError: a name without a value.
        """
        self._add_all("label", pairs, named)

    def parameter(self, label: str, value: T) -> T:
        """Record a parameter of the work and return the value itself.

        Example:
            >>> model = SVC(C=ds.parameter("C", 2.0))
        """
        (self._open or self._begin()).set_value("parameter", label, value)
        return value

    def add_parameter(self, label: str, value: object) -> None:
        """Record a parameter."""
        (self._open or self._begin()).set_value("parameter", label, value)

    def add_parameters(self, /, *pairs: Any, **named: Any) -> None:
        """Record several parameters, as `("a", 1, "b", 2)`, as keywords, or both.

        Raises:
            ArgumentError: a name without a value.
        """
        self._add_all("parameter", pairs, named)

    param = parameter

    def metric(self, label: str, value: T) -> T:
        """Record a measure of how well the work went and return the value itself.

        Example:
            >>> print("accuracy", ds.metric("accuracy", 0.93))
        """
        (self._open or self._begin()).set_value("metric", label, value)
        return value

    def add_metric(self, label: str, value: object) -> None:
        """Record a metric."""
        (self._open or self._begin()).set_value("metric", label, value)

    def add_metrics(self, /, *pairs: Any, **named: Any) -> None:
        """Record several metrics, as `("a", 1, "b", 2)`, as keywords, or both.

        Raises:
            ArgumentError: a name without a value.
        """
        self._add_all("metric", pairs, named)

    summary = metric
    add_summary = add_metric
    add_summaries = add_metrics

    def log(self, data: Mapping[str, Any], step: int | None = None, epoch: float | None = None) -> None:
        """Record one point of one or more series, such as a loss during training.

        A series' last value is also the run's metric of that name, unless `metric()` set one.

        Args:
            data: series name → number (anything that `float()` takes, such as a 0-dimensional tensor).
                Values are kept as 64-bit floats.
            step: the point's place in the series, in any order; without it, one more than the last.
            epoch: a second, coarser place, kept as a 64-bit float.

        Raises:
            ArgumentError: a value that is no number, or a step that is no integer.

        Example:
            >>> ds.log({"loss": 0.3, "accuracy": 0.9}, step=7, epoch=1)
        """
        (self._open or self._begin()).points.add(data, step, epoch)

    # Files

    def input(self, filename: P) -> P:
        """Record a file that is read, or every file below a directory, as it is now; return the name itself.

        The digest is taken in the background, of the bytes that are there at this moment. A URL is recorded by its
        address. A file that does not exist is recorded as missing.

        Raises:
            ArgumentError: it is no path.

        Example:
            >>> frame = pd.read_csv(ds.input("data/raw.csv"))
        """
        (self._open or self._begin()).take_input(filename)
        return filename

    def add_input(self, filename: str | os.PathLike[str]) -> None:
        """Record a file that is read. See `input`."""
        (self._open or self._begin()).take_input(filename)

    def add_inputs(self, *filenames: str | os.PathLike[str]) -> None:
        """Record several files that are read. See `input`."""
        for filename in filenames:
            (self._open or self._begin()).take_input(filename)

    def output(self, filename: P) -> P:
        """Record a file that is written, or a directory of them, and return the name itself.

        It need not exist yet: directories are walked and digests taken at `publish()`.

        Raises:
            ArgumentError: it is no path.

        Example:
            >>> frame.to_csv(ds.output("data/clean.csv"))
        """
        (self._open or self._begin()).take_output(filename)
        return filename

    def add_output(self, filename: str | os.PathLike[str]) -> None:
        """Record a file that is written. See `output`."""
        (self._open or self._begin()).take_output(filename)

    def add_outputs(self, *filenames: str | os.PathLike[str]) -> None:
        """Record several files that are written. See `output`."""
        for filename in filenames:
            (self._open or self._begin()).take_output(filename)

    def model(self, kind: ModuleType, name: str, path: P, classes: str | os.PathLike[str] | None = None) -> P:
        """Register a model, whose files become outputs, and return the path itself.

        Args:
            kind: the framework's module, `tensorflow` or `sklearn`; its version is recorded.
            name: the model's name among the project's models.
            path: the file or directory that the model is saved to.
            classes: a JSON file inside it that maps class ids to names.

        Raises:
            UnknownFrameworkError: the module is none of the known frameworks.

        Example:
            >>> joblib.dump(forest, ds.model(sklearn, "forest", "models/forest.joblib"))
        """
        (self._open or self._begin()).take_model(kind, name, path, classes)
        return path

    def add_model(
        self,
        kind: ModuleType,
        name: str,
        path: str | os.PathLike[str],
        classes: str | os.PathLike[str] | None = None,
    ) -> None:
        """Register a model. See `model`."""
        (self._open or self._begin()).take_model(kind, name, path, classes)

    # Words about the run

    def description(self, description: T) -> T:
        """Describe what the run did and return the text itself."""
        (self._open or self._begin()).set_text("description", description)
        return description

    def set_description(self, description: object) -> None:
        """Describe what the run did."""
        (self._open or self._begin()).set_text("description", description)

    def error(self, error: T) -> T:
        """Mark the run as failed and return the message itself.

        Example:
            >>> raise ValueError(ds.error("the data has no rows"))
        """
        (self._open or self._begin()).set_text("error", error)
        return error

    def set_error(self, error: object) -> None:
        """Mark the run as failed."""
        (self._open or self._begin()).set_text("error", error)

    def end(self) -> None:
        """Note that the work is done; only the first call counts, and `publish()` makes up for a missing one."""
        (self._open or self._begin()).set_end()

    def debug(self) -> None:
        """Print the run block's JSON as it would be now."""
        import json

        print(json.dumps((self._open or self._begin()).metadata(), sort_keys=True, indent=4))

    def _add_all(self, kind: str, pairs: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        run = self._open or self._begin()
        # Pairs come last and win, as they did in dotscience 0.8.7.
        for name, value in (*named.items(), *_paired(kind, pairs)):
            run.set_value(kind, name, value)


def _paired(kind: str, values: tuple[Any, ...]) -> Iterator[tuple[Any, Any]]:
    if len(values) % 2:
        from ..errors import ArgumentError

        raise ArgumentError(
            f"add_{kind}s() got the name {values[-1]!r} without a value: positional arguments come in pairs, "
            f'as in add_{kind}s("a", 1, "b", 2).'
        )
    return zip(values[::2], values[1::2], strict=True)
