"""What `publish()` returns shows itself, and whatever a run holds can do no harm there."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dotscience.recorder.published import MIME, Published
from dotscience.recorder.recorder import Recorder

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'\"><b>",
    "&lt;",
    "\ud800",
    "\x00\x1b[2J",
    "a\nb",
    "</div>",
]
hostile = st.text() | st.sampled_from(HOSTILE)
ALLOWED = {"div", "p", "b", "br", "code", "table", "tr", "th", "td"}


class Tags(HTMLParser):
    """Every tag and attribute, and that they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes.update(name for name, _ in attrs)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def publish(recorder: Recorder, text: str) -> Published:
    recorder.start(text)
    for verb in (recorder.label, recorder.parameter, recorder.metric):
        verb(text, text)
    recorder.input(f"s3://{text}")
    recorder.output(f"gs://{text}")
    recorder.error(text)
    return recorder.publish()


@given(hostile)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_card_escapes_everything(recorder: Recorder, text: str) -> None:
    card = publish(recorder, text)._repr_html_()
    tags = Tags()
    tags.feed(card)
    tags.close()
    assert tags.seen <= ALLOWED and tags.open == []
    assert tags.attributes <= {"class", "style"}
    card.encode("utf-8")


@given(hostile)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_bundle_can_be_sent_and_carries_the_block(recorder: Recorder, text: str) -> None:
    done = publish(recorder, text)
    bundle = done.bundle()
    assert bundle["text/plain"] == done.block
    sent = json.loads(json.dumps(bundle, ensure_ascii=False, allow_nan=False).encode("utf-8"))
    assert sent[MIME]["id"] == done.id and sent[MIME]["version"] == "1"


@pytest.mark.parametrize("text", HOSTILE)
def test_the_text_form_is_four_lines(recorder: Recorder, text: str) -> None:
    done = publish(recorder, text)
    assert len(str(done).splitlines()) == 4
    assert str(done).replace("\n", "").isprintable()
    str(done).encode("utf-8")
    assert done.id in repr(done)


def test_a_run_with_much_to_show_shows_some_of_it(recorder: Recorder, tmp_path: Any) -> None:
    (tmp_path / "data").mkdir()
    for number in range(100):
        recorder.metric(f"m{number}", number)
        (tmp_path / f"data/{number}").touch()
    recorder.input("data")
    recorder.label("long", "x" * 1_000_000)
    done = recorder.publish()
    assert len(done._repr_html_()) < 10_000 and len(str(done)) < 2_000
    assert "100 in all" in done._repr_html_()


def test_it_says_where_the_record_is(recorder: Recorder) -> None:
    done = recorder.publish()
    assert done.folder is not None and done.folder in str(done)
    assert Published(done.record, None).folder is None
    assert "not saved" in str(Published(done.record, None))


def test_the_card_needs_nothing_from_elsewhere(recorder: Recorder) -> None:
    card = publish(recorder, "x")._repr_html_()
    assert "http" not in card and "<script" not in card and "<link" not in card
