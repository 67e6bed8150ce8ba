"""The command line and the chosen variables are recorded, their secrets are not."""

import json
import subprocess
import sys

from dotscience.capture.command import variables


def test_a_command_line_is_recorded_without_its_secrets() -> None:
    script = "import json; from dotscience.capture.command import command; print(json.dumps(command()))"
    done = subprocess.run(
        [sys.executable, "-c", script, "--lr", "0.1", "--token", "abc", "https://me:pw@host/x"],
        check=True,
        capture_output=True,
    )
    assert json.loads(done.stdout) == {
        "argv": ["-c", "--lr", "0.1", "--token", "[redacted]", "https://[redacted]@host/x"],
        "executable": sys.executable,
    }


def test_only_the_chosen_variables_are_recorded() -> None:
    environ = {
        "SLURM_JOB_ID": "7",
        "SLURM_NODE": "n1",
        "OMP_NUM_THREADS": "2",
        "HOME": "/home/ada",
        "slurm_x": "1",
    }
    assert variables(["SLURM_*", "OMP_NUM_THREADS", "MISSING"], environ) == {
        "OMP_NUM_THREADS": "2",
        "SLURM_JOB_ID": "7",
        "SLURM_NODE": "n1",
    }
    assert variables([], environ) == {}


def test_secrets_in_variables_are_redacted_by_name_and_by_shape() -> None:
    environ = {"HF_TOKEN": "x", "DSN": "postgres://me:pw@db/x", "OPTIONS": "--password y", "PWD": "/study"}
    assert variables(["*"], environ) == {
        "DSN": "postgres://[redacted]@db/x",
        "HF_TOKEN": "[redacted]",
        "OPTIONS": "--password [redacted]",
        "PWD": "/study",
    }
