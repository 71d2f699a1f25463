"""Where an approach is good and where not: its distances by defect type, box size and aspect ratio, always with n."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from data_tools.geometry import areas
from data_tools.metrics.peak_distance import Distances, summarise
from data_tools.records import BOXED, Sample
from data_tools.report.cases import Case
from data_tools.report.table import Cell, Row, Table, number

_ASPECTS = ((2.0, "up to 2 : 1"), (4.0, "2 : 1 to 4 : 1"), (float("inf"), "longer than 4 : 1"))


def breakdown_tables(
    cases: Sequence[Case], training: Sequence[Sample], baselines: Mapping[str, Sequence[float]]
) -> list[Table]:
    """One table each by type, size and aspect ratio of the boxed images; none where no image is boxed.

    An image of several boxes counts by its largest. Sizes are terciles of the training boxes, or of the judged ones
    where there is no training box.

    Args:
        cases: of all images.
        training: samples whose boxes set the terciles.
        baselines: by name, distances in pixels of the boxed cases, in their order.
    """
    boxed = [case for case in cases if case.sample.status == BOXED]
    if not boxed:
        return []
    columns = {label: np.array([case.distances[label] for case in boxed]) for label in boxed[0].distances}
    columns |= {name: np.asarray(values, dtype=np.float64) for name, values in baselines.items()}
    cuts, source = _terciles([s for s in training if s.status == BOXED], [case.sample for case in boxed])
    types = sorted({case.sample.type for case in boxed})
    sizes = [f"up to {cuts[0]:.0f} px", f"{cuts[0]:.0f} to {cuts[1]:.0f} px", f"over {cuts[1]:.0f} px"]
    parts: list[tuple[str, Sequence[str], Callable[[Sample], str]]] = [
        ("type", types, lambda sample: sample.type),
        (f"size: root of the box area, {source}", sizes, lambda s: sizes[int(np.searchsorted(cuts, _side(s)))]),
        ("aspect: long to short side", [name for _, name in _ASPECTS], _aspect),
    ]  # fmt: skip
    tables = []
    for corner, names, stratum in parts:
        own = np.array([stratum(case.sample) for case in boxed])
        rows = [Row(name, tuple(_cells(own == name, columns))) for name in names if (own == name).any()]
        tables.append(Table(corner, ("n", *columns), tuple(rows), len(baselines)))
    return tables


def _cells(chosen: np.ndarray, columns: Mapping[str, np.ndarray]) -> Iterator[Cell]:
    yield Cell(str(int(chosen.sum())))
    for values in columns.values():
        own = values[chosen]
        summary = summarise(Distances(own, own, own))
        hit_rate, coverage = summary["hit_rate"], summary["coverage"]
        text = f"{100 * hit_rate:.0f} %" if hit_rate is not None else ""
        small = f"mean {number(summary['mean_px'], 1)}, median {number(summary['median_px'], 1)} px"
        if coverage is not None and coverage < 1:
            small += f", of {coverage:.0%} with a peak"
        yield Cell(text, small)


def _terciles(training: Sequence[Sample], judged: Sequence[Sample]) -> tuple[np.ndarray, str]:
    chosen, source = (training, "terciles of training") if training else (judged, "terciles of the judged images")
    sides = np.sqrt(np.concatenate([areas(sample.boxes_xyxy) for sample in chosen]))
    return np.quantile(sides, (1 / 3, 2 / 3)), source


def _largest(sample: Sample) -> np.ndarray:
    box: np.ndarray = sample.boxes_xyxy[int(areas(sample.boxes_xyxy).argmax())]
    return box


def _side(sample: Sample) -> float:
    return float(np.sqrt(areas(sample.boxes_xyxy).max()))


def _aspect(sample: Sample) -> str:
    x1, y1, x2, y2 = _largest(sample)
    ratio = max(x2 - x1, y2 - y1) / min(x2 - x1, y2 - y1)
    return next(name for limit, name in _ASPECTS if ratio <= limit)
