"""Commit metadata: how dotscience 0.8.7 and the agents of its time describe runs, as a flat map of texts.

    runs                             ["<id>", …]: which runs the commit holds, in their order
    exec.*, runner.*, workload.*     how, where and what was executed
    run.<id>.<field>                 what is known of each run
    run.<id>.summary.<name>          a metric; parameters. and label. likewise: the rest of the key is the name

Readers never fail: what is missing or cannot be read has its default, and unknown keys are passed over.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile

from .times import parse_block_time

__all__ = ["NO_RUNS", "CommitMetadata", "InputFile", "RunMetadata", "dataset_outputs", "parse_commit"]

NO_RUNS = "No run metadata was returned"
"""What is said of a commit without the key `runs`."""

AUTHORITIES = ("workload", "derived", "correction", "remote")

_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?(inf|infinity)|nan", re.IGNORECASE)
_TIME = re.compile(r"[0-9]{8}T[0-9]{6}(\.[0-9]+)?")
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


@dataclass(frozen=True)
class InputFile:
    """A file that was read; `version` is the commit that it was of, or "" where that is not said."""

    filename: str
    version: str = ""


@dataclass(frozen=True)
class DatasetVersion:
    """A commit of a dot that was used as a data set."""

    id: str
    version: str


@dataclass(frozen=True)
class RunMetadata:
    """What a commit says of one run.

    Attributes:
        authority: who says it: `workload`, `derived`, `correction`, or `remote` for 0.8.7 itself. Anything else is a
            correction, so that it attracts attention.
        error: None where it succeeded; the text may be empty.
        start, end: None where they are not said or cannot be read.
        dataset_inputs, dataset_outputs: by the name under which the data set was mounted.
    """

    id: str
    authority: str = "correction"
    description: str = ""
    workload_file: str = ""
    error: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[InputFile, ...] = ()
    outputs: tuple[str, ...] = ()
    dataset_inputs: Mapping[str, tuple[InputFile, ...]] = field(default_factory=dict)
    dataset_outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comments: int = 0


@dataclass(frozen=True)
class CommitMetadata:
    """What a commit says.

    Attributes:
        message: of a failed execution, the error.
        cpu_seconds: -1.0 where it is not said; `peak_ram` and `runner_ram`, in bytes, likewise -1.
        runner_ram_ecc: None where it is not known.
    """

    success: bool
    message: str
    author: str = ""
    inputs: Mapping[str, DatasetVersion] = field(default_factory=dict)
    outputs: Mapping[str, DatasetVersion] = field(default_factory=dict)
    workload_type: str = ""
    workload_image: str = ""
    workload_image_hash: str = ""
    workload_command: tuple[str, ...] = ()
    workload_environment: Mapping[str, str] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None
    logs: tuple[str, ...] = ()
    cpu_seconds: float = -1.0
    peak_ram: int = -1
    runner_name: str = ""
    runner_version: str = ""
    runner_platform: str = ""
    runner_platform_version: str = ""
    runner_cpus: tuple[str, ...] = ()
    runner_gpus: tuple[str, ...] = ()
    runner_ram: int = -1
    runner_ram_ecc: bool | None = None
    runs: tuple[RunMetadata, ...] = ()


def parse_commit(said: Mapping[str, str]) -> CommitMetadata:
    """What commit metadata says.

    Example:
        >>> parse_commit({"runs": '["a"]', "run.a.summary.loss": "0.5"}).runs[0].metrics
        {'loss': '0.5'}
    """
    if "runs" not in said:
        return CommitMetadata(False, NO_RUNS)
    by_key = _Sorted(said)
    return CommitMetadata(
        success=(said.get("success") or "true") == "true",
        message=said.get("message", ""),
        author=said.get("author", ""),
        inputs=_datasets(said, "input-dataset."),
        outputs=_datasets(said, "output-dataset."),
        workload_type=said.get("workload.type", ""),
        workload_image=said.get("workload.image", ""),
        workload_image_hash=said.get("workload.image.hash", ""),
        workload_command=_texts(said.get("workload.command")) or (),
        workload_environment=_text_map(said.get("workload.environment")),
        start=_time(said.get("exec.start")),
        end=_time(said.get("exec.end")),
        logs=_texts(said.get("exec.logs")) or (),
        cpu_seconds=_float(said.get("exec.cpu-seconds"), -1.0),
        peak_ram=_integer(said.get("exec.ram"), -1),
        runner_name=said.get("runner.name", ""),
        runner_version=said.get("runner.version", ""),
        runner_platform=said.get("runner.platform", ""),
        runner_platform_version=said.get("runner.platform_version", ""),
        runner_cpus=_texts(said.get("runner.cpu")) or (),
        runner_gpus=_texts(said.get("runner.gpu")) or (),
        runner_ram=_integer(said.get("runner.ram"), -1),
        runner_ram_ecc={"true": True, "false": False}.get(said.get("runner.ram.ecc", "")),
        runs=tuple(_run(by_key, run) for run in dict.fromkeys(_texts(said["runs"]) or ())),
    )


def dataset_outputs(said: Mapping[str, str]) -> tuple[str, Mapping[str, tuple[str, ...]]]:
    """What the commit of a data set says: the id of the workspace's dot, and the files that each run wrote into the set.

    Of a commit of another type: an empty answer.
    """
    if said.get("type") != "dotscience.run-output.v1":
        return "", {}
    found = {}
    for key, value in said.items():
        parts = key.split(".")
        files = _texts(value)
        if len(parts) == 3 and parts[0] == "run" and parts[2] == "dataset-output-files" and files is not None:
            found[parts[1]] = files
    return said.get("workspace", ""), found


class _Sorted:
    """What is said, for many to find their own of it: whoever sends it may name very many runs."""

    def __init__(self, said: Mapping[str, str]) -> None:
        self._said, self._keys = said, sorted(said)
        self._places = {key: place for place, key in enumerate(said)}

    def below(self, prefix: str) -> dict[str, str]:
        """The rest of each key that begins so, and its value, in the order in which they were said."""
        first = bisect_left(self._keys, prefix)
        behind = map(self._keys.__getitem__, range(first, len(self._keys)))
        found = sorted(takewhile(lambda key: key.startswith(prefix), behind), key=self._places.__getitem__)
        return {key[len(prefix) :]: self._said[key] for key in found}


def _run(said: _Sorted, run: str) -> RunMetadata:
    own = said.below(f"run.{run}.")
    authority = own.get("authority", "")
    outputs = {ref: _texts(value) for ref, value in _below(own, "dataset-output-files.").items()}
    return RunMetadata(
        id=run,
        authority=authority if authority in AUTHORITIES else "correction",
        description=own.get("description", ""),
        workload_file=own.get("workload-file", ""),
        error=own.get("error"),
        start=_time(own.get("start")),
        end=_time(own.get("end")),
        labels=_below(own, "label."),
        metrics=_below(own, "metric.") | _below(own, "summary."),
        parameters=_below(own, "parameters."),
        inputs=_input_files(own.get("input-files")),
        outputs=_texts(own.get("output-files")) or (),
        dataset_inputs={
            ref: _input_files(value) for ref, value in _below(own, "dataset-input-files.").items()
        },
        dataset_outputs={ref: files for ref, files in outputs.items() if files is not None},
        comments=_integer(own.get("comments-count"), 0),
    )


def _below(own: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key[len(prefix) :]: value for key, value in own.items() if key.startswith(prefix)}


def _json(written: str | None) -> object:
    try:
        return None if written is None else json.loads(written)
    except (ValueError, RecursionError):
        return None


def _texts(written: str | None) -> tuple[str, ...] | None:
    """A JSON list of texts; None where it is none."""
    found = _json(written)
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        return None
    return tuple(found)


def _text_map(written: str | None) -> dict[str, str]:
    found = _json(written)
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        return {}
    return found


def _input_files(written: str | None) -> tuple[InputFile, ...]:
    """`FILE@VERSION` each. A bare name stands without a version, and what has two `@` stands as an empty entry."""
    return tuple(map(_input_file, _texts(written) or ()))


def _input_file(written: str) -> InputFile:
    parts = written.split("@")
    return InputFile(*parts) if len(parts) <= 2 else InputFile("")


def _datasets(said: Mapping[str, str], prefix: str) -> dict[str, DatasetVersion]:
    split = {ref: value.split("@") for ref, value in _below(said, prefix).items()}
    return {ref: DatasetVersion(*parts) for ref, parts in split.items() if len(parts) == 2}


def _integer(written: str | None, default: int) -> int:
    if written is None or len(written) > 20 or not _INTEGER.fullmatch(written):
        return default
    return int(written) if _LEAST <= int(written) <= _MOST else default


def _float(written: str | None, default: float) -> float:
    return float(written) if written is not None and _FLOAT.fullmatch(written) else default


def _time(written: str | None) -> datetime | None:
    if not written or not _TIME.fullmatch(written):
        return None
    try:
        return parse_block_time(written)
    except ValueError:
        return None
