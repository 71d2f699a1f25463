"""The audit as lines of text."""

from collections.abc import Mapping, Sequence

from data_tools.auditing.audit import Audit
from data_tools.auditing.doctor import Checkup
from data_tools.auditing.findings import Finding, verdict

_SHOWN_PROPERTIES, _SHOWN_SUSPECTS = 8, 10
_BELIEVED = 0.995  # shown as 1.00


def describe(name: str, audit: Audit) -> list[str]:
    """The audit as lines of text, the verdict first."""
    lines = [f"{name}: {verdict(audit.findings)}", "", *describe_findings(audit.findings)]
    lines += ["", *_describe_checkup(audit.checkup)]
    if audit.properties:
        lines += ["", "file properties that tell the label (cross-validated AUC, 0.5 is chance):"]
        lines += [f"  {one.auc or 0.5:.2f}  {one.name}: {one.detail}" for one in audit.properties[:_SHOWN_PROPERTIES]]
    if audit.suspects:
        doubted = [s for s in audit.suspects if s.confidence < _BELIEVED][:_SHOWN_SUSPECTS]
        listed = f"(of {len(audit.suspects)} in the review list; --review FILE writes it)"
        lines += ["", f"least believed labels, by the confidence in them, 0..1 {listed}:{'' if doubted else ' none'}"]
        lines += [
            f"  {s.confidence:.2f}  {s.sample.path} is {s.sample.status}, {s.sample.type}: {s.reason}" for s in doubted
        ]
    return lines


def describe_findings(findings: Sequence[Finding]) -> list[str]:
    """Each finding with what to do about it."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.level}: {finding.text}")
        if finding.remedy:
            lines.append(f"    -> {finding.remedy}")
    return lines


def _describe_checkup(checkup: Checkup) -> list[str]:
    def listed(counts: Mapping[str, int], most: int = 8) -> str:
        shown = [f"{n} {name}" for name, n in list(counts.items())[:most]]
        return ", ".join(shown) + (f", and {len(counts) - most} more" if len(counts) > most else "")

    lines = [
        f"images:  {checkup.n_images} ({listed(checkup.by_status)}) in {checkup.n_groups} groups, the largest of "
        f"{checkup.largest_group}",
        f"types:   {listed(checkup.by_type, 12)}",
        *(f"{name + ':':<8} {listed(counts)}" for name, counts in checkup.by_split.items()),
        f"sizes:   {', '.join(f'{n} of {size}' for size, n in list(checkup.sizes.items())[:4])} (height x width)"
        + (f", and {len(checkup.sizes) - 4} more sizes" if len(checkup.sizes) > 4 else ""),
    ]
    if checkup.formats:
        lines.append(f"formats: {listed(checkup.formats)}")
    lines.append(f"boxes:   {checkup.n_boxes}, {checkup.at_border} of them at the image's border")
    for one in checkup.boxes:
        low, middle, high = one.quartiles
        lines.append(
            f"  {one.name + ':':<15} {one.smallest:.3g} to {one.largest:.3g}, quartiles {low:.3g}, "
            f"{middle:.3g}, {high:.3g}"
        )
    if checkup.unreached is not None:
        lines.append(f"  no anchor reaches {checkup.unreached:.1%} of the boxes at IoU 0.5 (at native size)")
    if checkup.cut_by_crop is not None:
        lines.append(f"  the central crop would cut {checkup.cut_by_crop} of {checkup.n_boxes} boxes")
    return lines
