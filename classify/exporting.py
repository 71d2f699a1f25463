"""A trained classifier -> a bundle that predicts without torch, heat maps included."""

import logging
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.export import Dim

from classify.bundled import GRAPH_IN, GRAPH_NAME, GRAPH_OUT, ClassifierRecord
from classify.cam import pooled_gradients
from classify.models import Classifier
from classify.reading import CamChoice
from classify.trained import TrainedClassifier, load
from data_tools.commands.prediction import read_finished_manifest
from data_tools.core.errors import InputError
from data_tools.networks.cam_methods import METHODS
from data_tools.networks.cam_names import EXPORTED_METHODS
from data_tools.networks.onnx_graphs import OnnxSame, for_export, from_planes, planes_of, write_graph
from data_tools.runtime.bundle import GRAPH, new_bundle, require_new
from data_tools.runtime.origin import origin_of
from data_tools.training.interrupt import end_if_asked
from data_tools.training.references import reference_of

log = logging.getLogger(__name__)

_EXAMPLE = (2, 70, 93)  # images, height and width: different, and none of them a multiple of a stride
_MOST = 1 << 20  # of any open size; the exporter wants a limit


class _Reader(nn.Module):
    """(n, 1, h, w) gray images, or (n, 2, h, w) with a reference -> `GRAPH_OUT`.

    The map is of the layer that is pooled, so nothing is differentiated.
    """

    def __init__(self, model: Classifier, method: str) -> None:
        super().__init__()
        self.model, self.map_of = model, METHODS[method]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        last = self.model.backbone(from_planes(images, self.model.backbone))[-1]
        linear = self.model.linear
        return linear(last.mean(dim=(2, 3))), self.map_of(last, pooled_gradients(last, linear.weight[0]))


def export(run: Path | str, out: Path | str, cam: str | None = None, data: Path | str | None = None) -> Path:
    """Write the best checkpoint of a finished run as a bundle; gives `out`.

    Args:
        run: folder of the run.
        out: new folder to write.
        cam: method of the heat maps, one of `EXPORTED_METHODS`, on the last layer; None takes the run's own.
        data: folder that the run's data have moved to; None takes the one that the run names.

    Raises:
        InputError: no finished classifier run, damaged files, `out` exists or cannot be written to, maps that take
            gradients, the exporter's packages are not installed, a network that cannot be exported, or other `data`
            than the run's.
    """
    folder, place = Path(run), Path(out)
    require_new(place)
    classifier, manifest = load(folder), read_finished_manifest(folder, "classify")
    record = _record_of(classifier, cam)
    model = for_export(classifier.model, OnnxSame)
    assert isinstance(model, Classifier)
    said = {
        "approach": "classify",
        **origin_of(folder, manifest.values, None if data is None else Path(data)),
        **record.to_json(),
    }
    with new_bundle(place, said, ["scipy>=1.13"]) as new:
        log.info("exporting the network with its maps by %s", record.reading.cam)
        images = torch.rand(_EXAMPLE[0], planes_of(model.backbone), *_EXAMPLE[1:])
        sizes = {axis: Dim(name, min=1, max=_MOST) for axis, name in ((0, "n"), (2, "height"), (3, "width"))}
        example = dict(zip(GRAPH_IN, [images], strict=True))
        write_graph(
            _Reader(model, record.reading.cam.method), example, [sizes], GRAPH_OUT, new / f"{GRAPH_NAME}{GRAPH}"
        )
        end_if_asked()
    return place


def _record_of(classifier: TrainedClassifier, method: str | None) -> ClassifierRecord:
    """What the bundle says, with the run's own choice of maps or that method on the last layer.

    Raises:
        InputError: such maps take gradients.
    """
    backbone, own = classifier.model.backbone, classifier.reading
    reading = own if method is None else replace(own, cam=CamChoice(method, backbone.strides[-1]))
    if reading.cam.method not in EXPORTED_METHODS or reading.cam.stride != backbone.strides[-1]:
        raise InputError(
            f"maps by {reading.cam} take gradients or many passes, which a graph does not have; --cam with one of "
            f"{', '.join(EXPORTED_METHODS)} exports those of the last layer, of stride {backbone.strides[-1]}"
        )
    fraction = classifier.box_fraction if reading == own else None
    return ClassifierRecord(
        classifier.input, reading, fraction, classifier.boxes_used_for, reference_of(classifier.model.backbone)
    )
