"""Where servers of tests have their files: in memory, where there is room for them."""

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

_IN_MEMORY: Final = Path("/dev/shm")
_ROOM_BYTES: Final = 4 * 2**30  # of what there is, not of what is used: it is shared by all runs


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Make a directory for one server or more, which is removed with its context.

    Hundreds of databases are made, emptied and dropped in a run, each of hundreds of small files:
    on a disk that takes several times the processor time. Postgres still calls fsync there, and
    Kafka writes its logs, and what is killed leaves its files behind, as on any disk.
    """
    return tempfile.TemporaryDirectory(
        prefix="reservations-test-", dir=_place(), ignore_cleanup_errors=True
    )


def _place() -> Path | None:
    with suppress(OSError):  # no such file system
        if shutil.disk_usage(_IN_MEMORY).free >= _ROOM_BYTES:
            return _IN_MEMORY
    return None  # where temporary files are
