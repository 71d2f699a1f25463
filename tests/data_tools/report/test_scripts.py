"""The scripts of the page share one scope: a function of a name that is taken replaces the other without a word."""

import re
from collections import Counter
from importlib.resources import files

from data_tools.report.html import SCRIPTS


def test_no_function_is_defined_twice() -> None:
    folder = files("data_tools.report") / "page"
    text = "\n".join((folder / name).read_text(encoding="utf-8") for name in SCRIPTS)
    names = Counter(re.findall(r"^(?:function|const|let|class) (\w+)", text, flags=re.M))
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []
