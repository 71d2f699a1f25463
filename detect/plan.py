"""Look at a dataset and say how a detector would be trained on it, and why; nothing is trained.

python -m detect.plan DATASET
python -m detect.plan DATASET --recipe thorough
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from data_tools.commands.callable_door import make_callable
from data_tools.commands.planning import TrainingParts, run_planning
from detect.learnable import require_boxes
from detect.recipe import plan
from detect.settings import Settings

if TYPE_CHECKING:
    from data_tools.training.experiment import Experiment


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    return run_planning("detect", Settings, plan, require_boxes, _parts, argv)


def _parts(experiment: "Experiment", settings: Settings) -> TrainingParts:
    from data_tools.networks.backbones import build_backbone
    from detect.inference import detect_everywhere
    from detect.preparing import looks_of, loss_of, prepare

    made = prepare(experiment, settings, build_backbone(settings.model.backbone, settings.model.weights))
    return TrainingParts(
        made.model,
        made.loader,
        loss_of,
        lambda samples: detect_everywhere(made.model, samples, experiment.pixels, made.input, "timing", in_views=False),
        looks_of(experiment.dataset, made.config.prediction.views, made.input),
    )


make_callable(__name__, plan)

if __name__ == "__main__":
    raise SystemExit(main())
