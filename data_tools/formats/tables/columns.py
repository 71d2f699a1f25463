"""Which column of a table is what, by the many names that tools give them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from data_tools.core.split_words import part_of
from data_tools.files.csv_tables import column_key
from data_tools.formats.images.image_places import declared_size
from data_tools.formats.shapes.outlines import corners_of
from data_tools.formats.shapes.packed_boxes import parts_of, sense_of
from data_tools.formats.shapes.rectangles import Box
from data_tools.formats.shapes.upright import without_box
from data_tools.formats.words.asides import is_about_another, names_a_verdict
from data_tools.formats.words.names import climbs


def _names(text: str) -> tuple[str, ...]:
    """The names in a text, the likeliest first, as `column_key` has them."""
    return tuple(text.split())


_IMAGE = _names(
    "image filename imagename imagefilename imagefile imageid imgname imgid img file imagepath imgpath imagefilepath "
    "filepath path picture photo frame fileid name id bild bildname bilddatei datei dateiname fichier archivo imagen "
    "immagine nomefile 文件名 文件 图片 图片名 图像 图像名 图片名称 图像名称 文件名称 图片路径 图像路径 图片文件 "
    "画像ファイル 画像ファイル名 画像パス 이미지명 이미지파일 ファイル名 画像 画像名 파일명 이미지"
)
_TYPE = _names(
    "class classname label labelname type defecttype defect category categoryname defectclass classlabel name "
    "classid categoryid defectname defectkind defectcode faulttype faultname faultcode anomalytype damagetype "
    "failuremode failuretype flawtype kind fehlerart fehlertyp fehlerklasse defektart defekttyp klasse typ "
    "kategorie classe catégorie categoria categoría tipo clase 缺陷名称 缺陷类别 缺陷种类 缺陷 类别名称 类名 "
    "欠陥種類 欠陥種別 欠陥名 欠陥 種類 種別 分類 クラス ラベル 결함유형 결함종류 결함 유형 클래스 라벨 缺陷类型 "
    "类别 类型 标签"
)
_LEFT = _names(
    "xmin left x1 xmi startx xstart x links gauche minx leftx xleft xtl tlx 左上角x 左上x 左上角x坐标 x坐标 左 "
    "左上x座標 x座標 왼쪽 좌측 colmin mincol columnmin mincolumn colstart startcol columnstart col1 column1"
)
_TOP = _names(
    "ymin top y1 ymi starty ystart y oben haut miny topy ytop ytl tly 左上角y 左上y 左上角y坐标 y坐标 上 "
    "左上y座標 y座標 위 위쪽 rowmin minrow rowstart startrow row1"
)
_RIGHT = _names(
    "xmax right x2 xma endx xend rechts droite maxx rightx xright xbr brx 右下角x 右下x 右下角x坐标 右 右下x座標 "
    "오른쪽 우측 colmax maxcol columnmax maxcolumn colend endcol columnend col2 column2"
)
_BOTTOM = _names(
    "ymax bottom y2 yma endy yend unten bas maxy bottomy ybottom ybr bry 右下角y 右下y 右下角y坐标 下 右下y座標 "
    "아래 아래쪽 rowmax maxrow rowend endrow row2"
)
_FROM_0 = (("x0", "col0", "column0"), ("y0", "row0"), ("x1", "col1", "column1"), ("y1", "row1"))
_NUMBERED = re.compile(r"^(?:bbox|box|roi|bb)[0-4]$")  # as scikit-image has them, rows first; of other tools x is first
_CENTRE_X = _names("xcenter xcentre centerx centrex cx xc 中心x 中心点x 中心x坐标 中心x座標")
_CENTRE_Y = _names("ycenter ycentre centery centrey cy yc 中心y 中心点y 中心y坐标 中心y座標")
_WIDTH = _names("w boxwidth width breite largeur 宽 宽度 幅 너비 폭")
_HEIGHT = _names("h boxheight height höhe hoehe hauteur 高 高度 高さ 높이")
_IMAGE_WIDTH = _names("imagewidth imgwidth imgw imagew bildbreite")
_IMAGE_HEIGHT = _names("imageheight imgheight imgh imageh bildhöhe bildhoehe")
_FOLDER = _names(
    "folder foldername subfolder dir dirname directory subdir subdirectory ordner unterordner verzeichnis dossier "
    "carpeta cartella"
)
_PARTS = _names("split subset partition phase usage set")
_LOTS = _names(
    "lot lotid lotno lotname lotnumber los charge chargennummer wafer waferid panel panelid board boardid device "
    "deviceid unit unitid serial serialnumber sn seriennummer group groupid 批次 批号"
)
_AREAS = _names(
    "bbox box boxes polygon points segmentation coordinates rle encodedpixels mask maskpath maskfile maskname"
)
LABELS = "labels"
"""The shape of a table of labels, which has no boxes."""

_OF_POINTS, _FEWEST_POINTS = ("corners", "outline"), 3


@dataclass(frozen=True)
class Columns:
    """Positions of the columns that matter.

    Attributes:
        count: how many columns the table has.
        image, type: positions; type may be None.
        box: positions of the four numbers, or of the one field that has all of them; of "outline" of x and y of each
            point in turn.
        shape: "corners" for two corners, "corner" for left, top, width, height, "centre" for a centre and both,
            "outline" for three points or more, LABELS where there is no box, `packed_boxes.UNKNOWN` where the header
            does not say which.
        size: positions of the image's height and width, or None.
        names: the header's names for the image and the box.
        type_name: the header's name for the type; "" where there is none.
        others: position and name of the other columns.
        twice: the name of a column that is needed and stands twice; "" without.
        classes: positions of those of the others that are classes of images, each with yes under one of them.
    """

    count: int
    image: int
    type: int | None
    box: tuple[int, ...]
    shape: str
    size: tuple[int, int] | None
    names: tuple[str, ...]
    type_name: str = ""
    others: tuple[tuple[int, str], ...] = ()
    twice: str = ""
    classes: tuple[int, ...] = ()

    def image_of(self, fields: Sequence[str]) -> str:
        """The name of the image, behind that of its folder where another column gives it."""
        name = fields[self.image] if len(fields) > self.image else ""
        place = next((i for i in self._folders if i < len(fields)), None)
        folder = "" if place is None else fields[place].replace("\\", "/").strip("/")
        is_beside = bool(folder and name) and not re.search(r"[/\\]", name) and not climbs(fields[place or 0])
        return f"{folder}/{name}" if is_beside else name

    def part_of(self, fields: Sequence[str]) -> str:
        """The part of a split that a row says its image is in; "" where it says none."""
        return "" if self._part is None else part_of(fields[self._part]) or ""

    def lot_of(self, fields: Sequence[str]) -> str:
        """The lot, wafer or device that a row says its image is of; "" where it says none."""
        return "" if self._lot is None else fields[self._lot]

    @cached_property
    def _folders(self) -> tuple[int, ...]:
        return tuple(i for i, of in self.others if column_key(of) in _FOLDER)

    @cached_property
    def _part(self) -> int | None:
        return self._first_of(_PARTS)

    @cached_property
    def _lot(self) -> int | None:
        return self._first_of(_LOTS)

    def _first_of(self, names: Iterable[str]) -> int | None:
        """The place of the other column with the first of these names that is there."""
        return next((i for name in names for i, of in self.others if column_key(of) == name), None)

    def box_of(self, fields: Sequence[str]) -> list[str]:
        """The fields of the box, or the numbers in its one field."""
        return parts_of(fields[self.box[0]]) if len(self.box) == 1 else [fields[i] for i in self.box]

    def type_of(self, fields: Sequence[str]) -> str:
        """The type's field; empty where there is no such column."""
        return "" if self.type is None else fields[self.type]

    def size_of(self, fields: Sequence[str]) -> tuple[int, int] | None:
        """(height, width), where there are such columns and they hold a size."""
        return None if self.size is None else declared_size([fields[i] for i in self.size])

    def may_lack(self, positions: Iterable[int]) -> bool:
        """Whether a row without these columns can still be read: none of them is the image, the type or of the box."""
        return not {self.image, self.type, *self.box}.intersection(positions)

    def corners(self, numbers: Sequence[float]) -> Box:
        """x1, y1, x2, y2 of the numbers."""
        return corners_of(self.shape, numbers)


