"""Secrets out of files: RESERVATIONS_DATABASE_URL_FILE instead of RESERVATIONS_DATABASE_URL."""

import os
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource

SUFFIX: Final = "_FILE"


class UnreadableSecret(ValueError):
    """A secret's file cannot be used; the message is a line for people, without the secret."""


def is_secret(field: FieldInfo) -> bool:
    """Tell whether a setting is a secret: it may come from a file, and is shown nowhere."""
    return SecretStr in (field.annotation, *get_args(field.annotation))


class SecretFiles(PydanticBaseSettingsSource):
    """Reads each secret whose variable with the suffix `_FILE` names a file.

    As Docker and Kubernetes mount them: one secret a file; a newline at its end is not part of it.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{self.config['env_prefix']}{field_name.upper()}"
        path = os.environ.get(variable + SUFFIX)
        if not is_secret(field) or not path:
            return None, field_name, False
        if os.environ.get(variable):
            raise UnreadableSecret(f"{variable} and {variable}{SUFFIX} are both set: unset one")
        return _read(variable + SUFFIX, path), field_name, False

    def __call__(self) -> dict[str, Any]:
        found = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in found.items() if value is not None}


def _read(variable: str, path: str) -> str:
    try:
        secret = Path(path).read_text().rstrip("\r\n")
    except OSError as error:
        raise UnreadableSecret(f"{variable}={path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableSecret(f"{variable}={path}: not UTF-8") from None
    if not secret:
        raise UnreadableSecret(f"{variable}={path}: the file is empty")
    return secret
