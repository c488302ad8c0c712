"""What the demo sells, to how many shoppers, and by which rules."""

from dataclasses import dataclass
from typing import Final, Self

from db.policies import PolicyRow
from db.pool_fill import PoolRow
from db.stock_import import StockRow
from schemas.policy import Offer, Policy, Windows
from schemas.vocabulary import DistributionType, Strategy

ORGANIZATION: Final = "org_lumen"
SHADE: Final = "lamp-shade"

SHOPPERS_MIN: Final = 60  # with fewer, some part of the story would have nobody to play it
SECONDS_MIN: Final = 8.0  # a hold lasts two whole seconds then, and its expiry a tick


@dataclass(frozen=True, slots=True)
class Experience:
    """One way to get a lamp: how shoppers are admitted, and how units are held for them."""

    distribution_type: DistributionType
    strategy: Strategy
    product_id: str
    shoppers: int
    units: int

    @property
    def experience_id(self) -> str:
        return f"exp_{self.distribution_type}"

    @property
    def distribution_id(self) -> str:
        return f"{self.distribution_type}_lumen"


@dataclass(frozen=True, slots=True)
class Shop:
    """Three experiences, each with fewer units than shoppers, and holds of a few seconds."""

    queue: Experience
    draw: Experience
    auction: Experience
    window_seconds: int
    buffer_seconds: int

    @classmethod
    def for_crowd(cls, shoppers: int, seconds: float) -> Self:
        """Share the shoppers out; a hold lasts a quarter of the sale."""
        at_auction, at_draw = max(8, shoppers // 12), shoppers // 4
        in_queue = shoppers - at_auction - at_draw
        return cls(
            Experience("queue", "soft", "moon-lamp", in_queue, in_queue * 3 // 10),
            Experience("draw", "pool", "sun-lamp", at_draw, at_draw * 2 // 5),
            Experience("auction", "hard", "star-globe", at_auction, at_auction * 2 // 5),
            window_seconds=max(1, round(seconds / 5)),
            buffer_seconds=1 if seconds >= 15 else 0,
        )

    @property
    def experiences(self) -> tuple[Experience, ...]:
        return self.queue, self.draw, self.auction

    @property
    def product_ids(self) -> tuple[str, ...]:
        """Give all products in the order in which they are shown."""
        return self.queue.product_id, SHADE, self.draw.product_id, self.auction.product_id

    @property
    def hold_seconds(self) -> int:
        """Give how long a hold lasts when nobody ends it."""
        return self.window_seconds + self.buffer_seconds

    def stock(self) -> list[StockRow]:
        """Give the stock to import: every lamp of the queue may go with a shade."""
        units = {one.product_id: one.units for one in self.experiences} | {SHADE: self.queue.units}
        return [
            StockRow(line, ORGANIZATION, product_id, "", units[product_id])
            for line, product_id in enumerate(self.product_ids, start=2)
        ]

    def pools(self) -> list[PoolRow]:
        """Give what is set aside: all units of the draw."""
        draw = self.draw
        return [PoolRow(2, ORGANIZATION, draw.experience_id, draw.product_id, "", draw.units)]

    def policies(self) -> list[PolicyRow]:
        """Give the rules of each experience; a cart of lamp and shade is held whole or not."""
        seconds = self.window_seconds
        return [
            PolicyRow(
                ORGANIZATION,
                one.experience_id,
                Policy(
                    strategy=one.strategy,
                    cart="all_or_nothing",
                    window_seconds=Windows(queue=seconds, draw=seconds, auction=seconds),
                    buffer_seconds=self.buffer_seconds,
                    items=(Offer(product_id=one.product_id),),
                ),
            )
            for one in self.experiences
        ]
