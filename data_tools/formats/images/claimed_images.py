"""Which image each claim is about: the same rule for the annotation files of all formats."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from data_tools.formats.claims import Claim
from data_tools.formats.images.image_index import Match
from data_tools.formats.images.image_places import ImagePlaces
from data_tools.formats.images.name_readings import bare, folded
from data_tools.formats.registry import Findings
from data_tools.formats.words.names import reason_against

_OTHER = "file's own name is like that of another image than it names inside: the name inside counts"
_STALE = "name inside the file is of another image than the file's own name: the own name counts"
_ELSEWHERE = "path inside the file leads elsewhere, to a file of the same name: the one here counts"
_ABSENT = "name inside the file is of no image: the file's own name counts"


@dataclass
class ClaimedImage:
    """What is claimed of one image.

    Attributes:
        claims: in the order of the annotation files.
        doubts: why annotations that may be about it could not be used: it is not good then.
    """

    claims: list[Claim] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Meeting:
    """The images that a claim means, the name that says so, and what has to be listed of the choice of that name."""

    match: Match
    name: str
    note: str = ""


def by_image(claims: Sequence[Claim], places: ImagePlaces, findings: Findings) -> tuple[dict[str, ClaimedImage], bool]:
    """What is claimed of each image, and whether every annotation met one; those that did not are listed."""
    meetings = [_meeting(claim, places) for claim in claims]
    refused = _refused(meetings)
    images: dict[str, ClaimedImage] = {}
    all_met = True
    for i, (claim, one) in enumerate(zip(claims, meetings, strict=True)):
        reason = refused.get(i, one.match.reason)
        if not reason:
            images.setdefault(one.match.paths[0], ClaimedImage()).claims.append(claim)
            for text in filter(None, (one.note, one.match.note)):
                findings.mend(claim.source, claim.line, claim.image, text)
            continue
        all_met = all_met and bool(claim.problem)  # what holds no annotation is of no image
        reject_claim(claim, claim.problem if claim.problem and not one.match.paths else reason, findings)
        elsewhere = one.match.looseness == 1 and i in refused  # of an image of the same name in another folder
        for path in () if claim.good or elsewhere else one.match.paths:
            images.setdefault(path, ClaimedImage()).doubts.append(reason)
    for lost in findings.lost:
        paths = () if places.index is None else places.match(lost.stem, places.folder_of(lost)).paths
        all_met = all_met and bool(paths)
        for path in paths:
            images.setdefault(path, ClaimedImage()).doubts.append(f"{lost.name} cannot be read")
    return images, all_met


def reject_claim(claim: Claim, reason: str, findings: Findings) -> None:
    """List a claim that is not used, with the line of each of its areas."""
    lines: list[int | None] = [shape.line for shape in claim.shapes if shape.line is not None]
    for line in lines or [claim.line]:
        findings.reject(claim.source, line, claim.image, reason)


def _meeting(claim: Claim, places: ImagePlaces) -> _Meeting:
    """The image of a claim, by the name inside its file or by the file's own."""
    reason = reason_against(claim.image, "image name")
    inside = Match((), reason=reason) if reason else places.match(claim.image, claim.folder)
    if len(inside.paths) > 1 and not claim.own_name:
        inside = _in_folder_of_file(claim, places) or inside
    if not claim.own_name or places.index is None or claim.own_name == claim.image:
        return _Meeting(inside, claim.image)
    own = places.match(claim.own_name, claim.folder)
    if own.path is None or own.path == inside.path:
        return _Meeting(inside, claim.image)
    if inside.unsafe and _same_name(claim.image, own.path):
        return _Meeting(own, claim.own_name, _ELSEWHERE)
    if inside.unsafe or reason:
        return _Meeting(replace(own, reason=inside.reason), claim.image)  # refused, but the image is known
    if not inside.paths:
        return _Meeting(own, claim.own_name, _ABSENT)
    if len(inside.paths) > 1:
        return _Meeting(own, claim.own_name) if own.path in inside.paths else _Meeting(inside, claim.image)
    if own.looseness // 2 <= inside.looseness // 2:
        return _Meeting(own, claim.own_name, _STALE)
    return _Meeting(inside, claim.image, _OTHER)


def _in_folder_of_file(claim: Claim, places: ImagePlaces) -> Match | None:
    """Of several images of one name, the one in the folder that the file is named after: train.csv, instances_val.json.

    None where that is none, or several.
    """
    words = re.split(r"[\s_.-]+", claim.source.stem)
    matches = [places.match(claim.image, f"{claim.folder}/{word}".lstrip("/")) for word in filter(None, words)]
    found = {match.path: match for match in matches if match.path is not None}
    return next(iter(found.values())) if len(found) == 1 else None


def _same_name(name: str, path: str) -> bool:
    """Whether a path from anywhere and that of an image end in the same file name."""
    return folded(bare(name.replace("\\", "/").rpartition("/")[2])) == folded(bare(path.rpartition("/")[2]))


def _refused(meetings: Sequence[_Meeting]) -> dict[int, str]:
    """The claims whose name was read loosely to mean an image that a different name means as well, with the reason."""
    names: dict[str, dict[str, int]] = {}
    for one in meetings:
        if not one.match.reason:
            known, key = names.setdefault(one.match.paths[0], {}), folded(one.name)
            known[key] = min(known.get(key, one.match.looseness), one.match.looseness)
    reasons = {}
    for i, one in enumerate(meetings):
        if one.match.reason or one.match.looseness == 0 or len(names[one.match.paths[0]]) < 2:
            continue
        known, mine = names[one.match.paths[0]], folded(one.name)
        rivals = [name for name in known if known[name] <= one.match.looseness and _differ(name, mine, one.match.same)]
        if rivals:
            reasons[i] = f"{one.name!r} could mean {one.match.paths[0]}, but so could {rivals[0]!r}"
    return reasons


def _differ(one: str, other: str, same: bool) -> bool:
    """Whether two names, without regard to case, mean two images although both are read to mean one.

    Args:
        one, other: the names.
        same: what the reading says of names that differ otherwise than in folders and suffix.
    """
    if bare(one) == bare(other):
        return len({one, other, bare(one)}) == 3
    (folder, _, name), (other_folder, _, other_name) = one.rpartition("/"), other.rpartition("/")
    if bare(name) == bare(other_name):
        return not (f"/{folder}".endswith(f"/{other_folder}") or f"/{other_folder}".endswith(f"/{folder}"))
    return not same
