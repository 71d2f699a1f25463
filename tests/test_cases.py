"""Inputs that once went wrong, each with its right outcome: the cases beside the repository, run as a user would."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.absent import absent

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT.parent / "shared" / "cases"
DATA = sorted(path.parent for path in (CASES / "data").glob("*/expected.json"))


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    path = CASES / "check.py"
    if not path.is_file():
        absent(f"cases not found at {CASES}")
    spec = importlib.util.spec_from_file_location("check", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_there_are_cases(checker: ModuleType) -> None:
    assert len(DATA) >= 32


@pytest.mark.parametrize("case", DATA, ids=lambda path: path.name)
def test_a_case_has_its_right_outcome(checker: ModuleType, case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PROJECT", str(ROOT))
    assert checker.check(case, sys.executable) == []
