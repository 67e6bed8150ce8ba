"""The methods of `/v2/dotmesh/rpc`, each a function of its call."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..access import Access, Asker, Need, allow
from ..hub import Hub
from ..problems import Problem
from ..services import accounts, commit_log, dot_files, dots, projects
from ..services.dots import Address, Place

__all__ = ["METHODS", "Call", "Wrong"]

_DOTMESH_KEY = "dotmesh"
"""Name of the API key that ResetApiKey makes."""


class Wrong(Exception):
    """A parameter is missing, or is not what it must be."""


@dataclass(frozen=True)
class Call:
    """A call.

    Attributes:
        params: as they were sent: mostly by name.
        authorization: the header that said who asks.
    """

    hub: Hub
    access: Access
    params: Any
    authorization: str = ""

    @property
    def asker(self) -> Asker:
        """Who asks."""
        return self.access.asker

    def text(self, name: str, default: str | None = None) -> str:
        """A parameter that is a text. Raises Wrong."""
        value = self.params.get(name, default) if isinstance(self.params, dict) else default
        if not isinstance(value, str):
            raise Wrong(f"The parameter {name} must be a text.")
        return value

    def texts(self, name: str) -> Mapping[str, str]:
        """A parameter that maps texts to texts. Raises Wrong."""
        value = self.params.get(name) if isinstance(self.params, dict) else None
        found = {} if value is None else value
        if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
            raise Wrong(f"The parameter {name} must be an object whose values are texts.")
        return found

    def address(self) -> Address:
        """The branch of a dot that the parameters name. Raises Wrong."""
        return Address(self.text("Namespace"), self.text("Name"), self.text("Branch", ""))

    def place(self, need: Need) -> Place:
        """The branch of a dot that the parameters name. Raises Wrong, and Problem as `dots.find`."""
        return dots.find(self.hub, self.asker, need, self.address())


def ping(call: Call) -> bool:
    """Whether name and key fit."""
    return call.access.user.is_active


def version(call: Call) -> Mapping[str, Any]:
    """Of the Hub."""
    from ... import __version__

    return {"InstalledVersion": __version__, "CurrentVersion": __version__, "Outdated": False}


def current_user(call: Call) -> Mapping[str, Any]:
    """Who asks."""
    return _user(call.access.user.id, call.access.user.name)


def get_api_key(call: Call) -> Mapping[str, str]:
    """The key that was sent: the Hub keeps no others in clear."""
    secret = _secret(call)
    if accounts.asker_of_key(call.hub, secret, call.access.user.name) is None:
        raise Problem(
            409, "The Hub keeps no API key in clear. Make a new one: ResetApiKey, or on the Hub's pages."
        )
    return {"ApiKey": secret}


def reset_api_key(call: Call) -> Mapping[str, str]:
    """A new key instead of the one that was made here before; only for somebody with the password."""
    allow(Need.USER, call.asker, None)
    user = call.access.user
    if accounts.asker_of_key(call.hub, _secret(call), user.name) is not None:
        raise Problem(
            403, "A new API key is made for whoever signs in with the password, not with another key."
        )
    for key in accounts.keys_of(call.hub, user):
        if key.name == _DOTMESH_KEY:
            accounts.remove_key(call.hub, user, key.id, by=user.id)
    _, secret = accounts.add_key(call.hub, user, _DOTMESH_KEY, within=call.asker.expires, by=user.id)
    return {"ApiKey": secret}


def lookup(call: Call) -> str:
    """The id of a branch."""
    return call.place(Need.VIEW).branch.id


def exists(call: Call) -> str:
    """The id of a branch, or "" where there is none."""
    try:
        return lookup(call)
    except Problem as problem:
        if problem.status == 404:
            return ""
        raise


def check_name(call: Call) -> str:
    """Why a dot cannot have a name, or ""."""
    try:
        dots.check_name(call.text("Name"))
    except Problem as problem:
        return problem.detail
    return ""


def create(call: Call) -> bool:
    """Make a dot."""
    allow(Need.USER, call.asker, None)
    dots.add_dot(call.hub, call.access, call.text("Namespace"), call.text("Name"))
    return True


def delete(call: Call) -> bool:
    """Drop a dot."""
    dots.remove_dot(call.hub, call.place(Need.OWN))
    return True


def get(call: Call) -> Mapping[str, Any]:
    """A branch by its id, which is the parameter itself."""
    params = call.params[0] if isinstance(call.params, list) and call.params else call.params
    branch = params.get("Id") if isinstance(params, dict) else params
    if not isinstance(branch, str):
        raise Wrong("The parameter is the id of a branch.")
    return _volume(call.hub, dots.of_branch(call.hub, call.asker, Need.VIEW, branch))


def list_dots(call: Call) -> Mapping[str, Mapping[str, Any]]:
    """The dots that the asker may view: namespace → name → dot."""
    found: dict[str, dict[str, Any]] = {}
    for place in _masters(call):
        found.setdefault(place.project.owner, {})[place.name] = _volume(call.hub, place)
    return found


def all_dots_and_branches(call: Call) -> Mapping[str, Any]:
    """The dots that the asker may view, with their branches and members."""
    return {"Dots": [_with_branches(call.hub, place) for place in _masters(call)], "Servers": []}


def branches(call: Call) -> Sequence[str]:
    """Names of the branches of a dot, without master."""
    place = dots.find(call.hub, call.asker, Need.VIEW, Address(call.text("Namespace"), call.text("Name")))
    return [branch.name for branch in commit_log.branches(call.hub, place) if branch.name]


def commits(call: Call) -> Sequence[Mapping[str, Any]]:
    """The commits of a branch, oldest first."""
    return commit_log.commits(call.hub, call.place(Need.VIEW))


def commits_by_id(call: Call) -> Sequence[Mapping[str, Any]]:
    """As `commits`, by the id of the branch, which is the parameter itself."""
    branch = call.params[0] if isinstance(call.params, list) and call.params else call.params
    branch = branch.get("Id") if isinstance(branch, dict) else branch
    if not isinstance(branch, str):
        raise Wrong("The parameter is the id of a branch.")
    return commit_log.commits(call.hub, dots.of_branch(call.hub, call.asker, Need.VIEW, branch))


def make_branch(call: Call) -> bool:
    """Branch off a commit."""
    source = Address(call.text("Namespace"), call.text("Name"), call.text("SourceBranch", ""))
    place = dots.find(call.hub, call.asker, Need.EDIT, source)
    dot_files.branch_off(call.hub, place, call.text("SourceCommitId"), call.text("NewBranchName"))
    return True


def rollback(call: Call) -> bool:
    """Put the files as a commit left them."""
    dot_files.go_back(call.hub, call.place(Need.EDIT), call.text("CommitId"))
    return True


def add_collaborator(call: Call) -> bool:
    """Make somebody an editor of the dot's project, who has no role there yet."""
    place = dots.of_branch(call.hub, call.asker, Need.OWN, call.text("MasterBranchID"))
    name = call.text("Collaborator")
    if all(member.name != name for member in projects.members(call.hub, place.access)):
        projects.set_member(call.hub, place.access, name, "editor")
    return True


