"""The page to drop images on: one document, its script and style inside, nothing from elsewhere."""

import base64
import hashlib
from html import escape
from importlib.resources import files

from detect.serving.service import Service


def page_of(service: Service) -> tuple[str, str]:
    """The page, and the content security policy that allows its own script and style and nothing else."""
    folder = files("detect.serving") / "page"
    html, script, style = ((folder / f"page.{end}").read_text(encoding="utf-8") for end in ("html", "js", "css"))
    threshold = service.threshold.value
    values = {
        "@@script@@": script,
        "@@style@@": style,
        "@@model@@": escape(service.model.run),
        "@@threshold@@": "none, so nothing is decided" if threshold is None else f"{threshold:.4g}",
        "@@most@@": f"{service.limits.max_bytes / 1e6:g} MB",
    }
    for mark, value in values.items():
        html = html.replace(mark, value)
    policy = (
        f"default-src 'none'; img-src data:; connect-src 'self'; script-src '{_digest(script)}'; "
        f"style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return html, policy


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
