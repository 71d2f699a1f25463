"""The import table of README.md, and which modules must start without torch."""

import subprocess
import sys

import pytest

from tests.architecture import ROOT, circles, imports, modules, room_arrows, room_of

_DATA_ROOMS = {
    "core": "",
    "files": "core",
    "metrics": "core",
    "formats": "core files",
    "interop": "core files",
    "networks": "core files",
    "loading": "core files",
    "splitting": "core files",
    "synthetic": "core files splitting",
    "converting": "core files formats splitting",
    "judging": "core files metrics",
    "auditing": "core files metrics splitting networks",
    "training": "core files loading networks metrics splitting",
    "runtime": "core files loading metrics",
    "report": "core files metrics judging auditing",
    "commands": "core files synthetic training",
}
MAY_IMPORT = {
    f"data_tools.{room}": {f"data_tools.{other}" for other in others.split()} for room, others in _DATA_ROOMS.items()
}
EVERY_ROOM = set(MAY_IMPORT)
MAY_IMPORT |= {
    "data_tools": EVERY_ROOM,
    "doors": EVERY_ROOM,
    "detect": EVERY_ROOM,
    "classify": EVERY_ROOM,
    "configs": set(),
}
INSIDE_FUNCTIONS_ONLY = {("data_tools.auditing", "data_tools.networks")}
WITH_TORCH = {"data_tools.loading", "data_tools.networks", "data_tools.training", "detect", "classify"}
HEAVY = {"torch", "torchvision", "timm", "accelerate", "albumentations", "safetensors", "pytorch_grad_cam", "pandas"}
ONE_PLACE = {"albumentations": {"data_tools.loading.transforms"}, "pytorch_grad_cam": {"classify.cam_package"}}
TORCH_FREE = (
    "data_tools",
    "detect",
    "classify",
    "data_tools.convert",
    "data_tools.export",
    "data_tools.splits",
    "data_tools.synth",
    "data_tools.judging.evaluate",
    "data_tools.report.html",
    "data_tools.runtime.batches",
    "data_tools.runtime.sessions",
    "classify.bundled",
    "classify.export",
    "classify.predict",
    "detect.bundled",
    "detect.evaluate",
    "detect.export",
    "detect.predict",
    "detect.serve",
    "detect.serving.running",
    "detect.visualize",
)


def test_rooms_import_only_what_their_row_allows() -> None:
    rooms = {room_of(name) for name in modules()}
    assert rooms == set(MAY_IMPORT), "a room without a row, or a row without a room"
    wrong = sorted((a, b) for a, b in room_arrows() if b not in MAY_IMPORT[a])
    assert not wrong, f"arrows that the table does not have: {wrong}"


def test_some_arrows_are_carried_out_in_functions_only() -> None:
    known = modules()
    for one in imports():
        if one.target in known and (room_of(one.source), room_of(one.target)) in INSIDE_FUNCTIONS_ONLY:
            assert not one.at_start, f"{one.source} imports {one.target} at its start"


def test_there_is_no_circle() -> None:
    known = modules()
    assert circles(room_arrows()) == []
    at_start = {(one.source, one.target) for one in imports() if one.target in known and one.at_start}
    assert circles(at_start) == []


def test_nobody_imports_a_door() -> None:
    doors = {name for name in modules() if room_of(name) == "doors"}
    assert len(doors) >= 9
    assert [one for one in imports() if one.target in doors] == []


def test_tests_are_imported_by_tests_alone() -> None:
    assert [one for one in imports() if one.target == "tests"] == []


def test_heavy_packages_are_imported_where_they_may_be() -> None:
    for one in imports():
        if one.target in HEAVY and one.at_start:
            assert room_of(one.source) in WITH_TORCH, f"{one.source} imports {one.target} at its start"
    for package, places in ONE_PLACE.items():
        assert {one.source for one in imports() if one.target == package} == places


def test_circles_are_seen() -> None:
    """The check itself: a -> b -> c -> a is one circle, d stands alone."""
    assert circles({("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")}) == [{"a", "b", "c"}]
    assert circles({("a", "b"), ("b", "c"), ("a", "c")}) == []


@pytest.mark.parametrize("module", TORCH_FREE)
def test_converting_and_judging_need_no_torch(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'timm', 'albumentations'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
