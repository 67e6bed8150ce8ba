"""Secrets go, everything else stays as it is."""

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dotscience.capture.redact import (
    REDACTED,
    is_secret_name,
    redact,
    redact_command,
    redact_diff,
    without_credentials,
)

_SAFE = string.ascii_letters + string.digits


def _of(alphabet: str, least: int, most: int | None = None) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=least if most is None else most)


secrets = _of(_SAFE, 8, 40).filter(
    lambda text: bool(re.search(r"\d", text)) and bool(re.search("[a-zA-Z]", text))
)
"""What a generated password looks like."""

names = st.sampled_from([
    "password", "PASSWORD", "db_password", "PGPASSWORD", "passwd", "secret", "client_secret", "clientSecret", "api_key",
    "API_KEY", "apikey", "apiKey", "API-KEY", "x-api-key", "token", "HF_TOKEN", "accessToken", "auth_token", "auth",
    "credential", "AWS_SECRET_ACCESS_KEY", "private_key", "PRIVATE_TOKEN", "DB_PASS", "AccountKey", "GITHUB_PAT",
])  # fmt: skip

tokens = st.one_of(
    _of(string.ascii_uppercase + string.digits, 16).map("AKIA".__add__),
    _of(_SAFE, 36).map("ghp_".__add__),
    _of(_SAFE + "_", 60).map("github_pat_".__add__),
    _of(_SAFE + "-_", 20).map("glpat-".__add__),
    _of(string.digits, 12).map(lambda text: f"xoxb-{text}-abcdef"),
    _of(_SAFE, 40).map(lambda text: f"sk-ant-api03-{text}1"),
    _of(_SAFE, 48).map(lambda text: f"sk-{text}1"),
    _of(_SAFE, 34).map("hf_".__add__),
    _of(_SAFE + "-_", 42).map(lambda text: f"ds_{text}1"),
    _of(_SAFE + "-_", 35).map("AIza".__add__),
    st.tuples(*[_of(_SAFE + "-_", 12, 60)] * 3).map(lambda parts: "eyJ" + ".".join(parts)),
)

contexts = st.sampled_from(
    [
        "{}",
        "fetch {} --quick",
        "line one\n{}\nline three",
        '"{}"',
        "+x = '{}'",
        "see ({}), then go",
        "a;{};b",
        "\t{}\r\n",
    ]
)


@given(names, secrets, st.sampled_from(["--{} {}", "--{}={}", "-{} {}", "--{} '{}'", '--{}="{}"']), contexts)
def test_a_secret_given_to_an_option_never_survives(name: str, secret: str, shape: str, context: str) -> None:
    assume(secret not in name)
    assert secret not in redact(context.format(shape.format(name, secret)))


@given(
    names,
    secrets,
    st.sampled_from(
        [
            "{}={}",
            "export {}={}",
            "{} = {}",
            "{}: {}",
            '"{}": "{}"',
            "'{}': '{}'",
            '{} = "{}"',
            "f({}='{}', n=1)",
            '{{"a": 1, "{}": "{}"}}',
            'os.environ["{}"] = "{}"',
            'if {} == "{}":',
            "{}='''{}'''",
            '\\"{}\\": \\"{}\\"',
        ]
    ),
    contexts.filter(lambda context: '"{}"' not in context and "'{}'" not in context),
)
def test_a_secret_under_its_name_never_survives(name: str, secret: str, shape: str, context: str) -> None:
    assume(secret not in name)
    assert secret not in redact(context.format(shape.format(name, secret)))


