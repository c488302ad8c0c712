"""Takes out of a finished line of the log what must not be in it, wherever it came from."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from service.secret_files import is_secret
from service.settings import Settings

MASK: Final = "***"

# Shorter ones would be found in every other word; in a URL they are masked all the same.
_LENGTH_MIN: Final = 4

_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^\s:/@\"']*):[^\s/@\"']*@")
# What Postgres says of a row: its values, and one of them may be the digest of a token. In JSON
# up to the end of the string, else up to the end of the line.
_DETAIL_IN_JSON: Final = re.compile(r"DETAIL:(?:\\.|[^\"\\])*")
_DETAIL: Final = re.compile(r"DETAIL:[^\n]*")


def secrets_of(settings: Settings) -> set[str]:
    """Give all values that settings hide, and of a URL its password alone too, also decoded."""
    values = {
        secret.get_secret_value()
        for name, field in Settings.model_fields.items()
        if is_secret(field) and (secret := getattr(settings, name)) is not None
    }
    passwords = {password for value in values if (password := _password_of(value))}
    secret = values - {_default_url()} | passwords | set(map(unquote, passwords))
    return {value for value in secret if len(value) >= _LENGTH_MIN}


def masking(secrets: set[str], *, as_json: bool) -> Callable[[str], str]:
    """Give the function that masks a line."""
    # The longest first: one secret may be a part of another.
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    known = re.compile("|".join(map(re.escape, forms))) if forms else None
    detail = _DETAIL_IN_JSON if as_json else _DETAIL

    def mask(line: str) -> str:
        if known is not None:
            line = known.sub(MASK, line)
        if "DETAIL:" in line:
            line = detail.sub(f"DETAIL: {MASK}", line)
        return _PASSWORD_IN_URL.sub(rf"\1:{MASK}@", line) if "://" in line else line

    return mask


def _forms(secret: str) -> Iterator[str]:
    """Give a secret as it stands in a line, in a repr, and each of these within another string."""
    for form in (secret, repr(secret)[1:-1]):
        yield form
        yield json.dumps(form)[1:-1]
        yield repr(form)[1:-1]


def _password_of(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None


def _default_url() -> str:
    default = Settings.model_fields["database_url"].default
    return str(default.get_secret_value())
