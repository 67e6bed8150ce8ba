"""Takes secrets out of texts before they are recorded.

What counts as one, each replaced by `[redacted]`:

- the value that a secret-looking name is given: `--name value`, `--name=value`, `NAME=value`, `name: value`,
  `"name": "value"`, `name: str = "value"`, `%env NAME value`, `setenv("NAME", "value")`. A name looks secret by its
  words, in any spelling: `PGPASSWORD`, `apiKey`, `hf-token`. Counts of tokens (`--max-tokens 5`, `pad_token_id`) and
  places (`--password-file p`) do not. In running text a value that is plainly code (`token = next(stream)`,
  `token=args.token`, `password: str`) stays;
- passwords where some languages and programs have them: `-u user:password`, `IDENTIFIED BY 'password'`;
- user and password in a URL, and secret-looking parts of its query;
- the tokens of well-known services, by their shape, and PEM private keys;
- what this process was told to `hide`, such as the API key that it connects with.

Digests, commit hashes and other long hexadecimal texts are no secrets by themselves.

Patterns are texts, compiled by `re` when they are first needed: most command lines need none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

__all__ = [
    "REDACTED",
    "hide",
    "is_secret_name",
    "redact",
    "redact_command",
    "redact_diff",
    "without_credentials",
]

REDACTED = "[redacted]"

_SHORTEST = 8
"""Characters below which a text is no secret that could be told from others."""

_hidden: set[str] = set()
"""For as long as the process lives: what was a secret once stays one."""


def hide(secret: str) -> None:
    """From now on replace this text wherever it stands, whatever it looks like."""
    if len(secret) >= _SHORTEST:
        _hidden.add(secret)


def redact(text: str) -> str:
    """The text with everything that looks like a secret replaced by `[redacted]`.

    Example:
        >>> redact("export API_KEY=abc; fetch --password 'hunter 2' https://me:pw@example.org")
        "export API_KEY=[redacted]; fetch --password '[redacted]' https://[redacted]@example.org"
    """
    for secret in tuple(_hidden):
        text = text.replace(secret, REDACTED)
    if "PRIVATE KEY" in text:
        text = re.sub(_PRIVATE_KEY, REDACTED, text)
    # By the line, so that a long text never holds up the other threads of the process.
    return "".join(map(_redact_line, text.splitlines(keepends=True)))


def redact_command(argv: Iterable[object]) -> list[str]:
    """A command line with its secrets replaced, item by item.

    Example:
        >>> redact_command(["fit.py", "--lr", "0.1", "--hub-token", "abc"])
        ['fit.py', '--lr', '0.1', '--hub-token', '[redacted]']
    """
    shown: list[str] = []
    awaiting, before = False, ""
    for item in map(str, argv):
        given = re.fullmatch(_ARGUMENT, item)
        secret = given is not None and is_secret_name(given["name"])
        if awaiting and not re.fullmatch(_NEXT_OPTION, item):
            shown.append(REDACTED)
        elif given and secret and given["value"]:
            shown.append(f"{given['head']}{given['sep']}{REDACTED}")
        elif before in ("-u", "--user"):
            shown.append(redact(f"{before} {item}").removeprefix(f"{before} "))
        else:
            shown.append(redact(item))
        before = item
        awaiting = given is not None and secret and not given["sep"] and item.startswith("-")
    return shown


def redact_diff(diff: bytes) -> bytes:
    """The output of `git diff --binary` with the secrets in its texts replaced; its binary patches stay whole."""
    pieces = re.split(_BINARY_PATCH, diff.decode("utf-8", "surrogateescape"))
    pieces[::2] = map(redact, pieces[::2])
    return "".join(pieces).encode("utf-8", "surrogateescape")


def without_credentials(address: str) -> str:
    """A URL or `user@host:path` address without password, token and secret query values.

    Example:
        >>> without_credentials("https://me:pw@example.org/repo.git")
        'https://example.org/repo.git'
    """

    def bare(match: re.Match[str]) -> str:
        scheme, user = match[1], match[2].partition(":")[0]
        # Over HTTP the user may itself be a token; over ssh it is part of the address.
        anonymous = scheme.lower().startswith("http") or re.search(_SERVICE_TOKENS, user)
        return scheme if anonymous else f"{scheme}{user}@"

    return redact(re.sub(_USERINFO, bare, address))


# Names

_STRONG = (
    r"passw(?:or)?d|passphrase|passcode|secret|credential|^pass$"
    r"|(?:access|account|api|auth|deploy|encryption|master|private|session|shared|signing|ssh|storage|subscription)_?keys?(?:_|$)"
    r"|(?:^|_)(?:anthropic|azure|comet|gemini|kaggle|openai|stripe|wandb)_?keys?(?:_|$)"
    r"|(?:^|_)(?:admin|db|email|ftp|http|login|mail|mysql|pg|proxy|redis|root|smtp|user)_?pass(?:_|$)"
)
_WEAK = r"(?:^|_)(?:auth|authorization|bearer|cookie|creds?|jwt|oauth|pat|pwd)(?:_|$)|(?:^|_)private$|token(?!iz|is)"
_COUNTED_TOKENS = (
    r"(?:^|_)(?:accuracy|batch|bos|budget|cls|counts?|dropout|embeddings?|end|eos|idx|ids|index|input|len|length|level"
    r"|limit|loss|mask|max|min|n|new|num|output|pad|pattern|per|position|probs?|prompt|rate|regex|sep|size|special|start"
    r"|total|types?|unk)(?:_|$)"
)
_PLACES = r"(?:^|_)(?:dir|directory|file|filename|folder|path)$"
_WORDS = r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+"


def is_secret_name(name: str) -> bool:
    """Whether a value of that name is likely a secret.

    Example:
        >>> is_secret_name("HF_TOKEN"), is_secret_name("max_tokens"), is_secret_name("sort_key")
        (True, False, False)
    """
    return bool(_strength(name))


@lru_cache(maxsize=4096)
def _strength(name: str) -> str:
    """`strong`, where only plain code is no secret; `weak`, where a plain word is none either; or nothing."""
    words = [word.lower() for word in re.findall(_WORDS, name)]
    joined = "_".join(words)
    if joined.startswith("no_") or re.search(_PLACES, joined) or name in ("PWD", "OLDPWD"):
        return ""
    if re.search(_STRONG, joined):
        return "strong"
    found = re.search(_WEAK, joined)
    counted = found is not None and found[0] == "token" and re.search(_COUNTED_TOKENS, joined)
    return "weak" if found and not counted else ""


# Shapes that are secret wherever they stand

_SERVICE_PREFIXES = (
    "AKIA", "ASIA", "ABIA", "ACCA", "AGPA", "AIDA", "AROA", "AIPA", "ANPA", "ANVA", "AIza", "AGE-SECRET-KEY-", "GOCSPX-",
    "SG.", "dapi", "dckr_pat_", "discord", "eyJ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-",
    "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "glimt-", "gloas-", "hf_", "hooks.slack.com", "npm_", "pypi-",
    "rk_", "sk-", "sk_", "xapp-", "xox", "ya29.", "ds_",
)  # fmt: skip
_SERVICE_TOKENS = (
    r"(?<![A-Za-z0-9+/])A(?:KI|SI|BI|CC|GP|ID|RO|NP|NV|IP)A[0-9A-Z]{16,}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"
    r"|gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas)-[\w-]{20,}"  # GitLab
    r"|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}|hooks\.slack\.com/services/[\w/]+"
    r"|(?<![A-Za-z0-9_-])sk-(?=[\w-]*\d)[\w-]{20,}"  # OpenAI, Anthropic and others
    r"|(?<![A-Za-z0-9])[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"  # Stripe
    r"|(?<![A-Za-z0-9])hf_[A-Za-z0-9]{20,}"  # Hugging Face
    r"|AIza[\w-]{35,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"  # Google
    r"|(?<![A-Za-z0-9])npm_[A-Za-z0-9]{36,}|pypi-[\w-]{50,}|dckr_pat_[\w-]{20,}"
    r"|(?<![A-Za-z0-9])SG\.[\w-]{16,}\.[\w-]{16,}"  # SendGrid
    r"|(?<![A-Za-z0-9])dapi[0-9a-f]{32}"  # Databricks
    r"|AGE-SECRET-KEY-1[0-9A-Z]{20,}"
    r"|(?<![A-Za-z0-9_-])ds_(?=[\w-]*\d)[\w-]{43}(?![\w-])"  # API keys of a Hub
    r"|discord(?:app)?\.com/api/webhooks/\d+/[\w-]+"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON web tokens
)
_BEARER = r"(?i)\b(bearer|basic)(\s+)(?=[\w.~+/-]*\d)[\w.~+/-]{16,}=*"
_PRIVATE_KEY = (
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[\s\S]{0,20000}?-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----"
    r"""|(?:(?:\\[nr]|[\s"',+-])*[A-Za-z0-9+/=]{16,})*)"""  # cut off before its end
)
_BINARY_PATCH = r"(?m)(^GIT binary patch\n(?:(?:literal|delta) \d+\n(?:[A-Za-z].*\n)*\n?)+)"

# URLs

_USERINFO = r"""(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\s/?#"'<>]+)@"""
_QUERY = r"""([?&;])([\w.%~-]{1,80})=([^&;#\s"'<>]+)"""
_QUERY_SECRETS = r"(?i)code|key|sig|signature|x-(?:amz|goog)-(?:credential|signature)"


def _userinfo(match: re.Match[str]) -> str:
    hidden = ":" in match[2] or match[1].lower().startswith("http")
    return f"{match[1]}{REDACTED}@" if hidden else match[0]


def _query(match: re.Match[str]) -> str:
    hidden = is_secret_name(match[2]) or re.fullmatch(_QUERY_SECRETS, match[2])
    return f"{match[1]}{match[2]}={REDACTED}" if hidden else match[0]


# Names with values in running text

_HINTS = (
    "pass",
    "pwd",
    "secret",
    "cred",
    "token",
    "key",
    "auth",
    "private",
    "cookie",
    "bearer",
    "pat",
    "jwt",
)
_NAMED = (
    r"""(?<![\w.-])(?P<name>[A-Za-z_][\w.-]{0,79})"""
    r"""\\?["']?\]?(?P<sep>[ \t]{0,8}(?::[ \t]{0,8}[A-Za-z_][\w.\[\]|, ]{0,60}=(?=[ \t]{0,8}[BFRUbfru]{0,2}["'])"""  # name: str = "value"
    r"""|[!=]?==?|:=|=>|:)[ \t]{0,8})"""
)
_OPTION = r"(?<![\w-])--?(?P<name>[A-Za-z][\w.-]{1,79})(?P<sep>=|[ \t]{1,8})(?!-)"
_BEFORE_PASSWORDS = ("-u", "login", "password", "identified", "pwd=")
_SET = (
    r"""(?:(?:%(?:set_)?env|\bENV|\bsetx|\bsetenv|\bset(?:[ \t]{1,8}-\w+){1,8}|\bconfigure[ \t]{1,8}set)[ \t]{1,8}"""
    r"""|\b(?:environ\.get|getenv|putenv|setdefault|setenv)\([ \t]{0,8}["'])"""
    r"""(?P<name>[A-Za-z_][\w.-]{0,79})(?P<sep>["'],[ \t]{0,8}(?=[BFRUbfru]{0,2}["'])|[ \t]{1,8})"""
)
_SPOKEN = (
    r"""(?i)((?<![\w-])(?:-u|--user)[ \t=]{1,8}["']?(?![^\s"']*://)[^\s:"']{1,80}:"""  # curl
    r"""|\blogin[ \t]{1,8}\S{1,80}[ \t]{1,8}password[ \t]{1,8}"""  # .netrc
    r"""|\b(?:password|identified[ \t]{1,8}by)[ \t]{1,8}'"""  # SQL
    r"""|\buid=[^;"']{0,80};[ \t]{0,8}pwd="""  # ODBC
    r"""|\blogin\((?:[^()"']{0,80},)?[ \t]{0,8}key[ \t]{0,8}=[ \t]{0,8}["'])"""  # wandb.login(key="…")
    r"""(?!\d+(?![^\s"';])|\[redacted)[^\s"';]+"""  # numbers are ids and ports
)
_ARGUMENT = r"(?s)(?P<head>[-+~/]{0,2}(?P<name>[A-Za-z_][\w.-]{0,79}))(?:(?P<sep>[=:])(?P<value>.*))?"
_NEXT_OPTION = (
    r"(?s)--?(?:[A-Za-z][A-Za-z._-]*(?:=[^=].*)?)?"
    r"|--[A-Za-z]+\d{0,2}(?:[._-][A-Za-z]+\d{0,2})*(?:=[^=].*)?|-[A-Za-z]\d{1,2}"  # --fp16, -j4
)
"""What follows the name of a secret and is no value of it; passwords may begin with a dash too, but not be words."""
_PHRASE = r"""(?P<head>[+ -]?\s*(?:-\s+)?(?P<name>[A-Za-z_][\w.-]{0,79}):\s+)\w[^(){}\[\]"'=,:#|]* [^(){}\[\]"'=,:#|]+"""
_LITERAL = (
    r"""(?i)[bfru]{0,2}(?P<open>"{3}|'{3}|\\?"|\\?')(?P<inside>(?:(?!(?P=open))(?:\\.|[^\\\r\n]|\\$))*)"""
)
_PAIR = r"""\((?P<inside>[^()]*["'][^()]*)\)"""  # auth=("user", "password")
_PLAIN = r"""(?i)(?:(?:bearer|basic|token|digest)[ \t]+)?[^\s"'(]\S*?(?=[,;:)\]}>|"'`\\]*(?:\s|$))"""
_BLANK = r"(?i)any|bool|bytes|false|float|int|no|none|null|number|object|optional|secretstr|str|string|true|undefined|yes"
_NUMBER = r"[+-]?[\d_.]+(?:e[+-]?\d+)?%?"
_REFERENCE = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_EXPRESSION = r"[A-Za-z_][\w.]*(?:\(.*\)|\[.*\]|[(\[]\s*$)|[{\[<]|\$[({]"


def _redact_line(line: str) -> str:
    if any(prefix in line for prefix in _SERVICE_PREFIXES):
        line = re.sub(_SERVICE_TOKENS, REDACTED, line)
    if "://" in line:
        line = re.sub(_USERINFO, _userinfo, line)
    if "=" in line and ("&" in line or "?" in line or ";" in line):
        line = re.sub(_QUERY, _query, line)
    lower = line.lower()
    if "bearer" in lower or "basic" in lower:
        line = re.sub(_BEARER, rf"\1\2{REDACTED}", line)
    if any(hint in lower for hint in _HINTS):
        phrase = re.match(_PHRASE, line)
        if phrase and _strength(phrase["name"]) == "strong":
            return f"{phrase['head']}{REDACTED}{line[phrase.end() :]}"
        for names in (_SET, _OPTION, _NAMED):
            line = _redact_values(names, line)
    if any(word in lower for word in _BEFORE_PASSWORDS):
        line = re.sub(_SPOKEN, rf"\1{REDACTED}", line)
    return line


def _redact_values(names: str, line: str) -> str:
    """The line with the value after each secret name replaced, inside its quotes if it has some."""
    pieces: list[str] = []
    done = 0
    for match in re.finditer(names, line):
        if match.start() < done or not is_secret_name(match["name"]):
            continue
        value = _match(_LITERAL, line, match.end()) or _match(_PAIR, line, match.end())
        start, end = value.span("inside") if value else (match.end(), match.end())
        if not value and (plain := _match(_PLAIN, line, match.end())):
            end = start if names is _NAMED and _is_code(match["name"], match["sep"], plain) else plain.end()
        if start < end and not line.startswith(REDACTED, start):
            pieces += line[done:start], REDACTED
            done = end
    return "".join(pieces) + line[done:]


def _is_code(name: str, separator: str, plain: re.Match[str]) -> bool:
    """Whether an unquoted value is an expression that holds no secret itself."""
    value, tight = plain[0], separator == "="
    if re.fullmatch(_BLANK, value):
        return True
    if tight and name.isupper():  # a variable of a shell or of an environment file
        return False
    if _match(_EXPRESSION, plain.string, plain.start()):
        return True
    weak = _strength(name) == "weak" and not tight
    if re.fullmatch(_REFERENCE, value):
        owner, _, last = value.rpartition(".")
        if is_secret_name(last) and (owner or last.lower() == name.lower().rpartition(".")[2]):
            return True  # token=args.token, auth=auth
        return weak and not any(map(str.isdigit, value))
    return weak and re.fullmatch(_NUMBER, value) is not None


def _match(pattern: str, line: str, start: int) -> re.Match[str] | None:
    return re.compile(pattern).match(line, start)
