"""What a test does without something that it needs and that nobody installs for it."""

import os
from typing import NoReturn

import pytest


def absent(reason: str) -> NoReturn:
    """Skip the test, with the reason; in CI, where everything must be tested, fail it."""
    if os.environ.get("CI"):
        pytest.fail(f"never skipped in CI: {reason}", pytrace=False)
    pytest.skip(reason)