@pytest.mark.parametrize(
    "shape",
    [
        "%env HF_TOKEN {}",
        "%set_env MY_PASSWORD {}",
        "ENV API_KEY {}",
        "aws configure set aws_secret_access_key {}",
        "KAGGLE_KEY={}",
        'password: str = "{}"',
        "token: Optional[str] = '{}'",
        'os.environ.setdefault("API_TOKEN", "{}")',
        "monkeypatch.setenv('API_TOKEN', '{}')",
        'wandb.login(relogin=True, key="{}")',
        "curl -u user:{} https://host",
        'curl --user "user:{}" https://host',
        "machine host login me password {}",
        "create user me identified by '{}'",
        "Driver=x;UID=me;PWD={};",
        "https://discord.com/api/webhooks/123456789/{}",
    ],
)
def test_a_secret_where_a_program_takes_it_never_survives(shape: str) -> None:
    shown = redact(shape.format("h0rseBattery7"))
    assert shown == shape.format(REDACTED) or ("discord" in shape and shown == f"https://{REDACTED}")


@given(tokens, contexts)
def test_the_token_of_a_known_service_never_survives(token: str, context: str) -> None:
    assert token not in redact(context.format(token))


@given(
    secrets,
    st.sampled_from(
        ["https://me:{}@host/x", "https://{}@host/x", "postgres://me:{}@db:5432/a", "s3://a:{}@b"]
    ),
)
def test_a_secret_in_a_url_never_survives(secret: str, shape: str) -> None:
    url = shape.format(secret)
    assert secret not in redact(f"read {url} now")
    assert secret not in without_credentials(url)


@given(
    secrets,
    st.sampled_from(["token", "access_token", "api_key", "sig", "X-Amz-Signature", "key", "private_token"]),
)
def test_a_secret_in_the_query_of_a_url_never_survives(secret: str, name: str) -> None:
    url = f"https://host/file.csv?part=1&{name}={secret}&last=2"
    shown = redact(url)
    assert secret not in shown
    assert shown.startswith("https://host/file.csv?part=1&")
    assert shown.endswith("&last=2")


@given(
    _of(_SAFE + "+/", 64), st.integers(1, 30), st.sampled_from(["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
)
def test_a_private_key_never_survives(line: str, count: int, kind: str) -> None:
    body = "\n".join([line] * count)
    for prefix in ("", "+", " "):
        key = f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----".replace(
            "\n", f"\n{prefix}"
        )
        assert redact(f"before\n{prefix}{key}\nafter") == f"before\n{prefix}{REDACTED}\nafter"
        assert line not in redact(f"{prefix}{key[: 40 + len(body)]}")


@given(
    names,
    secrets,
    st.sampled_from([["--{}", "{}"], ["--{}={}"], ["-{}", "{}"], ["{}={}"], ["+db.{}={}"], ["--db.{}={}"]]),
)
def test_a_secret_on_a_command_line_never_survives(name: str, secret: str, shape: list[str]) -> None:
    assume(secret not in name)
    given_ = iter([name, secret])
    argv = [re.sub(r"\{\}", lambda _: next(given_), item) for item in shape]
    shown = redact_command(["train.py", *argv, "--epochs", "3"])
    assert secret not in " ".join(shown)
    assert shown[0] == "train.py"
    assert shown[-2:] == ["--epochs", "3"]


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@given(names, secrets, contexts)
def test_redacting_a_secret_twice_changes_nothing_more(name: str, secret: str, context: str) -> None:
    once = redact(context.format(f"{name}={secret}"))
    assert redact(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "accuracy=0.93 loss: 0.1",
        "commit 9c76af09757a5bd98ca832e9b17d6643e2bbe541",
        "sha256 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "id 7d444840-9dc0-11d1-b245-5ffdce74fad2",
        "--max-tokens 5 --num_tokens=7 --pad-token-id 0 --eos_token '</s>'",
        "tokenizer = Tokenizer.load('bpe')",
        "token = next(stream)",
        "call(token=args.token, auth=auth)",
        "def login(user: str, password: str, token: str | None = None) -> None:",
        "for token in tokens: count[token] += 1",
        "key = sorted(rows, key=lambda row: row.name)",
        "primary_key: id, sort_key = 'name'",
        "ds_train, ds_test = split(ds_all_of_the_measurements_from_the_first_year_2)",
        "author: Jane, passes=3, compass=north",
        "private_score=0.8",
        "git@github.com:team/study.git",
        "https://example.org/a?page=2&order=asc",
        "ssh://git@example.org/study",
        "<div id='sk-container-id-1' class='sk-top-container sk-text-repr-fallback'>",
        "password=",
        "token: ${{ secrets.TOKEN }}",
        "",
        "\x0c\u2028\n",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("export API_KEY=abc; run", "export API_KEY=[redacted]; run"),
        ("--password 'two words' --n 3", "--password '[redacted]' --n 3"),
        ('{"password": "x", "n": 1}', '{"password": "[redacted]", "n": 1}'),
        ("passphrase: correct horse battery", "passphrase: [redacted]"),
        ("Authorization: Bearer abcdef", "Authorization: [redacted]"),
        ("requests.get(url, auth=('me', 'pw'))", "requests.get(url, auth=([redacted]))"),
        ("password='it\\'s'", "password='[redacted]'"),
        ("PASSWORD=mysecret", "PASSWORD=[redacted]"),
        ("password=kX(9fz!", "password=[redacted]"),
    ],
)
def test_what_stands_around_a_secret_stays(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    "name", ["max_tokens", "tokenizer", "sort_key", "author", "PWD", "password_file", "no-auth", "compass"]
)
def test_a_name_that_only_sounds_like_a_secret_is_none(name: str) -> None:
    assert not is_secret_name(name)


