"""The image files under a folder, and what there is left out: files of tools, hidden files, suffixes not read."""

import os
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
_FOREIGN = "a hidden folder or one of a tool: what is in it is left out"
_HIDDEN = "a hidden file: left out"


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
    waiting = [(str(folder), "")]
    while waiting:
        where, prefix = waiting.pop()
        try:
            entries = list(os.scandir(where))
        except OSError:
            left_out.append((prefix.rstrip("/") or ".", "a folder that cannot be listed"))
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if is_foreign(entry.name):
                    left_out.append((prefix + entry.name, _FOREIGN))
                else:
                    waiting.append((entry.path, f"{prefix}{entry.name}/"))
                continue
            odd = reason_against_name(entry.name)
            if odd:
                left_out.append((prefix + entry.name, odd))
            elif names_an_image(entry.name):
                reason = reason_against_reading(Path(entry.path))
                if reason is None:
                    names.append((prefix + entry.name, entry.is_symlink()))
                else:
                    left_out.append((prefix + entry.name, reason))
    return ImageWalk(tuple(sorted(names, key=_parts)), tuple(sorted(left_out, key=_parts)))


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


def _parts(one: tuple[str, object]) -> list[str]:
    return one[0].split("/")
