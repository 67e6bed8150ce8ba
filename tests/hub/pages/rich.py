"""A run that has everything a run's page can show."""

from __future__ import annotations

import base64
import json
import math
import struct
import zlib
from typing import TYPE_CHECKING, Any

from dotscience.records.files import FileVersion
from dotscience.records.record import Record

from ..sending import kept, record, send, sent_series, upload

if TYPE_CHECKING:
    from ...hub_server import Person

__all__ = ["CODE", "NOTEBOOK", "PNG", "send_rich"]

CODE = b'"""Train a model."""\nimport dotscience as ds\n\n\ndef train(rate: float) -> float:\n    # the usual\n    return rate * 0.5\n\n\nprint("<b>done</b>")\n'
DIFF = b"diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -1,2 +1,2 @@\n-rate = 0.1\n+rate = 0.01\n print(rate)\n"


def png(width: int = 160, height: int = 100) -> bytes:
    """A small picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(
        b"\0" + bytes((x + y) % 256 for x in range(width) for _ in range(3)) for y in range(height)
    )
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


PNG = png()
NOTEBOOK = json.dumps(
    {
        "nbformat": 4,
        "metadata": {},
        "cells": [
            {"cell_type": "markdown", "source": ["# Explore\n", "<script>alert(1)</script>"]},
            {
                "cell_type": "code",
                "execution_count": 1,
                "source": "import pandas as pd\npd.read_csv('data/train.csv')",
                "outputs": [
                    {"output_type": "stream", "name": "stdout", "text": "\x1b[31mred\x1b[0m words\n"},
                    {
                        "output_type": "execute_result",
                        "data": {"text/html": "<img src=x onerror=alert(1)>", "text/plain": "a table"},
                    },
                    {"output_type": "display_data", "data": {"image/png": base64.b64encode(PNG).decode()}},
                    {"output_type": "display_data", "data": {"image/png": "bm8gcGljdHVyZQ=="}},
                ],
            },
        ],
    }
).encode()


def send_rich(
    person: Person, project: str, run: str = "7f3c0000", rate: float = 0.01, **fields: Any
) -> Record:
    """Publish a run with files, code, series, a diff, packages and notices; gives its record."""
    steps = range(3000)
    noise = [((step * 7919) % 1000) / 5000 for step in steps]
    series = {
        "train/loss": [math.exp(-rate * step / 5) + noise[step] for step in steps],
        "train/accuracy": [1 - math.exp(-rate * step / 5) for step in steps],
        "val/loss": [math.exp(-rate * step / 6) + 0.05 for step in steps],
        "rate": [rate] * 3000,
    }
    packages = json.dumps(
        {"numpy": "2.1.0", "pandas": "2.2.3", "scikit-learn": f"1.5.{int(rate * 100)}"}
    ).encode()
    code = kept(person, project, "train.py", CODE.replace(b"0.5", str(rate).encode()))
    csv = b"name,age\n" + b"".join(b"person %d,%d\n" % (number, number % 90) for number in range(200))
    given: dict[str, Any] = {
        "description": f"Train with rate {rate}",
        "workload_file": "train.py",
        "mode": "script",
        "parameters": {"rate": rate, "layers": 3, "optimizer": "adam"},
        "metrics": {"accuracy": 0.93 + rate, "loss": 0.123456789},
        "labels": {
            "purpose": "baseline",
            "artefact:digits": '{"files":{"model":"model.bin"},"type":"tensorflow-model","version":"2.4"}',
        },
        "inputs": (
            kept(person, project, "data/train.csv", csv),
            FileVersion("data/large.bin", "a" * 64, 5 << 30),
            FileVersion("data/gone.csv", unseen="missing"),
        ),
        "outputs": (
            kept(person, project, "model.bin", b"\x80\x04" + bytes(range(200))),
            kept(person, project, "plots/curve.png", PNG),
            kept(person, project, "explore.ipynb", NOTEBOOK),
            kept(person, project, "summary.json", b'{"accuracy": 0.93, "classes": ["a", "b"]}'),
            kept(person, project, "report.html", b'<script>alert("report")</script>'),
            kept(
                person, project, "figure.svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
            ),
        ),
        "series": sent_series(person, project, series),
        "workspace": {"root": "/home/ada/study", "host": "lab"},
        "code": {
            "workload": code.to_json(),
            "modules": [kept(person, project, "helpers.py", b"X = 1\n").to_json()],
        },
        "git": {
            "commit": "0123456789abcdef0123456789abcdef01234567",
            "branch": "main",
            "remote": "https://git.example.org/study.git",
            "dirty": True,
            "diff": {"sha256": upload(person, project, DIFF), "size": len(DIFF)},
        },
        "environment": {
            "python": "3.11.7",
            "implementation": "CPython",
            "platform": "Linux",
            "cpu": {"model": "a processor", "count": 8},
            "ram": 16 << 30,
            "gpus": [{"name": "a card", "memory": 24 << 30}],
            "argv": ["python", "train.py", "--rate", str(rate)],
            "variables": {"CUDA_VISIBLE_DEVICES": "0"},
            "packages": {"sha256": upload(person, project, packages), "size": len(packages), "count": 3},
        },
        "notices": ("data/large.bin is larger than 1 GiB: only its fingerprint is kept.",),
    }
    sent = record(run, **{**given, **fields})
    send(person, project, sent)
    return sent
