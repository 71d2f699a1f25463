"""The shared toolbox: read a dataset, judge predictions of it, write predictions. Nothing heavy before it is used."""

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from data_tools.core.starting import end_quietly_while_starting

end_quietly_while_starting()

# Threads that wait for each other by spinning make a training several times slower as soon as another process wants a
# core (a step of the baseline beside one busy process: 1.2 s instead of 5.4 s). OpenMP reads this when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from data_tools.core.records import Dataset as Dataset
    from data_tools.core.records import Prediction as Prediction
    from data_tools.core.records import Sample as Sample
    from data_tools.core.records import Splits as Splits
    from data_tools.files.dataset_folder import read_dataset as read_dataset
    from data_tools.files.dataset_folder import write_dataset as write_dataset
    from data_tools.files.predictions import read_predictions as read_predictions
    from data_tools.files.predictions import write_predictions as write_predictions
    from data_tools.files.runs import Run as Run
    from data_tools.files.runs import read_run as read_run
    from data_tools.judging.evaluation_report import EvaluationReport as EvaluationReport
    from data_tools.judging.judge_predictions import evaluate as evaluate

_PLACES = {
    "Dataset": "data_tools.core.records",
    "EvaluationReport": "data_tools.judging.evaluation_report",
    "evaluate": "data_tools.judging.judge_predictions",
    "Prediction": "data_tools.core.records",
    "Run": "data_tools.files.runs",
    "Sample": "data_tools.core.records",
    "Splits": "data_tools.core.records",
    "read_run": "data_tools.files.runs",
    "read_dataset": "data_tools.files.dataset_folder",
    "write_dataset": "data_tools.files.dataset_folder",
    "read_predictions": "data_tools.files.predictions",
    "write_predictions": "data_tools.files.predictions",
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
