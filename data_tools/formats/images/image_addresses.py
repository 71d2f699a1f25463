"""How tools refer to images: uploads and local files of Label Studio, cloud storage and web addresses -> a path."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from data_tools.files.image_walk import IMAGE_SUFFIXES

_USUAL = ("image", "img", "picture", "photo", "image_url", "url")
_UPLOAD = re.compile(r"/data/upload/(?:\d+/)?")


def image_of(data: Mapping[str, Any]) -> str | None:
    """The path of the one image of a task's data; None where there is none or several."""
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value.strip()}
    images = {key: value for key, value in texts.items() if path_of(value).lower().endswith(IMAGE_SUFFIXES)}
    chosen = images or texts
    usual = [key for key in _USUAL if key in chosen]
    if len(images) == 1 or usual:
        value = next(iter(images.values())) if len(images) == 1 else chosen[usual[0]]
        return None if value.startswith("data:") else path_of(value) or None
    return None


def path_of(address: str) -> str:
    """The path in an address, without server, bucket and Label Studio's own folders; unchanged where it is a path.

    /data/upload/3/1a2b3c4d-name.jpg, /data/local-files/?d=folder/name.jpg, s3://bucket/folder/name.jpg,
    https://host/folder/name.jpg?token=...
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return address
    if not parts.scheme and not parts.path.startswith("/data/"):
        return address.strip()
    inner = parse_qs(parts.query).get("d")
    if parts.path.rstrip("/").endswith("/data/local-files") and inner:
        return inner[0].lstrip("/")
    if len(parts.scheme) == 1:  # the drive of a Windows path
        return PurePosixPath(address.replace("\\", "/")).name
    return _UPLOAD.sub("", unquote(parts.path), count=1).lstrip("/")
