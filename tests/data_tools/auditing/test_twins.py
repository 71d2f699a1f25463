from collections.abc import Callable
from pathlib import Path

import numpy as np

from data_tools.audit import main
from data_tools.auditing.audit import Audit
from data_tools.auditing.doctor import examine
from data_tools.auditing.findings import UNSAFE, WARNING
from data_tools.auditing.leaks import straddling
from data_tools.auditing.review import Suspect
from data_tools.auditing.summary import describe
from data_tools.auditing.twins import contradicted, joined, twins, unlike_labels
from data_tools.core.anchors import AnchorConfig
from data_tools.core.records import UNBOXED, Dataset, Sample, Splits
from data_tools.files.dataset_folder import read_dataset
from tests.data_tools.auditing.test_audit import build

BOX = ((1, 1, 9, 9),)


def test_a_good_image_that_shows_the_same_as_defects_is_named_and_can_be_corrected(tmp_path: Path, capsys) -> None:
    folder, review = build(tmp_path / "d"), tmp_path / "review.csv"
    train = read_dataset(folder).split("train")
    good, *others = [one for one in train if not one.is_defect][:1] + [one for one in train if one.is_defect][:2]
    for other in others:
        (folder / "images" / other.path).write_bytes((folder / "images" / good.path).read_bytes())
    assert main([str(folder), "--labels", "no", "--review", str(review)]) == 0
    out = capsys.readouterr().out
    assert f"warning: 1 good images show the same as a defect image: 2 pairs, such as {good.path} (good) and " in out
    assert "least believed labels, by the confidence in them, 0..1 (of 1 in the review list; " in out
    assert f"0.33  {good.path} is good, good: shows the same as {others[0].path} (scratch) and 1 more" in out
    header, row = review.read_text().splitlines()
    review.write_text(f"{header}\n{row}defect\n")
    assert main([str(folder), "--apply", str(review), "--out", str(tmp_path / "corrected")]) == 0
    corrected = {one.image_id: one.status for one in read_dataset(tmp_path / "corrected").samples}
    assert corrected[good.image_id] == UNBOXED


def test_one_against_one_is_told_and_not_judged(tmp_path: Path, capsys) -> None:
    folder, review = build(tmp_path / "d"), tmp_path / "review.csv"
    (folder / "images" / "4.png").write_bytes((folder / "images" / "3.png").read_bytes())  # of one group
    assert main([str(folder), "--labels", "no", "--review", str(review)]) == 0
    assert "1 pairs, such as 4.png (good) and 3.png (scratch); one label of a pair is wrong" in capsys.readouterr().out
    assert len(review.read_text().splitlines()) == 1


def test_what_grouping_cuts_is_a_warning_after_it(make_sample: Callable[..., Sample]) -> None:
    """Forty images of parts in a jig, which differ by noise alone, beside forty that differ more."""
    rng = np.random.default_rng(0)
    thumbnails = 200 * rng.normal(size=256) + rng.normal(size=(80, 256))
    thumbnails[40:] += 20 * rng.normal(size=(40, 256))
    thumbnails[1] = thumbnails[0] + 1e-3 * thumbnails[2]
    alike, cut = twins(thumbnails.astype(np.float32), range(80))
    found = dict(zip(map(tuple, alike.tolist()), cut.tolist(), strict=True))
    assert not found[0, 1]  # a copy is grouped, however many look alike
    assert 100 < cut.sum() < len(cut)
    (a, b) = next(pair for pair, is_cut in found.items() if is_cut)
    samples = tuple(make_sample(i) for i in range(1, 81))
    parts = (a + 1,), (b + 1,), ()
    for group_by, chain, level, advice in (
        ("auto: near-duplicates", cut, WARNING, "--group-by auto leaves these apart"),
        ("auto: lot", ~cut, UNSAFE, "--group-by auto goes by lots and leaves these"),
        ("none", cut, UNSAFE, "group and split anew"),
    ):
        dataset = Dataset(samples, ("scratch",), None, Splits(0, group_by, *parts))
        (finding,) = straddling(dataset, None, range(80), alike, chain)
        assert (finding.level, finding.image_ids) == (level, (a + 1, b + 1))
        assert finding.remedy.startswith(advice)


def test_labels_that_are_believed_are_not_shown_as_doubted(make_sample: Callable[..., Sample]) -> None:
    suspects = tuple(Suspect(make_sample(i), "defect", confidence, "odd") for i, confidence in ((1, 0.4), (2, 0.999)))
    checkup, _ = examine(Dataset((make_sample(1),), ("scratch",), None, None), None, AnchorConfig(), None)
    for shown, last in ((suspects, "  0.40  1.png is good, good: odd"), (suspects[1:], "writes it): none")):
        assert describe("d", Audit(checkup, (), (), shown, None))[-1].endswith(last)


def test_copies_of_one_label_are_no_contradiction(tmp_path: Path, capsys) -> None:
    folder = build(tmp_path / "d")
    (folder / "images" / "2.png").write_bytes((folder / "images" / "1.png").read_bytes())
    assert main([str(folder), "--labels", "no"]) == 0
    assert "show the same" not in capsys.readouterr().out


def test_an_image_is_doubted_as_far_as_the_others_that_show_the_same_contradict_it(
    make_sample: Callable[..., Sample],
) -> None:
    shots = [make_sample(1, BOX), make_sample(2, BOX), make_sample(3), make_sample(4, BOX)]
    pairs = np.array([[0, 2], [1, 2], [0, 1], [0, 3], [1, 3], [2, 3]])
    (doubted,) = contradicted(pairs, shots)
    assert (doubted.sample.image_id, doubted.suggested, doubted.confidence) == (3, "defect", 0.25)
    assert doubted.reason == "shows the same as 1.png (scratch) and 2 more"
    (finding,) = unlike_labels(pairs, shots)
    assert finding.text.startswith(
        "1 good images show the same as a defect image: 3 pairs, such as 3.png (good) and 1.png"
    )
    assert finding.image_ids == (1, 3)


def test_the_list_has_each_image_once_and_the_least_believed_first(make_sample: Callable[..., Sample]) -> None:
    by_models = [Suspect(make_sample(i), "defect", 0.1 * i, "odd") for i in (1, 2, 3)]
    by_twins = [Suspect(make_sample(i), "defect", 0.25, "shows the same as 9.png (scratch)") for i in (1, 3, 4)]
    found = joined(by_models, by_twins, 3)
    assert found is not None
    assert [(one.sample.image_id, round(one.confidence, 2), one.reason) for one in found] == [
        (1, 0.1, "shows the same as 9.png (scratch); odd"),
        (2, 0.2, "odd"),
        (3, 0.25, "shows the same as 9.png (scratch); odd"),
    ]
    assert joined(None, [], 3) is None
    assert joined([], [], 3) == ()
