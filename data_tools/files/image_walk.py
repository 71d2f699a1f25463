"""The image files under a folder, and what there is left out: files of tools, hidden files, suffixes not read."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data_tools.files.regular import reason_against_reading

IMAGE_SUFFIXES = (
    ".bmp",
    ".png",
    ".jpg",
    ".jpeg",
    ".jfif",
    ".tif",
    ".tiff",
    ".webp",
    ".gif",
    ".jp2",
    ".pgm",
    ".ppm",
    ".pbm",
    ".pnm",
)
# images of other kinds: named when they are met, so that none is passed over in silence
UNREAD_SUFFIXES = (
    *(".jpe", ".jif", ".jpx", ".j2k", ".j2c", ".jpc", ".jxl", ".jxr", ".heic", ".heif", ".avif", ".apng", ".dib"),
    *(".tga", ".pcx", ".sgi", ".pfm", ".pam", ".hdr", ".exr", ".dds", ".psd", ".ico", ".svg", ".emf", ".wmf"),
    *(".raw", ".dng", ".cr2", ".nef", ".arw", ".raf", ".dm3", ".dm4", ".mrc", ".czi", ".lif", ".nd2", ".svs", ".vsi"),
    *(".ome", ".stk", ".dcm", ".fits", ".fit", ".nii", ".mhd", ".npy", ".npz"),
)
# what tools leave beside data: thumbnails, copies of editors, previews of trainings
_TOOL_FOLDERS = {
    "@eadir",
    "__macosx",
    "runs",
    "wandb",
    "mlruns",
    "lightning_logs",
    "node_modules",
    "__pycache__",
    "$recycle.bin",
    "system volume information",
    "thumbnails",
    "thumbs",
    "lost+found",
    "#recycle",
}
_SIDE_FILE = "._"  # what macOS leaves beside a file on foreign disks
UNLISTED = "a folder that cannot be listed"
_FOREIGN = "a hidden folder or one of a tool: what is in it is left out"
_HIDDEN = "a hidden file: left out"


@dataclass(frozen=True)
class Entry:
    """An image file, or something that may hold images and is not read.

    Attributes:
        name: relative to the folder that is walked, with slashes.
        is_link: whether the file is a link.
        reason: why it is not read; "" for an image.
        is_broken: whether it should have been an image, unlike what its name alone rules out.
    """

    name: str
    is_link: bool = False
    reason: str = ""
    is_broken: bool = False


@dataclass(frozen=True)
class ImageWalk:
    """What lies under a folder, by names relative to it with slashes, in order.

    Attributes:
        names: of the images, each with whether it is a link.
        left_out: the folders and files that may hold images but are not looked at, each with the reason.
    """

    names: tuple[tuple[str, bool], ...]
    left_out: tuple[tuple[str, str], ...]


def walk_images(folder: Path) -> ImageWalk:
    """Every image under `folder`, by suffix; links to folders are not followed."""
    names: list[tuple[str, bool]] = []
    left_out: list[tuple[str, str]] = []
    for entry in each_entry(folder):
        if entry.reason:
            left_out.append((entry.name, entry.reason))
        else:
            names.append((entry.name, entry.is_link))
    return ImageWalk(tuple(names), tuple(left_out))


def each_entry(folder: Path) -> Iterator[Entry]:
    """What `walk_images` finds, one by one in the order of its parts: the names of some folders alone are held."""
    levels = [_Level(folder, "")]
    while levels:
        level = levels[-1]
        entry = next(level.entries, None)
        if entry is None:
            levels.pop()
            if levels:
                levels[-1].has_spoken |= level.has_spoken
            if not level.has_spoken and names_an_image(level.prefix.rstrip("/")):
                yield Entry(level.prefix.rstrip("/"), reason="a folder, not a file", is_broken=True)
        elif isinstance(entry, _Level):
            levels.append(entry)
        else:
            level.has_spoken = True
            yield entry


class _Level:
    """One folder of a walk; `has_spoken` says whether anything was said of what is in it."""

    def __init__(self, folder: Path, prefix: str) -> None:
        self.prefix, self.has_spoken = prefix, False
        self.entries = self._entries(folder)

    def _entries(self, folder: Path) -> Iterator["Entry | _Level"]:
        try:
            with os.scandir(folder) as listed:
                # plain tuples, because a folder may hold a million names
                kinds = sorted(
                    (entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()) for entry in listed
                )
        except OSError:
            yield Entry(self.prefix.rstrip("/") or ".", reason=UNLISTED, is_broken=True)
            return
        for base, is_folder, is_link in kinds:
            name, path = self.prefix + base, folder / base
            if is_folder:
                yield Entry(name, reason=_FOREIGN) if is_foreign(base) else _Level(path, f"{name}/")
                continue
            odd = reason_against_name(base)
            if odd:
                yield Entry(name, is_link, odd)
            elif names_an_image(base):
                reason = reason_against_reading(path) or ""
                yield Entry(name, is_link, reason, bool(reason))
            elif is_link and os.path.isdir(path):
                yield Entry(name, is_link, "a link to a folder, which is not followed")


def names_an_image(name: str) -> bool:
    """Whether a file name has a suffix that is read and is none of the side files of macOS."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(_SIDE_FILE)


def reason_against_name(name: str) -> str:
    """Why a file that may be an image is left out by its name; "" where nothing speaks against it."""
    lowered = name.lower()
    if name.startswith(_SIDE_FILE) or not lowered.endswith((*IMAGE_SUFFIXES, *UNREAD_SUFFIXES)):
        return ""
    if name.startswith("."):
        return _HIDDEN
    if lowered.endswith(UNREAD_SUFFIXES):
        return f"{PurePosixPath(lowered).suffix} images are not read; save them as .png or .tif"
    return ""


def is_foreign(name: str) -> bool:
    """Whether a folder of this name is hidden, or one of a tool: neither its images nor its annotations are data."""
    return name.startswith(".") or name.lower() in _TOOL_FOLDERS
