"""The door: failed sign-ins, cookies, tokens, proxies, sizes, and what every answer carries."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from dotscience.hub.problems import Problem
from dotscience.hub.services import accounts
from dotscience.hub.settings import HubSettings

from ..hub_server import RunningHub, running

PASSWORD = "correct horse battery"
MINUTE = 60


class Clock:
    """The time of a Hub."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hub(tmp_path: Path, clock: Clock) -> Iterator[RunningHub]:
    with running(tmp_path / "hub", clock=clock, settings=HubSettings(session_hours=1)) as served:
        yield served


def sign_in(hub: RunningHub, name: str, secret: str, **more: str) -> requests.Response:
    hub.nobody.cookies.clear()  # each as a new visitor
    return hub.nobody.post("/signin", data={"name": name, "secret": secret, **more})


# Failed sign-ins


def test_after_ten_failures_a_name_is_shut_for_a_while_where_they_came_from(
    hub: RunningHub, clock: Clock
) -> None:
    hub.person("bob", password=PASSWORD)
    for _ in range(10):
        assert sign_in(hub, "bob", "wrong wrong wrong").status_code == 401
    refused = sign_in(hub, "bob", PASSWORD)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    clock.now += 14 * MINUTE
    assert sign_in(hub, "bob", PASSWORD).status_code == 429
    clock.now += 2 * MINUTE
    assert sign_in(hub, "bob", PASSWORD).status_code == 303


def is_shut(hub: RunningHub, name: str, address: str) -> bool:
    try:
        return accounts.asker_of_password(hub.hub, name, PASSWORD, address) is None
    except Problem as problem:
        assert problem.status == 429
        return True


def test_strangers_who_guess_do_not_shut_a_user_out(hub: RunningHub) -> None:
    hub.person("bob", password=PASSWORD)
    for _ in range(10):
        accounts.note_failure(hub.hub, "bob", "203.0.113.7")
    assert is_shut(hub, "bob", "203.0.113.7")
    assert not is_shut(hub, "bob", "203.0.113.8")


def test_a_name_is_shut_for_all_only_after_very_many_failures(hub: RunningHub) -> None:
    hub.person("bob", password=PASSWORD)
    for number in range(999):
        accounts.note_failure(hub.hub, "bob", f"198.51.{number // 200}.{number % 200}")
    assert not is_shut(hub, "bob", "203.0.113.8")
    accounts.note_failure(hub.hub, "bob", "203.0.113.7")
    assert is_shut(hub, "bob", "203.0.113.8")


def test_all_addresses_of_a_network_of_ipv6_count_as_one(hub: RunningHub) -> None:
    hub.person("bob", password=PASSWORD)
    for number in range(10):
        accounts.note_failure(hub.hub, "bob", f"2001:db8::{number:x}")
        accounts.note_failure(hub.hub, "bob", f"::ffff:203.0.113.{number}")
    assert is_shut(hub, "bob", "2001:db8::ffff")
    assert not is_shut(hub, "bob", "2001:db8:0:1::1")
    assert not is_shut(hub, "bob", "::ffff:203.0.113.1")


def test_a_shut_name_is_still_opened_by_its_key_and_no_other_is_shut(hub: RunningHub) -> None:
    bob = hub.person("bob", password=PASSWORD)
    hub.person("eve", password=PASSWORD)
    for _ in range(12):
        sign_in(hub, "bob", "wrong wrong wrong")
    assert bob.get("/api/me").status_code == 200
    assert bob.key is not None
    assert sign_in(hub, "bob", bob.key).status_code == 303
    assert sign_in(hub, "eve", PASSWORD).status_code == 303


def test_fifty_failures_shut_an_address_whatever_the_names(hub: RunningHub, clock: Clock) -> None:
    hub.person("bob", password=PASSWORD)
    for number in range(50):
        accounts.note_failure(hub.hub, f"name-{number}", "127.0.0.1")
    assert sign_in(hub, "bob", PASSWORD).status_code == 429
    assert accounts.asker_of_password(hub.hub, "bob", PASSWORD, "203.0.113.7") is not None


