"""The whole study: writes the raw data, runs the three steps, then asks where the results came from."""

import shlex
import subprocess
import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer

HERE = Path(__file__).resolve().parent
PROGRAMS = {"python": [sys.executable], "ds": [sys.executable, "-m", "dotscience"]}


def run(command: str) -> None:
    """Show a command line and run it in this folder."""
    print(f"\n$ {command}", flush=True)
    program, *arguments = shlex.split(command)
    subprocess.run([*PROGRAMS[program], *arguments], cwd=HERE, check=True)


def main() -> None:
    """Do the study from its raw data to its questions."""
    (HERE / "data").mkdir(exist_ok=True)
    load_breast_cancer(as_frame=True).frame.to_csv(HERE / "data/raw.csv", index=False)

    run("ds init")
    run("python prepare.py --test-size 0.25")
    run("python train.py --trees 150 --depth 2")
    run("python evaluate.py --threshold 0.5")

    run("ds list")
    run("ds show @latest")
    run("ds why models/tumours.joblib")
    run("ds why plots/evaluation.png")


if __name__ == "__main__":
    main()
