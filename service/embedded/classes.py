"""Kafka's classes as Java has them after a start, kept in a file: the next start is faster.

Java spends most of Kafka's start on reading and linking classes, and can map what it came to once.
Source: JEP 483, "Ahead-of-Time Class Loading & Linking", and JEP 514. Such a file fits the Java,
the jars and the options that made it: so it lies in the environment of that Java, under a name made
of the rest. Without it all works the same; ``make env`` makes it (`service.prepare`).
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from service.embedded.jars import LOCK

# Of a file that does not fit after all Java complains in the log, and goes on without it.
_ERRORS_ONLY = ("-Xlog:disable", "-Xlog:all=error:stderr")


def classes_file(java_options: Sequence[str]) -> Path:
    """Give where the classes are kept, be they there or not."""
    made_of = "\n".join([LOCK.read_text(), *java_options])
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    return Path(sys.prefix) / "share" / "reservation-worker" / f"kafka-{digest}.aot"


def using_classes(java_options: Sequence[str]) -> list[str]:
    """Give the options by which Java starts from the classes that are kept, if they are."""
    file = classes_file(java_options)
    return [f"-XX:AOTCache={file}", *_ERRORS_ONLY] if file.exists() else []


def keeping_classes(file: Path) -> list[str]:
    """Give the options by which Java writes its classes to `file` when it ends in good order."""
    return [f"-XX:AOTCacheOutput={file}", *_ERRORS_ONLY]