def test_a_key_that_is_no_longer_valid_is_no_failed_sign_in(hub: RunningHub) -> None:
    """A forgotten job with an old key must not shut its owner out."""
    hub.person("bob", password=PASSWORD)
    for _ in range(60):
        assert hub.nobody.get("/api/me", auth=("bob", "ds_an-old-key-of-bob")).status_code == 401
    assert sign_in(hub, "bob", PASSWORD).status_code == 303


def test_a_password_over_basic_counts_like_one_on_the_page(hub: RunningHub) -> None:
    hub.person("bob", password=PASSWORD)
    assert hub.nobody.get("/api/me", auth=("bob", PASSWORD)).status_code == 200
    statuses = [hub.nobody.get("/api/me", auth=("bob", "wrong")).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]


def test_unknown_names_are_answered_as_known_ones(hub: RunningHub) -> None:
    hub.person("bob", password=PASSWORD)
    known, unknown = sign_in(hub, "bob", "wrong"), sign_in(hub, "nob", "wrong")
    assert known.status_code == unknown.status_code == 401
    assert known.text.replace("bob", "nob") == unknown.text


@pytest.mark.parametrize(
    ("proxies", "believed"), [((), False), (("127.0.0.1",), True), (("203.0.113.9",), False)]
)
def test_who_asks_is_taken_from_known_proxies_only(
    tmp_path: Path, proxies: tuple[str, ...], believed: bool
) -> None:
    with running(tmp_path / "hub", settings=HubSettings(proxies=proxies)) as hub:
        hub.person("bob", password=PASSWORD)
        for number in range(50):
            accounts.note_failure(hub.hub, f"name-{number}", "203.0.113.7")
        answer = hub.nobody.get("/api/me", auth=("bob", PASSWORD), headers={"X-Forwarded-For": "203.0.113.7"})
        assert answer.status_code == (429 if believed else 200)


# Sessions


def test_the_cookie_is_for_this_hub_alone_and_not_for_scripts(hub: RunningHub) -> None:
    bob = hub.person("bob")
    assert bob.key is not None
    answer = sign_in(hub, "bob", bob.key)
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"ds_session=[\w-]{43}; HttpOnly; Max-Age=3600; Path=/; SameSite=lax", cookie)
    assert bob.key not in cookie


def test_the_cookie_of_a_hub_behind_tls_goes_over_tls_only(tmp_path: Path) -> None:
    with running(tmp_path / "hub", settings=HubSettings(proxies=("127.0.0.1",))) as hub:
        assert hub.admin.key is not None
        sent = {"name": "ada", "secret": hub.admin.key}
        answer = hub.nobody.post("/signin", data=sent, headers={"X-Forwarded-Proto": "https"})
        assert "; Secure" in answer.headers["Set-Cookie"]


def test_a_session_ends_by_itself_by_signing_out_and_with_its_key(hub: RunningHub, clock: Clock) -> None:
    bob = hub.person("bob")
    assert bob.key is not None and bob.user is not None

    def session() -> tuple[dict[str, str], str]:
        cookie, asker = accounts.sign_in(hub.hub, "bob", bob.key or "", "127.0.0.1")
        return {"ds_session": cookie}, asker.csrf or ""

    cookies, token = session()
    assert requests.get(f"{hub.url}/api/me", cookies=cookies, timeout=120).status_code == 200
    clock.now += 61 * MINUTE
    assert requests.get(f"{hub.url}/api/me", cookies=cookies, timeout=120).status_code == 401
    cookies, token = session()
    left = requests.post(
        f"{hub.url}/signout", cookies=cookies, data={"csrf": token}, allow_redirects=False, timeout=120
    )
    assert left.status_code == 303
    assert requests.get(f"{hub.url}/api/me", cookies=cookies, timeout=120).status_code == 401
    cookies, token = session()
    (key,) = accounts.keys_of(hub.hub, bob.user)
    accounts.remove_key(hub.hub, bob.user, key.id)
    assert requests.get(f"{hub.url}/api/me", cookies=cookies, timeout=120).status_code == 401


