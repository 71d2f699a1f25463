"""Likely wrong labels, ranked by scores of models that never saw the image or its group.

Models on frozen features (`networks.cell_features`), fitted in folds that keep groups whole: a logistic regression on
each image's extreme and mean cells, from labels alone; the distance of its oddest cells from those of good images
(`normality`); and, where enough images have boxes, a small network on single cells, whose best cells score
the image. A logistic regression joins their scores, fitted to the other folds' (stacking, Wolpert 1992): a defect that
resembles no other is odd all the same, and an odd image whose oddness comes with no defect is not accused. Or scores
come from outside, such as the baseline's own predictions on folds.

Beside the ranking stands what needs no model of the labels: how the nearest images are labelled, and how the image's
cluster is (k-means of the same features).

The confidence in a label follows confident learning (Northcutt et al., JAIR 2021), which asks how likely the given
label is by the out-of-fold scores, relative to what is usual for that class. Here usual is taken per defect type: a
type that the models can hardly see is full of low scores, and those are no errors. So the confidence is the posterior
of "the label is right" from the score's density among images of the same type and of the other class, with a prior of
2 % errors; the type is believed only of images with boxes, since an area is seldom drawn by mistake.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from data_tools.auditing.leaks import too_few
from data_tools.auditing.normality import Normality
from data_tools.auditing.review import DEFECT, Suspect
from data_tools.core.cell_features import CellFeatures
from data_tools.core.errors import InputError
from data_tools.core.records import BOXED, GOOD, Sample
from data_tools.metrics.auc import roc_auc
from data_tools.metrics.figures import mean_ranks

Scores = NDArray[np.float64]

PRIOR_ERROR = 0.02
FEWEST = 20
_FOLDS = 8
_NEIGHBOURS = 15
_CLUSTER_IMAGES, _MOST_CLUSTERS = 25, 200
_TYPE_WEIGHT = 20.0  # a type's own scores count as much as the scores of all defects once it has so many images
_CELLS_INSIDE, _CELLS_OUTSIDE = 20, 40
_TOP_CELLS = (0, 3)
_COVERED = 0.3
_PASSES, _NETWORKS = 12, 3


def folds_of(samples: Sequence[Sample]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Stratified folds that keep groups whole: indices to fit on, and indices to score.

    Raises:
        InputError: too few images or groups of a class to score any label out of fold.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    positive = np.array([s.is_defect for s in samples], dtype=bool)
    groups = np.array([s.group for s in samples])
    why_not = too_few(positive, groups, FEWEST, _FOLDS)
    if why_not:
        raise InputError(f"{why_not} to judge labels")
    splitter = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    return list(splitter.split(positive, positive, groups))


def out_of_fold_scores(cells: CellFeatures, samples: Sequence[Sample]) -> Scores:
    """(n,) log odds of a defect, each from models fitted to the other folds.

    Raises:
        InputError: see `folds_of`.
    """
    positive = np.array([s.is_defect for s in samples], dtype=bool)
    pooled, folds = pool(cells), folds_of(samples)
    boxed = all(sum(samples[i].status == BOXED for i in fit) >= FEWEST for fit, _ in folds)
    parts = np.zeros((len(samples), 3 if boxed else 2))
    for fit, held in folds:
        parts[held, 0] = _log_odds(pooled, positive, fit, held, c=1e-2, max_iter=300)
        parts[held, 1] = _oddness(cells, positive, fit, held)
        if boxed:
            parts[held, 2] = _cell_model(cells, samples, fit, held)
    scores = np.zeros(len(samples))
    for fit, held in folds:
        scores[held] = _log_odds(parts, positive, fit, held)
    return scores


def pool(cells: CellFeatures) -> NDArray[np.float32]:
    """(n, 512) maximum, minimum, mean and spread of each feature over an image's cells."""
    rows = [cells.of(i) for i in range(len(cells))]
    pooled: NDArray[np.float32] = np.stack(
        [np.concatenate([one.max(axis=0), one.min(axis=0), one.mean(axis=0), one.std(axis=0)]) for one in rows]
    )
    return pooled


def label_confidence(scores: Scores, samples: Sequence[Sample]) -> Scores:
    """(n,) 0..1: the posterior of each given label, from out-of-fold log odds of a defect."""
    positive = np.array([s.is_defect for s in samples], dtype=bool)
    width = max(1.06 * float(scores.std()) * len(scores) ** -0.2, 1e-6)  # Silverman's rule
    floor = 1e-3 / max(float(np.ptp(scores)), 1e-6)
    defects, good = _density(scores[positive], scores, width), _density(scores[~positive], scores, width)
    own, other = np.where(positive, defects, good), np.where(positive, good, defects)
    boxed = np.array([s.status == BOXED for s in samples], dtype=bool)
    types = np.array([s.type for s in samples])
    for name in sorted(set(types[boxed].tolist())):
        rows = np.flatnonzero(boxed & (types == name))
        typical = _density(scores[rows], scores[rows], width)
        own[rows] = (len(rows) * typical + _TYPE_WEIGHT * defects[rows]) / (len(rows) + _TYPE_WEIGHT)
    wrong = PRIOR_ERROR * other
    confidence: Scores = 1 - wrong / (wrong + (1 - PRIOR_ERROR) * (own + floor))
    return confidence


