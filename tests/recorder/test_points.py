"""Step metrics: any number of series, in any order of steps, kept exactly and without holding the caller up."""

import math
import signal
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotscience.errors import ArgumentError
from dotscience.recorder.recorder import Recorder
from dotscience.records.record import Record
from dotscience.records.values import number
from dotscience.storage.blobs import LocalBlobs
from dotscience.storage.series import Series, SeriesReader
from dotscience.testing import FixedClock, fresh_recorder

Read = Callable[[Record, str], Series]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """One series of a published record."""

    def read(record: Record, name: str) -> Series:
        blobs = LocalBlobs(str(tmp_path / ".dotscience/blobs"))
        digest = record.series["blob"]["sha256"]
        assert blobs.check(digest) and blobs.size(digest) == record.series["blob"]["size"]
        with blobs.open(digest) as stream:
            return SeriesReader(stream, digest).read(name)

    return read


def test_points_come_back_with_step_epoch_and_time(tmp_path: Path, read: Read) -> None:
    clock = FixedClock()
    with fresh_recorder(tmp_path, clock=clock) as recorder:
        assert recorder.log({"loss": 0.3, "acc": 0.9}, step=7, epoch=1) is None
        clock.advance(1.5)
        recorder.log({"loss": 0.2, "acc": 0.8}, step=-3, epoch=0.5)
        record = recorder.publish().record
    loss = read(record, "loss")
    assert (list(loss.steps), list(loss.epochs), list(loss.values)) == ([7, -3], [1.0, 0.5], [0.3, 0.2])
    assert list(loss.times) == [1793521800000, 1793521801500]
    assert list(read(record, "acc").values) == [0.9, 0.8]


def test_without_a_step_it_is_one_more_than_the_last(recorder: Recorder, read: Read) -> None:
    for step in (None, None, 10, None, 3, None):
        recorder.log({"loss": 0.0}, step=step)
    assert list(read(recorder.publish().record, "loss").steps) == [0, 1, 10, 11, 3, 4]


def test_a_point_without_an_epoch_has_none(recorder: Recorder, read: Read) -> None:
    recorder.log({"loss": 0.0})
    recorder.log({"loss": 1.0}, epoch=2)
    first, second = read(recorder.publish().record, "loss").epochs
    assert math.isnan(first) and second == 2.0


def test_the_last_value_is_the_metric_unless_one_was_set(recorder: Recorder) -> None:
    recorder.metric("acc", 0.99)
    recorder.log({"loss": 3.0, "acc": 0.5}, step=5)
    recorder.log({"loss": 1.0}, step=1)
    recorder.log({"loss": 2.0, "other": math.nan}, step=0)
    record = recorder.publish().record
    assert (record.metrics["loss"], record.metrics["acc"]) == (2.0, 0.99)
    assert record.series["names"]["loss"] == {"count": 3, "last": 2.0, "min": 1.0, "max": 3.0}
    assert math.isnan(number(record.metrics["other"]) or 0)


def test_the_last_values_are_metrics_before_the_publish_too(recorder: Recorder) -> None:
    with recorder.run() as run:
        run.log({"loss": 3.0, "acc": 0.5})
        run.metric("acc", 0.99)
        recorder._recording._writer.flush()  # type: ignore[union-attr]
        run.log({"loss": 2.0}, epoch=1)
        assert run.metadata()["summary"] == {"loss": "2.0", "acc": "0.99"}


def test_a_run_without_points_has_no_series(recorder: Recorder) -> None:
    recorder.metric("a", 1)
    assert recorder.publish().record.series == {}


def test_a_call_without_names_records_nothing(recorder: Recorder) -> None:
    recorder.log({})
    record = recorder.publish().record
    assert record.metrics == {}


values = st.floats() | st.integers(-(1 << 53), 1 << 53) | st.booleans()
calls = st.lists(
    st.tuples(
        st.dictionaries(st.text(max_size=5), values, min_size=1, max_size=3),
        st.integers(-(1 << 63), (1 << 63) - 2),
    ),
    max_size=20,
)


@given(said=calls)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_logged_comes_back(
    said: list[tuple[dict[str, Any], int]], recorder: Recorder, read: Read
) -> None:
    recorder.start()
    for data, step in said:
        recorder.log(data, step=step)
    record = recorder.publish().record
    names = {name for data, _ in said for name in data}
    assert set(record.series.get("names", {})) == set(record.metrics) == names
    for name in names:
        series = read(record, name)
        found = sorted(zip(series.steps, (struct.pack("<d", value) for value in series.values), strict=True))
        wanted = [(step, struct.pack("<d", data[name])) for data, step in said if name in data]
        assert [step for step, _ in found] == sorted(step for step, _ in wanted)
        assert len(found) == record.series["names"][name]["count"]
        if not any(math.isnan(data.get(name, 0)) for data, _ in said):
            assert found == sorted(wanted)