@pytest.mark.parametrize("token", [None, "", "wrong", "é"])
def test_a_cookie_changes_nothing_without_the_token_of_a_page(hub: RunningHub, token: str | None) -> None:
    assert hub.admin.key is not None
    cookie, asker = accounts.sign_in(hub.hub, "ada", hub.admin.key, "127.0.0.1")
    cookies = {"ds_session": cookie}
    headers = {} if token is None else {"X-CSRF-Token": token.encode()}
    refused = requests.post(
        f"{hub.url}/api/projects", json={"name": "a"}, cookies=cookies, headers=headers, timeout=120
    )
    assert (refused.status_code, refused.json()["reason"]) == (403, "csrf")
    headers = {"X-CSRF-Token": (asker.csrf or "").encode()}
    done = requests.post(
        f"{hub.url}/api/projects", json={"name": "a"}, cookies=cookies, headers=headers, timeout=120
    )
    assert done.status_code == 201


def test_a_browser_is_not_asked_to_open_a_dialog_of_its_own(hub: RunningHub) -> None:
    by_program = hub.nobody.get("/api/keys")
    assert by_program.headers["WWW-Authenticate"].startswith("Basic")
    by_page = hub.nobody.get("/api/keys", headers={"Sec-Fetch-Mode": "cors"})
    assert by_page.status_code == 401
    assert "WWW-Authenticate" not in by_page.headers


@pytest.mark.parametrize("origin", ["https://evil.example.org", "null", "http://127.0.0.1:1"])
def test_another_site_cannot_sign_a_reader_in(hub: RunningHub, origin: str) -> None:
    assert hub.admin.key is not None
    sent = {"name": "ada", "secret": hub.admin.key}
    answer = hub.nobody.post("/signin", data=sent, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 201), ("none", 201), (None, 201)],
)
def test_a_page_of_another_site_changes_nothing_with_credentials_that_a_browser_sends_along(
    site: str | None, status: int, hub: RunningHub
) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    answer = hub.admin.post("/api/projects", json={"name": "flowers"}, headers=headers)
    assert answer.status_code == status
    call = {"jsonrpc": "2.0", "id": 1, "method": "DotmeshRPC.Ping", "params": {}}
    answer = hub.admin.post("/v2/dotmesh/rpc", json=call, headers=headers)
    assert answer.status_code == (403 if status == 403 else 200)
    assert hub.admin.get("/api/projects", headers=headers).status_code == 200


def test_a_proxy_may_ask_by_another_name_than_readers_do(tmp_path: Path) -> None:
    settings = HubSettings(url="https://hub.example.org:8443")
    with running(tmp_path / "hub", settings=settings) as hub:
        sent = {"name": "ada", "secret": hub.admin.key}
        by_proxy = {"Host": "127.0.0.1:8000"}
        ours = hub.nobody.post("/signin", data=sent, headers={**by_proxy, "Origin": settings.url})
        assert (ours.status_code, ours.headers["Location"]) == (303, "/")
        strange = {**by_proxy, "Origin": "https://hub.example.org"}
        assert hub.nobody.post("/signin", data=sent, headers=strange).status_code == 403


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example.org", "//evil.example.org", "/\\evil.example.org", "\\\\evil.example.org", "javascript:alert(1)",
        "/%0d%0aSet-Cookie:a=b\r\nSet-Cookie: a=b", "///evil.example.org", "/\t/evil.example.org", "",
    ],
)  # fmt: skip
def test_signing_in_leads_nowhere_else(hub: RunningHub, target: str) -> None:
    assert hub.admin.key is not None
    answer = sign_in(hub, "ada", hub.admin.key, next=target)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "a=b" not in answer.headers["Set-Cookie"]


