"""What an extra of the project installs, and Python that finds nothing else."""

import configparser
import os
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture import ROOT


def extra_of(name: str) -> list[str]:
    """What an extra of setup.cfg names."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config["options.extras_require"][name].split()


def packages_of(extra: str) -> set[str]:
    """The distributions that an extra of setup.cfg installs, with what they require."""
    waiting = extra_of(extra)
    known: set[str] = set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name not in known and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            known.add(name)
            waiting += requires(name) or []
    return known


_places = cache(packages_distributions)  # it reads the records of everything that is installed


def hidden_from(distributions: set[str]) -> list[str]:
    """The packages that other distributions bring, the project's own apart."""
    own = ("data_tools", "detect", "classify", "configs", "tests")
    places = _places().items()
    return [n for n, owners in places if n not in own and not {canonicalize_name(o) for o in owners} & distributions]


def run_with(distributions: set[str], code: str) -> list[str]:
    """Run Python in a process that cannot import what other distributions bring; gives the packages that are hidden."""
    hidden = hidden_from(distributions)
    hide = f"import sys\nfor name in {hidden!r}:\n    sys.modules[name] = None\n"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", hide + code], check=True, cwd=ROOT, env=environment)
    return hidden
