"""The unmodified dotscience 0.8.7 client publishes to a Hub."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ..hub_server import Person, RunningHub

CONNECT = """
import json, os, sys
import dotscience as ds

ds.connect(os.environ["USER_NAME"], os.environ["API_KEY"], os.environ["PROJECT"], os.environ["HUB_URL"])
"""

SKLEARN_EXAMPLE = """
import joblib
import sklearn
from sklearn import datasets, svm
from sklearn.model_selection import train_test_split

ds.start()
digits = datasets.load_digits()
x_train, x_test, y_train, y_test = train_test_split(digits.data, digits.target, random_state=0)
gamma = ds.parameter("gamma", 0.001)
classifier = svm.SVC(gamma=gamma).fit(x_train, y_train)
ds.metric("accuracy", classifier.score(x_test, y_test))
joblib.dump(classifier, "model.joblib")
with open("classes.json", "w") as stream:
    json.dump({str(number): str(number) for number in range(10)}, stream)
ds.model(sklearn, "digits", "model.joblib", classes="classes.json")
ds.publish("trained a classifier of digits")
"""

ONE_FILE = """
ds.start()
with open(ds.output("results.csv"), "w") as stream:
    stream.write("a,b\\n" * 1000)
ds.publish("one file")
"""


def run_client(python: str, folder: Path, person: Person, program: str, project: str = "study") -> str:
    """Run a program of the client; what it printed."""
    assert person.user is not None and person.key is not None
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(CONNECT + program)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("DOTSCIENCE_")},
        "USER_NAME": person.user.name,
        "API_KEY": person.key,
        "PROJECT": project,
        "HUB_URL": person.url,
        "NO_PROXY": "*",
    }
    command = [python, "-W", "ignore", "train.py"]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def only_run(person: Person, project: str = "study") -> dict[str, Any]:
    """The one run of the project, with everything that the Hub knows of it."""
    (found,) = all_runs(person, project)
    return found


def all_runs(person: Person, project: str = "study") -> list[dict[str, Any]]:
    """The runs of the project, oldest first."""
    (found,) = person.get("/api/projects", params={"name": project}).json()["projects"]
    rows = person.get(f"/api/projects/{found['id']}/runs", params={"sort": "started"}).json()["runs"]
    return [person.get(f"/api/projects/{found['id']}/runs/{row['id']}").json() for row in rows]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def outputs(run: dict[str, Any]) -> dict[str, str]:
    """Digests by path."""
    assert all(version["kept"] for version in run["outputs"])
    return {version["path"]: version["sha256"] for version in run["outputs"]}


def models(person: Person) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = person.get("/v2/models").json()
    return found


def test_the_official_example_of_scikit_learn(hub: RunningHub, original_python: str, tmp_path: Path) -> None:
    printed = run_client(original_python, tmp_path, hub.admin, SKLEARN_EXAMPLE)
    run = only_run(hub.admin)
    assert (run["status"], run["mode"], run["user"]) == ("completed", "remote", "ada")
    assert run["description"] == "trained a classifier of digits"
    assert run["workload_file"] == "train.py"
    assert run["parameters"] == {"gamma": 0.001}
    assert run["metrics"]["accuracy"] > 0.9
    assert outputs(run) == {name: digest(tmp_path / name) for name in ("model.joblib", "classes.json")}
    assert json.loads(run["labels"]["artefact:digits"])["type"] == "sklearn-model"
    assert [(model["run_id"], model["name"]) for model in models(hub.admin)] == [(run["id"], "digits")]
    assert f"/project/{run['project']}/runs/metric/{run['id']}" in printed
    content = hub.admin.get(f"/api/projects/{run['project']}/blobs/{digest(tmp_path / 'model.joblib')}")
    assert content.content == (tmp_path / "model.joblib").read_bytes()


def test_one_file_is_sent_as_it_is(hub: RunningHub, original_python: str, tmp_path: Path) -> None:
    run_client(original_python, tmp_path, hub.admin, ONE_FILE)
    assert outputs(only_run(hub.admin)) == {"results.csv": digest(tmp_path / "results.csv")}


def test_a_large_file_is_whole_when_the_commit_is_made(
    hub: RunningHub, original_python: str, tmp_path: Path
) -> None:
    program = """
ds.start()
with open(ds.output("large.bin"), "wb") as stream:
    for number in range(64):
        stream.write(bytes([number]) * 1_000_000)
ds.publish("a large file")
"""
    run_client(original_python, tmp_path, hub.admin, program)
    assert outputs(only_run(hub.admin)) == {"large.bin": digest(tmp_path / "large.bin")}


@pytest.mark.parametrize("path", ["model", "./model", "model/", "absolute"])
def test_a_directory_however_it_is_written(
    hub: RunningHub, original_python: str, tmp_path: Path, path: str
) -> None:
    named = str(tmp_path / "model") if path == "absolute" else path
    program = f"""
import types
tensorflow = types.SimpleNamespace(__name__="tensorflow", __version__="2.0")
ds.start()
os.makedirs("model/variables")
for name in ("model/saved_model.pb", "model/variables/weights", "model/classes.json"):
    with open(name, "w") as stream:
        stream.write(name)
ds.model(tensorflow, "net", {named!r}, classes="model/classes.json")
ds.publish("a directory")
"""
    run_client(original_python, tmp_path, hub.admin, program)
    wanted = ("model/saved_model.pb", "model/variables/weights", "model/classes.json")
    assert outputs(only_run(hub.admin)) == {name: digest(tmp_path / name) for name in wanted}


def test_two_models_of_one_run(hub: RunningHub, original_python: str, tmp_path: Path) -> None:
    program = """
