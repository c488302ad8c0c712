"""An outcome as a line: when, what, of what, whose, and what else applies."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from service.explain.words import clock_of

_COLOURS: Final = {
    "reserved": 36,
    "converted": 32,
    "extended": 36,
    "transferred": 36,
    "released": 34,
    "returned": 34,
    "expired": 33,
    "at_risk": 33,
    "rejected": 90,
    "refused": 90,
    "unfulfilled": 31,
    "ambiguous": 35,
    "orphaned": 35,
    "adjusted": 35,
}


def outcome_line(outcome: Mapping[str, Any], *, coloured: bool = False) -> str:
    """Put an outcome's JSON body into a line; the admission is what `explain` takes.

    Every line has its date, in UTC: it may be kept, and read beside logs of other machines.
    """
    at = _instant(outcome["occurredAt"])
    clock = clock_of(at.date())
    details = [
        _units(outcome),
        _whose(outcome),
        outcome.get("reason"),
        f"until {clock(_instant(outcome['expiresAt']))}" if "expiresAt" in outcome else None,
        "late" if outcome.get("late") else None,
        "oversold" if outcome.get("oversold") else None,
        outcome.get("orderId"),
        f"admission {outcome['admissionId']}" if "admissionId" in outcome else None,
        outcome.get("explanation"),
    ]
    return "  ".join(
        (
            f"{at:%Y-%m-%d %H:%M:%S} UTC",
            _word(outcome["type"], coloured),
            *filter(None, details),
            f"[lane {outcome['lane']} #{outcome['sequence']}]",
        )
    )


def _units(outcome: Mapping[str, Any]) -> str | None:
    """Tell of how many units of what it is; an outcome of a whole admission is of none."""
    if "productId" not in outcome:
        return None
    product = "/".join(filter(None, (outcome["productId"], outcome.get("variantId"))))
    if "changes" in outcome:  # of a stock line as a whole
        return f"{product}  " + ", ".join(map(_change, outcome["changes"]))
    return f"{outcome['quantity']} × {product}"


def _change(change: Mapping[str, Any]) -> str:
    pool = f" of {change['experienceId']}" if "experienceId" in change else ""
    return f"{change['counter']}{pool} {change['before']} → {change['after']}"


def _whose(outcome: Mapping[str, Any]) -> str | None:
    before = outcome.get("fromConsumerId")
    return f"{before} → {outcome['consumerId']}" if before else outcome.get("consumerId")


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _word(kind: str, coloured: bool) -> str:
    padded = f"{kind:<11}"
    return f"\x1b[{_COLOURS.get(kind, 0)}m{padded}\x1b[0m" if coloured else padded
