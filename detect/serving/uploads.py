"""The image in a request's body, read as it comes and never beyond the limits."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from data_tools.core.printable import in_utf8
from detect.serving.limits import Limits

FIELD = "file"
IMAGE_TYPES = ("png", "jpeg", "tiff", "bmp", "webp", "gif", "jp2", "x-portable-graymap")
"""What clients call the formats that are read; the content decides, whatever it is called."""
_FORM = "multipart/form-data"
_FORM_BYTES = 1 << 16  # beside the image: boundaries, part headers, a few small fields
_LONGEST_NAME = 255


@dataclass(frozen=True)
class Upload:
    """An image file.

    Attributes:
        name: as the client calls it.
        content: its bytes.
    """

    name: str
    content: bytes


class Held:
    """How many bytes of requests are in memory.

    Args:
        most: of all requests together.
    """

    def __init__(self, most: int) -> None:
        self.most, self.total = most, 0

    @contextmanager
    def part(self) -> Iterator["Part"]:
        """What one request holds, given back at the end."""
        part = Part(self)
        try:
            yield part
        finally:
            self.total -= part.size


class Part:
    """What one request holds."""

    def __init__(self, held: Held) -> None:
        self._held, self.size = held, 0

    def add(self, size: int) -> None:
        """So many bytes more.

        Raises:
            HTTPException: 429, there is no room for them.
        """
        if self._held.total + size > self._held.most:
            raise HTTPException(429, "too many large images at once; try again", {"Retry-After": "1"})
        self._held.total += size
        self.size += size


async def read_upload(request: Request, limits: Limits, part: Part) -> Upload:
    """The image of a request: the body itself, or the file in a form.

    Raises:
        HTTPException: 415 another type; 413 too large; 400 a damaged form, or the client is gone; 422 no file in the
            form; 429 no room.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "a compressed body is not read; send the image file as it is")
    try:
        if kind == _FORM:
            return await _from_form(request, limits, part)
        if kind.startswith("image/"):
            chunks = [chunk async for chunk in _limited(request, limits.max_bytes, limits, part)]
            return Upload("image", b"".join(chunks))
    except ClientDisconnect:
        raise HTTPException(400, "the client was gone before the whole image had come") from None
    raise HTTPException(
        415, f"send the image as the body with Content-Type image/png or alike, or as the file {FIELD!r} of {_FORM}"
    )


async def _from_form(request: Request, limits: Limits, part: Part) -> Upload:
    most = limits.max_bytes + _FORM_BYTES
    stream = _limited(request, most, limits, part)
    parser = MultiPartParser(request.headers, stream, max_files=1, max_fields=8, max_part_size=_FORM_BYTES)  # type: ignore[arg-type]
    parser.spool_max_size = most  # nothing is written to disk
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise HTTPException(400, f"not a whole {_FORM}: {error.message}") from error
    file = form.get(FIELD)
    if not isinstance(file, UploadFile):
        raise HTTPException(422, f"the form has no file {FIELD!r}")
    content = await file.read()
    await file.close()
    if len(content) > limits.max_bytes:
        raise _too_large(limits)
    return Upload(in_utf8(file.filename or "image")[-_LONGEST_NAME:], content)


async def _limited(request: Request, most: int, limits: Limits, part: Part) -> AsyncIterator[bytes]:
    """The body in pieces; a body that says that it is larger is not begun, one that turns out so is not read on."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most:
        raise _too_large(limits)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            # what has said its length is taken to its end, so that the sender hears why; what has not may have no end
            raise _too_large(limits, {} if announced else {"Connection": "close"})
        part.add(len(chunk))
        yield chunk


def _too_large(limits: Limits, headers: dict[str, str] | None = None) -> HTTPException:
    return HTTPException(413, f"larger than the {limits.max_bytes:,} bytes that are taken", headers)