import types
tensorflow = types.SimpleNamespace(__name__="tensorflow", __version__="2.0")
ds.start()
for folder in ("m1", "m2"):
    os.mkdir(folder)
    with open(folder + "/saved_model.pb", "w") as stream:
        stream.write(folder)
    ds.model(tensorflow, folder, folder)
ds.publish("two models")
"""
    run_client(original_python, tmp_path, hub.admin, program)
    wanted = ("m1/saved_model.pb", "m2/saved_model.pb")
    run = only_run(hub.admin)
    assert outputs(run) == {name: digest(tmp_path / name) for name in wanted}
    assert [(model["run_id"], model["name"]) for model in models(hub.admin)] == [
        (run["id"], "m2"),
        (run["id"], "m1"),
    ]


def test_a_run_without_files_and_values_of_every_kind(
    hub: RunningHub, original_python: str, tmp_path: Path
) -> None:
    program = """
ds.start()
ds.metric("nan", float("nan"))
ds.metric("a.b / c", 1)
ds.parameter("wörd %", "adam")
ds.parameter("flag", True)
ds.parameter("padded", "0.50")
ds.label("owner", "Zoë")
ds.publish("no files")
"""
    run_client(original_python, tmp_path, hub.admin, program)
    run = only_run(hub.admin)
    assert run["metrics"] == {"nan": {"type": "float", "text": "nan"}, "a.b / c": 1}
    assert run["parameters"] == {
        "wörd %": "adam",
        "flag": True,
        "padded": {"type": "float", "text": "0.50", "value": 0.5},
    }
    assert run["labels"] == {"owner": "Zoë"}
    assert "outputs" not in run and "notices" not in run


def test_a_failed_run(hub: RunningHub, original_python: str, tmp_path: Path) -> None:
    run_client(
        original_python, tmp_path, hub.admin, 'ds.start()\nds.set_error("no rows")\nds.publish("tried")\n'
    )
    run = only_run(hub.admin)
    assert (run["status"], run["error"], run["description"]) == ("failed", "no rows", "tried")


def test_a_second_publish_is_a_run_with_the_files_of_its_own(
    hub: RunningHub, original_python: str, tmp_path: Path
) -> None:
    program = """
for number in range(3):
    ds.start()
    with open(ds.output("results.csv"), "w") as stream:
        stream.write(str(number))
    ds.publish("run %d" % number)
"""
    run_client(original_python, tmp_path, hub.admin, program)
    runs = all_runs(hub.admin)
    assert [run["description"] for run in runs] == ["run 0", "run 1", "run 2"]
    wanted = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(3)]
    assert [outputs(run)["results.csv"] for run in runs] == wanted


def test_a_collaborator_publishes_to_the_project_of_another(
    hub: RunningHub, original_python: str, tmp_path: Path
) -> None:
    bob = hub.person("bob")
    hub.project(hub.admin, "shared", editor=bob)
    run_client(original_python, tmp_path, bob, ONE_FILE, project="shared")
    run = only_run(hub.admin, "shared")
    assert run["user"] == "bob"
    assert outputs(run) == {"results.csv": digest(tmp_path / "results.csv")}


def test_a_viewer_is_told_why_the_commit_is_refused(
    hub: RunningHub, original_python: str, tmp_path: Path
) -> None:
    bob = hub.person("bob")
    hub.project(hub.admin, "shared", viewer=bob)
    program = """
ds.start()
try:
    ds.publish("a viewer's")
except Exception as error:
    print("refused:", error)
"""
    assert "refused: This needs the role editor" in run_client(
        original_python, tmp_path, bob, program, "shared"
    )


def test_a_wrong_key_fails_at_connect(hub: RunningHub, original_python: str, tmp_path: Path) -> None:
    other = hub.with_key(hub.admin)
    other.key = "not-the-key-of-anybody"
    with pytest.raises(AssertionError, match="401"):
        run_client(original_python, tmp_path, other, "")


def test_the_datadots_client_makes_dots_branches_and_commits(
    hub: RunningHub, original_python: str, tmp_path: Path
) -> None:
    program = """
from dotmesh.client import DotmeshClient

user = os.environ["USER_NAME"]
client = DotmeshClient(os.environ["HUB_URL"] + "/v2/dotmesh/rpc", user, os.environ["API_KEY"])
master = client.createDot("numbers", ns=user).getBranch("master")
made = [master.commit(message, {"note": message}) for message in ("one", "two")]
print("IDS", json.dumps(made))
print("LOG", json.dumps(master.log()))
branch = master.createBranch("side", "master")
branch.commit("three")
print("SIDE", json.dumps([commit["Metadata"]["message"] for commit in branch.log()]))
client.deleteDot("numbers", ns=user)
try:
    client.getDot("numbers", ns=user)
except Exception as error:
    print("GONE", error)
"""
    printed = run_client(original_python, tmp_path, hub.admin, program)
    said = dict(line.split(" ", 1) for line in printed.splitlines() if line.split(" ")[0].isupper())
    log = json.loads(said["LOG"])
    assert [commit["Id"] for commit in log[1:]] == json.loads(said["IDS"])
    assert [commit["Metadata"]["message"] for commit in log] == ["init", "one", "two"]
    assert json.loads(said["SIDE"]) == [f"Branched off {log[-1]['Id']}", "three"]
    assert said["GONE"].startswith("Bucket ada-numbers does not exist")
