"""TensorBoard event files beside metrics.jsonl, on demand."""

from importlib.util import find_spec
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.training.metrics_file import read_lines

EVENTS = "tensorboard"


def require_tensorboard() -> None:
    """Refuse before the work where the package is not there.

    Raises:
        InputError: how to get it.
    """
    if find_spec("tensorboard") is None:
        raise InputError("fit.tensorboard: not installed; pip install tensorboard, or '.[tensorboard]' here")


def write_events(metrics: Path, folder: Path) -> None:
    """Write every epoch of a metrics.jsonl to event files in `folder`, anew.

    A resumed run has dropped lines that its checkpoint does not know; event files cannot, so they are written from the
    lines. An epoch is a few dozen numbers, so that costs nothing.
    """
    from torch.utils.tensorboard import SummaryWriter

    folder.mkdir(exist_ok=True)
    for old in folder.glob("events.out.tfevents.*"):
        old.unlink()
    with SummaryWriter(str(folder)) as writer:
        for line in read_lines(metrics):
            values = {f"loss/{name}": value for name, value in line["losses"].items()}
            values |= {f"validation/{name}": value for name, value in line["validation"].items()}
            for name, value in (values | {"lr": line["lr"], "images_per_s": line["images_per_s"]}).items():
                if value is not None:
                    writer.add_scalar(name, value, line["step"])