# Every answer


@pytest.mark.parametrize("path", ["/api/me", "/signin", "/nowhere", "/static/css/base.css", "/healthz"])
def test_every_answer_tells_browsers_what_they_must_not_do(hub: RunningHub, path: str) -> None:
    headers = hub.nobody.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
    assert "Server" not in headers
    assert re.fullmatch("[0-9a-f]{32}", headers["X-Request-Id"])


def test_a_request_id_that_is_given_comes_back_unless_it_is_none(hub: RunningHub) -> None:
    given = hub.nobody.get("/healthz", headers={"X-Request-Id": "0123-abcd-proxy"})
    assert given.headers["X-Request-Id"] == "0123-abcd-proxy"
    strange = hub.nobody.get("/healthz", headers={"X-Request-Id": "<b>bold</b>"})
    assert strange.headers["X-Request-Id"] != "<b>bold</b>"


def test_content_never_chooses_its_own_type(hub: RunningHub) -> None:
    import hashlib

    data = b"<html><script>alert(1)</script>"
    address = f"/api/projects/{hub.project(hub.admin).id}/blobs/{hashlib.sha256(data).hexdigest()}"
    assert hub.admin.put(address, data=data, headers={"Content-Type": "text/html"}).status_code == 201
    headers = hub.admin.get(address, headers={"Accept": "text/html"}).headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"].startswith("attachment")


