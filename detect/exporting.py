"""A trained detector -> a bundle that predicts without torch."""

import logging
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim
from torchvision.ops import roi_align

from data_tools.commands.prediction import read_finished_manifest
from data_tools.core.anchors import STRIDES
from data_tools.core.errors import InputError
from data_tools.networks.onnx_graphs import for_export, from_planes, planes_of, write_graph
from data_tools.runtime.bundle import GRAPH, new_bundle, require_new
from data_tools.runtime.origin import origin_of
from data_tools.training.interrupt import end_if_asked
from data_tools.training.references import reference_of
from detect.box_heads import BoxHead
from detect.bundle_record import (
    FEATURES,
    FEATURES_IN,
    FEATURES_OUT,
    HEAD_IN,
    HEAD_OUT,
    PAD_TO,
    POOLED,
    DetectorRecord,
    Precision,
    ProposalRule,
    head_name,
)
from detect.model import Detector
from detect.quantised import make_int8, validation_images
from detect.trained import TrainedDetector, load

log = logging.getLogger(__name__)

_EXAMPLE = (2, 4, 5)  # images, and strides of 32 down and across: different, and none of them 1
_EXAMPLE_BOXES = 3
_MOST = 1 << 20  # of any open size; the exporter wants a limit


class _Features(nn.Module):
    """Backbone, pyramid, proposal head and image head: (n, 1, h, w) gray images -> `FEATURES_OUT`.

    (n, 2, h, w) with the difference from the reference where the backbone has one.
    """

    def __init__(self, model: Detector) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        maps = self.model.backbone(from_planes(images, self.model.backbone))
        pyramid = list(self.model.fpn(OrderedDict(zip(POOLED, maps, strict=True))).values())
        objectness, deltas = self.model.rpn.head(pyramid)
        return (*pyramid[: len(POOLED)], self.model.image_head(maps[-1], pyramid)[:, :1], *objectness, *deltas)


class _Head(nn.Module):
    """One box head with the pooling before it: the maps, and (k, 5) boxes of each -> logits and deltas."""

    def __init__(self, head: BoxHead) -> None:
        super().__init__()
        self.head, self.cells = head, head.box_roi_pool.cells
        self.samples = head.box_roi_pool.sampling_ratio

    def forward(
        self, p2: Tensor, p3: Tensor, p4: Tensor, p5: Tensor, in_p2: Tensor, in_p3: Tensor, in_p4: Tensor, in_p5: Tensor
    ) -> tuple[Tensor, Tensor]:
        levels = zip((p2, p3, p4, p5), (in_p2, in_p3, in_p4, in_p5), STRIDES, strict=False)
        pooled = [roi_align(maps, boxes, self.cells, 1 / stride, self.samples) for maps, boxes, stride in levels]
        logits, deltas = self.head.box_predictor(self.head.box_head(torch.cat(pooled)))
        return logits, deltas


def export(
    run: Path | str,
    out: Path | str,
    precision: Precision = "fp32",
    data: Path | str | None = None,
    reference: Path | str | None = None,
) -> Path:
    """Write the best checkpoint of a finished run as a bundle; gives `out`.

    Args:
        run: folder of the run.
        out: new folder to write.
        precision: "int8" has backbone and pyramid compute in int8, calibrated on the run's validation images.
        data: folder that the run's data have moved to; None takes the one that the run names.
        reference: for int8, the folder that the run's templates have moved to.

    Raises:
        InputError: no finished detector run, damaged files, `out` exists or cannot be written to, the exporter's
            packages are not installed, a network that cannot be exported, other `data` than the run's, or for int8 the
            run's data or templates are not there.
    """
    folder, place, moved = Path(run), Path(out), None if data is None else Path(data)
    require_new(place)
    if reference is not None and precision != "int8":
        raise InputError(f"--reference {reference}: only --precision int8 looks at templates, a bundle holds none")
    detector, manifest = load(folder), read_finished_manifest(folder, "detect")
    validation, templates = None, None if reference is None else Path(reference)
    if precision == "int8":
        validation = validation_images(folder, manifest.values, moved, templates)
    model = for_export(detector.model)
    assert isinstance(model, Detector)
    own = _record_of(detector)
    record = {"approach": "detect", **origin_of(folder, manifest.values, moved), **own.to_json()}
    with new_bundle(place, record) as temporary:
        log.info("exporting backbone, pyramid, proposal head and image head")
        _write_features(model, temporary / f"{FEATURES}{GRAPH}")
        for number, head in enumerate(model.box_heads.row()):
            log.info("exporting box head %d", number + 1)
            end_if_asked()
            _write_head(model, head, temporary / f"{head_name(number)}{GRAPH}")
        end_if_asked()
        if validation is not None:
            record |= make_int8(temporary, own, validation)
    return place


def _record_of(detector: TrainedDetector) -> DetectorRecord:
    model = detector.model
    rpn: Any = model.rpn
    return DetectorRecord(
        detector.input,
        model.config.prediction,
        detector.score_rule,
        ProposalRule(
            rpn._post_nms_top_n["testing"], rpn._pre_nms_top_n["testing"], float(rpn.nms_thresh), float(rpn.min_size)
        ),
        tuple(one.cpu().numpy() for one in rpn.anchor_generator.cell_anchors),
        tuple(tuple(head.box_coder.weights) for head in model.box_heads.row()),
        reference=reference_of(model.backbone),
    )


def _write_features(model: Detector, path: Path) -> None:
    number, rows, columns = _EXAMPLE
    images = torch.rand(number, planes_of(model.backbone), rows * PAD_TO, columns * PAD_TO)
    sizes = {0: Dim("n", min=1, max=_MOST), 2: PAD_TO * Dim("rows", max=_MOST), 3: PAD_TO * Dim("columns", max=_MOST)}
    write_graph(_Features(model), dict(zip(FEATURES_IN, [images], strict=True)), [sizes], FEATURES_OUT, path)


def _write_head(model: Detector, head: BoxHead, path: Path) -> None:
    number, rows, columns = _EXAMPLE
    width = model.config.fpn_channels
    scales = [PAD_TO // stride for stride in STRIDES[: len(POOLED)]]
    maps = [torch.rand(number, width, rows * scale, columns * scale) for scale in scales]
    one_box = torch.tensor([[0.0, 0.0, 0.0, 64.0, 64.0]])
    boxes = [one_box.repeat(_EXAMPLE_BOXES + place, 1) for place in range(len(POOLED))]
    images = Dim("n", min=1, max=_MOST)
    of_maps = [{0: images, 2: Dim(f"rows_{name}", max=_MOST), 3: Dim(f"columns_{name}", max=_MOST)} for name in POOLED]
    of_boxes = [{0: Dim(f"boxes_{name}", min=0, max=_MOST)} for name in POOLED]
    example = dict(zip(HEAD_IN, [*maps, *boxes], strict=True))
    write_graph(_Head(head), example, [*of_maps, *of_boxes], HEAD_OUT, path)
