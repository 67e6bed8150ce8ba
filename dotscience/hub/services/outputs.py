"""Which of the files that the 0.8.7 client sent are the outputs of a run.

It sends one output as a file at its own path, and several as an archive: that is unpacked at the path of the model declared last
(the key), and of the names in it the model's directory is left out, where it was written as plainly as the key is.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..store.entries import Entry

__all__ = ["Found", "Sent", "match"]


@dataclass(frozen=True)
class Sent:
    """What came with one request.

    Attributes:
        id: of its commit.
        key: where it went.
        files: by their whole paths in the dot.
    """

    id: str
    key: str
    is_tree: bool
    files: Mapping[str, Entry]


@dataclass(frozen=True)
class Found:
    """What was found of a run's outputs.

    Attributes:
        files: the outputs that were found.
        missing: those that were not.
        uploads: ids of the commits that they came with.
        is_ambiguous: other uploads would fit, and hold something else.
    """

    files: Mapping[str, Entry] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()
    is_ambiguous: bool = False

    @property
    def is_whole(self) -> bool:
        """All were found."""
        return not self.missing


def match(outputs: Sequence[str], sent: Sequence[Sent]) -> Found:
    """Find a run's outputs.

    Args:
        outputs: paths as the run names them.
        sent: what may hold them, newest first.
    """
    wanted = dict.fromkeys(outputs)
    fits = [(each, files) for each in sent if each.is_tree and (files := _unpacked(wanted, each))]
    if len(wanted) > 1 and fits:
        newest, files = fits[0]
        differs = any(_digests(other) != _digests(files) for _, other in fits[1:])
        missing = tuple(sorted(wanted.keys() - files.keys()))
        return Found(files, missing, (newest.id,), differs)
    return _single(wanted, sent)


def _single(wanted: Mapping[str, None], sent: Sequence[Sent]) -> Found:
    """Each output as a file of its own."""
    files: dict[str, Entry] = {}
    uploads: dict[str, None] = {}
    differs = False
    for output in wanted:
        path = posixpath.normpath(output).lstrip("/")
        fits = [each for each in sent if not each.is_tree and each.key == path and path in each.files]
        if fits:
            files[output] = fits[0].files[path]
            uploads[fits[0].id] = None
            differs |= any(other.files[path].digest != files[output].digest for other in fits[1:])
    return Found(files, tuple(sorted(wanted.keys() - files.keys())), tuple(uploads), differs)


def _unpacked(wanted: Mapping[str, None], tree: Sent) -> dict[str, Entry]:
    """The outputs in an archive's files; empty where its names are not those of the outputs."""
    members = {path[len(tree.key) + 1 :]: entry for path, entry in tree.files.items()}
    for prefix in ("", f"{tree.key}/"):
        named = {output: posixpath.normpath(output.removeprefix(prefix)) for output in wanted}
        if members and set(named.values()) == members.keys():
            return _unambiguous(named, members)
    return {}


def _unambiguous(named: Mapping[str, str], members: Mapping[str, Entry]) -> dict[str, Entry]:
    """Without outputs that had the same name in the archive: nobody can tell whose bytes are left."""
    count = Counter(named.values())
    return {output: members[name] for output, name in named.items() if count[name] == 1}


def _digests(files: Mapping[str, Entry]) -> dict[str, str]:
    return {output: entry.digest for output, entry in files.items()}
