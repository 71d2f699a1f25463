"""A trained detector from a run, by torch, or from a bundle, without it."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from data_tools.loading.pairs import given_templates
from data_tools.runtime.engines import Engine
from data_tools.runtime.opening import Runtime, opened

if TYPE_CHECKING:
    from detect.bundled import BundledDetector
    from detect.trained import TrainedDetector

AnyDetector: TypeAlias = "TrainedDetector | BundledDetector"


def load(run: Path | str, runtime: Runtime | None = None, reference: Path | str | None = None) -> AnyDetector:
    """The best checkpoint of a finished run, or the detector in a bundle of `detect.export`.

    Args:
        run: folder of either.
        runtime: None reads a run by torch and a bundle by onnxruntime. "onnx" and "openvino" export a run first, to a
            folder that is gone afterwards.
        reference: folder with a template for each image, which a run needs that was trained with them, see
            `data_tools.files.templates`; None for any other run.

    Raises:
        InputError: neither there, no such runtime, damaged files, torch is asked to read a bundle, or templates lack
            for a run that needs them, or are given to one that needs none.
    """
    return given_templates(open_any(run, runtime), reference, run)


def open_any(run: Path | str, runtime: Runtime | None = None) -> AnyDetector:
    """As `load`, also of a run that needs templates, which has none then and predicts nothing."""
    return opened(run, runtime, _load_run, _load_bundle, _export)


def _load_run(folder: Path) -> "TrainedDetector":
    from detect.trained import load as load_run

    return load_run(folder)


def _load_bundle(folder: Path, engine: Engine) -> "BundledDetector":
    from detect.bundled import load_bundle

    return load_bundle(folder, engine)


def _export(run: Path, out: Path) -> Path:
    from detect.exporting import export

    return export(run, out)
