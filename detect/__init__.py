"""The region-proposal detector: `plan`, `train`, `load`, `export` and `Settings`, imported when they are used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from data_tools.core.starting import end_quietly_while_starting

end_quietly_while_starting()

if TYPE_CHECKING:
    from data_tools.loading.copy_paste import PasteConfig as PasteConfig
    from data_tools.loading.input_config import InputConfig as InputConfig
    from data_tools.training.fit_config import FitConfig as FitConfig
    from detect.config import DetectorConfig as DetectorConfig
    from detect.export import export as export
    from detect.opening import load as load
    from detect.recipe import plan as plan
    from detect.settings import Settings as Settings
    from detect.trained import TrainedDetector as TrainedDetector
    from detect.training import train as train

_PLACES = {
    "DetectorConfig": "detect.config",
    "FitConfig": "data_tools.training.fit_config",
    "InputConfig": "data_tools.loading.input_config",
    "PasteConfig": "data_tools.loading.copy_paste",
    "Settings": "detect.settings",
    "TrainedDetector": "detect.trained",
    "export": "detect.export",
    "load": "detect.opening",
    "plan": "detect.recipe",
    "train": "detect.training",
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)
