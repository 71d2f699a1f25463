"""Label Studio's export as CSV or TSV."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.choice import choose_format
from data_tools.formats.labelstudio.labelstudio import claims_of
from data_tools.formats.registry import Findings

BOX = {"x": 10, "y": 20, "width": 30, "height": 40, "rotation": 0, "original_width": 200, "original_height": 100}
OWN = {"annotator": 1, "annotation_id": 5, "created_at": "2024-01-01", "updated_at": "2024-01-01", "lead_time": 3.2}


def write(path: Path, *rows: dict[str, Any], separator: str = ",") -> Path:
    """Rows as Label Studio writes them: what is more than a text as JSON."""
    text = io.StringIO()
    table = csv.writer(text, delimiter=separator)
    header = [*rows[0], *OWN]
    table.writerow(header)
    for row in rows:
        values = ({**OWN, **row}.get(name, "") for name in header)
        table.writerow([json.dumps(one) if isinstance(one, list | dict) else one for one in values])
    path.write_text(text.getvalue())
    return path


@pytest.mark.parametrize("separator", [",", "\t"])
def test_rows_are_the_items_of_json_min(tmp_path: Path, read, save, separator: str) -> None:
    for name in ("a", "b", "c"):
        save(tmp_path / f"{name}.png", (100, 200))
    path = write(
        tmp_path / "project.csv",
        {"image": "/data/upload/1/1a2b3c4d-a.png", "id": 1, "label": [{**BOX, "rectanglelabels": ["pit"]}]},
        {"image": "/data/upload/1/1a2b3c4d-b.png", "id": 2, "label": ""},
        {"image": "/data/upload/1/1a2b3c4d-c.png", "id": 3, "label": "", "annotation_id": ""},
        separator=separator,
    )
    for source in (path, tmp_path):
        assert choose_format([source], "auto")[0].name == "labelstudio"
    samples, findings = read("labelstudio", path)
    assert {name: (s.status, s.boxes_xyxy.tolist()) for name, s in samples.items()} == {
        "a.png": ("boxed", [[20, 20, 80, 60]]),
        "b.png": ("good", []),
    }
    assert [Path(r.image).name for r in findings.rejects] == ["c.png"]  # nobody submitted anything


def test_choices_and_what_may_be_one(tmp_path: Path) -> None:
    rows = [{"image": "a.png", "id": 1, "choice": "OK"}, {"image": "b.png", "id": 2, "choice": {"choices": ["pit"]}}]
    a, *_, b = claims_of(write(tmp_path / "t.csv", *rows), Findings())
    assert "choice 'OK'" in (a.good, *(one.good for one in (b, *_)))
    assert b.defect_type == "pit"
    (claim,) = claims_of(write(tmp_path / "t.csv", {"image": "a.png", "id": 1, "quality": "OK"}), Findings())
    assert "may be a choice; export as JSON" in claim.problem


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('a.png,1,"[{""x"": 1",1,5,3\n', "line 2: label is no JSON"),
        ("a.png,1,,1,5\n", "line 2: 5 fields instead of 6"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: str, reason: str) -> None:
    (tmp_path / "t.csv").write_text(f"image,id,label,annotator,annotation_id,lead_time\n{row}")
    with pytest.raises(InputError, match=reason):
        list(claims_of(tmp_path / "t.csv", Findings()))


def test_a_table_that_only_names_its_annotators_is_none(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("image,x1,y1,x2,y2,annotator,annotation_id\na.png,1,2,3,4,me,7\n")
    assert choose_format([tmp_path / "t.csv"], "auto")[0].name == "csv"
