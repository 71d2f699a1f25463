"""What the start of this process says, without torch."""

import os


def number_started() -> int:
    """How many processes torchrun has started together, this one among them; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1"))
