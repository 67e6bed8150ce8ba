"""Who may not see a project learns nothing of it: not from queries, counts, names, files or lineage, on each database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from dotscience.catalog import place as places
from dotscience.catalog.file_versions import file_versions
from dotscience.catalog.lineage import lineage_of_digest, lineage_of_path, lineage_of_run
from dotscience.catalog.listing import find_and_count, find_runs, get_run, names_in_use
from dotscience.catalog.neighbours import neighbours
from dotscience.catalog.place import Place
from dotscience.catalog.recorded import known_digests, recorded_of, recorded_under
from dotscience.errors import NotFoundError

if TYPE_CHECKING:
    from conftest import Team

OURS, THEIRS = "ours", "theirs"


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Story:
    """raw → clean (ours) → model (theirs) → plot (ours), so that the way from plot to raw leads through their run."""

    team: Team
    prepare: str
    train: str
    score: str

    @property
    def names(self) -> dict[str, str]:
        return {self.prepare: "prepare", self.train: "train", self.score: "score"}


@pytest.fixture
def story(team: Team) -> Story:
    prepare = team.run(
        OURS, inputs={"raw.csv": b"raw"}, outputs={"clean.csv": b"clean", "done": b""}, parameters={"n": 1}
    )
    train = team.run(
        THEIRS,
        inputs={"secret/in.csv": b"clean", "done": b""},
        outputs={"secret/model": b"model"},
        metrics={"secret": 0.5},
        parameters={"n": 2},
        labels={"hidden": "yes"},
        models={"secret": {"files": {"model": "m"}, "type": "sklearn-model"}},
        description="a secret",
        annotations=[{"at": "2026", "tag": "classified"}, {"at": "2026", "note": "for us only"}],
    )
    score = team.run(OURS, inputs={"model": b"model"}, outputs={"plot": b"plot"}, metrics={"score": 1})
    return Story(team, prepare, train, score)


ASKERS = {
    "of both": (OURS, THEIRS),
    "of ours": (OURS,),
    "of theirs": (THEIRS,),
    "of none": (),
    "of another": ("another",),
}

Ask = Callable[[Place, Story], set[str]]


def query(text: str) -> Ask:
    def ask(place: Place, story: Story) -> set[str]:
        found = find_runs(place, text)
        assert find_and_count(place, text)[1] == len(found.rows)
        assert found.next is None
        return {row.id for row in found.rows}

    return ask


def steps(ask: Callable[[Place, Story], object]) -> Ask:
    """The runs that a lineage names anywhere; none when nothing is found."""

    def runs(place: Place, story: Story) -> set[str]:
        try:
            wire = str(ask(place, story))
        except NotFoundError as error:
            assert "ours" not in str(error)
            assert "theirs" not in str(error)
            return set()
        return {run for run in story.names if run in wire}

    return runs


BOTH = {"prepare", "train", "score"}

QUESTIONS: dict[str, tuple[Ask, dict[str, set[str]]]] = {
    "all runs": (query(""), {"of both": BOTH, "of ours": {"prepare", "score"}, "of theirs": {"train"}}),
    "a metric": (query("metric.secret > 0"), {"of both": {"train"}, "of theirs": {"train"}}),
    "a parameter of both": (
        query("parameter.n >= 1"),
        {"of both": {"prepare", "train"}, "of ours": {"prepare"}, "of theirs": {"train"}},
    ),
    "what a run is not": (
        query("not metric.secret > 0"),
        {"of both": {"prepare", "score"}, "of ours": {"prepare", "score"}},
    ),
    "their project": (query('workspace == "theirs"'), {"of both": {"train"}, "of theirs": {"train"}}),
    "or anything": (
        query('id != "" or metric.secret > 0'),
        {"of both": BOTH, "of ours": {"prepare", "score"}, "of theirs": {"train"}},
    ),
    "a path": (query('"secret/**" in input'), {"of both": {"train"}, "of theirs": {"train"}}),
    "a tag": (query('"classified" in tag'), {"of both": {"train"}, "of theirs": {"train"}}),
    "a note": (query('"us only" in note'), {"of both": {"train"}, "of theirs": {"train"}}),
    "a model": (query('"secret" in model'), {"of both": {"train"}, "of theirs": {"train"}}),
    "two values of a run": (
        query("parameter.n > metric.secret"),
        {"of both": {"train"}, "of theirs": {"train"}},
    ),
    "upstream of our raw data": (query('upstream("raw.csv")'), {"of both": BOTH, "of ours": {"prepare"}}),
    "downstream of our plot": (query('downstream("plot")'), {"of both": BOTH, "of ours": {"score"}}),
    "upstream of their path": (
        query('upstream("secret/model")'),
        {"of both": {"score"}},
    ),
    "upstream of a digest": (
        query(f'upstream("{sha(b"model")}")'),
        {"of both": {"score"}, "of ours": {"score"}},
    ),
    "upstream of a digest of theirs and ours": (
        query(f'upstream("{sha(b"clean")}")'),
        {"of both": {"train", "score"}, "of theirs": {"train"}},
    ),
    "upstream of an empty file": (
        query('upstream("done")'),
        {"of both": {"train", "score"}, "of theirs": {"train"}},
    ),
    "lineage of our run": (
        steps(lambda place, story: lineage_of_run(place, story.score).to_json()),
        {"of both": BOTH, "of ours": {"score"}},
    ),
    "lineage of their run": (
        steps(lambda place, story: lineage_of_run(place, story.train).to_json()),
        {"of both": {"prepare", "train"}, "of theirs": {"train"}},
    ),
    "what was made from our run": (
        steps(lambda place, story: lineage_of_run(place, story.prepare, direction="down").to_json()),
        {"of both": BOTH, "of ours": {"prepare"}},
    ),
    "lineage of a digest": (
        steps(lambda place, story: lineage_of_digest(place, sha(b"model")).to_json()),
        {"of both": {"prepare", "train"}, "of theirs": {"train"}},
    ),
    "who read a digest": (
        steps(lambda place, story: lineage_of_digest(place, sha(b"clean")[:8], direction="down").to_json()),
        {"of both": {"train", "score"}, "of theirs": {"train"}},
    ),
    "lineage of their path": (
        steps(lambda place, story: lineage_of_path(place, place, "secret").to_json()),
        {"of both": {"prepare", "train"}, "of theirs": {"train"}},
    ),
    "neighbours of our first run": (
        lambda place, story: set().union(*neighbours(story.prepare, [place])),
        {"of both": {"train"}},
    ),
    "neighbours of their run": (
        lambda place, story: set().union(*neighbours(story.train, [place])),
        {"of both": {"prepare", "score"}},
    ),
    "file versions": (
        lambda place, _: {run for one in file_versions(place).rows for run in (*one.made_by, *one.used_by)},
        {"of both": BOTH, "of ours": {"prepare", "score"}, "of theirs": {"train"}},
    ),
    "file versions under a path": (
        lambda place, _: {
            run for one in file_versions(place, path="secret/*").rows for run in (*one.made_by, *one.used_by)
        },
        {"of both": BOTH, "of theirs": {"train"}},
    ),
    "file versions of a digest": (
        lambda place, _: {
            run
            for one in file_versions(place, digest=sha(b"plot")[:8]).rows
            for run in (*one.made_by, *one.used_by)
        },
        {"of both": {"score"}, "of ours": {"score"}},
    ),
    "uses of a path": (
        lambda place, _: {one.run for one in recorded_under(place, ["secret/model"])},
        {"of both": {"train"}, "of theirs": {"train"}},
    ),
    "uses of bytes": (
        lambda place, _: {one.run for one in recorded_of(place, [bytes.fromhex(sha(b"clean"))])},
        {"of both": {"prepare", "train"}, "of ours": {"prepare"}, "of theirs": {"train"}},
    ),
}


def shown(asker: str, question: str, story: Story) -> set[str]:
    ask, _ = QUESTIONS[question]
    return {story.names[run] for run in ask(story.team.seen_by(*ASKERS[asker]), story)}


@pytest.mark.parametrize("question", QUESTIONS)
def test_each_asker_finds_the_runs_that_they_may_see(story: Story, question: str) -> None:
    _, expected = QUESTIONS[question]
    for asker in ASKERS:
        assert shown(asker, question, story) == expected.get(asker, set()), asker


@pytest.mark.parametrize("question", ["all runs", "file versions", "lineage of our run", "a metric"])
def test_two_projects_of_one_shard_are_kept_apart_all_the_same(
    team: Team, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, question: str
) -> None:
    for module in ("shared", "shared_writing"):
        monkeypatch.setattr(f"dotscience.catalog.{module}.shard_of", lambda project: 7)
    story: Story = request.getfixturevalue("story")
    _, expected = QUESTIONS[question]
    for asker in ASKERS:
        assert shown(asker, question, story) == expected.get(asker, set()), asker
    assert names_in_use(team.seen_by(OURS)).metrics == ["score"]
    assert {one.path for one in file_versions(team.seen_by(THEIRS)).rows} == {
        "secret/in.csv",
        "secret/model",
        "done",
    }


@pytest.mark.parametrize(
    "asker, parameters, metrics, labels",
    [
        ("of both", ["n"], ["score", "secret"], ["hidden"]),
        ("of ours", ["n"], ["score"], []),
        ("of theirs", ["n"], ["secret"], ["hidden"]),
        ("of none", [], [], []),
        ("of another", [], [], []),
    ],
)
def test_names_in_use(
    story: Story, asker: str, parameters: list[str], metrics: list[str], labels: list[str]
) -> None:
    names = names_in_use(story.team.seen_by(*ASKERS[asker]))
    assert (names.parameters, names.metrics, names.labels) == (parameters, metrics, labels)


def test_a_run_is_found_by_those_who_may_see_it(story: Story) -> None:
    for asker, projects in ASKERS.items():
        place = story.team.seen_by(*projects)
        for run, project in ((story.prepare, OURS), (story.train, THEIRS)):
            for ref in (run, run[:4]):
                if project in projects:
                    assert get_run(place, ref).workspace == project, asker
                else:
                    with pytest.raises(NotFoundError):
                        get_run(place, ref)


def test_bytes_are_known_to_those_who_may_see_a_run_that_met_them(story: Story) -> None:
    model, plot, raw = (bytes.fromhex(sha(content)) for content in (b"model", b"plot", b"raw"))
    asked = {model, plot, raw}
    expected = {"of both": asked, "of ours": asked, "of theirs": {model}}
    for asker, projects in ASKERS.items():
        assert known_digests(story.team.seen_by(*projects), asked) == expected.get(asker, set())


def test_lineage_of_what_is_hidden_says_no_more_than_that_of_what_is_not_there(story: Story) -> None:
    place = story.team.seen_by(OURS)
    for hidden, missing in (
        (sha(b"secret"), sha(b"nothing")),
        (story.train, "999-run"),
        ("secret", "sacred"),
    ):
        for ask in (
            lambda ref: lineage_of_digest(place, ref),
            lambda ref: lineage_of_run(place, ref),
            lambda ref: lineage_of_path(place, place, ref),
            lambda ref: get_run(place, ref),
        ):
            with pytest.raises(NotFoundError) as one:
                ask(hidden)
            with pytest.raises(NotFoundError) as other:
                ask(missing)
            assert str(one.value).replace(hidden, missing) == str(other.value)


def test_a_query_of_one_project_may_look_for_lineage_in_all_that_the_asker_sees(story: Story) -> None:
    home, around = story.team.seen_by(OURS), story.team.seen_by(OURS, THEIRS)
    found = find_runs(home, 'upstream("raw.csv")', around=around)
    assert {row.id for row in found.rows} == {story.prepare, story.score}
    assert find_and_count(home, 'upstream("raw.csv")', around=around)[1] == 2
    assert find_runs(home, 'upstream("secret/model")', around=around).rows == []


def test_any_number_of_projects_may_be_seen(story: Story) -> None:
    place = story.team.seen_by(*(f"project-{number}" for number in range(40_000)), OURS)
    assert {row.id for row in find_runs(place, "parameter.n == 1").rows} == {story.prepare}
    assert len(file_versions(place).rows) == 5
    assert lineage_of_run(place, story.score).steps[0].run == story.score


def test_shards_are_even_and_never_that_of_a_workspace() -> None:
    shards = {places.shard_of(f"project-{number}") for number in range(1000)}
    assert len(shards) == 1000
    assert all(places.WORKSPACE_SHARD < shard < 1 << 31 for shard in shards)
