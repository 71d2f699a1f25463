"""The audit of a dataset: everything that the data at hand allow; what was not checked is a note."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from data_tools.auditing.doctor import Checkup, examine
from data_tools.auditing.findings import LEVELS, NOTE, UNSAFE, WARNING, Finding
from data_tools.auditing.leaks import Property, label_leaks, straddling
from data_tools.auditing.review import Suspect
from data_tools.auditing.twins import contradicted, joined, twins, unlike_labels
from data_tools.core.agreement import require_of_dataset
from data_tools.core.anchors import AnchorConfig
from data_tools.core.errors import InputError
from data_tools.core.records import Dataset, Sample
from data_tools.files.atomic import scratch_folder
from data_tools.files.dataset_folder import images_root_of
from data_tools.files.image_facts import ImageFact, read_facts

LABEL_MEGAPIXELS = 500  # above, features take long on a CPU, so --labels auto leaves them out
_LONGEST_PX = 320


@dataclass(frozen=True)
class Audit:
    """All that was found.

    Attributes:
        checkup: counts.
        findings: the gravest first.
        properties: of the files, the most telling first.
        suspects: likely wrong labels, the least believed first; None where labels were not judged and no image shows
            the same as one of another label.
        separation: AUC of the out-of-fold scores against the given labels.
    """

    checkup: Checkup
    findings: tuple[Finding, ...]
    properties: tuple[Property, ...] = ()
    suspects: tuple[Suspect, ...] | None = None
    separation: float | None = None

    @property
    def unsafe(self) -> bool:
        """Whether training would be unsafe."""
        return any(finding.level == UNSAFE for finding in self.findings)


@dataclass(frozen=True)
class AuditOptions:
    """What to check.

    Attributes:
        anchors: of the detector to be trained, at native image size.
        crop_px: side of a central crop to judge, or None.
        labels: "yes", "no", or "auto": unless the images are so many and large that it would take long.
        scores: out-of-fold score of each image by id, instead of the built-in models'; None without.
        most_suspects: longest review list.
    """

    anchors: AnchorConfig = field(default_factory=AnchorConfig)
    crop_px: int | None = None
    labels: str = "auto"
    scores: Mapping[int, float] | None = None
    most_suspects: int = 60


def audit(dataset: Dataset, options: AuditOptions, more: Sequence[Finding] = ()) -> Audit:
    """Check everything that the dataset at hand allows; what was not checked is a note. `more` was found elsewhere."""
    facts = _read_images(dataset)
    checkup, findings = examine(dataset, facts, options.anchors, options.crop_px)
    read = {i: fact for i, fact in (facts or {}).items() if isinstance(fact, ImageFact)}
    properties, about_labels = label_leaks(dataset.samples, read)
    rows = [i for i, sample in enumerate(dataset.samples) if sample.image_id in read]
    thumbnails = np.stack([read[dataset.samples[i].image_id].thumbnail for i in rows]) if rows else None
    alike, cut = twins(thumbnails, rows)
    findings += straddling(dataset, thumbnails, rows, alike, cut)
    findings += [*about_labels, *unlike_labels(alike, dataset.samples)]
    suspects, separation, about_suspects = _judge_labels(dataset, [dataset.samples[i] for i in rows], options)
    ordered = sorted([*findings, *about_suspects, *more], key=lambda finding: LEVELS.index(finding.level))
    suspects = joined(suspects, contradicted(alike, dataset.samples), options.most_suspects)
    return Audit(checkup, tuple(ordered), tuple(properties), suspects, separation)


def _read_images(dataset: Dataset) -> dict[int, ImageFact | InputError] | None:
    if dataset.images_root is None:
        return None
    root, samples = images_root_of(dataset, dataset.folder or dataset.images_root), dataset.samples
    return {s.image_id: fact for s, fact in zip(samples, read_facts([s.path for s in samples], root), strict=True)}


def _judge_labels(
    dataset: Dataset, readable: Sequence[Sample], options: AuditOptions
) -> tuple[tuple[Suspect, ...] | None, float | None, list[Finding]]:
    if options.labels == "no":
        return None, None, [Finding(NOTE, "labels", "labels were not checked (--labels no)")]
    if options.scores is None and (not readable or dataset.images_root is None):
        return None, None, []  # the doctor notes that there are no images
    from data_tools.auditing import label_noise as noise

    try:
        if options.scores is not None:
            samples: Sequence[Sample] = dataset.samples
            scores, agreement, clusters = noise.scores_from_predictions(options.scores, samples), None, None
        else:
            samples = readable
            noise.folds_of(samples)
            pixels = sum(s.size_hw[0] * s.size_hw[1] * min(1.0, _LONGEST_PX / max(s.size_hw)) ** 2 for s in samples)
            if options.labels == "auto" and pixels > LABEL_MEGAPIXELS * 1e6:
                raise InputError(f"{pixels / 1e6:.0f} megapixels take long on a CPU; --labels yes does it")
            assert dataset.images_root is not None
            with _cells(samples, dataset.images_root) as cells:
                scores = noise.out_of_fold_scores(cells, samples)
                pooled = noise.pool(cells)
                agreement = noise.neighbour_agreement(pooled, samples)
                clusters = noise.cluster_agreement(pooled, samples)
    except InputError as error:
        if options.scores is not None:
            raise
        return None, None, [Finding(NOTE, "labels", f"labels were not checked: {error}")]
    suspects, likely = noise.rank_suspects(samples, scores, agreement, clusters, options.most_suspects)
    separation = noise.separation(scores, samples)
    findings = []
    if likely:
        shown = tuple(s.sample.image_id for s in suspects[: min(likely, 24)])
        findings.append(
            Finding(
                WARNING,
                "labels",
                f"{likely} of {len(samples)} labels are more likely wrong than right, "
                f"by scores out of fold (AUC {separation:.3f})",
                "look at them: --html FILE "
                "shows them, --review FILE lists them for decisions, --apply carries those out",
                shown,
            )
        )
    return tuple(suspects), separation, findings


@contextmanager
def _cells(samples: Sequence[Sample], root: Path) -> Iterator[Any]:
    """Cell features in a temporary folder."""
    from data_tools.networks.cell_features import cell_features

    with scratch_folder() as scratch:
        yield cell_features([s.path for s in samples], root, [s.size_hw for s in samples], scratch, _LONGEST_PX)


def scores_of_files(names: Sequence[str] | None, dataset: Dataset) -> dict[int, float] | None:
    """The score of each image in PredictionSets that together score each image once; None of no files.

    Raises:
        InputError: an image scored twice, or predictions that are not of the dataset's images.
    """
    if names is None:
        return None
    from data_tools.files.predictions import read_predictions

    by_id: dict[int, float] = {}
    for name in names:
        scored = read_predictions(Path(name))
        require_of_dataset(scored, dataset.samples, len(dataset.categories), name)
        for prediction in scored.predictions:
            if prediction.image_id in by_id:
                raise InputError(
                    f"{name}: image {prediction.image_id} was scored by an earlier file; out-of-fold "
                    "predictions score each image once"
                )
            by_id[prediction.image_id] = prediction.score
    return by_id


def anchors_of(settings: Mapping[str, Any]) -> AnchorConfig:
    """The anchors that the settings of a detector name.

    Raises:
        InputError: there they are no anchors.
    """
    try:
        given = (settings.get("model") or {}).get("anchors") or {}
        sides = {key: tuple(map(float, given[key])) for key in ("scales", "ratios") if given.get(key) is not None}
        return AnchorConfig(**{**given, **sides})
    except (AttributeError, TypeError, ValueError) as error:
        raise InputError(f"not a configuration of the detector: {error}") from error
