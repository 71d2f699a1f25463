"""The label-only baseline: `plan`, `train`, `load`, `export` and `Settings`, imported when they are used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from data_tools.core.starting import end_quietly_while_starting

end_quietly_while_starting()

if TYPE_CHECKING:
    from classify.config import ClassifierConfig as ClassifierConfig
    from classify.config import LossConfig as LossConfig
    from classify.export import export as export
    from classify.opening import load as load
    from classify.recipe import plan as plan
    from classify.settings import Settings as Settings
    from classify.trained import TrainedClassifier as TrainedClassifier
    from classify.training import train as train
    from data_tools.loading.input_config import InputConfig as InputConfig
    from data_tools.training.fit_config import FitConfig as FitConfig

_PLACES = {
    "ClassifierConfig": "classify.config",
    "FitConfig": "data_tools.training.fit_config",
    "InputConfig": "data_tools.loading.input_config",
    "LossConfig": "classify.config",
    "Settings": "classify.settings",
    "TrainedClassifier": "classify.trained",
    "export": "classify.export",
    "load": "classify.opening",
    "plan": "classify.recipe",
    "train": "classify.training",
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
