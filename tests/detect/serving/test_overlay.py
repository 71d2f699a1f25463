"""The picture that the service sends, drawn by Pillow."""

import base64
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from data_tools.core.records import Prediction
from detect.serving.overlay import overlay_png


@pytest.mark.parametrize(
    "box", [(0, 0, 90, 60), (80, 0, 90, 60), (80, 50, 90, 60), (0, 0, 20, 10)], ids=["all", "right", "corner", "top"]
)
def test_the_score_of_a_box_at_the_border_is_in_the_picture(
    box: tuple[int, ...], make_prediction: Callable[..., Prediction]
) -> None:
    found = make_prediction(size_hw=(60, 90), boxes=[box], scores=[0.88])
    content = base64.b64decode(overlay_png(np.full((60, 90), 100, dtype=np.uint8), found))
    red, _, blue = np.asarray(Image.open(BytesIO(content))).astype(int).transpose(2, 0, 1)
    yellow = red - blue > 60  # letters are blurred, all else is gray
    x1, y1, x2, y2 = box
    yellow[y1:y2, [x1, x2 - 1]] = yellow[[y1, y2 - 1], x1:x2] = False  # the frame
    columns = np.flatnonzero(yellow.any(axis=0))
    assert columns[-1] - columns[0] >= 16  # 0.88 is some twenty wide
