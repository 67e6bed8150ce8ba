"""Which script a command executes."""

from pathlib import Path

import pytest

from dotscience.runner.surroundings import script_of


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("python train.py", "train.py"),
        ("/usr/bin/python3.12 -u -X dev train.py --lr 1", "train.py"),
        ("python -O train.py", "train.py"),
        ("bash -o pipefail train.sh", "train.sh"),
        ("bash -c train.sh", None),
        ("perl -e train.py", None),
        ("python -Werror -W ignore train.py", "train.py"),
        ("python -m train", None),
        ("python -c print(1)", None),
        ("python missing.py", None),
        ("bash -e train.sh", "train.sh"),
        ("sh train.sh", "train.sh"),
        ("Rscript train.py", "train.py"),
        ("./train.sh", "train.sh"),
        ("./train.bin", None),
        ("cp train.py other.py", None),
        ("ls", None),
    ],
)
def test_the_script_is_told_from_the_command(tmp_path: Path, command: str, script: str | None) -> None:
    (tmp_path / "train.py").write_text("")
    (tmp_path / "train.sh").write_text("#!/bin/sh\n")
    (tmp_path / "train.bin").write_bytes(b"\x7fELF")
    assert script_of(command.split()) == (None if script is None else str(tmp_path / script))
