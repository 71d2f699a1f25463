"""A command's module that can be called as the function behind it, because both have the same name.

`python -m detect.train` is the command, `detect.train(data, settings)` the function, in whatever order they are
imported.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(module: str, function: Callable[..., Any]) -> None:
    """Let the imported module of this name be called as `function`."""

    class Door(ModuleType):
        __doc__ = function.__doc__

        def __call__(self, *positional: Any, **named: Any) -> Any:
            return function(*positional, **named)

    sys.modules[module].__class__ = Door