def test_the_password_of_a_user_on_a_command_line_never_survives() -> None:
    assert redact_command(["curl", "-u", "me:abc", "--user", "me:abc"]) == [
        "curl", "-u", f"me:{REDACTED}", "--user", f"me:{REDACTED}",
    ]  # fmt: skip
    harmless = ["docker", "run", "-u", "1000:1000", "python", "-u", "train.py"]
    assert redact_command(harmless) == harmless


def test_an_option_that_takes_no_value_does_not_swallow_the_next_option() -> None:
    for rest in (
        ["--lr", "1"],
        ["-v"],
        ["-j4"],
        ["--fp16"],
        ["--adam_beta1=0.9"],
        ["--top5-only"],
        ["--log-level=info"],
        ["--", "data.csv"],
        ["-"],
    ):
        assert redact_command(["--use-auth-token", *rest]) == ["--use-auth-token", *rest]


@pytest.mark.parametrize("password", ["-Xy9!abc", "--a1b2c3", "-7fK=", "-dGVzdA=="])
def test_a_password_that_begins_with_a_dash_is_one_all_the_same(password: str) -> None:
    assert redact_command(["--password", password, "-v"]) == ["--password", REDACTED, "-v"]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:pw@example.org/a.git", "https://example.org/a.git"),
        ("https://me@example.org/a.git", "https://example.org/a.git"),
        ("ssh://git:pw@example.org/a.git", "ssh://git@example.org/a.git"),
        ("git@example.org:a.git", "git@example.org:a.git"),
        ("https://example.org/a.git?private_token=x", "https://example.org/a.git?private_token=[redacted]"),
        ("/srv/git/a.git", "/srv/git/a.git"),
    ],
)
def test_an_address_keeps_everything_but_its_credentials(address: str, shown: str) -> None:
    assert without_credentials(address) == shown


def test_a_diff_keeps_its_binary_patches_and_its_bytes() -> None:
    patch = b"GIT binary patch\nliteral 30\nzcmpassword=hunter2aaaaaaaaaa1\n\nliteral 0\nHcmV?d00001\n\n"
    diff = (
        b"diff --git a/x b/x\n+password='hunter2'\n+\xff\xfe caf\xe9\n"
        + patch
        + b"diff --git a/y b/y\n+token='abc'\n"
    )
    assert redact_diff(diff) == diff.replace(b"'hunter2'", b"'[redacted]'").replace(b"'abc'", b"'[redacted]'")
