"""What the tests of training share."""

import pytest

from data_tools.training import fit


@pytest.fixture(autouse=True)
def _no_picture_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits of a few tiny steps would spend most of their time on curves.png, which test_end_to_end asks for."""
    monkeypatch.setattr(fit, "draw_curves", lambda *_: None)