def find_image(header: Sequence[str]) -> int | None:
    """The position of the column that names the image."""
    keys = [column_key(name) for name in header]
    return next((keys.index(name) for name in _IMAGE if name in keys), None)


def find_columns(header: Sequence[str]) -> Columns | None:
    """The columns of a table with this header, or None where the image or the box is missing."""
    header = without_end(header)
    places: dict[str, int] = {}
    for i, name in enumerate(header):
        key = column_key(name)
        for spelling in (key, without_box(key)):
            places.setdefault(spelling, i)
    image = _first(_IMAGE, places)
    for shape, spellings in (
        ("outline", _points(places)),
        ("corners", _FROM_0),
        ("corners", (_LEFT, _TOP, _RIGHT, _BOTTOM)),
        ("centre", (_CENTRE_X, _CENTRE_Y, _WIDTH, _HEIGHT)),
        ("corner", (_LEFT, _TOP, _WIDTH, _HEIGHT)),
        *((sense, ((key,),)) for key in places if (sense := sense_of(key)) is not None),
    ):
        box = tuple(_first(names, places) for names in spellings)
        known = tuple(i for i in box if i is not None)
        is_packed = len(spellings) == 1
        if image is not None and len(known) == len(spellings) == len(set(known)) and (is_packed or len(known) >= 4):
            sides_are_of_images = is_packed or shape in _OF_POINTS
            size = _size(places, known, sides_are_of_images)
            kind = _first(_TYPE, places, (image, *known))
            return _columns(header, image, kind, known, shape, size)
    return None


