"""What reading the user's files costs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time

from .measure import Row, at_most, median_of, run_python, seconds

GIB = 1 << 30
FILES = 10_000


def one_large_input() -> list[Row]:
    block = os.urandom(1 << 20)
    with open("large.bin", "wb") as stream:
        for _ in range(1024):
            stream.write(block)
    time.sleep(2.1)

    def plain() -> None:
        digest, buffer = hashlib.sha256(), bytearray(1 << 20)
        with open("large.bin", "rb", buffering=0) as stream:
            while count := stream.readinto(buffer):
                digest.update(memoryview(buffer)[:count])

    def recorded() -> float:
        shutil.rmtree(".dotscience/digests", ignore_errors=True)
        found = run_python(
            "-c",
            "import time, io, dotscience as ds\n"
            "ds.start(); time.sleep(1)\n"
            "began = time.perf_counter(); ds.input('large.bin'); called = time.perf_counter()\n"
            "ds._default._open.reader.finish_inputs(); known = time.perf_counter()\n"
            "print(called - began, known - began)",
        ).split()
        waits.append(float(found[0]))
        return float(found[1])

    waits: list[float] = []
    bare, ours = [], []
    for _ in range(5):
        bare.append(seconds(plain))
        ours.append(recorded())
    os.unlink("large.bin")
    reference, known = sorted(bare)[2], sorted(ours)[2]
    return [
        at_most("`input()` of 1 GiB: the caller waits", 1e3 * sorted(waits)[2], 1, "ms"),
        at_most(
            "… until its digest is known",
            known / reference,
            1.1,
            "× hashlib.sha256",
            f"{known:.2f} s to {reference:.2f} s",
        ),
    ]


def many_outputs() -> list[Row]:
    os.makedirs("many")
    for number in range(FILES):
        with open(f"many/{number:05}.bin", "wb") as stream:
            stream.write(os.urandom(1024))
    time.sleep(2.1)

    def plain() -> None:
        for entry in os.scandir("many"):
            with open(entry.path, "rb") as stream:
                hashlib.sha256(stream.read()).hexdigest()

    def scan() -> None:
        for entry in os.scandir("many"):
            entry.stat()

    read = median_of(5, plain)
    listed = median_of(5, scan)
    digests = sorted(_publish_many("false", fresh=True) for _ in range(5))[2]
    # By turns: how fast a file system makes files depends on what it has just done.
    made = [(_copy(f"copy{number}"), _publish_many("true", fresh=True)) for number in range(5)]
    copied, kept = (sorted(taken)[2] for taken in zip(*made, strict=True))
    again = sorted(_publish_many("true", fresh=False) for _ in range(5))[2]
    return [
        at_most(
            "10,000 outputs of 1 KiB: publish with digests",
            digests / read,
            1.5,
            "× reading and hashing",
            f"{1e3 * digests:.0f} ms to {1e3 * read:.0f} ms",
        ),
        at_most(
            "… with their content kept",
            kept / copied,
            1.3,
            "× cp -r",
            f"{1e3 * kept:.0f} ms to {1e3 * copied:.0f} ms",
        ),
        at_most(
            "… unchanged, a second time",
            again / listed,
            3,
            "× scandir + stat",
            f"{1e3 * again:.0f} ms to {1e3 * listed:.0f} ms",
        ),
    ]


def _copy(name: str) -> float:
    """Seconds that a plain copy of them takes."""
    return seconds(lambda: subprocess.run(["cp", "-r", "many", name], check=True))


def _publish_many(keep: str, fresh: bool) -> float:
    """Seconds that one publish takes; a fresh workspace knows nothing. Nothing is deleted, for deleting makes ext4 slow."""
    if fresh and os.path.exists(".dotscience"):
        os.rename(".dotscience", f"before-{time.time_ns()}")
    return float(
        run_python(
            "-c",
            "import time, io, dotscience as ds\n"
            "ds.start(); ds.output('many'); time.sleep(1)  # what surrounds the run has a row of its own\n"
            "began = time.perf_counter(); ds.publish(stream=io.StringIO()); print(time.perf_counter() - began)",
            DOTSCIENCE_KEEP_OUTPUTS=keep,
        )
    )


MEASUREMENTS = (one_large_input, many_outputs)
