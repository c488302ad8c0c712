"""A story for machines: the same events, with their outcomes as they were published."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from pydantic_core import to_jsonable_python

from db.explain_journal import Told
from schemas.reservation import EarlyFact
from service.explain.holders import Holder
from service.explain.nothing import why_nothing
from service.explain.order import happenings
from service.explain.reasons import REASONS
from service.explain.said import line_in_words, outcome_in_words
from service.explain.story import Happening, Source, Story
from service.explain.text import event_in_words
from service.explain.words import Clock, clock_of, fact_in_words


def document(story: Story) -> dict[str, Any]:
    """Give a story as JSON; token digests, of which ids may be made, are all that tokens leave."""
    clock = clock_of(story.admission.admitted_at.astimezone(UTC).date())
    admission = story.admission
    shown: dict[str, Any] = {
        "admission": {
            **admission.key._asdict(),
            "also_id": admission.also_id,
            "consumer_id": admission.consumer_id,
            "guest_id": admission.guest_id,
            "experience_id": admission.experience_id,
            "distribution_id": admission.distribution_id,
            "distribution_type": admission.distribution_type,
            "admitted_at": admission.admitted_at,
            "expires_at": admission.expires_at,
        },
        "events": [_event(one, story, clock) for one in happenings(story)],
        "reservations": [
            {
                "reservation_id": line.id,
                "product_id": line.product_id,
                "variant_id": line.variant_id,
                "quantity": line.quantity,
                "status": line.status,
                "reason": line.reason,
                "words": line_in_words(line, clock),
            }
            for line in story.reservations
        ],
        "stock": [line._asdict() for line in story.stock],
        "pools": [pool._asdict() for pool in story.pools],
        "is_cut": story.is_cut,
    }
    answer: dict[str, Any] = to_jsonable_python(shown)
    return answer


def _event(one: Happening, story: Story, clock: Clock) -> dict[str, Any]:
    return {
        "at": one.at,
        "decided_at": one.decided_at,
        "kind": one.kind,
        "words": event_in_words(one),
        "is_again": one.is_again,
        "source": one.source and one.source._asdict(),
        "outcomes": [_outcome(told, story, clock) for told in one.outcomes],
        "waits_until": one.waits_until,
        "changed_nothing": why_nothing(one, story, clock),
    }


def _outcome(told: Told, story: Story, clock: Clock) -> dict[str, Any]:
    outcome = told.outcome
    shown: dict[str, Any] = {
        "id": outcome.outcome_id,
        "words": outcome_in_words(outcome, clock),
        "meaning": REASONS[outcome.reason] if outcome.reason is not None else None,
        "body": outcome.document(),
    }
    found = story.holders.get(outcome.outcome_id)
    return shown if found is None else shown | {"holders": _holders(found)}


def _holders(found: Sequence[Holder]) -> list[dict[str, Any]]:
    return [
        {
            "reservation_id": one.reservation_id,
            "admission_id": one.admission_id,
            "product_id": one.product_id,
            "variant_id": one.variant_id,
            "units": one.units,
            "is_sold": one.is_sold,
            "held_until": None if one.is_sold else one.held_until,
            "order_id": one.order_id,
        }
        for one in found
    ]


def waiting_document(early: EarlyFact) -> dict[str, Any]:
    """Give an event that waits for its admission."""
    return {
        "words": fact_in_words(early.known.fact),
        "source": Source(*early.known.cause[:3])._asdict(),
        "expires_at": early.expires_at,
    }
