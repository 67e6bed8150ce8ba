"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
"""Ordered by code point in every database."""


def upgrade() -> None:
    """To this version."""
    op.create_table(
        "annotations",
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("at", TEXT, nullable=False),
        sa.Column("author", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("run", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attempts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempts_by_who", "attempts", ["who", "at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=True),
        sa.Column("project", sa.String(length=36), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_by_project", "audit", ["project", "at"], unique=False)
    op.create_table(
        "models",
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", TEXT, autoincrement=False, nullable=False),
        sa.Column("type", TEXT, nullable=True),
        sa.Column("version", TEXT, nullable=True),
        sa.Column("path", TEXT, nullable=True),
        sa.Column("classes", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("run", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "runs",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("workspace", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=True),
        sa.Column("ended", sa.BigInteger(), nullable=True),
        sa.Column("published", sa.BigInteger(), nullable=True),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("mode", TEXT, nullable=True),
        sa.Column("workload", TEXT, nullable=True),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("continues", TEXT, nullable=True),
        sa.Column("command", TEXT, nullable=True),
        sa.Column("commit", TEXT, nullable=True),
        sa.Column("dirty", sa.Boolean(), nullable=True),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
        sa.UniqueConstraint("id"),
    )
    op.create_index("runs_by_duration", "runs", ["shard", "duration", "key", "workspace"], unique=False)
    op.create_index("runs_by_start", "runs", ["shard", "started", "key", "workspace"], unique=False)
    op.create_index("runs_by_status", "runs", ["shard", "status", "key", "workspace"], unique=False)
    op.create_table(
        "series",
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", TEXT, autoincrement=False, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=True),
        sa.Column("last", sa.Numeric(), nullable=True),
        sa.Column("min", sa.Numeric(), nullable=True),
        sa.Column("max", sa.Numeric(), nullable=True),
        sa.PrimaryKeyConstraint("run", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "users",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("password", sa.String(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "uses",
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Boolean(), nullable=False),
        sa.Column("unseen", TEXT, nullable=True),
        sa.Column("changed", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("run", "role", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("uses_by_version", "uses", ["version", "role", "run"], unique=False)
    op.create_table(
        "values",
        sa.Column("run", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("name", TEXT, autoincrement=False, nullable=False),
        sa.Column("form", sa.String(length=1), nullable=False),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("number", sa.Numeric(), nullable=True),
        sa.Column("head", TEXT, nullable=True),
        sa.Column("json", TEXT, nullable=True),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("run", "kind", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "values_by_head",
        "values",
        ["shard", "kind", "name", "head", "run"],
        unique=False,
        postgresql_where=sa.text("head IS NOT NULL"),
        sqlite_where=sa.text("head IS NOT NULL"),
    )
    op.create_index("values_by_number", "values", ["shard", "kind", "name", "number", "run"], unique=False)
    op.create_table(
        "versions",
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("versions_by_digest", "versions", ["digest"], unique=False)
    op.create_index("versions_by_path", "versions", ["shard", "path", "digest"], unique=False)
    op.create_table(
        "projects",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("short", sa.String(length=8), nullable=False),
        sa.Column("owner", sa.String(length=36), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("description", TEXT, nullable=False),
        sa.Column("is_public", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner", "name"),
        sa.UniqueConstraint("short"),
    )
    op.create_table(
        "dots",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "executions",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.Column("stdout", sa.String(length=64), nullable=True),
        sa.Column("stderr", sa.String(length=64), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("project", "id"),
    )
    op.create_table(
        "holdings",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project", "digest"),
    )
    op.create_index("holdings_by_digest", "holdings", ["digest"], unique=False)
    op.create_table(
        "keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index("keys_by_user", "keys", ["user"], unique=False)
    op.create_table(
        "live",
        sa.Column("run", TEXT, nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=True),
        sa.Column("parsed", sa.BigInteger(), nullable=False),
        sa.Column("logged", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_index("live_by_project", "live", ["project"], unique=False)
    op.create_table(
        "chunks",
        sa.Column("run", TEXT, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run"], ["live.run"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run", "kind", "offset"),
    )
    op.create_table(
        "members",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("project", "user"),
    )
    op.create_index("members_by_user", "members", ["user"], unique=False)
    op.create_table(
        "records",
        sa.Column("run", TEXT, nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.BigInteger(), nullable=True),
        sa.Column("deleted_by", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(
            ["deleted_by"],
            ["users.id"],
        ),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_index("records_by_project", "records", ["project", "deleted"], unique=False)
    op.create_table(
        "run_annotations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("document", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("annotations_by_run", "run_annotations", ["run"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("dot", sa.String(length=36), nullable=True),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uploads_by_dot", "uploads", ["dot"], unique=False)
    op.create_table(
        "views",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("settings", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("project", "name"),
    )
    op.create_table(
        "branches",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("dot", sa.String(length=36), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("top", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["dot"], ["dots.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("dot", "name"),
    )
    op.create_table(
        "execution_runs",
        sa.Column("project", sa.String(length=36), nullable=False),
        sa.Column("execution", sa.String(length=100), nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["project", "execution"], ["executions.project", "executions.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project", "execution", "run"),
    )
    op.create_index("execution_runs_by_run", "execution_runs", ["run"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=False),
        sa.Column("key", sa.String(length=36), nullable=True),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["keys.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "commits",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("branch", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("user", sa.String(length=36), nullable=False),
        sa.Column("path", TEXT, nullable=True),
        sa.Column("taken", sa.Boolean(), nullable=False),
        sa.Column("metadata", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["branch"], ["branches.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user"],
            ["users.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("branch", "number"),
    )
    op.create_table(
        "entries",
        sa.Column("branch", sa.String(length=36), nullable=False),
        sa.Column("path", TEXT, nullable=False),
        sa.Column("since", sa.Integer(), nullable=False),
        sa.Column("until", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["branch"], ["branches.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("branch", "path", "since"),
    )
    op.create_index("entries_by_commit", "entries", ["branch", "since"], unique=False)
    op.create_table(
        "commit_runs",
        sa.Column("run", TEXT, nullable=False),
        sa.Column("commit", sa.String(length=36), nullable=False),
        sa.Column("model", TEXT, nullable=True),
        sa.ForeignKeyConstraint(["commit"], ["commits.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["run"], ["records.run"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run"),
    )
    op.create_index("commit_runs_by_commit", "commit_runs", ["commit"], unique=False)
