"""How often Python looks for garbage in cycles.

By default after every 700 objects that are new and still there. A batch has a hundred for each of
its events, all of them alive until it is published and then gone without a cycle: a look at them
finds nothing, and took a fifth of the worker's processor time.
"""

import gc
from typing import Final

# A few batches of the largest size: exceptions and tasks make cycles, some for each outage.
NEW_OBJECTS_MAX: Final = 300_000


def look_for_garbage_rarely() -> None:
    """Look for cycles once in some batches, and never at what is there now: modules.

    Not even now: of the hundred thousand objects of all imports fewer than 2,000 are garbage, and
    to find them took a tenth of the time in which a worker starts.
    """
    gc.freeze()
    look_rarely()


def look_rarely() -> None:
    """Look for cycles after so many new objects: a sixth of the time of all imports goes to it."""
    gc.set_threshold(NEW_OBJECTS_MAX, 5, 5)
