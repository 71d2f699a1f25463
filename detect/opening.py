"""A trained detector from a run, by torch, or from a bundle, without it."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from data_tools.runtime.engines import Engine
from data_tools.runtime.opening import Runtime, opened

if TYPE_CHECKING:
    from detect.bundled import BundledDetector
    from detect.trained import TrainedDetector

AnyDetector: TypeAlias = "TrainedDetector | BundledDetector"


def load(run: Path | str, runtime: Runtime | None = None) -> AnyDetector:
    """The best checkpoint of a finished run, or the detector in a bundle of `detect.export`.

    Args:
        run: folder of either.
        runtime: None reads a run by torch and a bundle by onnxruntime. "onnx" and "openvino" export a run first, to a
            folder that is gone afterwards.

    Raises:
        InputError: neither there, no such runtime, damaged files, or torch is asked to read a bundle.
    """
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
