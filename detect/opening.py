"""A trained detector from what it lies in: a run, read by torch, or a bundle, read without it."""

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from data_tools.core.errors import InputError
from data_tools.runtime.bundle import is_bundle

if TYPE_CHECKING:
    from detect.bundled import BundledDetector
    from detect.trained import TrainedDetector

log = logging.getLogger(__name__)

Runtime = Literal["torch", "onnx"]
AnyDetector: TypeAlias = "TrainedDetector | BundledDetector"


def load(run: Path | str, runtime: Runtime | None = None) -> AnyDetector:
    """The best checkpoint of a finished run, or the detector in a bundle of `detect.export`.

    Args:
        run: folder of either.
        runtime: None reads a run by torch and a bundle by onnxruntime. "onnx" exports a run first, to a folder that is
            gone afterwards.

    Raises:
        InputError: neither there, damaged files, or torch is asked to read a bundle.
    """
    folder = Path(run)
    if is_bundle(folder):
        if runtime == "torch":
            raise InputError(f"{folder}: a bundle holds graphs for onnxruntime alone; give the run for --runtime torch")
        from detect.bundled import load_bundle

        return load_bundle(folder)
    if runtime != "onnx":
        from detect.trained import load as load_run

        return load_run(folder)
    from detect.bundled import load_bundle
    from detect.exporting import export

    log.info("exporting for this once; python -m detect.export %s --out BUNDLE keeps the result", folder)
    with tempfile.TemporaryDirectory() as temporary:
        return load_bundle(export(folder, Path(temporary) / "bundle"))
