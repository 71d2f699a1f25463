"""What OpenAPI says of the service holds for requests made up from it."""

import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from detect.serving.answers import Model
from detect.serving.app import app_of
from detect.serving.limits import Limits
from detect.serving.service import Service
from detect.serving.uploads import IMAGE_TYPES
from tests.detect.serving.conftest import MeanGray


@schemathesis.serializer(*(f"image/{kind}" for kind in IMAGE_TYPES))
def as_it_is(_context: schemathesis.SerializationContext, value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def app() -> FastAPI:
    return app_of(Service(MeanGray(), Model(run="r", sha256="0"), Limits()))


schema = schemathesis.openapi.from_asgi("/openapi.json", app())


@schema.parametrize()
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_answers_are_as_described(case: schemathesis.Case) -> None:
    case.call_and_validate(excluded_checks=[positive_data_acceptance])  # made-up bytes are no image, and so refused


def test_every_address_for_machines_is_described() -> None:
    paths = {operation.ok().path for operation in schema.get_all_operations()}
    assert paths == {"/predict", "/health", "/ready", "/metrics"}
