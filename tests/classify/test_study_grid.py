import pytest

from classify.study_grid import Original, make_cells
from data_tools.core.errors import InputError

AXES = {
    "model": {"small": {"model.backbone": "simple_cnn"}, "large": {"model.backbone": "resnet50", "fit.lr": 1.0}},
    "crop": {"none": {}, "cropped": {"input.preprocess.crop_px": 30}},
    "lr": {"usual": {}, "low": {"fit.lr": 0.1}},
}


def test_rows_are_products_and_each_combination_stands_once() -> None:
    rows = [{"model": ["small", "large"]}, {"model": "large", "crop": ["none", "cropped"]}, {"lr": "low"}]
    cells = make_cells({"fit.epochs": 3}, AXES, rows, [])
    assert [cell.name for cell in cells] == ["small", "large", "large--cropped", "small--low"]
    assert cells[2].settings == {
        "fit.epochs": 3,
        "model.backbone": "resnet50",
        "fit.lr": 1.0,
        "input.preprocess.crop_px": 30,
    }


def test_later_axes_override_earlier_ones() -> None:
    (cell,) = make_cells({"fit.lr": 9.0}, AXES, [{"model": "large", "lr": "low"}], [])
    assert cell.settings["fit.lr"] == 0.1


def test_the_originals_row_finds_its_cell_and_no_other() -> None:
    original = [Original({"model": "large", "crop": "cropped"}, 0.983, "note")]
    cells = make_cells({}, AXES, [{"model": "large", "crop": ["none", "cropped"]}], original)
    assert [None if cell.original is None else cell.original.auc for cell in cells] == [None, 0.983]


@pytest.mark.parametrize(
    ("row", "message"), [({"modle": "small"}, "did you mean 'model'"), ({"model": "smal"}, "did you mean 'small'")]
)
def test_unknown_names_are_refused_with_the_nearest(row: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_cells({}, AXES, [row], [])
    with pytest.raises(InputError, match=message):
        make_cells({}, AXES, [], [Original(row, 0.5)])
