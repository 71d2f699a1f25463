"""Who may import whom, and which modules must start without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = {
    "data_tools": {"data_tools"},
    "detect": {"detect", "data_tools"},
    "classify": {"classify", "data_tools"},
    "configs": {"configs"},
}
MODULES = [path for package in ALLOWED for path in sorted((ROOT / package).rglob("*.py"))]
TORCH_FREE = [
    "data_tools.core.records",
    "data_tools.core.geometry",
    "data_tools.core.heatmaps",
    "data_tools.convert",
    "data_tools.splits",
    "data_tools.judging.evaluate",
    "data_tools.report.table",
    "data_tools.report.html",
    "data_tools.synth",
    "detect.evaluate",
    "detect.visualize",
]


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(node.module or "")
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_import_only_what_they_may(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    foreign = imported(path) & (ALLOWED.keys() | {"tests"}) - ALLOWED[package]
    assert not foreign, f"{path.relative_to(ROOT)} imports {sorted(foreign)}"


def test_one_file_each_knows_albumentations_and_timm() -> None:
    users = {name: {path.name for path in MODULES if name in imported(path)} for name in ("albumentations", "timm")}
    assert users == {"albumentations": {"transforms.py"}, "timm": {"backbones.py"}}


@pytest.mark.parametrize("module", TORCH_FREE)
def test_converting_and_judging_need_no_torch(module: str) -> None:
    code = f"import sys, {module}; print(sorted({{'torch', 'timm', 'albumentations'}} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
