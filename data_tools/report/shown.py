"""Which boxes a picture shows; without the plotting package, which a line's machine need not have."""

import numpy as np

from data_tools.core.records import Prediction

MOST_BOXES, LEAST_OF_BEST = 5, 0.2


def shown_boxes(prediction: Prediction) -> list[int]:
    """Indices of the boxes worth drawing, best first: at most five, each at least a fifth as certain as the best one.

    The image's threshold says nothing here: a box's score and an image's have no common scale.
    """
    order = [int(i) for i in np.argsort(-prediction.box_scores, kind="stable")[:MOST_BOXES]]
    return [i for i in order if prediction.box_scores[i] >= LEAST_OF_BEST * prediction.box_scores[order[0]]]
