"""Repairs one stock line, in one short transaction, beside workers that go on."""

from typing import Literal, NamedTuple

import asyncpg

from db import reconciling
from db.adjustments import OF_NO_LINE, add_adjustment
from db.connect import Connection
from db.importing import wait_for_other_imports
from db.stock_import import StockRow, import_stock
from db.stock_locks import stop_workers
from reservations.drift import mend
from schemas.adjusted import CounterChange
from schemas.stock import StockKey
from schemas.text import counted
from service.reconcile.finding import LineFound
from service.reconcile.places import changes_of, lock, write


class Options(NamedTuple):
    """What the operator allows, and who that is."""

    by: str
    allow_shortage: bool = False
    accept_rows: bool = False


class Verdict(NamedTuple):
    """What became of a line: its changes, or why it was left, with what to do."""

    state: Literal["repaired", "left"]
    words: str = ""
    changes: tuple[CounterChange, ...] = ()


class _Lacking(NamedTuple):
    """Units are held that are not there: holds have to be put at risk for it."""

    units: int


async def repair(connection: Connection, line: LineFound, options: Options) -> Verdict:
    """Repair a line, whole or not at all; where it is left nothing is changed."""
    if (why := reason_to_leave(line, options)) is not None:
        return Verdict("left", why)
    try:
        done = await _in_transaction(connection, line, options, shortage=False)
        if isinstance(done, _Lacking) and options.allow_shortage:
            done = await _in_transaction(connection, line, options, shortage=True)
    except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
        return Verdict("left", "another transaction has it locked: run it again")
    if isinstance(done, _Lacking):
        units = counted(done.units, "held unit")
        return Verdict("left", f"{units} would be short, and holds at risk: --allow-shortage")
    return done


def reason_to_leave(line: LineFound, options: Options) -> str | None:
    """Say why a line cannot be repaired, whatever its counters are just now."""
    if line.counts is not None and line.counts.tracked is None:
        return "bring the line in with `stock set`, as it was, then run it again"
    if line.contradicted and not options.accept_rows:
        more = len(line.contradicted) - 1
        others = f", and {more} more" if more else ""
        return f"{line.contradicted[0]}{others}: look at it; --accept-rows takes rows as they are"
    return None


async def repair_holds_active(connection: Connection, beyond: int, options: Options) -> Verdict:
    """Take off the lanes what they count beyond the active reservations."""
    async with connection.transaction():
        before = await reconciling.move_holds_active(connection, -beyond)
        change = CounterChange(counter="holds_active", before=before, after=before - beyond)
        explanation = "the lanes' counts and the active reservations differ"
        await add_adjustment(
            connection, OF_NO_LINE, [change], explanation=explanation, by=options.by
        )
    return Verdict("repaired", changes=(change,))


async def _in_transaction(
    connection: Connection, line: LineFound, options: Options, *, shortage: bool
) -> Verdict | _Lacking:
    """Repair, and commit only what is whole."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        done = await _repair(connection, line, options, shortage=shortage)
    except BaseException:
        await transaction.rollback()
        raise
    if isinstance(done, Verdict) and done.state == "repaired":
        await transaction.commit()
    else:
        await transaction.rollback()
    return done


async def _repair(
    connection: Connection, line: LineFound, options: Options, *, shortage: bool
) -> Verdict | _Lacking:
    await wait_for_other_imports(connection)
    await reconciling.wait_briefly(connection)
    if shortage:
        await stop_workers(connection)  # before all else, as an import that puts holds at risk
    marks = await reconciling.mend_marks(connection, line.marks) if line.marks else 0
    await reconciling.add_pools(connection, line.key, _pools_gone(line))
    before = await lock(connection, line.key)
    mended = mend(before.units, line.moves, tracked=before.tracked) if before else None
    if before is None or mended is None:
        return Verdict("left", "it was changed meanwhile: run it again")
    if mended.lacking and not shortage:
        return _Lacking(mended.lacking)
    await write(connection, line.key, before.units, mended)
    if mended.lacking:
        received = before.units["received", None]
        await _put_at_risk(connection, line.key, received)
    after = await lock(connection, line.key)
    changes = changes_of(before.units, after.units if after else {})
    if marks:
        changes += (CounterChange(counter="marks", before=marks, after=0),)
    await add_adjustment(connection, line.key, changes, explanation=line.explanation, by=options.by)
    return Verdict("repaired", changes=changes)


def _pools_gone(line: LineFound) -> list[str]:
    pools = line.counts.pools if line.counts is not None else ()
    return [pool.experience_id for pool in pools if pool.filled is None]


async def _put_at_risk(connection: Connection, key: StockKey, received: int) -> None:
    """Let an import say what was received in truth: it knows whose holds are at risk for it."""
    await import_stock(connection, [StockRow(1, *key, received)], allow_shortage=True)
