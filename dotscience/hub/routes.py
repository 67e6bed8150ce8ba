"""Every route of the Hub, and what each needs of whoever calls it. A route that is not here does not exist."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .access import Need
from .api import (
    accounts,
    blobs,
    compare,
    executions,
    health,
    lineage,
    names,
    overview,
    previews,
    projects,
    runs,
    search,
    series,
    shapes,
    told,
    views,
)
from .pages import compare as compare_pages
from .pages import home, plotly, signin
from .pages import lineage as lineage_pages
from .pages import log as log_pages
from .pages import run as run_pages
from .pages import runs as runs_pages
from .pages import search as search_pages
from .pages import settings as settings_pages
from .protocols import objects, rpc
from .protocols import rest as old_client

__all__ = ["API", "OLD_CLIENT", "PAGES", "Route"]

NOTHING, KEY, USER, ADMIN, WATCH = Need.NOTHING, Need.KEY, Need.USER, Need.ADMIN, Need.WATCH
VIEW, EDIT, OWN = Need.VIEW, Need.EDIT, Need.OWN


@dataclass(frozen=True)
class Route:
    """One route.

    Attributes:
        status: of a success.
        others: further statuses of success.
        shape: of what a success answers: a model of its JSON, or the media type of bytes; None for no body.
        streams: the body is read piece by piece and may be long; its handler looks after its size.
    """

    method: str
    path: str
    handler: Callable[..., Any]
    need: Need
    status: int = 200
    others: tuple[int, ...] = ()
    shape: type[BaseModel] | str | None = None
    streams: bool = False


_P = "/api/projects/{project}"
_R = _P + "/runs/{run}"

API: Sequence[Route] = (
    Route("GET", "/healthz", health.alive, NOTHING, shape=shapes.Health),
    Route("GET", "/readyz", health.ready, NOTHING, shape=shapes.Health),
    Route("GET", "/metrics", health.metrics, WATCH, shape="text/plain"),
    Route("GET", "/api/home", overview.overview, NOTHING, shape=told.Home),
    Route("GET", "/api/me", accounts.me, KEY, shape=told.Me),
    Route("PUT", "/api/me/password", overview.change_own_password, USER, 204),
    Route("GET", "/api/keys", accounts.list_keys, USER, shape=told.Keys),
    Route("POST", "/api/keys", accounts.add_key, USER, 201, shape=told.NewKey),
    Route("DELETE", "/api/keys/{key}", accounts.remove_key, USER, 204),
    Route("GET", "/api/users", accounts.list_users, ADMIN, shape=told.Users),
    Route("POST", "/api/users", accounts.add_user, ADMIN, 201, shape=told.UserTold),
    Route("PATCH", "/api/users/{user}", accounts.change_user, ADMIN, shape=told.UserTold),
    Route("GET", "/api/projects", projects.list_projects, NOTHING, shape=told.Projects),
    Route("POST", "/api/projects", projects.make_project, USER, 201, shape=told.ProjectTold),
    Route("GET", _P, projects.get_project, VIEW, shape=told.ProjectTold),
    Route("PATCH", _P, projects.change_project, OWN, shape=told.ProjectTold),
    Route("DELETE", _P, projects.remove_project, OWN, 204),
    Route("GET", _P + "/changes", overview.list_changes, OWN, shape=told.Changes),
    Route("GET", _P + "/columns", names.read_columns, VIEW, shape=told.Document),
    Route("GET", _P + "/deleted", runs.list_deleted, EDIT, shape=told.Deleted),
    Route("GET", _P + "/executions/{execution}", executions.get_execution, VIEW, shape=told.ExecutionTold),
    Route(
        "PUT",
        _P + "/executions/{execution}",
        executions.put_execution,
        EDIT,
        200,
        (201,),
        streams=True,
        shape=told.ExecutionTaken,
    ),
    Route("GET", _P + "/members", projects.list_members, VIEW, shape=told.Members),
    Route("PUT", _P + "/members/{user}", projects.set_member, OWN, shape=told.MemberTold),
    Route("DELETE", _P + "/members/{user}", projects.remove_member, OWN, 204),
    Route("GET", _P + "/files", lineage.list_files, VIEW, shape=told.FileVersions),
    Route("GET", "/api/lineage", lineage.get_lineage, NOTHING, shape=told.Lineage),
    Route("GET", "/api/search", search.get_search, NOTHING, shape=told.SearchFound),
    Route("GET", _P + "/names", names.list_names, VIEW, shape=shapes.Names),
    Route("GET", _P + "/runs", runs.list_runs, VIEW, shape=told.Runs),
    Route("GET", _R, runs.get_run, VIEW, shape=told.RunTold),
    Route("PUT", _R, runs.put_record, EDIT, 200, (201,), streams=True, shape=told.RunTaken),
    Route("DELETE", _R, runs.remove_run, EDIT, 204),
    Route("POST", _R + "/restore", runs.restore_run, EDIT, shape=told.RunTaken),
    Route("GET", _R + "/record", runs.get_record, VIEW, shape=told.Document),
    Route("PUT", _R + "/annotations/{annotation}", runs.annotate_run, EDIT, shape=told.Annotated),
    Route("GET", _R + "/files", runs.get_files, VIEW, shape=told.Files),
    Route("GET", _R + "/series", series.list_series, VIEW, shape=told.Series),
    Route("GET", _R + "/series/points", series.get_points, VIEW, shape=told.Series),
    Route("GET", _R + "/journal", runs.journal_length, VIEW, shape=told.Length),
    Route("PUT", _R + "/journal", runs.append_journal, EDIT, streams=True, shape=told.Length),
    Route("GET", _R + "/points", runs.points_length, VIEW, shape=told.Length),
    Route("PUT", _R + "/points", runs.append_points, EDIT, streams=True, shape=told.Length),
    Route("GET", _P + "/views", views.list_views, VIEW, shape=told.Views),
    Route("POST", _P + "/views", views.save_view, EDIT, 201, shape=told.ViewTold),
    Route("PATCH", _P + "/views/{view}", views.change_view, EDIT, shape=told.ViewTold),
    Route("DELETE", _P + "/views/{view}", views.remove_view, EDIT, 204),
    Route("POST", _P + "/blobs/missing", blobs.ask_missing, EDIT, shape=told.Missing),
    Route("GET", _P + "/blobs/{digest}", blobs.get_blob, VIEW, shape="application/octet-stream"),
    Route("HEAD", _P + "/blobs/{digest}", blobs.get_blob, VIEW, shape="application/octet-stream"),
    Route(
        "PUT", _P + "/blobs/{digest}", blobs.put_blob, EDIT, 200, (201,), streams=True, shape=told.BlobTaken
    ),
    Route("GET", _P + "/blobs/{digest}/preview", previews.get_preview, VIEW, shape=told.Preview),
    Route("GET", _P + "/blobs/{digest}/upload", blobs.upload_offset, EDIT, shape=told.Offset),
    Route("GET", _P + "/compare", compare.compare_runs, VIEW, shape=told.Compared),
)
"""The REST API."""

PAGES: Sequence[Route] = (
    Route("GET", "/", home.show_home, NOTHING),
    Route("GET", "/settings", settings_pages.show_settings, USER),
    Route("GET", "/admin/users", settings_pages.show_users, ADMIN),
    Route("GET", "/projects/{project}", runs_pages.to_runs, VIEW),
    Route("GET", "/projects/{project}/runs", runs_pages.show_runs, VIEW),
    Route("GET", "/projects/{project}/runs/{run}", run_pages.show_run, VIEW),
    Route("GET", "/projects/{project}/runs/{run}/files", run_pages.show_run_files, VIEW),
    Route("GET", "/projects/{project}/runs/{run}/packages", run_pages.show_packages, VIEW),
    Route("GET", "/projects/{project}/executions/{execution}/{stream}", log_pages.show_log, VIEW),
    Route("GET", "/projects/{project}/compare", compare_pages.show_comparison, VIEW),
    Route("GET", "/projects/{project}/images/{digest}", run_pages.show_image, VIEW),
    Route("GET", "/projects/{project}/previews/{digest}", run_pages.show_preview, VIEW),
    Route("GET", "/project/{project}", runs_pages.to_runs, VIEW),  # as 0.8.7 printed them
    Route("GET", "/project/{project}/runs/metric/{run}", run_pages.show_run, VIEW),
    Route("GET", "/project/{project}/runs/summary/{run}", run_pages.show_run, VIEW),
    Route("GET", "/projects/{project}/settings", settings_pages.show_project_settings, VIEW),
    Route("GET", "/static/plotly.min.js", plotly.send_plotly, NOTHING),
    Route("GET", "/search", search_pages.show_search, NOTHING),
    Route("GET", "/projects/{project}/lineage", lineage_pages.show_lineage, VIEW),
    Route("GET", "/projects/{project}/files", lineage_pages.show_files, VIEW),
    Route("GET", "/signin", signin.show_sign_in, NOTHING),
    Route("POST", "/signin", signin.sign_in, NOTHING),
    Route("POST", "/signout", signin.sign_out, NOTHING),
)
"""The web pages."""

_S3 = "/v2/dotmesh/s3/{bucket}"
_DEPLOYER = "/v2/deployers/{deployer}"

OLD_CLIENT: Sequence[Route] = (
    Route("GET", "/v2/version", old_client.version, NOTHING),
    Route("POST", "/v2/dotmesh/rpc", rpc.call_method, KEY, streams=True),
    Route("GET", _S3, objects.list_objects, KEY),
    Route("GET", _S3 + "/{key:path}", objects.get_object, KEY),
    Route("HEAD", _S3 + "/{key:path}", objects.get_object, KEY),
    Route("PUT", _S3 + "/{key:path}", objects.put_object, KEY, streams=True),
    Route("DELETE", _S3 + "/{key:path}", objects.remove_object, KEY),
    Route("GET", "/v2/projects", old_client.list_projects, KEY),
    Route("POST", "/v2/projects", old_client.make_project, USER, 201),
    Route("GET", "/v2/models", old_client.list_models, KEY),
    Route("POST", "/v2/models/{model}/builds", old_client.not_yet, KEY),
    Route("GET", "/v2/models/{model}/builds/{build}", old_client.not_yet, KEY),
    Route("GET", "/v2/deployers", old_client.not_yet, KEY),
    Route("POST", _DEPLOYER + "/deployments", old_client.not_yet, KEY),
    Route("GET", _DEPLOYER + "/deployments/{deployment}", old_client.not_yet, KEY),
    Route("POST", _DEPLOYER + "/deployments/{deployment}/dashboard", old_client.not_yet, KEY),
)
"""What dotscience 0.8.7 speaks. It names projects by their dots: what its user may do there is asked in services/dots.py."""
