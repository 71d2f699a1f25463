"""Which format a source has: the one named, or the one that recognises it."""

from collections.abc import Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.formats.registry import Format, formats
from data_tools.formats.seen import seen_in


def choose_format(sources: Sequence[Path], name: str) -> tuple[Format, str]:
    """The format with the given name, or for "auto" the one that recognises every source; and why.

    Raises:
        InputError: unknown name; no format or several formats recognise the sources.
    """
    known = formats()
    if name != "auto":
        if name not in known:
            raise InputError(f"--format {name}: this version reads {', '.join(known)}")
        return known[name], "as given"
    reasons = {}
    for candidate in known.values():
        why = [candidate.recognise(source) for source in sources]
        if all(why):
            reasons[candidate.name] = str(why[0])
    if len(reasons) == 1:
        (chosen,) = reasons
        return known[chosen], reasons[chosen]
    listed = ", ".join(map(str, sources))
    if not reasons:
        saw = "; ".join(seen_in(source) for source in sources[:3])
        raise InputError(
            f"{listed}: no format recognises this: {saw}; name one with --format ({', '.join(known)}), or the columns "
            "of a table without a header with --columns"
        )
    raise InputError(f"{listed}: could be {' or '.join(f'{n} ({why})' for n, why in reasons.items())}; use --format")
