"""XML from outside: no document type, hence no entities, and no deep nesting; elements know their lines."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from data_tools.core.errors import InputError
from data_tools.files.regular import read_regular
from data_tools.files.text import decode_text

_DEEPEST = 64
_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")


@dataclass
class Element:
    """One element with its text, its children, its attributes and the line of its start."""

    tag: str
    line: int
    text: str = ""
    children: list["Element"] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)

    def child(self, tag: str) -> "Element | None":
        """The first child with this tag."""
        return next((one for one in self.children if one.tag == tag), None)

    def value(self, tag: str) -> str:
        """The stripped text of the first child with this tag; empty without one."""
        child = self.child(tag)
        return "" if child is None else child.text.strip()


def read_xml(path: Path) -> Element:
    """The root element of an XML file.

    Raises:
        InputError: not readable, not well-formed, with a document type, or nested deeper than 64 elements.
    """
    content = read_regular(path)
    try:
        return _parsed(path, content, None)
    except InputError:
        text = _text(content)
        if text is None:
            raise
    return _parsed(path, text.encode("utf-8"), "utf-8")


def _text(content: bytes) -> str | None:
    """The text of an XML file in an encoding that expat does not know or that it does not declare; else None."""
    declared = _ENCODING.match(content)
    if declared is not None:
        try:
            return content.decode(declared.group(1).decode("ascii"))
        except (LookupError, UnicodeDecodeError):
            pass
    decoded = decode_text(content)
    return None if decoded is None or decoded[1] == "utf-8" else decoded[0]


def _parsed(path: Path, content: bytes, encoding: str | None) -> Element:
    """The root element, with the encoding that is given, else declared."""
    top = Element("", 0)
    open_elements = [top]
    parser = expat.ParserCreate(encoding)

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_elements) > _DEEPEST:
            raise InputError(f"{path}, line {parser.CurrentLineNumber}: nested too deeply")
        element = Element(tag, parser.CurrentLineNumber, attributes=attributes)
        open_elements[-1].children.append(element)
        open_elements.append(element)

    def refuse(*_details: object) -> None:
        raise InputError(
            f"{path}, line {parser.CurrentLineNumber}: a document type, which annotations do not need; "
            "remove the <!DOCTYPE ...>"
        )

    def text(data: str) -> None:
        open_elements[-1].text += data

    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _tag: open_elements.pop()
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InputError(f"{path}: not well-formed XML: {error}") from error
    return top.children[0]
