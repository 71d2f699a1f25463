from pathlib import Path

import pytest


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Predictions of a watch that has only written its header."""
    path = tmp_path / "w.jsonl"
    path.write_text('{"schema": 1}\n')
    return path
