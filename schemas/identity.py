"""Ids made from their cause, so that a replay makes the same ids again."""

import hashlib
from datetime import datetime
from uuid import UUID

_VERSION_8 = 0x8 << 76
_VARIANT = 0b10 << 62
_LOW_62_BITS = (1 << 62) - 1


def time_ordered_id(at: datetime, *parts: object) -> UUID:
    """Make a UUIDv8: milliseconds of `at` in front, then 74 bits of a digest of `parts`.

    The time in front keeps the indexes of growing tables compact. Source: RFC 9562, section 5.8.
    """
    # Each part with its length before it: no two lists of parts make the same name.
    texts = [str(part) for part in parts]
    name = "".join(f"{len(text)}:{text}" for text in texts).encode("utf-8", "surrogatepass")
    digest = int.from_bytes(hashlib.blake2b(name, digest_size=16).digest(), "big")
    milliseconds = int(at.timestamp() * 1000) & 0xFFFF_FFFF_FFFF
    high = milliseconds << 80 | _VERSION_8 | ((digest >> 64) & 0xFFF) << 64
    return UUID(int=high | _VARIANT | (digest & _LOW_62_BITS))


def token_digest(token: str) -> str:
    """Give the SHA-256 of an admission token, in hex: tokens themselves are kept nowhere."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
