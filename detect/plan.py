"""Look at a dataset and say how a detector would be trained on it, and why; nothing is trained.

python -m detect.plan DATASET
python -m detect.plan DATASET --recipe thorough
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from data_tools.commands.callable_door import make_callable
from data_tools.commands.planned import planned_settings
from data_tools.commands.planning import run_planning
from data_tools.training.recipe import Plan
from detect.recipe import plan
from detect.settings import Settings

if TYPE_CHECKING:
    from data_tools.training.experiment import Experiment


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_planning("detect", plan, expected_minutes, argv)


def expected_minutes(experiment: "Experiment", decided: Plan) -> float:
    """Minutes of a training by a plan on this machine, from a few steps of it.

    Raises:
        InputError: data that a detector cannot learn from.
    """
    from data_tools.networks.backbones import build_backbone
    from data_tools.training.expected_time import measure
    from data_tools.training.fit import seed_everything
    from detect.inference import detect_everywhere
    from detect.looking import BATCH_SIZE
    from detect.preparing import loss_of, prepare
    from detect.training import require_boxes

    settings = planned_settings(Settings, decided, "detect")
    require_boxes(experiment.dataset)
    seed_everything(settings.fit.seed)
    made = prepare(experiment, settings, build_backbone(settings.model.backbone, settings.model.weights))
    val, test = experiment.dataset.split("val"), experiment.dataset.split("test")

    def predict_some() -> int:
        some = val[: 2 * BATCH_SIZE]
        detect_everywhere(made.model, some, experiment.root, made.input, "timing")
        return len(some)

    times = measure(made.model, made.loader, loss_of, settings.fit, predict_some)
    return times.minutes(settings.fit, len(made.loader), len(val), len(val) + len(test))


make_callable(__name__, plan)

if __name__ == "__main__":
    raise SystemExit(main())