def test_a_fault_of_ours_is_answered_with_its_number_and_nothing_else(
    hub: RunningHub, caplog: pytest.LogCaptureFixture
) -> None:
    from sqlalchemy import text

    hub.hub.change(lambda connection: connection.execute(text("ALTER TABLE projects RENAME TO elsewhere")))
    answer = hub.nobody.get("/api/projects")
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "application/problem+json")
    document = answer.json()
    assert document["request"] == answer.headers["X-Request-Id"]
    assert document["request"] in document["detail"]
    assert "elsewhere" not in answer.text and "SELECT" not in answer.text and "Traceback" not in answer.text
    (fault,) = [record for record in caplog.records if record.exc_info]
    assert fault.fields["request"] == document["request"]  # type: ignore[attr-defined]
    page = hub.nobody.get("/", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["X-Request-Id"] in page.text


# Sizes and slowness


def test_a_head_without_an_end_is_cut_off(hub: RunningHub) -> None:
    address = ("127.0.0.1", int(hub.url.rpartition(":")[2]))
    with socket.create_connection(address, 30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: hub\r\n")
        received = b""
        try:
            for _ in range(100):
                connection.sendall(b"X-More: " + b"x" * 10_000 + b"\r\n")
            received = connection.recv(1000)
        except OSError:  # it has closed already
            return
        assert received.startswith(b"HTTP/1.1 431") or received == b""


def test_slow_clients_hold_up_nobody_else(hub: RunningHub) -> None:
    port = int(hub.url.rpartition(":")[2])
    assert hub.admin.key is not None
    said = base64.b64encode(f"ada:{hub.admin.key}".encode()).decode()
    project = hub.project(hub.admin).id
    slow = []
    for number in range(100):
        connection = socket.create_connection(("127.0.0.1", port), 30)
        head = f"PUT /api/projects/{project}/runs/{number} HTTP/1.1\r\nHost: hub\r\nAuthorization: Basic {said}\r\n"
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        slow.append(connection)
    try:
        assert hub.admin.get("/api/me").status_code == 200
        assert hub.admin.post("/api/projects", json={"name": "quick"}).status_code == 201
    finally:
        for connection in slow:
            connection.close()


def test_metrics_are_for_the_machine_itself_and_for_administrators(hub: RunningHub) -> None:
    far = {"X-Forwarded-For": "203.0.113.7"}
    hub.person("bob").get("/api/me")
    near = hub.nobody.get("/metrics")
    assert near.status_code == 200
    assert 'dotscience_hub_request_seconds_count{method="GET",route="/api/me",status="200"} 1.0' in near.text
    assert hub.nobody.get("/metrics", headers=far).status_code == 401
    assert hub.admin.get("/metrics", headers=far).status_code == 200
    hub.nobody.get("/an/invented/path")
    assert "invented" not in hub.nobody.get("/metrics").text


def test_a_hub_whose_parts_do_not_answer_is_alive_and_not_ready(hub: RunningHub, tmp_path: Path) -> None:
    (tmp_path / "hub" / "blobs").mkdir(exist_ok=True)
    assert hub.nobody.get("/readyz").status_code == 200
    (tmp_path / "hub" / "blobs").rmdir()
    answer = hub.nobody.get("/readyz")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["blobs"])
    assert str(tmp_path) not in answer.text
    assert hub.nobody.get("/healthz").status_code == 200


# Keys that expire


@pytest.mark.parametrize("by", ["key", "session"])
def test_what_is_made_with_a_key_that_expires_does_not_outlive_it(
    hub: RunningHub, clock: Clock, by: str
) -> None:
    bob = hub.person("bob")
    ends = int((clock.now + 600) * 1_000_000)
    person = hub.with_key(bob, expires=ends)
    if by == "session":
        cookie, asker = accounts.sign_in(hub.hub, "bob", str(person.key), "127.0.0.1")
        person.auth = None
        person.headers.update({"Cookie": f"ds_session={cookie}", "X-CSRF-Token": str(asker.csrf)})
    for wanted in ({}, {"expires": "2999-01-01T00:00:00Z"}):
        made = person.post("/api/keys", json={"name": "more", **wanted})
        assert (made.status_code, made.json()["expires"]) == (201, "2027-01-15T08:10:00.000000Z")
    reset = person.post(
        "/v2/dotmesh/rpc", json={"jsonrpc": "2.0", "id": 1, "method": "DotmeshRPC.ResetApiKey", "params": {}}
    )
    assert reset.json().keys() == ({"jsonrpc", "id", "error"} if by == "key" else {"jsonrpc", "id", "result"})
    assert person.put("/api/me/password", json={"new": PASSWORD}).status_code == 403
    clock.now += 601
    assert bob.get("/api/me").status_code == 200
    endless = [
        key.name
        for key in accounts.keys_of(hub.hub, accounts.user_named(hub.hub, "bob"))
        if key.expires is None
    ]
    assert endless == ["test"]
    secret = made.json()["secret"]
    assert hub.nobody.get("/api/me", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


def test_a_key_that_does_not_expire_makes_others_and_sets_a_password(hub: RunningHub) -> None:
    bob = hub.person("bob")
    assert bob.post("/api/keys", json={"name": "more"}).json()["expires"] is None
    assert bob.put("/api/me/password", json={"new": PASSWORD}).status_code == 204


def test_who_knows_the_password_changes_it_with_any_key(hub: RunningHub, clock: Clock) -> None:
    bob = hub.with_key(hub.person("bob", password=PASSWORD), expires=int((clock.now + 600) * 1_000_000))
    assert bob.put("/api/me/password", json={"old": PASSWORD, "new": "battery staple"}).status_code == 204


def test_a_key_opens_a_hub_whose_disk_is_full(hub: RunningHub, clock: Clock) -> None:
    full = (
        "CREATE TRIGGER full BEFORE UPDATE ON keys BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    )
    hub.hub.change(lambda connection: connection.exec_driver_sql(full))
    bob = hub.person("bob")
    assert bob.get("/api/me").status_code == 200
    assert bob.post("/signin", data={"name": "bob", "secret": bob.key}).status_code == 303
    hub.hub.change(lambda connection: connection.exec_driver_sql("DROP TRIGGER full"))
    assert bob.get("/api/me").status_code == 200
    (key,) = accounts.keys_of(hub.hub, accounts.user_named(hub.hub, "bob"))
    assert key.used == int(clock.now * 1_000_000)
