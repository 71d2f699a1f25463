import numpy as np

from data_tools.loading.resizing import resize


def test_boxes_move_with_the_image() -> None:
    image = np.zeros((20, 40), dtype=np.uint8)
    image[4:8, 10:20] = 200
    made, boxes = resize(image, np.array([[10.0, 4, 20, 8]]), (40, 40))
    assert made.shape == (40, 40)
    assert boxes.tolist() == [[10, 8, 20, 16]]
    assert (made[9:15, 11:19] > 150).all()
    assert made[:6].max() == 0


def test_the_same_size_is_the_same_image() -> None:
    image, boxes = np.zeros((5, 6), dtype=np.uint8), np.zeros((0, 4))
    assert resize(image, boxes, (5, 6)) == (image, boxes)


def test_a_thin_line_survives_shrinking() -> None:
    image = np.zeros((64, 64), dtype=np.uint8)
    image[:, 33] = 200
    made, _ = resize(image, np.zeros((0, 4)), (16, 16))
    assert made.sum(axis=1).min() >= 48  # a quarter of its gray, wherever it falls
