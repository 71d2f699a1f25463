"""Tables as Markdown."""

from collections.abc import Sequence

from data_tools.core.printable import printable


def pipes(rows: Sequence[Sequence[str]]) -> str:
    r"""Rows, the first of them the heading, as a table; what a cell holds ends neither the cell nor the line.

    >>> print(pipes([["", "a|b"], ["x", "1"]]))
    |  | a\|b |
    | --- | --- |
    | x | 1 |
    """
    lines = ["| " + " | ".join(printable(cell).replace("|", r"\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
