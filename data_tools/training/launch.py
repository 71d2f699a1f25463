"""What the start of this process says, without torch."""

import os


def number_started() -> int:
    """How many processes torchrun has started together, this one among them; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Whether this process is the one that speaks for all of them."""
    return os.environ.get("RANK", "0") == "0"
