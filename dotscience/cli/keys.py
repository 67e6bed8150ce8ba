"""What `--json` prints: the keys of each command's document, on which calling programs may rely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["KEYS", "Keys"]


class Keys(NamedTuple):
    """The keys of one command's document.

    Attributes:
        names: the keys that are always there.
        is_list: the document is a list of such objects.
        with_record: the record's own fields, as docs/formats.md lists them, are there as well.
    """

    names: str
    is_list: bool = False
    with_record: bool = False


KEYS: Mapping[str, Keys] = {
    "list": Keys(
        "id status started ended published duration description error mode workload_file continues parameters metrics "
        "labels tags notes models workspace hub",
        is_list=True,
    ),
    "show": Keys("folder root is_published tags notes made_from used_by hub", with_record=True),
    "diff": Keys(
        "a b same about parameters metrics labels inputs outputs git sources packages environment notes"
    ),
    "why": Keys("asked files steps truncated"),
    "impact": Keys("asked files steps truncated"),
    "status": Keys("workspace stale changed unrecorded truncated"),
    "collect": Keys("run source outcome reason", is_list=True),
    "publish": Keys("", with_record=True),
    "discard": Keys("discarded"),
    "tag": Keys("id tags"),
    "note": Keys("id at author note"),
    "restore": Keys("path role outcome to detail", is_list=True),
    "export": Keys("seal", with_record=True),
    "sync": Keys("run outcome url reason root", is_list=True),
    "login": Keys("profile user url project", is_list=True),
    "logout": Keys("profile url is_revoked"),
    "init": Keys("root home is_new"),
    "config": Keys("name value from default variable meaning", is_list=True),
    "verify": Keys("ok records blobs files unpublished findings"),
    "gc": Keys("garbage size removed running young"),
    "reindex": Keys("runs problems"),
    "doctor": Keys("name verdict said cure", is_list=True),
}
"""By command. `ds show` on an execution prints its document, with `state` and `folder`; `ds config NAME` one object."""
