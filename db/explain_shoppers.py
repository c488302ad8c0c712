"""What else there is of a shopper: facts that wait, and other admissions."""

from typing import Final

from pydantic_core import to_json

from db.connect import Connection
from db.rows import admission_of, fact_of
from schemas.reservation import Admission, EarlyFact

# Ids that are made of a token's digest have this in front.
OF_TOKEN: Final = "token:"


async def waiting_of(connection: Connection, admission: Admission) -> list[EarlyFact]:
    """Give the facts of an admission's shopper that wait for an admission."""
    rows = await connection.fetch(
        """
        SELECT * FROM early_facts
         WHERE organization_id = $1 AND consumer_id = ANY($2::text[])
         ORDER BY id
        """,
        admission.key.organization_id,
        [admission.consumer_id, admission.guest_id],
    )
    return [fact_of(row) for row in rows]


async def facts_naming(connection: Connection, id_: str) -> list[EarlyFact]:
    """Give the facts that wait for the admission of an id, or of a token's digest, to come."""
    name = id_.removeprefix(OF_TOKEN)
    rows = await connection.fetch(
        "SELECT * FROM early_facts WHERE position($1 IN document) > 0 ORDER BY id",
        to_json(name).decode(),
    )
    found = [fact_of(row) for row in rows]
    return [
        early
        for early in found
        if name in (early.known.fact.admission_id, early.known.fact.token_digest)
    ]


async def admissions_of(
    connection: Connection, organization_id: str, consumer_id: str, experience_id: str
) -> list[Admission]:
    """Give the admissions of a shopper to an experience, by which limits count."""
    rows = await connection.fetch(
        """
        SELECT * FROM admissions
         WHERE organization_id = $1 AND consumer_id = $2 AND experience_id = $3
        """,
        organization_id,
        consumer_id,
        experience_id,
    )
    return [admission_of(row) for row in rows]
