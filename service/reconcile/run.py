"""A whole run: find, repair line by line, and look again."""

from dataclasses import dataclass, field

from db.connect import Connection
from db.importing import Progress, silent
from db.reconciling import begin_reconciling
from service.reconcile.finding import Found, drifted_still, find
from service.reconcile.repairing import (
    Options,
    reason_to_leave,
    repair,
    repair_holds_active,
)
from service.reconcile.rows import Row, name_of, row_of, row_of_lanes

Wanted = tuple[str | None, str | None]  # organization and product; None: all of them


class Busy(Exception):
    """Another process repairs."""


@dataclass(slots=True)
class Run:
    """What a run found and did; `still`: lines that differ after it."""

    rows: list[Row] = field(default_factory=list)
    journal_damage: list[str] = field(default_factory=list)
    still: int = 0


async def reconcile_all(
    connection: Connection,
    options: Options,
    wanted: Wanted = (None, None),
    *,
    apply: bool,
    on_progress: Progress = silent,
) -> Run:
    """Find what differs, and repair it if asked to. Raises Busy, and what asyncpg raises."""
    if apply and not await begin_reconciling(connection):
        raise Busy
    found = _only(await find(connection, on_progress), wanted)
    run = Run(journal_damage=found.journal_damage)
    if not apply or found.journal_damage:
        run.rows = _shown(found, options)
        return run
    for done, line in enumerate(found.lines):
        on_progress("repairing", done, len(found.lines))
        verdict = await repair(connection, line, options)
        run.rows.append(row_of(line, verdict.state, verdict.words, verdict.changes))
    if beyond := found.holds_active_beyond:
        verdict = await repair_holds_active(connection, beyond, options)
        run.rows.append(row_of_lanes(found.holds[0], beyond, verdict.state))
    run.still = await _still(connection, wanted, run.rows)
    return run


def _only(found: Found, wanted: Wanted) -> Found:
    """Keep what was asked for; what is of no stock line only where all of them were."""
    organization_id, product_id = wanted
    found.lines = [
        line
        for line in found.lines
        if organization_id in (None, line.key.organization_id)
        and product_id in (None, line.key.product_id)
    ]
    if wanted != (None, None):
        found.holds = (0, 0)
    return found


def _shown(found: Found, options: Options) -> list[Row]:
    rows = [
        row_of(line, "left" if why else "found", why or "")
        for line, why in ((line, reason_to_leave(line, options)) for line in found.lines)
    ]
    beyond = found.holds_active_beyond
    return [*rows, row_of_lanes(found.holds[0], beyond, "found")] if beyond else rows


async def _still(connection: Connection, wanted: Wanted, rows: list[Row]) -> int:
    """Count what differs that was repaired, or that was not there before."""
    left = {row.name for row in rows if row.state == "left"}
    found = _only(await drifted_still(connection), wanted)
    names = {name_of(line.key) for line in found.lines} - left
    return len(names) + (found.holds_active_beyond != 0)
