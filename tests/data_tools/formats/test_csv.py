from pathlib import Path

import pytest

from data_tools.core.errors import InputError
from data_tools.formats.registry import formats
from data_tools.formats.tables.columns import find_columns

SIZE = (267, 275)


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("image,type,x1,y1,x2,y2", "a.png,scratch,10,20,30,50"),
        ("filename,width,height,class,xmin,ymin,xmax,ymax", "a.png,275,267,scratch,10,20,30,50"),
        ("File Name,Label,Left,Top,Width,Height", "a.png,scratch,10,20,20,30"),
        ("id,image_id,x,y,w,h,category_name", "7,a.png,10,20,20,30,scratch"),
        ("image_path,x_min,y_min,x_max,y_max,label", "a.png,10,20,30,50,scratch"),
        ("img,bbox_x,bbox_y,bbox_width,bbox_height,defect type", "a.png,10,20,20,30,scratch"),
        ("file,x0,y0,x1,y1,class", "a.png,10,20,30,50,scratch"),
        ("image,x_center,y_center,width,height,class", "a.png,20,35,20,30,scratch"),
        ("Image;Class;Left;Top;Right;Bottom", "a.png;scratch;10,0;20,0;30,0;50,0"),
        ("Bild;Breite;H\u00f6he;Links;Oben;Rechts;Unten;Fehlerart", "a.png;275;267;10;20;30;50;scratch"),
        ("Bild;Klasse;Links;Oben;Breite;H\u00f6he;Bildbreite;Bildh\u00f6he", "a.png;scratch;10;20;20;30;275;267"),
        ("fichier;gauche;haut;largeur;hauteur;class", "a.png;10;20;20;30;scratch"),
        ("image\ttype\tx1\ty1\tx2\ty2", "a.png\tscratch\t10\t20\t30\t50"),
        ('"image" , "type","x1","y1","x2", "y2"', '"a.png" ,scratch, "10","20" ,"30",50'),
        ("sep=|\nimage|type|x1|y1|x2|y2", "a.png|scratch|10,0|20,0|30,0|50,0"),
    ],
)
def test_columns_in_any_common_spelling(tmp_path: Path, read, header: str, row: str) -> None:
    (tmp_path / "areas.csv").write_text(f"{header}\n{row}\n")
    samples, findings = read("csv", tmp_path / "areas.csv", size_hw=SIZE)
    assert samples["a.png"].boxes_xyxy.tolist() == [[10, 20, 30, 50]]
    assert samples["a.png"].box_types == ("scratch",)
    assert not findings.rejects


def test_lines_may_end_as_on_old_macintoshes(tmp_path: Path, read) -> None:
    (tmp_path / "a.csv").write_bytes(b"image,x1,y1,x2,y2\ra,10,20,30,50\rb,,,,\r")
    samples, _ = read("csv", tmp_path / "a.csv", size_hw=SIZE)
    assert {name: s.status for name, s in samples.items()} == {"a": "boxed", "b": "good"}


def test_a_header_without_image_or_box_is_none() -> None:
    assert find_columns(["image", "class"]) is None
    assert find_columns(["x1", "y1", "x2", "y2"]) is None
    assert find_columns([]) is None


def test_several_rows_an_image_good_and_unboxed_ones(tmp_path: Path, read) -> None:
    rows = [
        "image,type,x1,y1,x2,y2",
        "a,scratch,1,2,3,4",
        "a,chip,5,6,9,9",
        "b,good,,,,",
        "c,,nan,nan,nan,nan",
        "d,scratch,,,,",
        "e,normal,0,0,0,0",
        "f,scratch,0,0,0,0",
        "g,scratch,9,9,5,12",
    ]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    samples, findings = read("csv", tmp_path, size_hw=SIZE, corners="inclusive", type_map={"chip": "chipping"})
    assert samples["a"].boxes_xyxy.tolist() == [[1, 2, 4, 5], [5, 6, 10, 10]]
    assert samples["a"].box_types == ("scratch", "chipping")
    assert {name: (s.status, s.type) for name, s in samples.items() if name != "a"} == {
        "b": ("good", "good"),
        "c": ("good", "good"),
        "d": ("unboxed", "scratch"),
        "e": ("good", "good"),
        "f": ("boxed", "scratch"),
        "g": ("boxed", "scratch"),
    }
    assert samples["g"].boxes_xyxy.tolist() == [[5, 9, 10, 13]]
    assert not findings.rejects
    assert [(r.line, r.reason[:13]) for r in findings.mended] == [(7, "boxes 0,0,0,0"), (9, "boxes with sw")]