def find_label_columns(header: Sequence[str]) -> Columns | None:
    """The columns of a table of labels: an image, one that judges it, and none of an area; None for any other."""
    header = without_end(header)
    places = {column_key(name): i for i, name in reversed([*enumerate(header)])}
    of_areas = (*_LEFT, *_TOP, *_RIGHT, *_BOTTOM, *_CENTRE_X, *_CENTRE_Y, *_AREAS)
    if any(without_box(key) in of_areas or key in of_areas or _NUMBERED.match(key) for key in places):
        return None
    image = _first(_IMAGE, places)
    if image is None:
        return None
    kind = _first(_TYPE, places, (image,))
    named = (image,) if kind is None else (image, kind)
    found = _columns(header, image, kind, (), LABELS, _size(places, named, True))
    judging = any(names_a_verdict(name) and not is_about_another(name) for _, name in found.others)
    return found if judging or kind is not None else None


def without_end(fields: Sequence[str], count: int = 0) -> list[str]:
    """Fields without the empty ones at their end, which spreadsheets write behind the last column, down to a count."""
    fields = [*fields]
    while len(fields) > count and not fields[-1]:
        fields.pop()
    return fields


def _first(names: Sequence[str], places: Mapping[str, int], taken: Sequence[int] = ()) -> int | None:
    """The position of the likeliest of some names that is there, and not taken."""
    return next((places[name] for name in names if name in places and places[name] not in taken), None)


def _size(places: Mapping[str, int], taken: Sequence[int], sides_are_of_images: bool) -> tuple[int, int] | None:
    """The positions of the image's height and width."""
    height = _first((*_IMAGE_HEIGHT, *(_HEIGHT if sides_are_of_images else ())), places, taken)
    width = _first((*_IMAGE_WIDTH, *(_WIDTH if sides_are_of_images else ())), places, taken)
    return None if height is None or width is None else (height, width)


def _columns(
    header: Sequence[str],
    image: int,
    kind: int | None,
    box: tuple[int, ...],
    shape: str,
    size: tuple[int, int] | None,
) -> Columns:
    """The columns at some positions."""
    named = [image, *box] if box or kind is None else [image, kind]
    read = {image, kind, *box, *(size or ())}
    others = tuple((i, name) for i, name in enumerate(header) if i not in read)
    keys = [column_key(name) for name in header]
    twice = next((header[i] for i in named if keys.count(keys[i]) > 1), "")
    names, type_name = tuple(header[i] for i in named), "" if kind is None else header[kind]
    return Columns(len(header), image, kind, box, shape, size, names, type_name, others, twice)


def _points(places: Mapping[str, int]) -> tuple[tuple[str], ...]:
    """The names of x and y of each point of an outline, counted from 0 or 1; none where there are fewer than three."""
    first = 0 if {"x0", "y0"} <= places.keys() else 1
    last = first
    while {f"x{last}", f"y{last}"} <= places.keys():
        last += 1
    return tuple((f"{axis}{i}",) for i in range(first, last) for axis in "xy") if last - first >= _FEWEST_POINTS else ()
