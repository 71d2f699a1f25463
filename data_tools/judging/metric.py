"""What a metric says of itself: what it computes, which rows of the table show it, what is compared, and how.

A new metric is one module with a `METRIC` and a line in `data_tools.judging.registry`. The table, the page, the summary
over seeds and the comparisons read its descriptor; none of them knows a metric by name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from data_tools.core.records import Sample
from data_tools.judging.judged import Judged
from data_tools.judging.pairs import Rule
from data_tools.judging.resampling import Sampling

KeyPath = tuple[str, ...]
HIGHER, LOWER = "higher", "lower"
MISSING: Any = object()


class Style(Enum):
    """How a figure is written."""

    THREE_DIGITS = "3"
    ONE_DIGIT = "1"
    PERCENT = "%"
    COUNT = "n"

    @property
    def digits(self) -> int:
        """Decimals."""
        return {"3": 3, "1": 1, "%": 1, "n": 0}[self.value]

    @property
    def scale(self) -> int:
        """What the value is multiplied by."""
        return 100 if self is Style.PERCENT else 1


@dataclass(frozen=True)
class MetricRow:
    """One figure of the report, and the row of the table that shows it.

    Attributes:
        label: of the row; at most 28 characters.
        path: keys that lead to the value in a run's "metrics".
        meaning: one sentence for people who have not seen it before.
        style: how it is written.
        better: `HIGHER`, `LOWER` or "".
        ci95: keys that lead to its interval; empty for none.
        short: shown on a terminal without being asked for, and as n/a where it is undefined everywhere.
        over_seeds: summed up over the seeds of an approach.
    """

    label: str
    path: KeyPath
    meaning: str
    style: Style = Style.THREE_DIGITS
    better: str = HIGHER
    ci95: KeyPath = ()
    short: bool = False
    over_seeds: bool = False

    def __post_init__(self) -> None:
        _require(0 < len(self.label) <= 28, f"metric row {self.label!r}: a label has 1 to 28 characters")
        _require(len(self.path) > 0, f"metric row {self.label!r}: no path")
        _require(self.better in (HIGHER, LOWER, ""), f"metric row {self.label!r}: better {self.better!r}")
        _require(self.meaning.endswith("."), f"metric row {self.label!r}: what it means is a sentence")

    @property
    def key(self) -> str:
        """The path in one word, as "peak_distance.mean_px"."""
        return ".".join(self.path)


@dataclass(frozen=True)
class Comparison:
    """One figure in which approaches are compared.

    Attributes:
        name: as the report's comparisons call it.
        label: of its row in the table.
        rule: how a pair is tested, of `data_tools.judging.pairs`.
        in_family: whether Holm's correction covers it; the others are descriptive.
        style: how the difference is written.
        better: `HIGHER` or `LOWER`.
        short: shown on a terminal without being asked for.
        meaning: one sentence; may be empty where a row of the table has the same label and says it.
        path: keys that lead to the figure in a run's "metrics", to compare reports; empty where it stands nowhere.
    """

    name: str
    label: str
    rule: Rule
    in_family: bool = False
    style: Style = Style.THREE_DIGITS
    better: str = HIGHER
    short: bool = True
    meaning: str = ""
    path: KeyPath = ()


@dataclass(frozen=True)
class Breakdown:
    """Summaries of distances (as `data_tools.metrics.peak_distance.summarise` gives them) by parts of the images.

    Attributes:
        path: keys that lead to the summaries by part in a run's "metrics".
        label: what divides the images.
        order: of the parts; empty for parts that are named by the data.
    """

    path: KeyPath
    label: str
    order: tuple[str, ...] = ()


Sections = dict[str, Any]
"""Parts of a run's "metrics" by key, strict JSON values only; what is undefined is None."""
BaselineRule = Callable[[Sequence[Sample], Sequence[Sample], int, int], Mapping[str, Sections]]
"""Judged samples, training samples, seed and number of resamples -> the sections of each trivial baseline."""


@dataclass(frozen=True)
class Metric:
    """A metric with all that the report needs to know of it.

    Attributes:
        name: as given to --metric.
        compute: a judged run -> the sections it adds to the run's "metrics".
        rows: of the table.
        sampling: what is resampled; None for nothing.
        intervals: where the interval of each resampled statistic is put, by the statistic's name.
        comparisons: between approaches.
        breakdowns: of its figures by parts of the images.
        baselines: what needs no model reaches; None where there is no such thing.
        engine: a chosen box engine -> what computed the metric, in words; None where nothing is to be said.
    """

    name: str
    compute: Callable[[Judged], Sections]
    rows: tuple[MetricRow, ...]
    sampling: Sampling | None = None
    intervals: Mapping[str, KeyPath] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    breakdowns: tuple[Breakdown, ...] = ()
    baselines: BaselineRule | None = None
    engine: Callable[[str], str] | None = None

    def __post_init__(self) -> None:
        _require(not self.intervals or self.sampling is not None, f"metric {self.name}: intervals without sampling")

    def sections(self, judged: Judged) -> Sections:
        """What `compute` gives.

        Raises:
            ValueError: a row, an interval or a breakdown points into a section that is not there.
        """
        sections = self.compute(judged)
        paths = [*(row.path for row in self.rows), *(row.ci95 for row in self.rows if row.ci95)]
        paths += [*self.intervals.values(), *(breakdown.path for breakdown in self.breakdowns)]
        lost = sorted({path[0] for path in paths} - sections.keys())
        _require(not lost, f"metric {self.name}: shows {', '.join(lost)}, but computes {', '.join(sections)}")
        return sections


def look_up(value: Any, path: Sequence[str | int], absent: Any = None) -> Any:
    """The value at a path of keys and places; None where a parent is null, `absent` where a key is not there."""
    for key in path:
        if value is None:
            return None
        if isinstance(key, int) or (isinstance(value, Mapping) and key in value):
            value = value[key]
        else:
            return absent
    return value


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
