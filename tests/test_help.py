"""Every command's --help: at once, without torch and without a network."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import ROOT, modules

# started by detect.compare_detectors alone, for one training each
_INNER = {"detect.compare_detectors.peer"}
COMMANDS = sorted(
    name.removesuffix(".__main__")
    for name, path in modules().items()
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8") and name not in _INNER
)
HELP = """
import runpy, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise AssertionError(f"a network is asked for: {event} {arguments}")

sys.addaudithook(refuse)
sys.argv = [sys.argv[1], "--help"]
try:
    runpy.run_module(sys.argv[0], run_name="__main__")
except SystemExit as leaving:
    assert not leaving.code, leaving.code
heavy = {"torch", "torchvision", "timm", "accelerate", "albumentations", "pandas", "sklearn"}
print(sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


def test_there_are_commands() -> None:
    assert {"detect.train", "classify.predict", "data_tools.convert", "detect.screening"} <= set(COMMANDS)
    assert len(COMMANDS) >= 20


@pytest.mark.parametrize("command", COMMANDS)
def test_help_loads_nothing_heavy_and_asks_nobody(command: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HELP, command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"
    assert "--help" in done.stdout
    assert list(tmp_path.iterdir()) == []
