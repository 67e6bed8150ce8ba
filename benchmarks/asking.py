"""What questions to the catalog cost."""

from __future__ import annotations

import os
import time

import dotscience as ds

from .measure import Row, alternate, at_most, median_of, run_python, seconds
from .store import make_store

LIBRARIES = "import sqlalchemy, click, rich.console, rich.table"


def best_of_a_thousand() -> list[Row]:
    for number in range(1000):
        with ds.run():
            ds.parameter("depth", number % 7)
            ds.metric("accuracy", (number * 7919 % 1000) / 1000)
    time.sleep(2.1)  # a folder this young is looked at again each time
    query = "parameter.depth == 3"
    assert len(ds.runs(query, sort="-metric.accuracy", limit=10)) == 10
    taken = median_of(50, lambda: ds.runs(query, sort="-metric.accuracy", limit=10))
    return [
        at_most("best 10 of 1,000 runs by a metric where a parameter is 3, repeated", 1e3 * taken, 3, "ms")
    ]


def ten_thousand_runs() -> list[Row]:
    ids = make_store(os.getcwd())
    record = ds.get  # the catalog is made by whoever asks first
    indexing = seconds(lambda: record(ids[-1]))
    path = record(ids[-1]).record.outputs[0].digest
    libraries, listing, why = alternate(
        7,
        lambda: run_python("-c", LIBRARIES),
        lambda: run_python("-m", "dotscience", "list", "--limit", "20"),
        lambda: run_python("-m", "dotscience", "why", str(path)),
    )
    beside = f"imports {1e3 * libraries:.0f} ms"
    return [
        at_most("indexing 10,000 runs with 1,000,000 file versions", indexing, 10, "s"),
        at_most(
            "`ds list` there",
            listing / libraries,
            1.3,
            "× importing the libraries",
            f"{1e3 * listing:.0f} ms, {beside}",
        ),
        at_most(
            "`ds why` there",
            why / libraries,
            1.3,
            "× importing the libraries",
            f"{1e3 * why:.0f} ms, {beside}",
        ),
    ]


MEASUREMENTS = (best_of_a_thousand, ten_thousand_runs)
