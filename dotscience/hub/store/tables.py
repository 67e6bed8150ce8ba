"""The Hub's own tables, beside those of the catalog.

    users ── keys, sessions                     who may come in
    projects ── members, views                  what they share
       ├── records ── annotations               published runs as they were sent; the catalog is derived from them
       ├── live ── chunks                       runs in progress: their files as far as they have come
       ├── executions ── execution_runs         what `ds run` executed, and which runs each held
       ├── holdings                             which content the project holds
       └── dots ── branches, commits, entries   the files and commits of the 0.8.7 client
           └── commit_runs                      which runs came with which commit
    uploads                                     what is being sent, each row a lease
    attempts, audit                             failed sign-ins; who changed what

Times are microseconds since the Unix epoch. Ids are uuid4 texts.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
)

from ...catalog.texts import EscapedText

__all__ = [
    "attempts",
    "audit",
    "branches",
    "chunks",
    "commit_runs",
    "commits",
    "dots",
    "entries",
    "execution_runs",
    "executions",
    "holdings",
    "keys",
    "live",
    "members",
    "metadata",
    "projects",
    "records",
    "run_annotations",
    "sessions",
    "uploads",
    "users",
    "views",
]

metadata = MetaData()

_ID = String(36)
_DIGEST = String(64)

users = Table(
    "users",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password", String),  # argon2id; NULL where signing in takes a key
    Column("is_admin", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("short", String(8), nullable=False, unique=True),  # how the 0.8.7 client names it
    Column("owner", _ID, ForeignKey("users.id"), nullable=False),
    Column("name", EscapedText, nullable=False),
    Column("description", EscapedText, nullable=False),
    Column("is_public", Boolean, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column(
        "changed", BigInteger, nullable=False
    ),  # when something in it last did, for pages that wait for it
    UniqueConstraint("owner", "name"),
)

keys = Table(
    "keys",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("user", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", EscapedText, nullable=False),
    Column("hash", _DIGEST, nullable=False, unique=True),  # sha256: keys are long and random
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE")),  # NULL: all that its user may do
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("used", BigInteger),
)
Index("keys_by_user", keys.c.user)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", _DIGEST, primary_key=True),  # sha256 of the cookie
    Column("user", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("key", _ID, ForeignKey("keys.id", ondelete="CASCADE")),  # the key that was signed in with
    Column("csrf", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("user", _ID, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    Column("role", String(8), nullable=False),
)
Index("members_by_user", members.c.user)

views = Table(
    "views",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("user", _ID, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("name", EscapedText, nullable=False),
    Column("settings", EscapedText, nullable=False),  # JSON: query, sort, columns
    UniqueConstraint("project", "name"),
)

records = Table(
    "records",
    metadata,
    Column("run", EscapedText, primary_key=True),
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("user", _ID, ForeignKey("users.id"), nullable=False),  # who sent it
    Column("seal", _DIGEST, nullable=False),
    Column("document", LargeBinary, nullable=False),  # the sealed record, zlib-compressed
    Column("received", BigInteger, nullable=False),
    Column("deleted", BigInteger),
    Column("deleted_by", _ID, ForeignKey("users.id")),
)
Index("records_by_project", records.c.project, records.c.deleted)

run_annotations = Table(
    "run_annotations",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("run", EscapedText, nullable=False),
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("document", EscapedText, nullable=False),  # JSON, as docs/formats.md says
)
Index("annotations_by_run", run_annotations.c.run)

live = Table(
    "live",
    metadata,
    Column("run", EscapedText, primary_key=True),
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("user", _ID, ForeignKey("users.id"), nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("heard", BigInteger, nullable=False),
    Column("shown", BigInteger),  # when the catalog was last told of it
    Column("parsed", BigInteger, nullable=False),  # bytes of its points that `logged` tells of
    Column("logged", EscapedText, nullable=False),  # JSON, as services/logged.py says
)
Index("live_by_project", live.c.project)

chunks = Table(
    "chunks",
    metadata,
    Column("run", EscapedText, ForeignKey("live.run", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(8), primary_key=True),  # journal or points
    Column("offset", BigInteger, primary_key=True),
    Column("length", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)

executions = Table(
    "executions",
    metadata,
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("id", String(100), primary_key=True),
    Column("user", _ID, ForeignKey("users.id"), nullable=False),  # who sent it
    Column("document", EscapedText, nullable=False),  # JSON, as docs/formats.md says
    Column("stdout", _DIGEST),
    Column("stderr", _DIGEST),
    Column("received", BigInteger, nullable=False),
)

execution_runs = Table(
    "execution_runs",
    metadata,
    Column("project", _ID, primary_key=True),
    Column("execution", String(100), primary_key=True),
    Column("run", EscapedText, primary_key=True),
    ForeignKeyConstraint(
        ["project", "execution"], ["executions.project", "executions.id"], ondelete="CASCADE"
    ),
)
Index("execution_runs_by_run", execution_runs.c.run)

holdings = Table(
    "holdings",
    metadata,
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", _DIGEST, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
)
Index("holdings_by_digest", holdings.c.digest)

uploads = Table(
    "uploads",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("dot", _ID),  # of the 0.8.7 client, whose commits wait for it
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("lease", BigInteger, nullable=False),  # until when it counts as alive
)
Index("uploads_by_dot", uploads.c.dot)

dots = Table(
    "dots",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("project", _ID, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
    Column("name", EscapedText, nullable=False, unique=True),  # see services/dots.py
    Column("created", BigInteger, nullable=False),
)

branches = Table(
    "branches",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("dot", _ID, ForeignKey("dots.id", ondelete="CASCADE"), nullable=False),
    Column("name", EscapedText, nullable=False),  # "" for master
    Column("top", Integer, nullable=False),  # number of its latest commit
    UniqueConstraint("dot", "name"),
)

commits = Table(
    "commits",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("branch", _ID, ForeignKey("branches.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(8), nullable=False),  # see store/commits.py
    Column("user", _ID, ForeignKey("users.id"), nullable=False),
    Column("path", EscapedText),  # where an upload went
    Column("taken", Boolean, nullable=False),  # an upload whose files a run has named as its outputs
    Column("metadata", EscapedText, nullable=False),  # JSON object of texts
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("branch", "number"),
)

commit_runs = Table(
    "commit_runs",
    metadata,
    Column("run", EscapedText, ForeignKey("records.run", ondelete="CASCADE"), primary_key=True),
    Column("commit", _ID, ForeignKey("commits.id", ondelete="CASCADE"), nullable=False),
    Column("model", EscapedText),  # the one that was registered last
)
Index("commit_runs_by_commit", commit_runs.c.commit)

entries = Table(
    "entries",
    metadata,
    Column("branch", _ID, ForeignKey("branches.id", ondelete="CASCADE"), primary_key=True),
    Column("path", EscapedText, primary_key=True),
    Column("since", Integer, primary_key=True),  # number of the commit that put it there
    Column("until", Integer),  # number of the commit that replaced or removed it
    Column("digest", _DIGEST, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
)
Index("entries_by_commit", entries.c.branch, entries.c.since)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("who", String(128), nullable=False),  # an address, or a user's name
    Column("at", BigInteger, nullable=False),
)
Index("attempts_by_who", attempts.c.who, attempts.c.at)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("user", _ID),
    Column("project", _ID),
    Column("action", String(64), nullable=False),
    Column("subject", EscapedText, nullable=False),
    Column("detail", EscapedText, nullable=False),  # JSON
)
Index("audit_by_project", audit.c.project, audit.c.at)
