"""Look at a dataset and say how the baseline would be trained on it, and why; nothing is trained.

python -m classify.plan DATASET
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classify.recipe import plan
from classify.settings import Settings
from data_tools.commands.callable_door import make_callable
from data_tools.commands.planned import planned_settings
from data_tools.commands.planning import run_planning
from data_tools.training.recipe import Plan

if TYPE_CHECKING:
    from data_tools.training.experiment import Experiment


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_planning("classify", plan, expected_minutes, argv)


def expected_minutes(experiment: "Experiment", decided: Plan) -> float:
    """Minutes of a training by a plan on this machine, from a few steps of it.

    Raises:
        InputError: data that a classifier cannot learn from.
    """
    from classify.inference import BATCH_SIZE, logits_of
    from classify.losses import ClassifierLoss
    from classify.models import Classifier
    from classify.training import require_both_labels
    from data_tools.networks.backbones import build_backbone
    from data_tools.training.batches import decide_by_layout, training_loader
    from data_tools.training.expected_time import measure
    from data_tools.training.fit import seed_everything

    settings = planned_settings(Settings, decided, "classify")
    require_both_labels(experiment.dataset)
    seed_everything(settings.fit.seed)
    model = Classifier(build_backbone(settings.model.backbone, settings.model.weights), settings.model)
    seen, _ = decide_by_layout(experiment, settings.input)
    loader = training_loader(experiment, seen, settings.fit)
    val, test = experiment.dataset.split("val"), experiment.dataset.split("test")

    def predict_some() -> int:
        some = val[: 2 * BATCH_SIZE]
        logits_of(model, some, experiment.root, seen)
        return len(some)

    times = measure(model, loader, ClassifierLoss(model, settings.loss), settings.fit, predict_some)
    return times.minutes(settings.fit, len(loader), len(val), len(val) + len(test))


make_callable(__name__, plan)

if __name__ == "__main__":
    raise SystemExit(main())
