"""The letters of figures: DejaVu Sans, which comes with matplotlib, and behind it what this machine has for others.

In SVG text stays text, and who shows it finds the letters. Elsewhere a letter that no font here has is an empty box; a
font such as Debian's fonts-noto-cjk helps, once matplotlib has listed the fonts anew.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import rc_context
from matplotlib.font_manager import fontManager

_BOLD = 700
_BEYOND = (
    *("Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB"),
    *("Yu Gothic", "Malgun Gothic"),
)
"""For Chinese, Japanese and Korean, on Linux, Windows and macOS."""


def families(in_bold: set[str]) -> list[str]:
    """Names of fonts, the first to be tried first, of those that are there in bold; matplotlib speaks of each other."""
    return ["DejaVu Sans", *(name for name in _BEYOND if name in in_bold)]


FAMILIES = families({font.name for font in fontManager.ttflist if font.weight == _BOLD})


@contextmanager
def drawn_with(settings: Any) -> Iterator[None]:
    """matplotlib's settings inside of this, with these fonts; of letters that none has it does not speak one by one."""
    with rc_context({"font.family": FAMILIES, **settings}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield
