"""``python -m service.prepare``: what Kafka's first start would wait for, done beforehand.

Its jars are fetched, and it is started and stopped one time so that its classes are kept.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from service.embedded import EmbeddedKafka, EmbeddedServerError, OnProgress, Progress
from service.embedded.classes import classes_file, keeping_classes
from service.embedded.kafka import JAVA_OPTIONS
from service.starting import starting

_STOP_SECONDS = 60.0


async def prepare(on_progress: OnProgress) -> Path:
    """Give the file of Kafka's classes, and make it unless it is there.

    It is written under another name and renamed, so that a half written one is never used. Raises
    EmbeddedServerError where jars cannot be fetched, or Kafka does not start or keeps no classes.
    """
    file = classes_file(JAVA_OPTIONS)
    if file.exists():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=file.parent, ignore_cleanup_errors=True) as scratch:
        unfinished = Path(scratch) / file.name
        options = keeping_classes(unfinished)
        kafka = EmbeddedKafka(Path(scratch), java_options=options, on_progress=on_progress)
        await kafka.start()
        on_progress(Progress("Kafka", "keeping its classes: it starts faster from now on", 1.0))
        await kafka.stop(seconds=_STOP_SECONDS)
        if not unfinished.exists():
            raise EmbeddedServerError("Kafka kept no classes: is the disk full?")
        unfinished.replace(file)
    return file


def main() -> None:
    """Prepare, and say what is done."""
    try:
        with starting(Console(), plain=True) as on_progress:
            asyncio.run(prepare(on_progress))
    except EmbeddedServerError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
