"""The typed result of judging; report.json is its serialisation and a pandas table its short form."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_tools.files.atomic import write_json
from data_tools.files.checksums import FileMark
from data_tools.judging.changes import Against
from data_tools.judging.judged import Judged
from data_tools.judging.metric import MISSING, MetricRow, look_up
from data_tools.judging.registry import metric_rows

if TYPE_CHECKING:
    import pandas

SCHEMA = 1


@dataclass(frozen=True)
class DataSummary:
    """The images that were judged: how many, of which status, in how many groups.

    Attributes:
        remarks: what a reader must know of them before believing any figure, a sentence each.
        truth_sha256: tells these images with this truth from any others, see `data_tools.files.dataset_folder`.
    """

    n_images: int
    n_good: int
    n_boxed: int
    n_unboxed: int
    split: str
    n_groups: int
    remarks: tuple[str, ...] = ()
    truth_sha256: str | None = None


@dataclass(frozen=True)
class RunReport:
    """One run.

    Attributes:
        producer: what its predictions say of their origin.
        approach: the name that it shares with runs that differ by their seed alone.
        metrics: sections as report.json has them; every figure lies at the path of a `MetricRow`.
        remarks: what a reader must know of the run before believing its figures, a sentence each.
        source: the files that it was judged from, as `data_tools.judging.judged.Entry` has them.
    """

    producer: str
    approach: str
    metrics: Mapping[str, Any]
    remarks: tuple[str, ...] = ()
    source: Mapping[str, FileMark] = field(default_factory=dict)


@dataclass(frozen=True)
class SeedSummary:
    """One figure over the runs of an approach; `sd` is None for a single run."""

    mean: float
    sd: float | None
    min: float
    max: float
    n_runs: int


@dataclass(frozen=True)
class ApproachReport:
    """An approach: the labels of its runs, and the figures over them by key, as "auc.value"."""

    runs: tuple[str, ...]
    metrics: Mapping[str, SeedSummary]


@dataclass(frozen=True)
class Difference:
    """Approach a minus approach b in one figure.

    Attributes:
        metric: the comparison's name.
        a, b: names of the approaches.
        value_a, value_b: means over seeds on the images that are compared.
        difference: of these two.
        ci95: its 95 % interval; None where there are not enough groups.
        p_value: two-sided, without correction; None where it is unknown.
        test: how interval and p-value came about.
        n: images behind it.
        seeds_a, seeds_b: runs of each approach.
        in_family: whether Holm's correction covers it.
        images_to_settle: about how many such images would show a difference of this size, where none is shown.
        groups_to_settle: how many groups these are.
        n_groups: groups of the images behind it.
        per_image_test, per_image_p_value: a test that takes images to be independent, where every group is one image.
        p_value_holm: corrected; None outside the family.
    """

    metric: str
    a: str
    b: str
    difference: float
    ci95: tuple[float, float] | None
    p_value: float | None
    test: str
    n: int
    seeds_a: int
    seeds_b: int
    in_family: bool
    images_to_settle: int | None
    groups_to_settle: int | None
    n_groups: int
    value_a: float
    value_b: float
    per_image_test: str | None = None
    per_image_p_value: float | None = None
    p_value_holm: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As a row of report.json, where what few comparisons have stands only if it is known."""
        row = asdict(self) | {"ci95": None if self.ci95 is None else list(self.ci95)}
        return {key: value for key, value in row.items() if value is not None or key not in _WHERE_KNOWN}


_WHERE_KNOWN = ("per_image_test", "per_image_p_value", "p_value_holm")


