"""Which store a setting names."""

from pathlib import Path

import pytest

from dotscience.errors import ArgumentError, UnwritableError
from dotscience.hub.blobs.objects import ObjectBlobs
from dotscience.hub.blobs.open import open_blobs
from dotscience.storage.blobs import LocalBlobs


def test_a_path_is_a_folder_that_is_made(tmp_path: Path) -> None:
    blobs = open_blobs(str(tmp_path / "hub/blobs"))
    assert isinstance(blobs, LocalBlobs)
    assert blobs.durable
    assert (tmp_path / "hub/blobs").is_dir()


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("s3://bucket", {"AWS_REGION": "eu-west-1"}),
        ("s3://bucket/some/prefix", {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ALLOW_HTTP": "true"}),
        ("gs://bucket/prefix", {"GOOGLE_SKIP_SIGNATURE": "true"}),
        ("az://container/prefix", {"AZURE_STORAGE_ACCOUNT_NAME": "account", "AZURE_SKIP_SIGNATURE": "true"}),
    ],
)
def test_a_url_is_an_object_store(url: str, options: dict[str, str]) -> None:
    assert isinstance(open_blobs(url, options), ObjectBlobs)


@pytest.mark.parametrize(
    "url", ["ftp://host/blobs", "https://host/blobs", "file:///blobs", "memory:///", "://", "s3://", "s3:///"]
)
def test_another_url_is_refused_with_those_that_are_known(url: str) -> None:
    with pytest.raises(ArgumentError, match=r"folder or one of s3://…, gs://…, az://…"):
        open_blobs(url)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"cannot be kept in s3://bucket: .*nonsense"):
        open_blobs("s3://bucket", {"AWS_NONSENSE": "1"})


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableError, match="Cannot write to"):
        open_blobs(str(tmp_path / "file/blobs"))
