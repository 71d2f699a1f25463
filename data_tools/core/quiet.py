"""Packages and modules kept from speaking for a while."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(level: int, *names: str) -> Iterator[None]:
    """Loggers of these names, "" being the root, say nothing below a level inside; then each has its own again."""
    loggers = [logging.getLogger(name) for name in names]
    before = [one.level for one in loggers]
    try:
        for one in loggers:
            one.setLevel(level)
        yield
    finally:
        for one, own in zip(loggers, before, strict=True):
            one.setLevel(own)
