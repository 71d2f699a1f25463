from pathlib import Path

import pytest

from data_tools.formats.choice import choose_format

ABOVE = "imagesource:GoogleEarth\ngsd:0.146\n"


@pytest.fixture
def told(tmp_path: Path, save, read):
    """The samples and findings of labels by the names of their images."""

    def build(**labels: str):
        (tmp_path / "labelTxt").mkdir()
        for name, text in labels.items():
            save(tmp_path / f"images/{name}.png")
            (tmp_path / f"labelTxt/{name}.txt").write_text(text)
        assert choose_format([tmp_path], "auto")[0].name == "dota"
        return read("dota", tmp_path)

    return build


def test_quadrilaterals_and_files_without_any(told) -> None:
    samples, findings = told(a=f"{ABOVE}20 10 50 10 50 30.5 20 30.5 pit 0\n", b=ABOVE, c="")
    assert samples["images/a.png"].boxes_xyxy.tolist() == [[20, 10, 50, 30.5]]
    assert samples["images/a.png"].box_types == ("pit",)
    assert {samples[f"images/{name}.png"].status for name in "bc"} == {"good"}
    assert findings.rejects == []
    assert findings.mended == []


def test_a_turned_box_is_listed_and_gets_the_one_around_it(told) -> None:
    samples, findings = told(a="20 20 30 10 40 20 30 30 pit 1\n")
    assert samples["images/a.png"].boxes_xyxy.tolist() == [[20, 10, 40, 30]]
    assert "the box around its points is taken" in findings.mended[0].reason


def test_lines_that_are_none_are_listed_and_their_images_are_defects(told) -> None:
    samples, findings = told(a="20 10 50 10 50 30 20 30 pit 0\n1 2 3 pit\n", b="20 10 50 10\n")
    assert len(samples["images/a.png"].boxes_xyxy) == 1
    assert "images/b.png" not in samples
    assert [one.line for one in findings.rejects][:1] == [2]
