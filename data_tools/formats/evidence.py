"""What says of an image that it is good or a defect, where no annotation does."""

from pathlib import PurePosixPath

from data_tools.core.records import GOOD
from data_tools.formats.images.image_index import ImageIndex
from data_tools.formats.words.asides import is_good_among, tells_alone
from data_tools.formats.words.folders import status_of

NO_EVIDENCE = (
    "nothing says that it is good or a defect: no annotation, and no folder good*, defect* or bad*; --unlabelled good "
    "takes such images as good, and detect.predict --images can score them"
)
UNLABELLED = "--unlabelled good"


def folder_evidence(path: str, index: ImageIndex | None, by_convention: bool = False) -> tuple[str | None, str]:
    """The status that the folders of an image say, the nearest first, and in words which; None where none tells.

    Args:
        path: of the image, relative to the images' root, whose own name says nothing.
        index: of all images; None where none is at hand: then folders say nothing.
        by_convention: whether something else says that the image is good: then a folder that all images lie in says
            no more than the root's name does, and else only where it has no other words.
    """
    if index is None:
        return None, ""
    folders = PurePosixPath(path).parts[:-1]
    common = () if by_convention else filter(tells_alone, folders[: index.common_folders])
    folders = (*common, *folders[index.common_folders :])
    for folder in reversed(folders):
        status = status_of(folder)
        if status == GOOD and not is_good_among(folder, index.folders):
            return None, ""  # "good_contact" may be a type of defect
        if status is not None:
            return status, f"folder {folder!r}"
    return None, ""
