"""A trained model from what it lies in: a run, read by torch, or a bundle, read without it."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from data_tools.core.errors import InputError
from data_tools.files.atomic import scratch_folder
from data_tools.runtime.bundle import is_bundle
from data_tools.runtime.engines import Engine

log = logging.getLogger(__name__)

Runtime = Literal["torch", "onnx", "openvino"]
RUNTIMES: tuple[Runtime, ...] = ("torch", "onnx", "openvino")
RUNTIME_HELP = (
    "what carries out the network: torch a run; onnx (onnxruntime) or openvino a bundle, without torch, and a run by "
    "exporting it for this once; by default torch for a run, onnx for a bundle"
)
OfRun = TypeVar("OfRun")
OfBundle = TypeVar("OfBundle")


def opened(
    run: Path | str,
    runtime: Runtime | None,
    load_run: Callable[[Path], OfRun],
    load_bundle: Callable[[Path, Engine], OfBundle],
    export: Callable[[Path, Path], Path],
) -> OfRun | OfBundle:
    """The model in a run or a bundle, by the runtime that is asked for; see `RUNTIME_HELP`.

    Args:
        run: folder of either.
        runtime: None reads a run by torch and a bundle by onnxruntime.
        load_run, load_bundle: of the approach.
        export: writes a run as a bundle, to a folder that is gone afterwards.

    Raises:
        InputError: neither there, no such runtime, damaged files, or torch is asked to read a bundle.
    """
    if not isinstance(run, str | Path):
        raise InputError(f"run: {type(run).__name__} is no folder; give the path of a run or a bundle")
    if runtime is not None and runtime not in RUNTIMES:
        raise InputError(f"runtime {runtime!r}: not of {', '.join(RUNTIMES)}")
    folder = Path(run)
    if is_bundle(folder):
        if runtime == "torch":
            raise InputError(f"{folder}: a bundle holds graphs, none for torch; give the run for --runtime torch")
        return load_bundle(folder, runtime or "onnx")
    if runtime is None or runtime == "torch":
        return load_run(folder)
    log.info("exporting for this once; the export command keeps the result: --run BUNDLE")
    with scratch_folder() as temporary:
        return load_bundle(export(folder, temporary / "bundle"), runtime)