def test_exclusive_zeros_have_no_area(tmp_path: Path, read) -> None:
    (tmp_path / "a.csv").write_text("image,type,x1,y1,x2,y2\na,scratch,0,0,0,0\nb,scratch,1,1,1,5\n")
    samples, findings = read("csv", tmp_path, size_hw=SIZE)
    assert {sample.status for sample in samples.values()} == {"unboxed"}
    assert [(r.line, r.reason) for r in findings.rejects] == [(2, "zero-area rectangle"), (3, "zero-area rectangle")]


def test_wrong_rows_are_listed_with_their_line(tmp_path: Path, read) -> None:
    content = b"image,type,x1,y1,x2,y2\na,s,1,2\n\xff,s,1,2,3,4\nb,s,1,2,x,4\n,s,1,2,3,4\nc,s,1,2,3,4\nc,s,1,2,3,4\n"
    (tmp_path / "a.csv").write_bytes(content + b'd,"s\nx",1,2,3,4\ne,s,1,2,inf,4\nf,good,1,2,3,4\n')
    samples, findings = read("csv", tmp_path / "a.csv", size_hw=SIZE)
    statuses = {"b": "unboxed", "c": "boxed", "e": "unboxed", "f": "good"}
    assert {name: sample.status for name, sample in samples.items()} == statuses
    assert sorted(r.line or 0 for r in findings.rejects) == [2, 3, 4, 5, 7, 8, 9, 10]
    assert [(r.line, r.reason[:24]) for r in findings.mended] == [(11, "boxes around good things")]


def test_sizes_come_from_images_columns_or_the_flag(tmp_path: Path, read, save) -> None:
    save(tmp_path / "images" / "a.png", (60, 80))
    save(tmp_path / "images" / "good" / "g.png", (60, 80))
    save(tmp_path / "images" / "b.png", (60, 80))
    (tmp_path / "images" / "b.png").write_bytes(b"broken")
    text = "filename,width,height,class,xmin,ymin,xmax,ymax\n{},80,60,s,1,2,80,60\nb.png,80,60,s,1,2,3,4\n"
    (tmp_path / "a.csv").write_text(text.format("a.png"))
    samples, findings = read("csv", tmp_path)
    assert {name: (s.size_hw, s.status) for name, s in samples.items()} == {
        "images/a.png": ((60, 80), "boxed"),
        "images/good/g.png": ((60, 80), "good"),
    }
    assert "b.png" in findings.rejects[0].reason
    (tmp_path / "other.csv").write_text(text.replace("80,60,s", "81,60,s").format("a.png"))
    assert not read("csv", tmp_path / "other.csv", images=tmp_path / "images")[0].get("a.png")
    (tmp_path / "far" / "alone").mkdir(parents=True)
    (tmp_path / "far" / "alone" / "a.csv").write_text("image,x1,y1,x2,y2\na,1,2,3,4\n")
    assert "--size" in read("csv", tmp_path / "far" / "alone" / "a.csv")[1].rejects[0].reason


def test_without_the_columns_it_says_which(tmp_path: Path, read) -> None:
    (tmp_path / "a.csv").write_text("image,score\na,0.3\n")
    with pytest.raises(InputError, match=r"line 1: no header .*xmin"):
        read("csv", tmp_path / "a.csv", size_hw=SIZE)


