"""Contents of records as people may see them: read as far as possible, tokens as their digests.

A token's digest is the one that the database has, so that `reservations explain token:DIGEST`
finds its admission. Records that cannot be read may hold a token anywhere, so whatever looks like
one is masked: a field by its name, and a JSON Web Token wherever it stands.
"""

import json
import re
from math import isfinite
from typing import Any, Final

from pydantic_core import from_json

from schemas.fields import TOKENS
from schemas.identity import token_digest
from schemas.journal import Headers

SHOWN_CHARACTERS_MAX: Final = 20_000

_NAMES: Final = frozenset(name.lower() for name in TOKENS)
_SECRET_HEADERS: Final = ("token", "authorization", "cookie", "secret", "password")
_WEB_TOKEN: Final = re.compile(r"eyJ[\w-]{4,}(?:\.[\w-]*)*")
# A field in text that is no JSON: its name, and its value up to a quote, or what ends a bare one.
_FIELD: Final = re.compile(
    r"""(?P<name>(?:token[\w-]{0,40}|admission_?grant)\\?["']?\s*[:=]\s*)
        (?:\\"(?P<escaped>[^"\\]*)(?:\\"?)?
          |"(?P<quoted>(?:[^"\\]|\\.)*)"?
          |'(?P<single>[^']*)'?
          |(?P<bare>[^\s,;&}\]"']+))""",
    re.IGNORECASE | re.VERBOSE,
)


def shown(content: bytes | None) -> tuple[str, Any]:
    """Give what a content is, and itself: parsed JSON where it is some, else text, without tokens.

    JSON that is cut off is shown as far as it goes. Of a long text only the beginning is given.
    """
    if content is None:
        return "null", None
    kind, parsed = _parsed(content)
    size = f"{len(content):,} bytes"
    if parsed is None:
        return f"text of {size}", shown_text(content)
    masked = _masked(parsed)
    text = json.dumps(masked, ensure_ascii=False)
    if len(text) > SHOWN_CHARACTERS_MAX:
        return f"{kind} of {size}, its beginning", text[:SHOWN_CHARACTERS_MAX]
    return f"{kind} of {size}", masked


def _parsed(content: bytes) -> tuple[str, Any]:
    """Read an object or a list, or what is there of one that is cut off; None where it is none."""
    kind = "JSON"
    try:
        parsed = from_json(content)
    except ValueError as error:
        if not str(error).startswith("EOF "):
            return "", None
        kind, parsed = "JSON, cut off,", _beginning(content)
    return (kind, parsed) if isinstance(parsed, dict | list) else ("", None)


def _beginning(content: bytes) -> Any:
    try:
        return from_json(content, allow_partial="trailing-strings")
    except ValueError:
        return None


def shown_text(content: bytes) -> str:
    """Give bytes as text: what is no UTF-8 written out, NULs left out, tokens masked."""
    text = content.decode("utf-8", "backslashreplace").replace("\0", "")
    return _masked_text(text[:SHOWN_CHARACTERS_MAX])


def shown_headers(headers: Headers) -> list[tuple[str, str | None]]:
    """Give headers as text; one whose name says that it is a secret is a digest."""
    return [(shown_text(name.encode()), _shown_header(name, value)) for name, value in headers]


def _shown_header(name: str, value: bytes | None) -> str | None:
    if value is None:
        return None
    if any(word in name.lower() for word in _SECRET_HEADERS):
        return _digest(value.decode("utf-8", "backslashreplace"))
    return shown_text(value)


def _masked(value: Any, name: str = "") -> Any:
    if name and _is_token(name) and value is not None:
        return _digest(value if isinstance(value, str) else json.dumps(value))
    if isinstance(value, dict):
        return {_masked_text(key): _masked(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)  # no JSON has it
    return _masked_text(value) if isinstance(value, str) else value


def _is_token(name: str) -> bool:
    plain = name.lower().replace("_", "").replace("-", "")
    return plain in _NAMES or "token" in plain


def _masked_text(text: str) -> str:
    return _WEB_TOKEN.sub(lambda found: _digest(found[0]), _FIELD.sub(_masked_field, text))


def _masked_field(found: re.Match[str]) -> str:
    value = next((part for part in found.group("escaped", "quoted", "single", "bare") if part), "")
    return found["name"] + (_digest(value) if value else "''")


def _digest(secret: str) -> str:
    return f"token:{token_digest(secret)}"
