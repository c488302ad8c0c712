"""How numbers are told to people."""


def counted(number: int, noun: str) -> str:
    """Give "1 hold" or "2 holds", for nouns that only take an s."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
