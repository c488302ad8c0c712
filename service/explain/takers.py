"""For each refusal of an admission: who had the units, read from the journal."""

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple
from uuid import UUID

from db.connect import Connection
from db.explain_journal import Told
from db.explain_shoppers import admissions_of
from db.explain_spans import spans
from db.explain_steps import Step, steps_of
from db.importing import Progress
from reservations.commands import LIMITS
from schemas.events import TransferRequested
from schemas.outcomes import Outcome
from schemas.reservation import Admission
from service.explain.holders import Holder, holders, is_explained

# Clocks of databases are put right now and then: sequences are cut a little later than needed.
_MARGIN: Final = timedelta(minutes=1)


def shoppers_of(admission: Admission) -> set[str]:
    """Give all whose the admission was at some time: their outcomes have their keys."""
    facts = [known.fact for known in admission.facts]
    told = {admission.consumer_id, *(fact.consumer_id for fact in facts)}
    told |= {fact.to_consumer_id for fact in facts if isinstance(fact, TransferRequested)}
    return told if admission.guest_id is None else told | {admission.guest_id}


class Evidence(NamedTuple):
    """What refusals are explained by: what happened to units, and by which admissions each counted.

    It is weighed when the transaction is over: Postgres ends one that thinks for long.
    """

    refusals: Sequence[Told] = ()
    steps: Sequence[Step] = ()
    own: Mapping[UUID, Collection[str]] = {}

    def holders(self, topics: Sequence[str]) -> dict[UUID, list[Holder]]:
        """Give, by the id of the refusal, who had the units."""
        ids = [told.outcome.outcome_id for told in self.refusals]
        return {
            id_: holders(self.steps, told, self.own[id_], topics)
            for id_, told in zip(ids, self.refusals, strict=True)
        }


async def read_evidence(
    connection: Connection, admission: Admission, outcomes: Sequence[Told], on_progress: Progress
) -> Evidence:
    """Read what tells, for each refusal, who had the units."""
    refusals = [told for told in outcomes if is_explained(told)]
    if not refusals:
        return Evidence()
    own: dict[UUID, set[str]] = {}
    shoppers: set[str] = set()
    for told in refusals:
        counted = await _counted(connection, told.outcome, admission)
        own[told.outcome.outcome_id] = {one.key.admission_id for one in counted}
        shoppers.update(*(shoppers_of(one) for one in counted))
    organization_id = admission.key.organization_id
    steps = await _steps(connection, organization_id, refusals, own, shoppers, on_progress)
    return Evidence(refusals, steps, own)


async def _steps(
    connection: Connection,
    organization_id: str,
    refusals: Sequence[Told],
    own: Mapping[UUID, Collection[str]],
    shoppers: Collection[str],
    on_progress: Progress,
) -> list[Step]:
    until = max(told.written_at for told in refusals) + _MARGIN
    return await steps_of(
        connection,
        await spans(connection, None, until=until),
        organization_id,
        products={
            told.outcome.product_id
            for told in refusals
            if told.outcome.product_id is not None and told.outcome.reason not in LIMITS
        },
        admissions={id_ for ids in own.values() for id_ in ids},
        shoppers=shoppers,
        on_progress=on_progress,
    )


async def _counted(
    connection: Connection, refused: Outcome, admission: Admission
) -> list[Admission]:
    """Give the admissions by which a limit counted: of a transfer, those of the new owner."""
    if refused.reason not in LIMITS:
        return []
    shopper = refused.consumer_id
    for known in admission.facts if refused.type == "refused" else ():
        if isinstance(known.fact, TransferRequested) and known.answer == refused.reason:
            shopper = known.fact.to_consumer_id
    counted = await admissions_of(
        connection, admission.key.organization_id, shopper, admission.experience_id
    )
    return [admission, *(one for one in counted if one.key != admission.key)]
