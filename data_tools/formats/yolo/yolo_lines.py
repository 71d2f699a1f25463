"""What the lines of YOLO's labels say together: whether key points follow the boxes, and whether boxes are corners."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from data_tools.core.errors import InputError
from data_tools.formats.annotation_files import read_lines
from data_tools.formats.claims import Claim
from data_tools.formats.registry import Findings
from data_tools.formats.shapes.outlines import corners_of
from data_tools.formats.shapes.rectangles import numbers

_SLACK = 0.01  # of the image's size, by which a box of a careful tool may leave it
_TELLING = 0.25  # the share of the boxes that can be none as centre and sides
_CORNERS = (
    "{} of {} boxes leave their images, and all would be boxes as two corners: write centre_x centre_y width height, "
    "as YOLO has them"
)
_LOOKED_AT, _FEWEST = 500, 4
_SEEN = (0.0, 1.0, 2.0)  # not labelled, hidden, seen
_BY_FLAGS = "{} numbers behind each box, each third of them 0, 1 or 2: key points, which are left out"
_MAY_BE_POSE = (
    "sets of which each line has {} numbers, all of which may be a box with key points: read as outlines; where they "
    "are key points, kpt_shape in data.yaml says so"
)


def key_points_by_lines(files: Sequence[Path], findings: Findings) -> int:
    """How many numbers of key points follow each box by what the lines hold; 0 where they are none, or may be others.

    Each third number of a point with x, y and a flag is 0, 1 or 2. Points without flags cannot be told from an outline
    for certain; lines that may be either are warned of.

    Args:
        files: of labels.
        findings: gets a note, or the warning.
    """
    lines = [*islice(_long_lines(files), _LOOKED_AT)]
    counts = {len(line) for line in lines}
    if len(counts) != 1:
        return 0
    points = counts.pop() - 4
    flags = [line[6::3] for line in lines]
    is_telling = len(lines) >= _FEWEST or any(2.0 in of for of in flags)
    if points % 3 == 0 and is_telling and all(flag in _SEEN for of in flags for flag in of):
        findings.notes.append(_BY_FLAGS.format(points))
        return points
    if points % 2 == 0 and len(lines) >= _FEWEST and all(map(_holds_points, lines)) and not all(map(_is_turned, lines)):
        findings.warnings[_MAY_BE_POSE.format(points + 4)] += 1
    return 0


def _long_lines(files: Sequence[Path]) -> Iterator[tuple[float, ...]]:
    """The numbers behind the class of each line that has more than a box."""
    for path in files:
        try:
            lines = read_lines(path)
        except InputError:
            continue  # listed when it is read
        for line in lines:
            read = numbers(line.split()[1:])
            if not isinstance(read, str) and len(read) > 5:
                yield read


def _holds_points(line: Sequence[float]) -> bool:
    """Whether the first four numbers are a box inside the image, and the pairs behind them points inside the box."""
    around = corners_of("centre", line[:4])
    if min(line[2:4]) <= 0 or min(around) < -_SLACK or max(around) > 1 + _SLACK:
        return False
    left, top, right, bottom = (side + sign * _SLACK for side, sign in zip(around, (-1, -1, 1, 1), strict=True))
    return all(left <= a <= right and top <= b <= bottom for a, b in zip(line[4::2], line[5::2], strict=True))


def _is_turned(line: Sequence[float]) -> bool:
    """Whether four points are a rectangle turned in any way, as those of YOLO-OBB are: opposite sides are alike."""
    if len(line) != 8:
        return False
    a, b, c, d = zip(line[::2], line[1::2], strict=True)
    return all(abs(a[i] + c[i] - b[i] - d[i]) <= _SLACK for i in (0, 1))


def refuse_corners(claims: Sequence[Claim]) -> None:
    """Refuse boxes that were written as two corners, as they are where many of them leave their images otherwise.

    Raises:
        InputError: so it is, and each of them is a box where its numbers are taken for corners.
    """
    known = [(claim, shape) for claim in claims for shape in claim.shapes if not shape.problem]
    sides = [((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1) for x1, y1, x2, y2 in (s.box_xyxy for _, s in known)]
    leaving = [i for i, (_, s) in enumerate(known) if min(s.box_xyxy) < -_SLACK or max(s.box_xyxy) > 1 + _SLACK]
    if (
        leaving
        and len(leaving) >= _TELLING * len(known)
        and all(0 <= a < c <= 1 and 0 <= b < d <= 1 for a, b, c, d in sides)
    ):
        claim, shape = known[leaving[0]]
        raise InputError(f"{claim.source}, line {shape.line}: {_CORNERS.format(len(leaving), len(known))}")
