"""How far a training is, and which of its epochs is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from data_tools.core.fields import Fields


@dataclass
class Progress:
    """What a resumed run must know beside tensors; saved with every checkpoint.

    Attributes:
        epoch: epochs completed.
        step: optimizer steps done, over all epochs.
        step_in_epoch: steps done of the epoch under way.
        loss_sums: sum of each loss over those steps.
        lr: of the last step.
        top_epoch: the one with the highest validation; 0 where it was never defined.
        top: that validation.
        top_error: its standard error.
        best_epoch: the one kept, 0 before the first one.
        best: its validation metrics.
        seconds: spent, over all resumed runs.
        boxes_lost: boxes that augmentation clipped away.
        resumed: when the run was taken up again, ISO 8601, UTC.
        validation_seconds: what the last validation took, which a budget of minutes keeps back.
    """

    epoch: int = 0
    step: int = 0
    step_in_epoch: int = 0
    loss_sums: dict[str, float] = field(default_factory=dict)
    lr: float = 0.0
    top_epoch: int = 0
    top: float | None = None
    top_error: float = 0.0
    best_epoch: int = 0
    best: dict[str, float | None] = field(default_factory=dict)
    seconds: float = 0.0
    boxes_lost: int = 0
    resumed: list[str] = field(default_factory=list)
    validation_seconds: float = 0.0

    @classmethod
    def of(cls, state: Fields, epoch_steps: int) -> "Progress":
        """The progress that a checkpoint holds.

        Args:
            state: its JSON part.
            epoch_steps: optimizer steps of an epoch of this run; only the last epoch may have had fewer.

        Raises:
            InputError: a key that is missing, unknown or wrong, or numbers that do not go together.
        """
        state.only([one.name for one in fields(cls)])
        epoch, step = state.integer("epoch"), state.integer("step")
        step_in_epoch = state.integer("step_in_epoch", 0, epoch_steps)
        most = epoch * epoch_steps + step_in_epoch
        state.require(most - epoch_steps <= step <= most, "step", f"what {epoch} epochs of {epoch_steps} steps allow")
        loss_sums = state.named_numbers("loss_sums")
        state.require(bool(loss_sums) == (step_in_epoch > 0), "loss_sums", "given for an epoch under way alone")
        top_epoch, top = state.integer("top_epoch", 0, epoch), state.optional_number("top")
        state.require((top is None) == (top_epoch == 0), "top", "null if, and only if, top_epoch is 0")
        return cls(
            epoch,
            step,
            step_in_epoch,
            {name: value for name, value in loss_sums.items() if value is not None},
            state.number("lr", 0),
            top_epoch,
            top,
            state.number("top_error", 0),
            state.integer("best_epoch", min(epoch, 1), epoch),
            state.named_numbers("best", undefined=True),
            state.number("seconds", 0),
            state.integer("boxes_lost"),
            list(state.texts("resumed", distinct=False)) if "resumed" in state else [],
            state.number("validation_seconds", 0) if "validation_seconds" in state else 0.0,
        )

    def is_stale(self, patience: int | None) -> bool:
        """Whether the highest validation lies too far back."""
        return patience is not None and self.epoch - self.top_epoch >= patience

    def note(self, metrics: Mapping[str, float | None], monitor: str) -> bool:
        """Take note of the validation of the epoch just done; whether that epoch is the one kept now.

        It is if `monitor` is within one standard error, `monitor` + "_error", of the highest so far, or if no
        validation has been defined yet.
        """
        value = metrics.get(monitor)
        if value is not None and (self.top is None or value > self.top):
            self.top_epoch, self.top, self.top_error = self.epoch, value, metrics.get(f"{monitor}_error") or 0.0
        if self.top is None or (value is not None and value >= self.top - self.top_error):
            self.best_epoch, self.best = self.epoch, dict(metrics)
        return self.best_epoch == self.epoch

    def why_kept(self) -> str:
        """What singles out the epoch kept."""
        if self.top is None:
            return "the last, because validation was never defined"
        highest = f"{self.top:.3f} after epoch {self.top_epoch}"
        return f"the last within one standard error ({self.top_error:.3f}) of the highest validation, {highest}"
