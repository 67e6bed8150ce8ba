"""Runs as `with` blocks, and runs that several threads record into: each call reaches its run, once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from dotscience.recorder.recorder import Recorder
from dotscience.records.record import Record
from dotscience.storage.runs import RunFolder

Folders = Callable[[], list[RunFolder]]


def on_disk(folder: RunFolder) -> Record:
    return folder.read_record()


# Runs as blocks


def test_a_block_starts_and_publishes(recorder: Recorder, run_folders: Folders) -> None:
    with recorder.run("train") as run:
        run.metric("a", 1)
        recorder.metric("b", 2)
    (folder,) = run_folders()
    record = on_disk(folder)
    assert (record.id, record.description, record.status, record.metrics) == (
        run.id,
        "train",
        "completed",
        {"a": 1, "b": 2},
    )


@pytest.mark.parametrize(
    "error", [ValueError("no rows"), KeyboardInterrupt(), SystemExit(3), SystemExit("bad")], ids=repr
)
def test_an_exception_is_the_runs_error_and_goes_on(
    error: BaseException, recorder: Recorder, run_folders: Folders
) -> None:
    with pytest.raises(type(error)) as caught, recorder.run():
        recorder.metric("a", 1)
        raise error
    assert caught.value is error
    record = on_disk(run_folders()[0])
    assert record.status == "failed" and record.metrics == {"a": 1}
    assert str(record.error).startswith(type(error).__name__)
    assert f"raise error\n{record.error}" in record.process["traceback"]


@pytest.mark.parametrize("code", [None, 0])
def test_an_exit_without_a_fault_is_no_error(
    code: int | None, recorder: Recorder, run_folders: Folders
) -> None:
    with pytest.raises(SystemExit), recorder.run():
        raise SystemExit(code)
    assert on_disk(run_folders()[0]).status == "completed"


def test_an_error_that_was_said_is_not_replaced_by_the_exception(
    recorder: Recorder, run_folders: Folders
) -> None:
    with pytest.raises(ValueError, match="rows"), recorder.run():
        raise ValueError(recorder.error("the data has no rows"))
    record = on_disk(run_folders()[0])
    assert record.error == "the data has no rows" and "ValueError" in record.process["traceback"]


def test_an_exception_that_python_cannot_show_is_recorded_by_its_type_and_place(
    recorder: Recorder, run_folders: Folders
) -> None:
    class Unshowable(SyntaxError):
        @property
        def lineno(self) -> int:  # type: ignore[override]
            raise KeyError("lineno")

    with pytest.raises(Unshowable), recorder.run():
        raise Unshowable("no rows")
    record = on_disk(run_folders()[0])
    assert (record.status, record.error) == ("failed", "Unshowable: no rows")
    assert 'raise Unshowable("no rows")' in record.process["traceback"]


def test_an_object_that_python_asks_for_a_similar_name_does_not_replace_the_exception(
    recorder: Recorder, run_folders: Folders
) -> None:
    class Attributes(dict):  # type: ignore[type-arg]
        __getattr__ = dict.__getitem__  # raises KeyError where an AttributeError is expected

        def work(self) -> None:
            misspelt  # type: ignore[name-defined] # noqa: B018, F821

    with pytest.raises(NameError, match="misspelt"), recorder.run():
        Attributes().work()
    record = on_disk(run_folders()[0])
    assert record.error == "NameError: name 'misspelt' is not defined"
    assert "in work" in record.process["traceback"]


def test_blocks_nest_and_the_run_around_them_goes_on(recorder: Recorder, run_folders: Folders) -> None:
    recorder.start("around")
    recorder.metric("around", 1)
    with recorder.run("outer"):
        recorder.metric("outer", 1)
        with pytest.raises(ValueError, match="inner"), recorder.run("inner"):
            recorder.metric("inner", 1)
            raise ValueError("inner")
        recorder.metric("outer again", 1)
    recorder.metric("around again", 1)
    around = recorder.publish().record
    found = {record.description: list(record.metrics) for record in map(on_disk, run_folders())}
    assert found == {
        "around": ["around", "around again"],
        "outer": ["outer", "outer again"],
        "inner": ["inner"],
    }
    assert around.status == "completed"


def test_a_block_inside_a_generator_is_published_when_it_is_closed(
    recorder: Recorder, run_folders: Folders
) -> None:
    def steps() -> Any:
        with recorder.run("steps") as run:
            for step in range(10):
                run.metric("step", step)
                yield step

    generator = steps()
    assert [next(generator), next(generator)] == [0, 1]
    generator.close()
    record = on_disk(run_folders()[0])
    assert (record.metrics, record.status) == ({"step": 1}, "completed")


def test_a_publish_inside_a_block_is_not_repeated_at_its_end(
    recorder: Recorder, run_folders: Folders
) -> None:
    with recorder.run("block"):
        recorder.metric("a", 1)
        recorder.publish("by hand")
    assert [on_disk(folder).description for folder in run_folders()] == ["by hand"]


def test_blocks_of_several_threads_each_publish_their_own_run(
    recorder: Recorder, run_folders: Folders
) -> None:
    entered, count = threading.Barrier(4), 4

    def work(number: int) -> None:
        with recorder.run(f"thread {number}") as run:
            run.metric("before", number)
            entered.wait()
            run.metric("after", number)
            run.log({"loss": float(number)})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    records = {str(record.description): record for record in map(on_disk, run_folders())}
    assert set(records) == {f"thread {number}" for number in range(count)}
    for number in range(count):
        assert records[f"thread {number}"].metrics == {
            "before": number,
            "after": number,
            "loss": float(number),
        }
    recorder.metric("later", 1)
    assert recorder.publish().record.metrics == {"later": 1}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (1, 2, 0), (0, 2, 1)], ids=str)
def test_blocks_may_end_in_any_order(
    order: tuple[int, ...], recorder: Recorder, run_folders: Folders
) -> None:
    recorder.start("around")
    blocks = [recorder.run(str(number)) for number in range(3)]
    runs = [block.__enter__() for block in blocks]
    for number in order:
        runs[number].metric("last", number)
        blocks[number].__exit__(None, None, None)
    recorder.metric("around", 1)
    assert recorder.publish().record.description == "around"
    records = {record.description: record.metrics for record in map(on_disk, run_folders())}
    assert records == {"around": {"around": 1}, "0": {"last": 0}, "1": {"last": 1}, "2": {"last": 2}}


# Threads


def test_threads_hammer_one_run_and_nothing_is_lost_or_doubled(recorder: Recorder) -> None:
    recorder.start()
    count, each = 8, 500

    def work(number: int) -> None:
        for step in range(each):
            recorder.metric(f"{number}/{step}", step)
            recorder.log({"loss": float(step), f"loss {number}": float(step)}, step=step)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = recorder.publish()
    assert done.folder is not None
    record = on_disk(RunFolder(done.folder))
    assert {name: value for name, value in record.metrics.items() if "/" in name} == {
        f"{number}/{step}": step for number in range(count) for step in range(each)
    }
    assert record.series["names"]["loss"]["count"] == count * each
    assert all(record.series["names"][f"loss {number}"]["count"] == each for number in range(count))


def test_threads_that_begin_at_once_share_one_run(recorder: Recorder, run_folders: Folders) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        recorder.metric(str(number), number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(run_folders()) == 1
    assert len(recorder.publish().record.metrics) == 8


def test_threads_that_publish_while_others_record_lose_nothing(
    recorder: Recorder, run_folders: Folders
) -> None:
    recorder.start()
    stop = threading.Event()

    def publish() -> None:
        while not stop.is_set():
            recorder.publish()

    publisher = threading.Thread(target=publish)
    publisher.start()
    for number in range(2000):
        recorder.metric(str(number), number)
    stop.set()
    publisher.join()
    last = recorder.publish().record
    assert last.metrics == {str(number): number for number in range(2000)}  # carried over from run to run
    assert all(folder.is_published() for folder in run_folders())


def test_what_is_said_to_a_run_after_its_end_is_said_to_be_lost(
    recorder: Recorder, capfd: pytest.CaptureFixture[str]
) -> None:
    with recorder.run() as run:
        run.metric("a", 1)
    run.metric("b", 2)
    run.log({"loss": 1.0})
    assert "already published" in capfd.readouterr().err