def neighbour_agreement(pooled: NDArray[np.float32], samples: Sequence[Sample]) -> Scores:
    """(n,) share of an image's 15 nearest images of other groups that have its class: needs no model and no fold."""
    from sklearn.neighbors import NearestNeighbors

    positive = np.array([s.is_defect for s in samples], dtype=bool)
    groups = np.unique([s.group for s in samples], return_inverse=True)[1]
    reduced = _reduced(pooled)
    wanted = min(len(samples), 4 * _NEIGHBOURS)
    near = NearestNeighbors(n_neighbors=wanted).fit(reduced).kneighbors(reduced, return_distance=False)
    foreign = groups[near] != groups[:, None]
    counted = foreign & (np.cumsum(foreign, axis=1) <= _NEIGHBOURS)
    same = (positive[near] == positive[:, None]) & counted
    agreement: Scores = same.sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
    return agreement


def cluster_agreement(pooled: NDArray[np.float32], samples: Sequence[Sample]) -> Scores:
    """(n,) share of the other images in an image's cluster that have its class; NaN for an image alone in a cluster.

    Clusters are found without the labels, by k-means, of about 25 images each and at most 200 in all.
    """
    from sklearn.cluster import KMeans

    positive = np.array([s.is_defect for s in samples], dtype=bool)
    clusters = min(max(2, len(samples) // _CLUSTER_IMAGES), _MOST_CLUSTERS, len(samples))
    cluster_of = KMeans(clusters, n_init=3, random_state=0).fit_predict(_reduced(pooled))
    sizes, defects = np.bincount(cluster_of), np.bincount(cluster_of, positive)
    same = np.where(positive, defects[cluster_of], sizes[cluster_of] - defects[cluster_of]) - 1
    others = sizes[cluster_of] - 1
    agreement: Scores = np.where(others > 0, same / np.maximum(others, 1), np.nan)
    return agreement


def rank_suspects(
    samples: Sequence[Sample], scores: Scores, agreement: Scores | None, clusters: Scores | None = None, most: int = 60
) -> tuple[list[Suspect], int]:
    """Suspects, the least believed first, and how many of them are more likely wrong than right.

    The list holds twice as many images as are likely wrong, at least 20 and at most `most`, so that a reviewer sees
    where it stops being worthwhile; images whose neighbours nearly all disagree follow.
    """
    confidence = label_confidence(scores, samples)
    order = np.argsort(confidence, kind="stable").tolist()
    likely = int((confidence < 0.5).sum())
    chosen = order[: min(max(20, 2 * likely), most)]
    base = np.array([s.is_defect for s in samples], dtype=bool).mean()
    if agreement is not None:
        odd = [i for i in order if agreement[i] <= 0.1 and (base if samples[i].is_defect else 1 - base) > 0.2]
        chosen += [i for i in odd if i not in set(chosen)][: most - len(chosen)]
    below = np.argsort(np.argsort(scores)) / len(scores)
    return [
        _suspect(
            samples[i],
            below[i],
            confidence[i],
            None if agreement is None else agreement[i],
            None if clusters is None else clusters[i],
        )
        for i in chosen
    ], likely


def scores_from_predictions(by_id: Mapping[int, float], samples: Sequence[Sample]) -> Scores:
    """(n,) log odds from scores of any scale by their rank, so that densities can be compared.

    Raises:
        InputError: an image has no score.
    """
    missing = [s.image_id for s in samples if s.image_id not in by_id]
    if missing:
        raise InputError(
            f"--scores: {len(missing)} images have no score, such as image {missing[0]}; give the "
            "predictions of every fold"
        )
    ranks = mean_ranks([by_id[s.image_id] for s in samples]) / (len(samples) + 1)
    log_odds: Scores = np.log(ranks / (1 - ranks))
    return log_odds


def separation(scores: Scores, samples: Sequence[Sample]) -> float | None:
    """AUC of the out-of-fold scores against the given labels: how far the ranking can be trusted."""
    return roc_auc(scores, [s.is_defect for s in samples])


def _suspect(
    sample: Sample, below: float, confidence: float, agreement: float | None, clusters: float | None
) -> Suspect:
    suggested = GOOD if sample.is_defect else DEFECT
    reason = f"more of a defect than {below:.0%} of all images, to models that did not see its group"
    if agreement is not None:
        reason += f"; {agreement:.0%} of its nearest images share its label"
    if clusters is not None and np.isfinite(clusters):
        reason += f", and {clusters:.0%} of its cluster"
    return Suspect(sample, suggested, float(confidence), reason)


def _reduced(pooled: NDArray[np.float32]) -> NDArray[np.float32]:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    standard = StandardScaler().fit_transform(pooled)
    components = min(32, *standard.shape)
    reduced: NDArray[np.float32] = PCA(components, svd_solver="randomized", random_state=0).fit_transform(standard)
    return reduced


def _oddness(
    cells: CellFeatures, positive: NDArray[np.bool_], fit: NDArray[np.int64], held: NDArray[np.int64]
) -> Scores:
    """Logarithm of the mean distance of the oddest and the fourth oddest cell of each held image."""
    usual = Normality(cells, fit[~positive[fit]])
    return np.array([np.log(_best(usual.distances(cells.of(i))) + 1e-6) for i in held])


def _log_odds(
    rows: NDArray[np.float32] | Scores,
    positive: NDArray[np.bool_],
    fit: NDArray[np.int64],
    held: NDArray[np.int64],
    c: float = 1.0,
    max_iter: int = 100,
) -> Scores:
    """Of the held images from rows of features, (n, d), by a logistic regression."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regression = LogisticRegression(C=c, max_iter=max_iter, class_weight="balanced")
    model = make_pipeline(StandardScaler(), regression)
    scores: Scores = model.fit(rows[fit], positive[fit]).decision_function(rows[held])
    return scores


def _best(values: Scores) -> float:
    """Mean of the largest and the fourth largest, so that a single odd cell does not decide alone."""
    best_first = np.sort(values)[::-1]
    return float(np.mean([best_first[min(k, len(best_first) - 1)] for k in _TOP_CELLS]))


def _cell_model(
    cells: CellFeatures, samples: Sequence[Sample], fit: NDArray[np.int64], held: NDArray[np.int64]
) -> Scores:
    """Mean log odds of the best and the fourth best cell of each held image."""
    from sklearn.neural_network import MLPClassifier

    rows, labels = _training_cells(cells, samples, fit)
    models = []
    for seed in range(_NETWORKS):
        model = MLPClassifier((64,), alpha=0.1, batch_size=256, learning_rate_init=2e-3, random_state=seed)
        for _ in range(_PASSES):
            model.partial_fit(rows, labels, classes=[False, True])
        models.append(model)
    scores = np.zeros(len(held))
    for place, index in enumerate(held):
        chances = [model.predict_proba(cells.of(index))[:, 1] for model in models]
        chance = np.clip(chances, 1e-6, 1 - 1e-6)
        scores[place] = _best(np.log(chance / (1 - chance)).mean(axis=0))
    return scores


def _training_cells(
    cells: CellFeatures, samples: Sequence[Sample], fit: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Some cells in boxes, and some outside or of good images; a defect without boxes says nothing about its cells."""
    rng = np.random.default_rng(0)
    rows, labels = [], []
    for index in fit:
        sample = samples[index]
        if sample.is_defect and sample.status != BOXED:
            continue
        covered = cover(sample, (int(cells.grids_hw[index][0]), int(cells.grids_hw[index][1]))).ravel()
        inside, outside = np.flatnonzero(covered > _COVERED), np.flatnonzero(covered == 0)
        for places, most, label in ((inside, _CELLS_INSIDE, True), (outside, _CELLS_OUTSIDE, False)):
            picked = rng.permutation(places)[:most]
            rows.append(cells.of(index)[picked])
            labels.append(np.full(len(picked), label))
    return np.concatenate(rows), np.concatenate(labels)


def cover(sample: Sample, grid_hw: tuple[int, int]) -> NDArray[np.float64]:
    """(rows, columns) the share of each cell (of the box, where that is smaller) that the best box covers."""
    cell_h, cell_w = sample.size_hw[0] / grid_hw[0], sample.size_hw[1] / grid_hw[1]
    y, x = np.arange(grid_hw[0]) * cell_h, np.arange(grid_hw[1]) * cell_w
    covered = np.zeros(grid_hw)
    for x1, y1, x2, y2 in sample.boxes_xyxy:
        down = np.clip(np.minimum(y + cell_h, y2) - np.maximum(y, y1), 0, None)
        across = np.clip(np.minimum(x + cell_w, x2) - np.maximum(x, x1), 0, None)
        covered = np.maximum(covered, np.outer(down, across) / min(cell_h * cell_w, (x2 - x1) * (y2 - y1)))
    return covered


def _density(values: Scores, at: Scores, width: float) -> Scores:
    """Gaussian kernel density on a grid, read off between its points: linear in the number of values."""
    if not len(values):
        return np.zeros(len(at))
    grid = np.linspace(min(values.min(), at.min()) - 4 * width, max(values.max(), at.max()) + 4 * width, 512)
    step = grid[1] - grid[0]
    counts, _ = np.histogram(values, np.append(grid - step / 2, grid[-1] + step / 2))
    kernel = np.exp(-0.5 * ((grid[:, None] - grid[None]) / width) ** 2) / (width * np.sqrt(2 * np.pi))
    density: Scores = np.interp(at, grid, kernel @ counts / len(values))
    return density