@dataclass(frozen=True)
class Family:
    """The comparisons that are corrected together, and how the resampling was done."""

    metrics: tuple[str, ...]
    correction: str
    resamples: int
    seed: int


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """What judging found.

    Attributes:
        data: the images.
        runs: by label.
        approaches: by name.
        baselines: sections of metrics by the name of a trivial baseline.
        comparisons: of every pair of approaches.
        family: what is corrected together.
        verdict: one sentence a pair on who is closer; None without a comparison of distances.
        engines: what computed a metric, by its name, where that may differ between machines.
        against: what changed since an earlier report; None where none was given.
        judged: the runs as the metrics saw them, from which curves and pictures are drawn; not part of report.json.
    """

    data: DataSummary
    runs: Mapping[str, RunReport]
    approaches: Mapping[str, ApproachReport]
    baselines: Mapping[str, Mapping[str, Any]]
    comparisons: tuple[Difference, ...]
    family: Family
    verdict: str | None
    engines: Mapping[str, str] = field(default_factory=dict)
    judged: Mapping[str, Judged] = field(default_factory=dict, repr=False)
    against: Against | None = None

    def save(self, path: Path | str) -> None:
        """Write report.json, atomically."""
        write_json(Path(path), self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The value of report.json: strict JSON, undefined figures are None."""
        report: dict[str, Any] = {
            "schema": SCHEMA,
            "data": asdict(self.data) | {"remarks": list(self.data.remarks)},
            "runs": {label: _run(run) for label, run in self.runs.items()},
            "approaches": {name: _approach(one) for name, one in self.approaches.items()},
            "baselines": {name: dict(sections) for name, sections in self.baselines.items()},
            "comparisons": [one.to_json() for one in self.comparisons],
        }
        if self.engines:
            report["engines"] = dict(self.engines)
        family = asdict(self.family) | {"metrics": list(self.family.metrics)}
        report |= {"family": family, "verdict": self.verdict}
        return report if self.against is None else report | {"against": self.against.to_json()}

    def to_frame(self) -> "pandas.DataFrame":
        """One row a run, in the order of `runs`, for pandas.

        Columns are "label", "approach" and "producer", then each figure of the table that was judged, float64 and NaN
        where undefined, named by its keys: "auc.value", "peak_distance.mean_px". A figure with a 95 % interval is
        followed by its ends: "auc.lower" and "auc.upper", "peak_distance.mean_px.lower" and ".upper".

        >>> from data_tools.judging.evaluation_report import *
        >>> summary = DataSummary(3, 2, 1, 0, "test", 1)
        >>> run = RunReport("detect", "ours", {"auc": {"value": 0.9, "ci95": [0.8, 0.95]}})
        >>> report = EvaluationReport(summary, {"a": run}, {}, {}, (), Family((), "Holm", 100, 0), None)
        >>> report.to_frame().set_index("label")["auc.lower"].to_dict()
        {'a': 0.8}
        """
        import pandas

        rows = metric_rows()
        columns: dict[str, list[Any]] = {
            "label": list(self.runs),
            "approach": [run.approach for run in self.runs.values()],
            "producer": [run.producer for run in self.runs.values()],
        }
        for row in rows:
            if any(look_up(run.metrics, row.path, MISSING) is not MISSING for run in self.runs.values()):
                for name, path in _columns(row):
                    values = [look_up(run.metrics, path) for run in self.runs.values()]
                    columns[name] = [float("nan") if value is None else float(value) for value in values]
        return pandas.DataFrame(columns)


def _columns(row: MetricRow) -> list[tuple[str, tuple[str | int, ...]]]:
    """Names of a figure's columns with the paths of their values."""
    columns: list[tuple[str, tuple[str | int, ...]]] = [(row.key, row.path)]
    if row.ci95:
        stem = row.key.removesuffix(".value")
        columns += [(f"{stem}.{end}", (*row.ci95, place)) for place, end in enumerate(("lower", "upper"))]
    return columns


def _run(run: RunReport) -> dict[str, Any]:
    value = {**vars(run), "metrics": dict(run.metrics), "remarks": list(run.remarks)}
    return value | {"source": {name: asdict(one) for name, one in run.source.items()}}


def _approach(one: ApproachReport) -> dict[str, Any]:
    metrics = {key: asdict(summary) for key, summary in one.metrics.items()}
    return {"runs": list(one.runs), "seeds": len(one.runs), "metrics": metrics}
