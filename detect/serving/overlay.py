"""An image with its boxes and peak, drawn by Pillow, which a machine without the plotting package has too."""

import base64
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from data_tools.core.records import Prediction
from data_tools.report.shown import shown_boxes

LONGEST_SIDE = 2000
_FOUND, _PEAK, _HALO = "#f0e442", "#ffffff", "#101010"  # from Okabe & Ito's palette, which colour-blind people can see
_TEXT = 12  # height of a score, in pixels of the picture
_ARM = 9  # of the cross, in pixels of the picture


def overlay_png(pixels: NDArray[np.uint8], prediction: Prediction) -> str:
    """The picture as PNG in base64; an image with a side above `LONGEST_SIDE` is made smaller.

    Args:
        pixels: (h, w) of the image.
        prediction: in its pixels.
    """
    height, width = pixels.shape
    scale = min(1.0, LONGEST_SIDE / max(height, width))
    picture = Image.fromarray(pixels)
    if scale < 1.0:
        picture = picture.resize((max(round(width * scale), 1), max(round(height * scale), 1)), Image.Resampling.BOX)
    picture = picture.convert("RGB")
    draw = ImageDraw.Draw(picture)
    scores = prediction.box_scores
    for i in reversed(shown_boxes(prediction)):  # the best one on top
        x1, y1, x2, y2 = (float(value) * scale for value in prediction.boxes_xyxy[i])
        right, bottom = max(x2 - 1, x1), max(y2 - 1, y1)  # half-open: the last pixel is inside
        draw.rectangle((x1 - 1, y1 - 1, right + 1, bottom + 1), outline=_HALO, width=3)
        draw.rectangle((x1, y1, right, bottom), outline=_FOUND)
        text = f"{scores[i]:.2f}"
        left = max(min(x1, picture.width - draw.textlength(text) - 1), 1.0)
        top = y1 - _TEXT if y1 >= _TEXT else max(min(bottom + 1, picture.height - _TEXT), 0.0)
        draw.text((left, top), text, fill=_FOUND, stroke_width=1, stroke_fill=_HALO)
    if prediction.peak_xy is not None:
        x, y = (value * scale for value in prediction.peak_xy)
        for colour, line in ((_HALO, 3), (_PEAK, 1)):
            draw.line((x - _ARM, y, x + _ARM, y), fill=colour, width=line)
            draw.line((x, y - _ARM, x, y + _ARM), fill=colour, width=line)
    out = BytesIO()
    picture.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode("ascii")
