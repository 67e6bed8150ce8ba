"""An S3 endpoint of its own, for tests of what a Hub keeps in an object store."""

import re
import subprocess
import sys
import threading
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_HEADERS = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=tester/20260101/us-east-1/s3/aws4_request, SignedHeaders=, Signature=",
    "Content-Type": "application/octet-stream",
}
"""The endpoint asks who it is, and checks no signature."""


@dataclass(frozen=True)
class S3:
    """A running endpoint. `options` are for `open_blobs`, and are environment variables as well."""

    endpoint: str

    @property
    def options(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "tester",
            "AWS_SECRET_ACCESS_KEY": "tester-secret",
            "AWS_REGION": "us-east-1",
        }

    def bucket(self) -> str:
        """The URL of a new bucket."""
        url = f"s3://bucket-{uuid.uuid4().hex}"
        self.make_bucket(url)
        return url

    def make_bucket(self, bucket: str) -> None:
        self._ask("PUT", bucket)

    def delete_bucket(self, bucket: str) -> None:
        self._ask("DELETE", bucket)

    def keys(self, bucket: str) -> list[str]:
        """The keys of all objects of a bucket, sorted."""
        return sorted(re.findall("<Key>(.*?)</Key>", self._ask("GET", f"{bucket}?list-type=2")))

    def write(self, bucket: str, key: str, data: bytes) -> None:
        self._ask("PUT", f"{bucket}/{key}", data)

    def remove(self, bucket: str, key: str) -> None:
        self._ask("DELETE", f"{bucket}/{key}")

    def unfinished(self, bucket: str) -> int:
        """How many multipart uploads were begun and neither completed nor aborted."""
        return self._ask("GET", f"{bucket}?uploads").count("<Upload>")

    def _ask(self, method: str, url: str, data: bytes | None = None) -> str:
        address = f"{self.endpoint}/{url.removeprefix('s3://')}"
        request = urllib.request.Request(address, data, _HEADERS, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return str(answer.read().decode())


@contextmanager
def running_s3() -> Iterator[S3]:
    """Starts a server on a port that is free, and ends it."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = process.stderr
        reader: Any = None
        try:
            endpoint = next(
                (found[0] for line in said if (found := re.search(r"http://127\.0\.0\.1:\d+", line))), None
            )
            assert endpoint, "the S3 endpoint ended before it listened"
            reader = threading.Thread(target=lambda: [None for _ in said])  # it logs each request
            reader.start()
            yield S3(endpoint)
        finally:
            process.terminate()
            process.wait()
            if reader:
                reader.join()
