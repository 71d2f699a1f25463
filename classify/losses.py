"""What the classifier learns from: cross-entropy with its variants, and where boxes are used its own map."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.ops import sigmoid_focal_loss

from classify.cam_supervision import cam_loss, evidence_map
from classify.models import Classifier
from data_tools.core.errors import InputError
from data_tools.loading.batch import Batch
from data_tools.networks.cam import recorded, the_map
from data_tools.training import processes


@dataclass(frozen=True)
class LossConfig:
    """What is added to the plain cross-entropy; all off by default.

    Attributes:
        focal_gamma: images already judged rightly count less, by (1 - p)^gamma (Lin et al., ICCV 2017); 0 is off, else
            at least 1.
        label_smoothing: targets 0 and 1 become e/2 and 1 - e/2; in 0..1.
        mixup_alpha: images and targets of a batch are blended in pairs, with a share drawn from Beta(alpha, alpha)
            (Zhang et al., ICLR 2018); 0 is off.
        cam_weight: weight of the loss that pulls the class-activation map into the boxes of the training images and
            flattens it on good ones, see `classify.cam_supervision`; 0 is off. The run has then used training boxes.
    """

    focal_gamma: float = 0.0
    label_smoothing: float = 0.0
    mixup_alpha: float = 0.0
    cam_weight: float = 0.0

    def check(self) -> None:
        """Raises InputError for values that make no loss, naming the key."""
        if self.focal_gamma != 0 and not self.focal_gamma >= 1:
            raise InputError(f"loss.focal_gamma {self.focal_gamma}: 0 switches it off, else at least 1 (2 is usual)")
        if not 0 <= self.label_smoothing < 1:
            raise InputError(f"loss.label_smoothing {self.label_smoothing}: must be at least 0 and below 1")
        for name in ("mixup_alpha", "cam_weight"):
            if not getattr(self, name) >= 0:
                raise InputError(f"loss.{name} {getattr(self, name)}: must not be negative")
        if self.mixup_alpha and self.cam_weight:
            raise InputError(
                "loss.mixup_alpha blends images, whose boxes then say nothing: set it or loss.cam_weight to 0"
            )


class ClassifierLoss:
    """The losses of a batch by name.

    Args:
        model: whose maps are supervised.
        config: see `LossConfig`.
        positive_weight: weight of defect images.

    Raises:
        InputError: a value out of its range.
    """

    def __init__(self, model: Classifier, config: LossConfig, positive_weight: float) -> None:
        config.check()
        self.model, self.config, self.positive_weight = model, config, positive_weight

    def __call__(self, network: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Scalars "bce" and, with supervised maps, "cam"; `network` is the model as the fit loop has wrapped it."""
        if self.config.cam_weight == 0:
            return {"bce": self._classification(network, batch)}
        layer = self.model.backbone.layers[-1]
        with recorded(layer) as outputs:
            losses = {"bce": self._classification(network, batch)}
        evidence = evidence_map(the_map(outputs), self.model.linear.weight[0])
        return losses | {"cam": self.config.cam_weight * cam_loss(evidence, batch)}

    def _classification(self, network: nn.Module, batch: Batch) -> Tensor:
        if self.config.mixup_alpha > 0:
            batch = mixed_up(batch, self.config.mixup_alpha)
        smooth = self.config.label_smoothing
        targets = batch.defect * (1 - smooth) + smooth / 2
        logits = network(batch.images, batch.generators())[:, 0]
        return weighted_focal(logits, targets, self.config.focal_gamma, self.positive_weight)


def weighted_focal(logits: Tensor, targets: Tensor, gamma: float, positive_weight: float) -> Tensor:
    """Mean binary cross-entropy with a focal factor and a class weight: (n,) logits and targets in 0..1 -> scalar."""
    each: Tensor = sigmoid_focal_loss(logits.float(), targets, alpha=-1, gamma=gamma, reduction="none")
    return (each * (1 + (positive_weight - 1) * targets)).mean()


def mixed_up(batch: Batch, alpha: float) -> Batch:
    """The batch with each image and its target blended with another's, all by one share; from the batch's seed.

    The other image may be one of another process.
    """
    images, defect = processes.concatenate(batch.images), processes.concatenate(batch.defect)
    rng = np.random.default_rng(batch.seed)
    share, order = float(rng.beta(alpha, alpha)), rng.permutation(len(defect))
    other = torch.from_numpy(order[batch.place : batch.place + len(batch.defect)]).to(images.device)
    return replace(
        batch,
        images=share * batch.images + (1 - share) * images[other],
        defect=share * batch.defect + (1 - share) * defect[other],
    )
