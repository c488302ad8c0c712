"""Where the hold's end has moved and no outcome says so. No I/O."""

from collections.abc import Iterator

from service.explain.lines import Line
from service.explain.story import Source, Story, source_of
from service.explain.words import Clock


def end_in_silence(story: Story, clock: Clock) -> Iterator[Line]:
    """Say that the hold's end has moved without a word.

    A repeated admission moves it, and so does an extension that turns out to have come too late.
    """
    said = [told.outcome.expires_at for told in story.outcomes if told.outcome.expires_at]
    if said and said[-1] != story.admission.expires_at:
        until = clock(story.admission.expires_at)
        why = "an extension was taken back" if _is_taken_back(story) else "the admission came again"
        yield Line(f"Since then the hold's end has moved to {until}: {why}.")


def _is_taken_back(story: Story) -> bool:
    """Tell whether an extension was granted that is not any more."""
    granted = {source_of(told) for told in story.outcomes if told.outcome.type == "extended"}
    return any(
        Source(*known.cause[:3]) in granted and known.answer != "extended"
        for known in story.admission.facts
    )
