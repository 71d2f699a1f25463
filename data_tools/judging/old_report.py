"""An earlier report.json, read as if it came from anybody, and the predictions that it was made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.core.fields import Fields
from data_tools.core.printable import printable
from data_tools.core.records import PredictionSet
from data_tools.files.checksums import FileMark, mark
from data_tools.files.json_object import read_object
from data_tools.files.predictions import read_predictions
from data_tools.judging.judged import Entry, require_name
from data_tools.judging.metric import KeyPath

_COUNTS = ("n_images", "n_good", "n_boxed", "n_unboxed")
_SOURCES = ("predictions", "validation")
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class OldRun:
    """A run of the earlier report.

    Attributes:
        metrics: its figures, each checked when it is asked for.
        source: the files that it was judged from; empty where the report does not say.
    """

    metrics: Fields
    source: Mapping[str, FileMark]


@dataclass(frozen=True)
class OldReport:
    """An earlier report.

    Attributes:
        path: of its file.
        split: that was judged.
        counts: of images, by "n_images", "n_good", "n_boxed", "n_unboxed", and "n_groups" where it is known.
        truth_sha256: of the images with their truth; None in reports of earlier versions.
        approaches: the runs of each approach, by label.
        engines: what computed a metric, by its name.
    """

    path: Path
    split: str
    counts: Mapping[str, int]
    truth_sha256: str | None
    approaches: Mapping[str, Mapping[str, OldRun]]
    engines: Mapping[str, str]


def read_old_report(path: Path) -> OldReport:
    """Read a report.json.

    Raises:
        InputError: no report of this schema, a missing key or a wrong value; the message names file and key.
    """
    return old_report_of(read_object(path), path)


def old_report_of(value: Fields, path: Path) -> OldReport:
    """The report in a JSON object, which stands in the file of this path.

    Raises:
        InputError: see `read_old_report`.
    """
    value.choice("schema", (1,))
    data, runs = value.group("data"), value.group("runs")
    truth = data.text("truth_sha256") if data.values.get("truth_sha256") is not None else None
    counts = {key: data.integer(key) for key in (*_COUNTS, *(["n_groups"] if "n_groups" in data else []))}
    approaches: dict[str, dict[str, OldRun]] = {}
    for label in runs.values:
        run = runs.group(label)
        # before there were approaches every run was one
        name = run.text("approach") if "approach" in run else label
        for one in (label, name):
            require_name(one, f"{path}: 'runs'")
        approaches.setdefault(name, {})[label] = OldRun(run.group("metrics"), _source(run))
    if not approaches:
        raise InputError(f"{path}: 'runs' is empty, so there is nothing to compare with")
    given = value.group_if_there("engines")
    engines = {name: printable(given.text(name)) for name in given.values}
    return OldReport(path, data.text("split"), counts, truth, approaches, engines)


def _source(run: Fields) -> dict[str, FileMark]:
    if "source" not in run:
        return {}
    source = run.group("source")
    source.only(_SOURCES)
    files = {name: source.group(name) for name in source.values}
    for one in files.values():
        digest = one.text("sha256")
        one.require(len(digest) == 64 and set(digest) <= _DIGITS, "sha256", "64 hexadecimal digits")
    return {name: FileMark(one.text("path"), one.text("sha256")) for name, one in files.items()}


def old_number(run: OldRun, path: KeyPath) -> float | None:
    """The figure at a path of a run's metrics; None where it is null or not there.

    Raises:
        InputError: it is no number.
    """
    section = _section(run, path) if path else None
    return None if section is None or path[-1] not in section else section.optional_number(path[-1])


def old_interval(run: OldRun, path: KeyPath, value: float) -> tuple[float, float] | None:
    """The interval of a value, at a path of a run's metrics; None where it is null or not there.

    Raises:
        InputError: it is no pair of numbers with the value between them.
    """
    section = _section(run, path)
    if section is None or section.values.get(path[-1]) is None:
        return None
    ends = section.numbers(path[-1], most_numbers=2)
    good = len(ends) == 2 and ends[0] <= value <= ends[1]
    section.require(good, path[-1], f"two numbers with the value {value:.6g} between them")
    return ends[0], ends[1]


def _section(run: OldRun, path: KeyPath) -> Fields | None:
    section = run.metrics
    for key in path[:-1]:
        if section.values.get(key) is None:
            return None
        section = section.group(key)
    return section


def reopen(report: OldReport, approach: str) -> tuple[list[Entry], str]:
    """The runs of an approach as they were judged then; none, and the reason, where their predictions are not at hand.

    A file is looked for where the report says, as seen from here and from the report's folder, and beside the report.
    It is taken only if it has the content of then.
    """
    entries = []
    for label, run in report.approaches[approach].items():
        if "predictions" not in run.source:
            return [], "the report does not say which file of predictions it was made from"
        sets: dict[str, PredictionSet] = {}
        for name, then in run.source.items():
            path = _find(then, report.path.parent)
            if path is None:
                return [], f"{printable(then.path)} is not at hand as it was then"
            try:
                sets[name] = read_predictions(path)
            except InputError as error:
                return [], str(error)
        entries.append(Entry(label, sets["predictions"], sets.get("validation")))
    return entries, ""


def _find(then: FileMark, folder: Path) -> Path | None:
    places: Sequence[Path] = (Path(then.path), folder / then.path, folder / Path(then.path).name)
    for path in places:
        try:
            if path.is_file() and mark(path).sha256 == then.sha256:
                return path
        except (OSError, ValueError):  # a name that no file can have, or one that may not be read
            continue
    return None