def test_sizes_of_many_images_are_read_by_all_processors_and_cut_files_are_listed(tmp_path: Path, save, read) -> None:
    for i in range(80):
        save(tmp_path / f"{i}.bmp", (20 + i, 30))
    (tmp_path / "7.bmp").write_bytes((tmp_path / "7.bmp").read_bytes()[:-10])
    rows = "".join(f"{i},1,2,9,9\n" for i in range(80))
    (tmp_path / "a.csv").write_text(f"image,x1,y1,x2,y2\n{rows}")
    samples, findings = read("csv", tmp_path)
    assert {name: s.size_hw for name, s in samples.items()} == {f"{i}.bmp": (20 + i, 30) for i in range(80) if i != 7}
    assert [(r.line, r.image) for r in findings.rejects] == [(9, "7")]
    assert "7.bmp" in findings.rejects[0].reason


def test_what_spreadsheets_write(tmp_path: Path, read, save) -> None:
    for name in ("0007.png", "b.png"):
        save(tmp_path / name, (60, 80))
    rows = ["sep=;", "id;type;x1;y1;x2;y2;;", "7;Löcher;1,5;2,5;20,5;30,5;;", "b;good;;;;;;", ";;;;;;;"]
    for encoding in ("utf-16", "cp1252"):
        (tmp_path / "a.csv").write_bytes("\r\n".join(rows).encode(encoding))
        assert "a.csv has the columns id" in str(formats()["csv"].recognise(tmp_path))
        samples, findings = read("csv", tmp_path)
        assert samples["0007.png"].boxes_xyxy.tolist() == [[1.5, 2.5, 20.5, 30.5]]
        assert samples["0007.png"].box_types == ("Löcher",)
        assert (samples["b.png"].status, samples["b.png"].evidence) == ("good", "row without a box")
        assert not findings.rejects
        assert [r.reason.split(":")[0] for r in findings.mended] == [
            "text that is not UTF-8",
            "number without its leading zeros as a name",
        ]


def test_decimal_points_beside_decimal_commas_are_refused(tmp_path: Path, read) -> None:
    (tmp_path / "a.csv").write_text("image;x1;y1;x2;y2\na;1,5;2,5;20,5;30,5\nb;1.234;2;2000;30\n")
    samples, findings = read("csv", tmp_path, size_hw=SIZE)
    assert {name: sample.status for name, sample in samples.items()} == {"a": "boxed", "b": "unboxed"}
    assert findings.rejects[0].line == 3


