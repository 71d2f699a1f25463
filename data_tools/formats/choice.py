"""Which format a source has: the one named, or the one that recognises it."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.formats.registry import Format, ReadOptions, flag_of, formats
from data_tools.formats.seen import seen_in


def require_read(chosen: Format, options: ReadOptions) -> None:
    """Refuse options that a format does not read, so that none does nothing.

    Those at their default say nothing, and neither do the corners that the format has anyway.

    Raises:
        InputError: one of them is not read; it is named, with the formats that read it.
    """
    for option in sorted(options.changed() - chosen.reads):
        if option != "corners" or options.corners != chosen.corners:
            able = ", ".join(name for name, one in formats().items() if option in one.reads)
            raise InputError(f"{flag_of(option)} has no meaning in {chosen.name}; it is read by {able}; leave it out")


def choose_format(sources: Sequence[Path], name: str, options: ReadOptions | None = None) -> tuple[Format, str]:
    """The format with the given name, or for "auto" the one that recognises every source; and why.

    Args:
        sources: files and folders.
        name: of a format, or "auto".
        options: of which named columns say that the source is a table without a header, which nothing else tells.

    Raises:
        InputError: unknown name; no format or several formats recognise the sources.
    """
    known = formats()
    if name != "auto":
        if name not in known:
            raise InputError(f"--format {name}: this version reads {', '.join(known)}")
        return known[name], "as given"
    if options is not None and options.columns:
        return next(one for one in known.values() if "columns" in one.reads), "as --columns says"
    reasons = _reasons({name: one.recognise for name, one in known.items()}, sources)
    for later in ("recognise_next", "recognise_last"):
        if not reasons:
            able = {name: how for name, one in known.items() if (how := getattr(one, later)) is not None}
            reasons = _reasons(able, sources)
    if len(reasons) == 1:
        (chosen,) = reasons
        return known[chosen], reasons[chosen]
    listed = ", ".join(map(str, sources))
    if not reasons:
        saw = "; ".join(seen_in(source) for source in sources[:3])
        raise InputError(
            f"{listed}: no format recognises this: {saw}; name one with --format ({', '.join(known)}), or the columns "
            "of a table without a header with --columns, such as image,label,unused"
        )
    raise InputError(f"{listed}: could be {' or '.join(f'{n} ({why})' for n, why in reasons.items())}; use --format")


def _reasons(recognise: Mapping[str, Callable[[Path], str | None]], sources: Sequence[Path]) -> dict[str, str]:
    """Why every source looks like a format, by the names of the formats of which that is so."""
    why = {name: [looks_like(source) for source in sources] for name, looks_like in recognise.items()}
    return {name: str(reasons[0]) for name, reasons in why.items() if all(reasons)}
