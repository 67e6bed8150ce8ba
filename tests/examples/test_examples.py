"""The examples do what they promise, as they stand."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def ds(*arguments: str) -> str:
    """What a `ds` command prints in the current directory."""
    return subprocess.check_output([sys.executable, "-m", "dotscience", *arguments], text=True)


def outline(shown: str) -> list[str]:
    """The lines of an answer without what differs from one time or machine to the next."""
    for changing in (
        r"\b[0-9a-f-]{8,}\b",
        r"\d+ [a-z]+ ago|# \d\d:\d\d:\d\d\S+",
        r"[\d.]+ [KM]?i?B\b",
        r"\d+\.\d+",
    ):
        shown = re.sub(changing, "#", shown)
    return [" ".join(line.split()) for line in shown.splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_quickstart_answers_as_the_readme_shows_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = tmp_path / "quickstart"
    made = shutil.ignore_patterns(".dotscience", "data", "models", "plots")
    shutil.copytree(EXAMPLES / "quickstart", study, ignore=made)
    monkeypatch.chdir(study)
    (study / ".gitignore").write_text("data/\nmodels/\nplots/\n")
    for words in ("init", "add .", "commit -m study"):
        subprocess.run(["git", *words.split()], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "study.py"], check=True, stdout=subprocess.DEVNULL)

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^\$ ds why plots/evaluation.png\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert outline(ds("why", "plots/evaluation.png")) == outline(shown)

    subprocess.run([sys.executable, "study.py"], check=True, stdout=subprocess.DEVNULL)
    assert len(json.loads(ds("list", "--json"))) == 6


@pytest.mark.slow
def test_the_notebook_carries_its_run(tmp_path: Path) -> None:
    notebook = nbformat.read(EXAMPLES / "notebook/wines.ipynb", as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    (shown,) = (output for output in notebook.cells[-1].outputs if output.output_type == "display_data")
    assert "application/vnd.dotscience.run+json" in shown.data
    chain = json.loads(ds("why", "wines.joblib", "--json"))
    assert chain["steps"][0]["mode"] == "interactive"
    assert [file["path"] for file in chain["steps"][0]["inputs"]] == ["wines.csv"]


def test_the_hub_of_the_quickstart_gives_its_key_to_no_other_hub(tmp_path: Path) -> None:
    program = shutil.copy(EXAMPLES / "quickstart/hub.py", tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        environ = {**os.environ, "DOTSCIENCE_HUB_PORT": str(other.getsockname()[1])}
        ended = subprocess.run(
            [sys.executable, program], env=environ, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ended.returncode == 1
    assert "Something else is on port" in ended.stderr
    assert not (tmp_path / ".hub").exists()