def test_anything_that_is_a_number_can_be_logged(recorder: Recorder, require: Any) -> None:
    require("numpy")
    import numpy as np

    recorder.log(
        {"a": np.float32(0.5), "b": np.array(2), "c": np.int64(3), "d": True},
        step=np.int64(4),
        epoch=np.float16(1),
    )
    assert recorder.publish().record.metrics == {"a": 0.5, "b": 2.0, "c": 3.0, "d": 1.0}


@pytest.mark.parametrize(
    ("data", "step", "epoch", "said"),
    [
        ({"loss": "0.3"}, None, None, "'loss' must be a number, not str '0.3'"),
        ({"loss": None}, None, None, "'loss' must be a number, not NoneType"),
        ({"loss": [0.3]}, None, None, "'loss' must be a number, not list"),
        ({"a": 1, "loss": 1j}, None, None, "'loss' must be a number, not complex"),
        ({"loss": 10**400}, None, None, "'loss' must be a number"),
        ({"loss": 1.0}, 1.5, None, "step must be an integer, not 1.5; a fraction can go into epoch"),
        ({"loss": 1.0}, "1", None, "step must be an integer, not '1'"),
        ({"loss": 1.0}, 1 << 63, None, "step 9223372036854775808 is too large"),
        ({"loss": 1.0}, None, "first", "'epoch' must be a number, not str"),
        (0.3, None, None, "takes names and numbers"),
        ("loss", None, None, "takes names and numbers"),
        (["loss"], None, None, "takes names and numbers"),
        (None, None, None, "takes names and numbers"),
    ],
)
def test_what_cannot_be_a_point_is_explained_and_leaves_nothing(
    data: Any, step: Any, epoch: Any, said: str, recorder: Recorder
) -> None:
    recorder.log({"before": 1.0})
    with pytest.raises(ArgumentError) as caught:
        recorder.log(data, step=step, epoch=epoch)
    assert str(caught.value).startswith("ds.log()") and said in str(caught.value)
    recorder.log({"after": 1.0})
    assert recorder.publish().record.metrics == {"before": 1.0, "after": 1.0}


def test_many_points_are_written_while_the_run_goes_on(
    recorder: Recorder, tmp_path: Path, read: Read
) -> None:
    recorder.start()
    count = 400_000  # more than waits in memory
    for step in range(count):
        recorder.log({"loss": 1 / (step + 1)})
    (points,) = tmp_path.glob(".dotscience/runs/*/points.bin")
    assert points.stat().st_size > 1 << 20
    record = recorder.publish().record
    assert record.series["names"]["loss"] == {"count": count, "last": 1 / count, "min": 1 / count, "max": 1.0}
    assert list(read(record, "loss").steps) == list(range(count))


def test_a_signal_handler_may_log_while_its_thread_is_logging(recorder: Recorder, read: Read) -> None:
    recorder.start()
    heard = 0

    def handler(number: int, frame: object) -> None:
        nonlocal heard
        recorder.log({"loss": -1.0, "heard": float(heard)})
        recorder.metric(f"heard {heard}", heard)
        heard += 1
        signal.setitimer(signal.ITIMER_REAL, 0.001)  # again, but never while this one is at work

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    count = 0
    while heard < 100:
        recorder.log({"loss": 1.0})
        recorder.metric("count", count)
        count += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)
    record = recorder.publish().record
    assert record.series["names"]["loss"]["count"] == count + heard
    assert record.series["names"]["heard"]["count"] == heard
    assert all(record.metrics[f"heard {number}"] == number for number in range(heard))


def test_threads_log_while_the_journal_is_written(recorder: Recorder, read: Read) -> None:
    recorder.start()
    stop = threading.Event()

    def flush() -> None:
        while not stop.is_set():
            recorder._recording._writer.flush()  # type: ignore[union-attr]

    def work(number: int) -> None:
        for step in range(3000):
            recorder.log({"loss": float(number)}, step=step)

    flusher = threading.Thread(target=flush)
    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in (flusher, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    flusher.join()
    found = sorted(read(recorder.publish().record, "loss").steps)
    assert found == sorted(list(range(3000)) * 4)
