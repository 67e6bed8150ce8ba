"""Finding run blocks in bytes that come in pieces."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dotscience.catalog.block_stream import BlockStream, Found
from dotscience.records.block import block_text, find_blocks

NOISE = st.text(max_size=40).filter(lambda text: "[[" not in text)
BLOCKS = st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3)


def found_in(*pieces: bytes) -> list[Found]:
    stream = BlockStream()
    return [found for piece in pieces for found in stream.feed(piece)] + list(stream.finish())


@given(st.lists(st.tuples(NOISE, BLOCKS), max_size=4), st.lists(st.integers(0, 400), max_size=6))
def test_however_it_is_cut_the_same_blocks_are_found(
    parts: list[tuple[str, dict[str, str]]], cuts: list[int]
) -> None:
    written = "".join(
        f"{noise}{block_text(f'run-{number}', block)}" for number, (noise, block) in enumerate(parts)
    )
    raw = written.encode()
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    pieces = [raw[begin:end] for begin, end in itertools.pairwise(places)]
    assert [(found.run, found.metadata) for found in found_in(*pieces)] == list(find_blocks(written))


def test_a_block_is_found_as_soon_as_it_ends() -> None:
    stream = BlockStream()
    assert list(stream.feed(b"[[DOTSCIENCE-RUN:a]]{}[[/DOTSCIENCE-RUN:a")) == []
    assert list(stream.feed(b"]] and more")) == [Found("a", {})]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (b"[[DOTSCIENCE-RUN:a]]{[[/DOTSCIENCE-RUN:a]]", "what stands in the block is not JSON"),
        (b"[[DOTSCIENCE-RUN:a]][][[/DOTSCIENCE-RUN:a]]", "the block holds no JSON object"),
        (b"[[DOTSCIENCE-RUN:a]]{}", "the block has no end"),
        (b"[[DOTSCIENCE-RUN:a]]{}[[/DOTSCIENCE-RUN:b]]", "the block has no end"),
    ],
)
def test_a_wrong_block_is_named_with_what_is_wrong(written: bytes, problem: str) -> None:
    assert found_in(written) == [Found("a", None, problem)]


def test_a_torn_block_does_not_hide_the_next() -> None:
    written = b"[[DOTSCIENCE-RUN:a]]{\n[[DOTSCIENCE-RUN:b]]{}[[/DOTSCIENCE-RUN:b]]"
    assert found_in(written) == [Found("a", None, "the block has no end"), Found("b", {})]


def test_a_block_that_was_begun_twice_is_found() -> None:
    written = b'[[DOTSCIENCE-RUN:a]]{"ver[[DOTSCIENCE-RUN:a]]{"version": "1"}[[/DOTSCIENCE-RUN:a]]'
    assert found_in(written) == [Found("a", {"version": "1"})]


def test_a_mark_inside_a_value_is_no_mark() -> None:
    block = {"description": "see [[DOTSCIENCE-RUN:a]]"}
    written = f"[[DOTSCIENCE-RUN:a]]{json.dumps(block)}[[/DOTSCIENCE-RUN:a]]".encode()
    assert found_in(written) == [Found("a", block)]


def test_noise_is_not_held_back() -> None:
    stream = BlockStream()
    for _ in range(1000):
        list(stream.feed(b"epoch 17 [[loss=0.1]]\n" * 100))
    assert len(stream._buffer) < 1000
