"""New names for types that no type of a source has."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from data_tools.core.records import Sample
from data_tools.formats.words.folders import name_of

_SHOWN = 5


def unmet_names(type_map: Mapping[str, str], types: Iterable[str]) -> list[str]:
    """A warning for each key of a type map that was met nowhere, with the type that is nearest to it.

    Args:
        type_map: by old names in lower case.
        types: that were met, by their names in the source.
    """
    names = {name.lower(): name for name in sorted(types)}
    warnings = []
    for key in type_map:
        if key in names:
            continue
        near = difflib.get_close_matches(key, names, n=1)
        shown = [names[name] for name in near] or sorted(names.values())[:_SHOWN]
        told = f"did you mean {shown[0]!r}?" if near else f"it has {', '.join(map(repr, shown)) or 'none'}"
        warnings.append(f"--type_map: {key!r} is no type of the source and renames nothing; {told}")
    return warnings


def folder_types(samples: Sequence[Sample]) -> set[str]:
    """What the folders of images may have been taken for as types."""
    return {name_of(part) for sample in samples for part in PurePosixPath(sample.path).parts[:-1]}
