"""A power loss, by a model of the disk: what of a folder would still be there, from what was flushed to it.

After a power loss a file's content is as it was last flushed, and a name is there if its folder was flushed since
(fsync(2); Pillai et al., All File Systems Are Not Created Equal, OSDI 2014). File systems keep more than that, each in
its own way, so two are modelled: one that has kept nothing else, and one that has kept all names, but of the contents
only those that were flushed, so that files of no bytes stand under final names.
"""

import json
import os
import shutil
import stat
from pathlib import Path

NAMES, CONTENTS = "power loss, names lost", "power loss, contents lost"
POWER_LOSSES = (NAMES, CONTENTS)


class Disk:
    """What is safe of a folder; several processes may note it, and another ask for it.

    Attributes:
        folder: watched.
        store: of notes by inode: of a file its flushed content and a link, so that no other file gets the inode, and of
            a folder its flushed names.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.store = folder, folder.with_name(f"{folder.name}.disk")

    def begin(self) -> None:
        """All that is there now is safe."""
        shutil.rmtree(self.store, ignore_errors=True)
        self.store.mkdir()
        for path in (self.folder, *self.folder.rglob("*")):
            self._note(path)

    def flushed(self, handle: int) -> None:
        """A file or folder has been flushed."""
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        if path == self.folder or path.is_relative_to(self.folder):
            self._note(path)

    def removed(self, folder: str | bytes, parent: int) -> None:
        """A folder is about to be removed, unless it holds something; the next one may get its inode."""
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY, dir_fd=parent if parent >= 0 else None)
        if not os.listdir(handle):
            (self.store / f"{os.fstat(handle).st_ino}.names").unlink(missing_ok=True)
        os.close(handle)

    def lose_power(self, kind: str) -> None:
        """Leave in the folder what is safe, by one of `POWER_LOSSES`."""
        after = self.folder.with_name(f"{self.folder.name}.after")
        self._rebuild(self.folder.stat().st_ino, self.folder if kind == CONTENTS else None, after)
        for path in self.folder.iterdir():  # the folder itself stays: it is somebody's working folder
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for path in after.iterdir():
            path.rename(self.folder / path.name)
        after.rmdir()
        shutil.rmtree(self.store)

    def _note(self, path: Path) -> None:
        number = path.lstat().st_ino
        if path.is_dir() and not path.is_symlink():
            self._write(f"{number}.names", json.dumps(_names(path)).encode())
        elif path.is_file() and not path.is_symlink():
            self._write(f"{number}.content", path.read_bytes())
            if not (self.store / f"{number}.pin").exists():
                os.link(path, self.store / f"{number}.pin")

    def _write(self, name: str, content: bytes) -> None:
        """Whole or not at all: the next moment may be the last."""
        new = self.store / f"{name}.{os.getpid()}"
        new.write_bytes(content)
        os.rename(new, self.store / name)

    def _rebuild(self, number: int, visible: Path | None, target: Path) -> None:
        target.mkdir()
        noted = self.store / f"{number}.names"
        names = json.loads(noted.read_bytes()) if noted.exists() else {}
        for name, (kind, inode) in (names if visible is None else _names(visible)).items():
            if kind == "folder":
                self._rebuild(inode, visible and visible / name, target / name)
            elif kind == "link":
                os.symlink(inode, target / name)
            else:
                content = self.store / f"{inode}.content"
                (target / name).write_bytes(content.read_bytes() if content.exists() else b"")


def _names(folder: Path) -> dict[str, tuple[str, int | str]]:
    """By name, what it is and its inode, or of a link where it leads."""
    found: dict[str, tuple[str, int | str]] = {}
    for name in os.listdir(folder):
        about = os.lstat(folder / name)
        if stat.S_ISLNK(about.st_mode):
            found[name] = ("link", os.readlink(folder / name))
        else:
            found[name] = ("folder" if stat.S_ISDIR(about.st_mode) else "file", about.st_ino)
    return found
