"""What the classifier learns from: cross-entropy, and where boxes are used its own map."""

from torch import Tensor, nn
from torch.nn import functional

from classify.cam_supervision import cam_loss, evidence_map
from classify.config import LossConfig
from classify.models import Classifier
from data_tools.loading.batch import Batch
from data_tools.networks.cam import recorded, the_map


class ClassifierLoss:
    """The losses of a batch by name.

    Args:
        model: whose maps are supervised.
        config: see `LossConfig`.
    """

    def __init__(self, model: Classifier, config: LossConfig) -> None:
        self.model, self.config = model, config

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Scalars "bce" and, with supervised maps, "cam"; `network` is the model as the fit loop has wrapped it."""
        if self.config.cam_weight == 0:
            return {"bce": _cross_entropy(network, batch)}
        layer = self.model.backbone.layers[-1]
        with recorded(layer) as outputs:
            losses = {"bce": _cross_entropy(network, batch)}
        evidence = evidence_map(the_map(outputs), self.model.linear.weight[0])
        return losses | {"cam": self.config.cam_weight * cam_loss(evidence, batch, self.model.backbone.strides[-1])}


def _cross_entropy(network: nn.Module, batch: Batch) -> Tensor:
    logits = network(batch.images, batch.generators(), batch.sizes_hw)[:, 0]
    return functional.binary_cross_entropy_with_logits(logits.float(), batch.defect)
