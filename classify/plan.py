"""Look at a dataset and say how the baseline would be trained on it, and why; nothing is trained.

python -m classify.plan DATASET
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from classify.learnable import require_both_labels
from classify.recipe import plan
from classify.settings import Settings
from data_tools.commands.callable_door import make_callable
from data_tools.commands.planning import TrainingParts, run_planning

if TYPE_CHECKING:
    from data_tools.training.experiment import Experiment


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_planning("classify", Settings, plan, require_both_labels, _parts, argv)


def _parts(experiment: "Experiment", settings: Settings) -> TrainingParts:
    from classify.inference import logits_of
    from classify.losses import ClassifierLoss
    from classify.models import Classifier
    from classify.training import looks_of, prepare
    from data_tools.networks.backbones import build_backbone

    model = Classifier(build_backbone(settings.model.backbone, settings.model.weights), settings.model)
    seen, loader = prepare(experiment, settings, model.backbone)
    return TrainingParts(
        model,
        loader,
        ClassifierLoss(model, settings.loss),
        lambda samples: logits_of(model, samples, experiment.pixels, seen),
        looks_of(experiment.dataset),
    )


make_callable(__name__, plan)

if __name__ == "__main__":
    raise SystemExit(main())