@pytest.mark.parametrize(
    "text",
    [
        'image,x1,y1,x2,y2\na,"1,100","1,200","1,300","1,400"\nb,100,200,300,400\n',
        'image,x1,y1,x2,y2\na,"1,100","1,200","1,300","1,400"\n',
        "image;x1;y1;x2;y2\na;1.100;1.200;1.300;1.400\nb;100;200;300;400\n",
        "image;x1;y1;x2;y2\na;900;200;1,100;400\n",
    ],
)
def test_signs_that_may_be_for_thousands_are_refused(tmp_path: Path, read, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    samples, findings = read("csv", tmp_path, size_hw=(1800, 2000))
    assert samples["a"].status == "unboxed"
    assert "may be thousands or a decimal" in findings.rejects[0].reason
    assert "b" not in samples or samples["b"].boxes_xyxy.tolist() == [[100, 200, 300, 400]]


@pytest.mark.parametrize(
    "text",
    [
        "image;x1;y1;x2;y2\na;100,125;20,500;120,250;30,000\n",
        "image;x1;y1;x2;y2\na;100.125;20.500;120.250;30\nb;0.5;1;2;3\n",
        "image,x1,y1,x2,y2\na,100.125,20.500,120.250,30\n",
    ],
)
def test_decimals_of_three_places(tmp_path: Path, read, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    samples, _ = read("csv", tmp_path, size_hw=(1800, 2000))
    assert samples["a"].boxes_xyxy.tolist() == [[100.125, 20.5, 120.25, 30]]


def test_boxes_with_scores_are_predictions(tmp_path: Path, read) -> None:
    text = "image,class,x1,y1,x2,y2,{}\na,s,1,2,30,40,{}\nb,s,1,2,30,40,1.0\n"
    for column in ("score", "Confidence"):
        (tmp_path / "a.csv").write_text(text.format(column, "0.35"))
        with pytest.raises(InputError, match=rf"a\.csv, line 2: {column} 0.35: .*import_predictions"):
            read("csv", tmp_path, size_hw=SIZE)
        (tmp_path / "a.csv").write_text(text.format(column, "1"))
        assert {s.status for s in read("csv", tmp_path, size_hw=SIZE)[0].values()} == {"boxed"}


def test_columns_of_a_table_without_a_header(tmp_path: Path, read) -> None:
    (tmp_path / "a.csv").write_text("a.png,1,2,20,30,scratch\nb.png,5,5,9,9,dent\n")
    assert formats()["csv"].recognise(tmp_path) is None
    columns = ("image", "x1", "y1", "x2", "y2", "class")
    samples, findings = read("csv", tmp_path, size_hw=SIZE, columns=columns)
    assert {name: s.box_types for name, s in samples.items()} == {"a.png": ("scratch",), "b.png": ("dent",)}
    assert not findings.rejects
    (tmp_path / "a.csv").write_text(",".join(columns) + "\na.png,1,2,20,30,scratch\n")
    assert set(read("csv", tmp_path, size_hw=SIZE, columns=columns)[0]) == {"a.png"}


def test_names_that_do_not_fit_a_header_are_refused_or_told(tmp_path: Path, read) -> None:
    columns = ("image", "x1", "y1", "x2", "y2", "class")
    (tmp_path / "a.csv").write_text("image,x1,y1,x2,y2\na.png,1,2,20,30\n")
    with pytest.raises(InputError, match=r"a\.csv: its header has 5 columns, and --columns 6; name all of them"):
        read("csv", tmp_path / "a.csv", size_hw=SIZE, columns=columns)
    (tmp_path / "b.csv").write_text("b.png,1,2,20,30,scratch\n")
    samples, findings = read("csv", tmp_path, size_hw=SIZE, columns=columns)
    assert {path: sample.type for path, sample in samples.items()} == {"a.png": "defect", "b.png": "scratch"}
    assert findings.notes == [f"{tmp_path / 'a.csv'}: its header has 5 columns, and --columns 6: read by its header"]


def test_a_table_of_something_else_is_listed(tmp_path: Path, read) -> None:
    (tmp_path / "a.csv").write_text("lot,date\n1,2\n")
    (tmp_path / "b.csv").write_text("image,x1,y1,x2,y2\na,1,2,20,30\n")
    assert formats()["csv"].recognise(tmp_path) is not None
    samples, findings = read("csv", tmp_path, size_hw=SIZE)
    assert set(samples) == {"a"}
    assert [(Path(r.source).name, r.line) for r in findings.rejects] == [("a.csv", 1)]


def test_a_column_for_the_folder_tells_images_of_one_name_apart(tmp_path: Path, read, save) -> None:
    rows = ["lineA,0.png,1,2,30,40,pit", "C:\\x\\lineB,1.png,1,2,30,40,pit", "lineB\\,0.png,5,6,30,40,dent"]
    (tmp_path / "b.csv").write_text("\n".join(["folder,filename,x1,y1,x2,y2,class", *rows]))
    samples, _ = read("csv", tmp_path / "b.csv", size_hw=SIZE)
    assert {name: s.box_types for name, s in samples.items()} == {
        "lineA/0.png": ("pit",),
        "1.png": ("pit",),
        "lineB/0.png": ("dent",),
    }
    for name in ("lineA/0.png", "lineB/0.png", "lineB/1.png"):
        save(tmp_path / "images" / name)
    samples, findings = read("csv", tmp_path)
    assert {name: s.boxes_xyxy[0, 0] for name, s in samples.items()} == {
        "images/lineA/0.png": 1,
        "images/lineB/1.png": 1,
        "images/lineB/0.png": 5,
    }
    assert not findings.rejects
