"""Lineage on a Hub: across the projects that the asker may see, and through no other; drawn as few boxes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from dotscience.hub.access import Access, Asker
from dotscience.hub.pages.drawing import BOX_HEIGHT, BOX_WIDTH, draw
from dotscience.hub.services.lineage import Asked, both_ways
from dotscience.hub.services.neighbours import known_runs
from dotscience.hub.services.picture import FILE, FILES, RUN, RUNS, Picture, picture_of
from dotscience.records.files import FileVersion
from dotscience.records.record import Record

if TYPE_CHECKING:
    from ...hub_server import Person, RunningHub

NOON = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)


def sha(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def files(contents: Iterable[str]) -> tuple[FileVersion, ...]:
    """Versions of files whose path is their content."""
    return tuple(FileVersion(content, sha(content), len(content)) for content in contents)


def run(
    person: Person,
    project: str,
    name: str,
    reads: Iterable[str],
    makes: Iterable[str],
    *,
    hour: int = 0,
    **fields: Any,
) -> None:
    moment = NOON + timedelta(hours=hour)
    sent = Record(
        id=name,
        status="completed",
        published=moment,
        started=moment,
        ended=moment + timedelta(minutes=1),
        workload_file=f"{name.partition('-')[0]}.py",
        inputs=files(reads),
        outputs=files(makes),
        **fields,
    )
    answer = person.put(f"/api/projects/{project}/runs/{name}", data=sent.to_bytes())
    assert answer.status_code == 201, answer.text


def study(hub: RunningHub, project: str) -> None:
    run(hub.admin, project, "prepare", ["raw.csv"], ["data/train.csv", "data/test.csv"], hour=0)
    run(hub.admin, project, "train", ["data/train.csv"], ["model.joblib"], hour=1)
    run(hub.admin, project, "evaluate", ["model.joblib", "data/test.csv"], ["plot.png"], hour=2)


def picture(hub: RunningHub, asked: Asked) -> Picture:
    up, down = both_ways(hub.hub, Asker(hub.admin.user), asked)
    return picture_of(up, down, asked_run=asked.run)


def drawn(found: Picture) -> set[tuple[str, str]]:
    """The arrows, by what their ends say."""
    words = {
        box.key: box.steps[0].run if box.kind == RUN else box.files[0].path
        for box in found.boxes
        if box.kind in (RUN, FILE)
    }
    return {(words[begin], words[end]) for begin, end in found.arrows}


def test_a_file_is_drawn_with_what_led_to_it_and_what_came_of_it(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    study(hub, project)
    assert drawn(picture(hub, Asked(sha("model.joblib")))) == {
        ("raw.csv", "prepare"),
        ("prepare", "data/train.csv"),
        ("data/train.csv", "train"),
        ("train", "model.joblib"),
        ("model.joblib", "evaluate"),
        ("evaluate", "plot.png"),
    }


def test_what_was_asked_about_is_marked(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    study(hub, project)
    by_run = picture(hub, Asked(project=project, run="train"))
    assert [box.steps[0].run for box in by_run.boxes if box.is_asked] == ["train"]
    by_path = picture(hub, Asked(project=project, path="data/train.csv"))
    assert [box.files[0].path for box in by_path.boxes if box.is_asked] == ["data/train.csv"]


def test_thousands_of_files_of_a_folder_are_one_box(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    images = [f"images/{number:04}.png" for number in range(2000)]
    run(hub.admin, project, "render", [], images)
    run(hub.admin, project, "train", images, ["model"], hour=1)
    found = picture(hub, Asked(sha("model")))
    (folder,) = (box for box in found.boxes if box.kind == FILES)
    assert (folder.folder, len(folder.files), len(found.boxes)) == ("images", 2000, 4)


def test_runs_that_are_alike_and_led_to_nothing_are_one_box(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    for number in range(10):
        run(hub.admin, project, f"search-{number}", ["train.csv"], [f"models/{number}"], hour=number)
    run(hub.admin, project, "evaluate", ["models/7"], ["plot.png"], hour=20)
    found = picture(hub, Asked(sha("train.csv")))
    (crowd,) = (box for box in found.boxes if box.kind == RUNS)
    assert len(crowd.steps) == 9
    assert ("search-7", "models/7") in drawn(
        Picture(found.boxes, tuple(a for a in found.arrows if crowd.key not in a))
    )


def test_lineage_goes_through_no_project_that_the_asker_may_not_see(hub: RunningHub) -> None:
    bob = hub.person("bob")
    secret, own = hub.project(hub.admin, "secret").id, hub.project(bob, "own").id
    run(hub.admin, secret, "hidden", ["raw.csv"], ["train.csv"], hour=0)
    run(bob, own, "train", ["train.csv"], ["model"], hour=1)
    answer = bob.get("/api/lineage", params={"digest": sha("model")}).json()
    assert [step["run"] for step in answer["steps"]] == ["train"]
    assert answer["steps"][0]["inputs"][0]["made_by"] is None
    hub.admin.put(f"/api/projects/{secret}/members/bob", json={"role": "viewer"})
    answer = bob.get("/api/lineage", params={"digest": sha("model")}).json()
    assert [step["run"] for step in answer["steps"]] == ["train", "hidden"]


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ({}, 422),
        ({"digest": "zz"}, 404),
        ({"digest": "0" * 64}, 404),
        ({"digest": sha("raw.csv"), "path": "x"}, 422),
        ({"path": "raw.csv"}, 422),
        ({"path": "raw.csv", "project": "no-such"}, 404),
        ({"digest": sha("raw.csv"), "depth": 0}, 422),
        ({"digest": sha("raw.csv"), "direction": "sideways"}, 422),
    ],
)
def test_a_question_that_is_none_gets_a_precise_answer(
    hub: RunningHub, question: dict[str, Any], status: int
) -> None:
    study(hub, hub.project(hub.admin).id)
    assert hub.admin.get("/api/lineage", params=question).status_code == status


def test_boxes_do_not_overlap_and_arrows_go_to_the_right(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    study(hub, project)
    found = draw(picture(hub, Asked(sha("model.joblib"))))
    places = {placed.box.key: placed for placed in found.boxes}
    for one in found.boxes:
        for other in found.boxes:
            apart = abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
            assert one is other or apart
    assert all(places[begin].x < places[end].x for _, begin, end in found.arrows)


def test_the_pages_of_lineage_and_files_show_it(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    study(hub, project)
    page = hub.admin.get(f"/projects/{project}/lineage", params={"digest": sha("model.joblib")})
    assert page.status_code == 200
    assert "no run is known to have made it" in page.text
    assert page.text.count('class="box') == 7
    listed = hub.admin.get(f"/projects/{project}/files", params={"path": "data/*.csv"}).text
    assert "data/train.csv" in listed
    assert "model.joblib" not in listed
    assert "train.py" in hub.admin.get("/search", params={"q": "TRAIN.py"}).text


def test_a_run_that_was_asked_about_lies_neither_before_nor_after_itself(hub: RunningHub) -> None:
    project = hub.project(hub.admin).id
    study(hub, project)
    pages = [
        hub.admin.get(f"/projects/{project}/lineage?run={name}").text for name in ("prepare", "evaluate")
    ]
    assert "0 runs on the way to it, 2 that came after." in pages[0]
    assert "2 runs on the way to it, 0 that came after." in pages[1]


def test_names_with_markup_are_shown_as_text(hub: RunningHub) -> None:
    project = hub.project(hub.admin, "<script>alert(1)</script>").id
    run(hub.admin, project, "train", ["<img src=x>.csv"], ['"><script>x</script>'], description="<b>bold</b>")
    for address in (f"/projects/{project}/lineage?run=train", f"/projects/{project}/files", "/search?q=<b>"):
        page = hub.admin.get(address)
        assert page.status_code == 200
        for hostile in ("<script>alert", "<img src=x>", "<script>x", "<b>bold"):
            assert hostile not in page.text


def test_what_is_named_beside_a_run_is_read_no_further_than_lists_tell_it(hub: RunningHub) -> None:
    project = hub.project(hub.admin)
    run(hub.admin, project.id, "before", ["raw.csv"], ["clean.csv"], parameters={"note": "x" * 5000})
    access = Access(Asker(hub.admin.user), project)
    ((before,),) = known_runs(hub.hub, access, ["before"])
    assert before.parameters == {"note": f"{'x' * 1000}…"}
