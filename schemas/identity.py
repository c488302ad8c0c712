"""Ids made from their cause, so that a replay makes the same ids again."""

from datetime import datetime
from hashlib import blake2b, sha256
from typing import Final

# What asyncpg gives for the ids of rows: a subclass of uuid.UUID, made, hashed and written in C.
from asyncpg.pgproto.pgproto import UUID

_VERSION_AND_VARIANT: Final = 0x8 << 76 | 0b10 << 62
_BITS_OF_DIGEST: Final = 0xFFF << 64 | (1 << 62) - 1  # all that the two above leave


def time_ordered_id(at: datetime, *parts: object) -> UUID:
    """Make a UUIDv8: milliseconds of `at` in front, then 74 bits of a digest of `parts`.

    The time in front keeps the indexes of growing tables compact. Source: RFC 9562, section 5.8.
    """
    # Each part with its length before it: no two lists of parts make the same name.
    name = ""
    for part in parts:
        text = f"{part}"
        name += f"{len(text)}:{text}"
    encoded = name.encode("utf-8", "surrogatepass")
    digest = int.from_bytes(blake2b(encoded, digest_size=16).digest(), "big")
    milliseconds = int(at.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    bits = milliseconds << 80 | _VERSION_AND_VARIANT | digest & _BITS_OF_DIGEST
    return UUID(bits.to_bytes(16, "big"))


def token_digest(token: str) -> str:
    """Give the SHA-256 of an admission token, in hex: tokens themselves are kept nowhere."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
