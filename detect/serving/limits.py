"""How much the service takes on."""

from dataclasses import dataclass

from data_tools.core.checks import require_number


@dataclass(frozen=True)
class Limits:
    """What a request may cost, and all of them together.

    Attributes:
        max_bytes: of an image file.
        timeout_s: seconds from a request's arrival to its answer.
        queue: requests that are being answered at once; a further one is refused.
        batch: images that the model is given together.
    """

    max_bytes: int = 32_000_000
    timeout_s: float = 30.0
    queue: int = 64
    batch: int = 8

    def __post_init__(self) -> None:
        require_number("--max_bytes", self.max_bytes, 1)
        require_number("--timeout_s", self.timeout_s, above=0)
        require_number("--queue", self.queue, 1)
        require_number("--batch", self.batch, 1)

    @property
    def most_held(self) -> int:
        """Bytes of all requests together that are held in memory, so that many large files cannot take all of it."""
        return 8 * self.max_bytes
