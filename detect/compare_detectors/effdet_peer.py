"""EfficientDet-Lite0 of the package `effdet` (Apache-2.0; Tan et al. 2020), a single-stage detector, by its own recipe.

The package is not one of this project's dependencies. Install it beside them, into a folder of its own:

    pip install --no-deps --target PEERS effdet omegaconf "antlr4-python3-runtime==4.9.*"
    PYTHONPATH=PEERS python -m detect.compare_detectors ...

Model, input size (320 px), anchors, losses, augmentation (mirror left to right, random scale 0.1 to 2 with crop) and
suppression are the package's for `tf_efficientdet_lite0`. The recipe is that of its `train.py`: SGD with momentum 0.9,
weight decay 4e-5, gradient norm at most 10, learning rate 0.09 for 64 images, warm-up and cosine, batches of 16. Good
images take part. Images with a defect but without boxes are left out, because the package would learn them as good.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.optim import param_groups_weight_decay
from torch import Tensor
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from data_tools.core.errors import InputError
from data_tools.core.records import UNBOXED, Prediction, Sample
from data_tools.files.images import read_gray, resolve_under
from data_tools.networks.backbones import build_backbone
from data_tools.networks.weights import PACKAGED_BACKBONE
from detect.compare_detectors.schedule import linear_rule, warmed_up_cosine
from detect.compare_detectors.training import Recipe, device, to_prediction

MODEL = "tf_efficientdet_lite0"
LR, LR_IMAGES, WARMUP_LR, LOWEST_LR = 0.09, 64, 1e-4, 1e-5
MOMENTUM, WEIGHT_DECAY, GRAD_CLIP, BATCH_SIZE = 0.9, 4e-5, 10.0, 16

Batch = tuple[Tensor, dict[str, Any]]


def recipe(samples: Sequence[Sample], root: Path, num_classes: int, pretrained: bool, lr_share: float = 1.0) -> Recipe:
    """EfficientDet-Lite0 on training samples.

    Args:
        samples: of the train split.
        root: folder that their paths are relative to.
        num_classes: without the background.
        pretrained: start from the packaged ImageNet weights of the same backbone, not from random ones.
        lr_share: of the recipe's learning rate.

    Raises:
        InputError: the package is not at hand.
    """
    effdet = import_effdet()
    bench = effdet.create_model(
        MODEL,
        bench_task="train",
        num_classes=num_classes,
        pretrained=False,
        pretrained_backbone=False,
        bench_labeler=True,
    )
    if pretrained:
        bench.model.backbone.load_state_dict(build_backbone(PACKAGED_BACKBONE, "package").body.state_dict())
    bench.to(device())
    known = [sample for sample in samples if sample.status != UNBOXED]
    to_batch = _Collate(bench.config)
    dataset = _Images(known, root, _transform("train", bench.config))
    loader: DataLoader[Any] = DataLoader(dataset, BATCH_SIZE, shuffle=True, drop_last=True, collate_fn=to_batch)
    highest = lr_share * linear_rule(LR, LR_IMAGES, BATCH_SIZE)
    groups = param_groups_weight_decay(bench, WEIGHT_DECAY)
    return Recipe(
        bench,
        loader,
        lambda batch: bench(*_moved(batch))["loss"],
        torch.optim.SGD(groups, highest, MOMENTUM),
        lambda progress, _: warmed_up_cosine(progress, highest, WARMUP_LR, LOWEST_LR),
        lambda chosen, folder: _predict(bench.model, chosen, folder),
        lambda batch: float(batch[0].shape[0] * batch[0].shape[-2] * batch[0].shape[-1]),
        GRAD_CLIP,
        settings={
            "model": f"effdet {effdet.version.__version__} {MODEL}",
            "backbone": f"{PACKAGED_BACKBONE}, {'weights of the package' if pretrained else 'random weights'}",
            "input": f"{bench.config.image_size[0]} px square, padded",
            "batch_size": BATCH_SIZE,
            "lr": highest,
            "images": len(known),
            "left_out": len(samples) - len(known),
        },
    )


def import_effdet() -> Any:
    """The package.

    Raises:
        InputError: it is not at hand; the message says how to install it.
    """
    try:
        import effdet
        import effdet.version
    except ImportError as error:
        raise InputError(
            f"the single-stage peer needs the package effdet, which is no dependency of this project ({error}); "
            'pip install --no-deps --target PEERS effdet omegaconf "antlr4-python3-runtime==4.9.*", and set '
            "PYTHONPATH=PEERS"
        ) from error
    return effdet


def _transform(kind: str, config: Any) -> Any:
    from effdet.data import transforms

    make = {"train": transforms.transforms_coco_train, "test": transforms.transforms_coco_eval}[kind]
    return make(tuple(config.image_size), use_prefetcher=True, mean=tuple(config.mean), std=tuple(config.std))


def _moved(batch: Batch) -> Batch:
    images, target = batch
    return images.to(device()), {name: [one.to(device()) for one in values] for name, values in target.items()}


class _Images(Dataset[tuple[np.ndarray, dict[str, Any]]]):
    """Images with boxes as y1, x1, y2, x2, through the package's transformations."""

    def __init__(self, samples: Sequence[Sample], root: Path, transform: Any) -> None:
        self.samples, self.root, self.transform = samples, root, transform

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[np.ndarray, dict[str, Any]]:
        sample = self.samples[index]
        image = Image.fromarray(read_gray(resolve_under(self.root, sample.path))).convert("RGB")
        boxes = sample.boxes_xyxy[:, [1, 0, 3, 2]].astype(np.float32)
        pixels, target = self.transform(image, {"bbox": boxes, "cls": sample.labels.copy()})
        return pixels, target


class _Collate:
    """Stack images, normalised as the model wants them; boxes and classes stay a list, one an image."""

    def __init__(self, config: Any) -> None:
        self.mean, self.std = (torch.tensor(tuple(v)).view(1, 3, 1, 1) * 255 for v in (config.mean, config.std))

    def __call__(self, items: Sequence[tuple[np.ndarray, dict[str, Any]]]) -> Batch:
        images = torch.from_numpy(np.stack([image for image, _ in items])).float()
        target: dict[str, Any] = {"bbox": [torch.from_numpy(one["bbox"]) for _, one in items]}
        target |= {"cls": [torch.from_numpy(one["cls"]).float() for _, one in items]}
        target |= {"img_scale": [torch.tensor(one["img_scale"]) for _, one in items]}
        return (images - self.mean) / self.std, target


@torch.inference_mode()
def _predict(model: Any, samples: Sequence[Sample], root: Path) -> list[Prediction]:
    from effdet import DetBenchPredict

    bench = DetBenchPredict(model).to(device()).eval()
    dataset = _Images(samples, root, _transform("test", bench.config))
    loader: DataLoader[Any] = DataLoader(dataset, 8, collate_fn=_Collate(bench.config))
    predictions: list[Prediction] = []
    for images, target in tqdm(loader, desc="predicting", leave=False):
        chosen = samples[len(predictions) : len(predictions) + len(images)]
        sizes = torch.tensor([sample.size_hw[::-1] for sample in chosen], dtype=torch.float32)
        scales = torch.stack(target["img_scale"]).float()
        answers = bench(images.to(device()), {"img_scale": scales.to(device()), "img_size": sizes.to(device())})
        for sample, rows in zip(chosen, answers.cpu().numpy().astype(np.float64), strict=True):
            rows = rows[rows[:, 4] > 0]  # the package fills up with rows of zeros
            predictions.append(to_prediction(sample, rows[:, :4], rows[:, 4], rows[:, 5].astype(np.int64)))
    return predictions
