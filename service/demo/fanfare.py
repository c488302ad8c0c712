"""What Fanfare tells of a sale, as its documentation has it: vocabularies A, B and C."""

from collections.abc import Sequence

from service.demo.envelope import Envelope, Envelopes, Shopper, items, of


class Fanfare(Envelopes):
    """Tells what happens to shoppers."""

    def admitted(self, shopper: Shopper) -> Envelope:
        """Admit a shopper to a queue."""
        at, ends_at = shopper.admitted_at, shopper.admitted_at + self.window_seconds
        token = f"token_{shopper.name}_{round(at * 1000)}"
        match shopper.vocabulary:
            case "A":
                data = self.as_a(shopper, "admittedAt", at)
                data |= {"admissionToken": token, "waitTimeSeconds": 900}
                return self.envelope("A", "queue.consumer.admitted", at, data)
            case "B":
                data = self.as_b(shopper) | {"admissionToken": token, "position": 1}
                data |= {"admittedAt": self.iso(at), "expiresAt": self.iso(ends_at)}
                return self.envelope("B", "queue.consumer_admitted", at, data)
            case "C":
                data = self.as_c(shopper) | {"items": items(shopper.products)}
                return self.envelope("C", "admission.created", at, data)

    def completed(self, shopper: Shopper, at: float, bought: Sequence[str] = ()) -> Envelope:
        """Complete the checkout of a shopper of a queue: of all, or of what was `bought`."""
        order = {"orderId": f"order_{shopper.name}"}
        match shopper.vocabulary:
            case "A":
                data = self.as_a(shopper, "completedAt", at) | order
                return self.envelope("A", "queue.consumer.completed", at, data)
            case "B":
                data = self.as_b(shopper) | order | {"completedAt": self.iso(at)}
                return self.envelope("B", "queue.admission_completed", at, data)
            case "C":
                data = self.as_c(shopper) | ({"items": items(bought)} if bought else {})
                return self.envelope("C", "admission.completed", at, data)

    def left(self, shopper: Shopper, at: float) -> Envelope:
        """Let a shopper leave the checkout."""
        if shopper.vocabulary == "A":
            return self.envelope("A", "queue.consumer.left", at, self.as_a(shopper, "leftAt", at))
        data = self.as_b(shopper) | {"reason": "voluntary"}
        return self.envelope("B", "queue.consumer_left", at, data)

    def denied(self, shopper: Shopper, at: float) -> Envelope:
        """Send a shopper away."""
        data = self.as_a(shopper, "deniedAt", at) | {"reason": "ORDER_LIMIT_EXCEEDED"}
        return self.envelope("A", "queue.consumer.denied", at, data)

    def expired(self, shopper: Shopper, at: float) -> Envelope:
        """Say that the window of a shopper is over, as Fanfare does in B and in C."""
        if shopper.vocabulary == "C":
            return self.envelope("C", "admission.expired", at, self.as_c(shopper))
        data = self.as_b(shopper) | {"expiredAt": self.iso(at)}
        return self.envelope("B", "queue.admission_expired", at, data)

    def order_created(self, shopper: Shopper, at: float) -> Envelope:
        """Tell of an order that is not paid yet, which means nothing to holds."""
        data = self.as_a(shopper, "createdAt", at) | {"orderId": f"order_{shopper.name}"}
        data |= {"amount": "149.99", "items": items([shopper.experience.product_id])}
        return self.envelope("A", "order.created", at, data)

    def order_completed(self, shopper: Shopper, at: float) -> Envelope:
        """Tell of a paid order, which names neither experience nor admission."""
        data = {"orderId": f"order_{shopper.name}", "consumerId": shopper.consumer_id}
        data |= {"completedAt": self.iso(at), "amount": "149.99", "currencyCode": "USD"}
        return self.envelope("A", "order.completed", at, data)

    def winners_selected(self, winners: Sequence[Shopper], at: float) -> Envelope:
        """Admit all winners of a draw, in one record."""
        experience = winners[0].experience
        ends_at = self.iso(at + self.window_seconds)
        data = {
            "drawId": experience.distribution_id,
            "experienceId": experience.experience_id,
            "winners": [
                {
                    "consumerId": winner.consumer_id,
                    "position": position,
                    "claimToken": f"claim_{winner.name}",
                    "claimDeadline": ends_at,
                }
                for position, winner in enumerate(winners, start=1)
            ],
            "totalEntries": 5420,
            "selectionMethod": "random",
        }
        return self.envelope("B", "draw.winners_selected", at, data)

    def prize_claimed(self, winner: Shopper, at: float) -> Envelope:
        """Complete the checkout of a winner of a draw."""
        data = {"consumerId": winner.consumer_id, "orderId": f"order_{winner.name}"}
        return self.envelope("B", "draw.prize_claimed", at, data | of(winner.experience))

    def auction_won(self, winner: Shopper) -> Envelope:
        """Admit a winner of an auction."""
        at = winner.admitted_at
        data = self.as_a(winner, "wonAt", at) | {"winningBidAmount": "500.00"}
        data |= {"currencyCode": "USD", "paymentToken": f"payment_{winner.name}"}
        return self.envelope("A", "auction.consumer.won", at, data)

    def auction_settled(self, winner: Shopper, at: float) -> Envelope:
        """Complete the payment of a winner, whom this type names `winnerId`."""
        data = self.as_a(winner, "settledAt", at) | {"winningBidAmount": "500.00"}
        data["winnerId"] = data.pop("consumerId")
        return self.envelope("A", "auction.settled", at, data)

    def winner_notified(self, winner: Shopper) -> Envelope:
        """Offer a unit to the next bidder; there is neither token nor deadline in it."""
        data = {"consumerId": winner.consumer_id} | of(winner.experience)
        return self.envelope("B", "auction.winner_notified", winner.admitted_at, data)
