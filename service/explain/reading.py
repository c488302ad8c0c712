"""The story of an admission, read from the tables and the journal in one snapshot."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from db.connect import Connection
from db.explain import Rows, find_admissions, load_rows
from db.explain_journal import Told, outcomes_of, strays_of
from db.explain_shoppers import OF_TOKEN, facts_naming
from db.explain_spans import spans
from db.importing import Progress, silent
from db.pruning import horizon
from schemas.events import Event, event_time
from schemas.outcomes import Outcome
from schemas.reservation import Admission, AdmissionKey
from schemas.vocabulary import Topic
from service.explain.story import Story
from service.explain.strays import Strays
from service.explain.takers import read_evidence, shoppers_of

# Fanfare's clock and the database's may differ by this much.
_CLOCKS_DIFFER_BY: Final = timedelta(hours=1)


async def explain(
    connection: Connection,
    topics: Mapping[Topic, str],
    id_: str,
    organization_id: str | None = None,
    *,
    on_progress: Progress = silent,
) -> Story | Strays | list[AdmissionKey]:
    """Give the story of the admission that an id means, else the admissions that it may mean.

    Where it means none: what names it all the same.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        found = await find_admissions(connection, id_)
        fitting = [key for key in found if organization_id in (None, key.organization_id)]
        if not fitting:
            return await _strays(connection, id_, organization_id, on_progress)
        if len(fitting) > 1:
            return fitting
        rows = await load_rows(connection, fitting[0])
        outcomes, is_cut = await _outcomes(connection, rows, on_progress)
        evidence = await read_evidence(connection, rows.admission, outcomes, on_progress)
    return Story(
        admission=rows.admission,
        reservations=rows.reservations,
        outcomes=outcomes,
        waiting=[one for one in rows.waiting if may_be_about(one.known.fact, rows.admission)],
        holders=evidence.holders(list(topics.values())),
        stock=rows.stock,
        pools=rows.pools,
        topics=topics,
        is_cut=is_cut,
    )


async def _outcomes(
    connection: Connection, rows: Rows, on_progress: Progress
) -> tuple[list[Told], bool]:
    """Give the admission's outcomes, and whether some may have been pruned."""
    admission = rows.admission
    known = [*admission.facts, *(early.known for early in rows.waiting)]
    began = min([admission.admitted_at, *(event_time(one.fact) for one in known)])
    lanes = {admission.lane, *(line.lane for line in rows.reservations)}
    lanes |= {one.cause.partition for one in known} | {early.lane for early in rows.waiting}
    places = await spans(connection, lanes, since=began - _CLOCKS_DIFFER_BY)
    told = await outcomes_of(
        connection, places, admission.key, admission.also_id, shoppers_of(admission), on_progress
    )
    fitting = [one for one in told if may_be_about(one.outcome, admission)]
    return fitting, any(place.is_cut for place in places)


def may_be_about(one: Event | Outcome, admission: Admission) -> bool:
    """Tell whether something of the same shopper may belong to an admission."""
    if one.admission_id is not None:
        return one.admission_id in (admission.key.admission_id, admission.also_id)
    if isinstance(one, Event) and one.token_digest is not None:
        tokens = (admission.token_digest, admission.key.admission_id.removeprefix(OF_TOKEN))
        return one.token_digest in tokens
    pairs = (
        (one.experience_id, admission.experience_id),
        (one.distribution_id, admission.distribution_id),
    )
    return all(mine == its or not mine or not its for mine, its in pairs)


async def _strays(
    connection: Connection, id_: str, organization_id: str | None, on_progress: Progress
) -> Strays:
    waiting = await facts_naming(connection, id_)
    told = await strays_of(connection, await spans(connection, None), id_, on_progress)
    return Strays(
        id_,
        [one for one in waiting if organization_id in (None, one.known.fact.organization_id)],
        [one for one in told if organization_id in (None, one.outcome.organization_id)],
        await horizon(connection),
    )