METHODS: Mapping[str, Callable[[Call], Any]] = {
    "AddCollaborator": add_collaborator,
    "AllDotsAndBranches": all_dots_and_branches,
    "Branch": make_branch,
    "Branches": branches,
    "CheckNameIsValid": check_name,
    "Commits": commits,
    "CommitsById": commits_by_id,
    "Create": create,
    "CurrentUser": current_user,
    "Delete": delete,
    "Exists": exists,
    "Get": get,
    "GetApiKey": get_api_key,
    "List": list_dots,
    "Lookup": lookup,
    "Ping": ping,
    "ResetApiKey": reset_api_key,
    "Rollback": rollback,
    "Version": version,
}
"""By name; Commit, which waits, is in commits.py."""


def _masters(call: Call) -> list[Place]:
    found = []
    for dot, project in dots.listed(call.hub, call.asker):
        master = dots.find_branch(call.hub, dot, "")
        found.append(Place(Access(call.asker, project), dot, master))
    return found


def _volume(hub: Hub, place: Place) -> Mapping[str, Any]:
    facts = commit_log.facts(hub, place)
    return {
        "Id": place.branch.id,
        "Name": {"Namespace": place.project.owner, "Name": place.name},
        "Branch": place.branch.name,
        "Master": "",
        "SizeBytes": facts.size,
        "DirtyBytes": 0,
        "CommitCount": facts.commits,
    }


def _with_branches(hub: Hub, place: Place) -> Mapping[str, Any]:
    others = [branch for branch in commit_log.branches(hub, place) if branch.name]
    members = projects.members(hub, place.access)
    return {
        "MasterBranch": _volume(hub, place),
        "OtherBranches": [_volume(hub, Place(place.access, place.dot, branch)) for branch in others],
        "Owner": next((_user(each.user, each.name) for each in members if each.role == "owner"), None),
        "Collaborators": [_user(each.user, each.name) for each in members if each.role != "owner"],
    }


def _user(user: str, name: str) -> Mapping[str, Any]:
    """The Hub knows no addresses of people; the hash, from which pictures are found, is of nobody's."""
    empty = hashlib.md5(b"", usedforsecurity=False).hexdigest()
    return {"Id": user, "Name": name, "Email": "", "EmailHash": empty, "CustomerId": "", "CurrentPlan": ""}


def _secret(call: Call) -> str:
    """The key or password that the request came with."""
    kind, _, rest = call.authorization.partition(" ")
    if kind.lower() == "bearer":
        return rest.strip()
    try:
        return base64.b64decode(rest).decode().partition(":")[2]
    except ValueError:
        return ""
