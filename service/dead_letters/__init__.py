"""Dead letters for an operator: chosen, shown without their secrets, and sent once more."""
