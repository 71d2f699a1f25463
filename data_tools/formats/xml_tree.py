"""XML from outside: no document type, hence no entities, and no deep nesting; elements know their lines."""

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from data_tools.core.errors import InputError

_DEEPEST = 64


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
        found = self.child(tag)
        return "" if found is None else found.text.strip()


def read_xml(path: Path) -> Element:
    """The root element of an XML file.

    Raises:
        InputError: not readable, not well-formed, with a document type, or nested deeper than 64 elements.
    """
    top = Element("", 0)
    open_elements = [top]
    parser = expat.ParserCreate()

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
        parser.Parse(path.read_bytes(), True)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise InputError(f"{path}: not well-formed XML: {error}") from error
    return top.children[0]
