"""What changed since an earlier report, typed; `against` in report.json is its serialisation."""

from dataclasses import asdict, dataclass
from typing import Any

WORSE, BETTER, NOT_SHOWN, TOO_FEW_GROUPS = "worse", "better", "no change shown", "not enough groups"


@dataclass(frozen=True)
class Change:
    """One figure of one approach, now minus then.

    Attributes:
        metric: the comparison's name.
        approach: its name now.
        old_approach: its name then.
        old, new: values; means over the seeds.
        difference: new minus old.
        ci95: 95 % interval of the difference; None where there are not enough groups.
        p_value: two-sided, without correction; None where there are not enough groups.
        p_value_holm: corrected over all changes of the comparison.
        paired: whether the images of then and now were compared one by one; else the two intervals were.
        test: how interval and p-value came about.
        n, n_groups: images behind it, and their groups.
        change: `WORSE` or `BETTER` where the corrected p-value is at most .05 and the interval excludes 0;
            `TOO_FEW_GROUPS` where no difference could have been shown; else `NOT_SHOWN`.
    """

    metric: str
    approach: str
    old_approach: str
    old: float
    new: float
    ci95: tuple[float, float] | None
    p_value: float | None
    paired: bool
    test: str
    n: int
    n_groups: int
    p_value_holm: float | None = None
    change: str = NOT_SHOWN

    @property
    def difference(self) -> float:
        """Of the two values."""
        return self.new - self.old

    def to_json(self) -> dict[str, Any]:
        """As a row of report.json."""
        ci95 = None if self.ci95 is None else list(self.ci95)
        return asdict(self) | {"difference": self.difference, "ci95": ci95}


@dataclass(frozen=True)
class Against:
    """The comparison with an earlier report.

    Attributes:
        report: the file, as it was named.
        changes: of all approaches that both have.
        remarks: what was not compared, and what a reader must know of the comparison, a sentence each.
        verdict: one sentence.
    """

    report: str
    changes: tuple[Change, ...]
    remarks: tuple[str, ...]
    verdict: str

    @property
    def regressed(self) -> bool:
        """Whether any figure is shown to be worse."""
        return any(one.change == WORSE for one in self.changes)

    def to_json(self) -> dict[str, Any]:
        """The value of "against" in report.json."""
        return {
            "report": self.report,
            "regressed": self.regressed,
            "verdict": self.verdict,
            "changes": [one.to_json() for one in self.changes],
            "remarks": list(self.remarks),
        }
