from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_tools.core.records import BOXED, GOOD, UNBOXED
from data_tools.files.dataset_folder import read_dataset
from data_tools.synth import main
from data_tools.synthetic.defects import BOXED_DEFECTS, UNBOXED_DEFECTS
from data_tools.synthetic.render import contact_sheet, make_synthetic, render

CENTRE = (slice(99, 169), slice(85, 190))


def test_the_same_seed_and_index_give_the_same_image() -> None:
    first, again = render(3, 5, "scratch", lot=1), render(3, 5, "scratch", lot=1)
    assert (first.image == again.image).all()
    assert first.boxes_xyxy.tolist() == again.boxes_xyxy.tolist()
    assert (first.image != render(3, 6, "scratch", lot=1).image).any()
    assert (first.image != render(4, 5, "scratch", lot=1).image).any()


@pytest.mark.parametrize("kind", list(BOXED_DEFECTS))
def test_a_defect_changes_pixels_inside_its_boxes_only(kind: str) -> None:
    """Device and noise come from streams of their own, so the good twin of a defect image is known."""
    for index in range(6):
        good, defect = render(0, index, GOOD), render(0, index, kind)
        outside = np.ones(good.image.shape, dtype=bool)
        for x1, y1, x2, y2 in defect.boxes_xyxy.astype(int):
            outside[y1:y2, x1:x2] = False
            inside = np.abs(defect.image[y1:y2, x1:x2].astype(int) - good.image[y1:y2, x1:x2])
            assert inside.max() > 3
        assert defect.box_types[0] == kind
        assert np.abs(defect.image.astype(int) - good.image)[outside].max() <= 4


def test_gray_values_are_those_of_the_real_images() -> None:
    images = np.stack([render(1, i, GOOD, lot=i).image for i in range(40)]) / 255
    assert images.shape[1:] == (267, 275)
    assert images.mean() == pytest.approx(0.22, abs=0.03)
    assert images.std() == pytest.approx(0.14, abs=0.02)


def test_letters_and_edges_do_not_give_the_label_away() -> None:
    """A linear model on the marking and on everything outside the pocket, whole lots left out, is near chance."""
    kinds = [kind for kind in BOXED_DEFECTS if kind != "marking_defect"]
    truth = np.arange(360) % 3 == 0
    images = [
        render(0, i, kinds[i // 3 % len(kinds)] if bad else GOOD, lot=i // 12).image for i, bad in enumerate(truth)
    ]
    small = np.stack(images).astype(float)[:, 1:265, 1:274].reshape(360, 88, 3, 91, 3).mean(axis=(2, 4)) / 255
    border = np.ones((88, 91), dtype=bool)
    border[11:77, 11:80] = False
    features = np.concatenate([small[:, border], small[:, 33:56, 28:63].reshape(360, -1)], axis=1)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    lots = np.arange(360) // 12
    found = cross_val_predict(model, features, truth, groups=lots, cv=GroupKFold(5), method="decision_function")
    assert roc_auc_score(truth, found) == pytest.approx(0.5, abs=0.1)


def test_a_dataset_folder_with_whole_lots(tmp_path: Path) -> None:
    out = tmp_path / "made"
    assert main(["--out", str(out), "--good", "40", "--defect", "50", "--seed", "3"]) == 0
    dataset = read_dataset(out)
    assert {status: sum(s.status == status for s in dataset.samples) for status in (GOOD, BOXED, UNBOXED)} == {
        GOOD: 40,
        BOXED: 48,
        UNBOXED: 2,
    }
    assert {s.type for s in dataset.samples} == {GOOD, *BOXED_DEFECTS, *UNBOXED_DEFECTS}
    lots = [{s.group for s in dataset.split(name)} for name in ("train", "val", "test")]
    assert sum(map(len, lots)) == len(set().union(*lots))
    assert all(s.path.startswith(s.group) for s in dataset.samples)
    again = make_synthetic(tmp_path / "again", 40, 50, 3)
    first = (out / "images" / dataset.samples[7].path).read_bytes()
    assert (tmp_path / "again" / "images" / again.samples[7].path).read_bytes() == first


def test_bad_numbers_and_foreign_folders_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert main(["--out", str(tmp_path / "mine"), "--good", "2", "--defect", "1"]) == 2
    assert "no dataset folder" in capsys.readouterr().err
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    assert main(["--out", str(tmp_path / "x"), "--good", "0", "--defect", "0"]) == 2
    assert not (tmp_path / "x").exists()


def test_the_contact_sheet_shows_every_type() -> None:
    sheet = np.asarray(contact_sheet(0))
    assert sheet.shape[1] > 800
    assert 30 < sheet.mean() < 200
