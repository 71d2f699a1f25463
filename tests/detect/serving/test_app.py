"""What the service answers, and what it refuses, with a detector whose answers are known."""

import asyncio
import base64
import json
import logging
import os
import zlib
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request

from data_tools.core.errors import InputError
from detect.serving.decision_log import DecisionLog
from detect.serving.service import Service
from tests.detect.serving.conftest import BAD_GRAY, MeanGray, ask, png, talk

Make = Callable[..., Service]
GRAY = {"Content-Type": "image/png"}


def test_by_hand(make_service: Make) -> None:
    """Gray 204 of 255 is 0.8; the box is the right lower quarter of 60 x 40 pixels."""
    answer = ask(make_service(), png(204)).json()
    assert answer.pop("milliseconds") > 0
    assert answer == {
        "image_id": 1,
        "file_name": "image",
        "size_hw": [40, 60],
        "score": 0.8,
        "decision": "defect",
        "decision_reason": None,
        "threshold": 0.5,
        "boxes_xyxy": [[30, 20, 60, 40]],
        "box_scores": [0.8],
        "box_labels": [1],
        "peak_xy": [45, 30],
        "model": {"run": "r", "sha256": "0"},
        "overlay_png": None,
    }


def test_the_threshold_decides(make_service: Make) -> None:
    assert ask(make_service(threshold=0.8), png(204)).json()["decision"] == "defect"
    answer = ask(make_service(threshold=0.81), png(204)).json()
    assert (answer["decision"], answer["threshold"]) == ("good", 0.81)
    none = ask(make_service(MeanGray(threshold=None)), png(204))
    assert (none.json()["decision"], none.json()["threshold"]) == (None, None)
    assert "--threshold" in none.json()["decision_reason"]
    assert "secret" not in none.text


@pytest.mark.parametrize(("name", "kept"), [("ä b.png", "ä b.png"), ("", None), ("x" * 400, "x" * 255)])
def test_a_form_s_file_keeps_its_name(make_service: Make, name: str, kept: str | None) -> None:
    response = talk(
        make_service(), lambda client: client.post("/predict", files={"file": (name, png(51), "image/png")})
    )
    if kept is None:  # a form without a file name holds text, not a file
        assert response.status_code == 422
    else:
        assert (response.json()["file_name"], response.json()["score"]) == (kept, 0.2)


def test_fifty_at_once_get_their_own_answers_in_few_batches(make_service: Make) -> None:
    """Of two sizes, which never share a batch."""
    detector = MeanGray(seconds=0.01)
    service = make_service(detector, batch=8, queue=50)
    images = [png(20 + i, (30 + i % 2, 40)) for i in range(50)]

    async def all_at_once(client: httpx.AsyncClient) -> list[httpx.Response]:
        return await asyncio.gather(*(client.post("/predict", content=one, headers=GRAY) for one in images))

    answers = [response.json() for response in talk(service, all_at_once)]
    assert [answer["score"] for answer in answers] == pytest.approx([(20 + i) / 255 for i in range(50)])
    assert [answer["size_hw"] for answer in answers] == [[30 + i % 2, 40] for i in range(50)]
    assert sorted(answer["image_id"] for answer in answers) == list(range(1, 51))
    assert len(detector.sizes) <= 20
    assert service.in_flight == 0


def test_the_overlay_is_the_image_with_its_box(make_service: Make) -> None:
    answer = ask(make_service(), png(100), params={"overlay": "png"}).json()
    picture = np.asarray(Image.open(BytesIO(base64.b64decode(answer["overlay_png"]))))
    assert picture.shape == (40, 60, 3)
    assert (picture[:15, :28] == 100).all()
    assert picture[39, 40].tolist() == [240, 228, 66]  # the last row inside the half-open box
    assert picture[30, 45].tolist() == [255, 255, 255]  # the peak


REFUSED = {
    "a text": (b"hello", "text/plain", 415),
    "no type": (b"hello", "", 415),
    "a text by an image's name": (b"hello", "image/png", 422),
    "nothing": (b"", "image/png", 422),
    "cut short": (png(9)[:60], "image/png", 422),
    "too large": (bytes(5001), "image/png", 413),
    "a form without its boundary": (b"--x", "multipart/form-data", 400),
    "a form that is none": (b"hello", "multipart/form-data; boundary=x", 400),
    "a form without a file": (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
        422,
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_image_is_refused_with_its_reason(make_service: Make, case: str) -> None:
    content, kind, status = REFUSED[case]
    response = ask(make_service(max_bytes=5000), content, kind)
    assert response.status_code == status
    assert list(response.json()) == ["detail"]
    assert len(response.json()["detail"]) > 10


def test_an_image_beyond_the_pixel_limit_is_refused_unread(make_service: Make) -> None:
    """100 million pixels are the limit; this one says that it has 144 million, and is small as a file."""
    head = bytearray(png(0))
    head[16:24] = (12_000).to_bytes(4, "big") * 2
    head[29:33] = zlib.crc32(bytes(head[12:29])).to_bytes(4, "big")
    response = ask(make_service(), bytes(head))
    assert response.status_code == 422
    assert "12000 x 12000 pixels exceed the limit" in response.json()["detail"]


def test_a_compressed_body_and_a_wrong_parameter_are_refused(make_service: Make) -> None:
    packed = talk(
        make_service(),
        lambda client: client.post("/predict", content=b"x", headers={**GRAY, "Content-Encoding": "gzip"}),
    )
    assert packed.status_code == 415
    wrong = ask(make_service(), png(1), params={"overlay": "svg"})
    assert wrong.status_code == 422
    assert "overlay" in wrong.json()["detail"]


def test_a_body_that_goes_on_is_cut_off_while_it_comes(make_service: Make) -> None:
    """Without a length: refused after the limit, not at an end that may never come."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1_000_000:
            sent += 1000
            yield bytes(1000)

    response = talk(
        make_service(max_bytes=5000), lambda client: client.post("/predict", content=endless(), headers=GRAY)
    )
    assert response.status_code == 413
    assert response.headers["connection"] == "close"
    assert sent <= 10_000


def test_many_large_bodies_at_once_do_not_take_all_memory(make_service: Make) -> None:
    """Eight times the limit of one is held; the ninth large one is refused, and there is room again afterwards."""
    detector = MeanGray()
    service = make_service(detector, max_bytes=2000)
    large = png(50) + bytes(2000 - len(png(50)))

    async def nine(client: httpx.AsyncClient) -> tuple[list[int], int]:
        detector.hold.clear()
        tasks = [asyncio.create_task(client.post("/predict", content=large, headers=GRAY)) for _ in range(9)]
        await asyncio.sleep(0.1)
        detector.hold.set()
        statuses = [(await task).status_code for task in tasks]
        return statuses, (await client.post("/predict", content=large, headers=GRAY)).status_code

    statuses, later = talk(service, nine)
    assert sorted(statuses) == [200] * 8 + [429]
    assert later == 200


def test_a_full_queue_refuses_and_says_when_to_come_again(make_service: Make) -> None:
    detector = MeanGray()
    service = make_service(detector, queue=3)

    async def four(client: httpx.AsyncClient) -> tuple[httpx.Response, list[int]]:
        detector.hold.clear()
        tasks = [asyncio.create_task(client.post("/predict", content=png(50), headers=GRAY)) for _ in range(3)]
        await asyncio.sleep(0.1)
        refused = await client.post("/predict", content=png(50), headers=GRAY)
        detector.hold.set()
        return refused, [(await task).status_code for task in tasks]

    refused, others = talk(service, four)
    assert (refused.status_code, others) == (429, [200, 200, 200])
    assert int(refused.headers["Retry-After"]) >= 1


def test_late_answers_and_late_images_are_given_up(make_service: Make) -> None:
    detector = MeanGray()

    async def slow() -> AsyncIterator[bytes]:
        yield png(50)[:30]
        await asyncio.sleep(1)
        yield png(50)[30:]

    async def two(client: httpx.AsyncClient) -> tuple[int, int, int, int]:
        late_image = await client.post("/predict", content=slow(), headers=GRAY)
        detector.hold.clear()
        late_answer = await client.post("/predict", content=png(50), headers=GRAY)
        await asyncio.sleep(0.2)
        stuck = await client.get("/ready")
        detector.hold.set()
        await asyncio.sleep(0.1)
        after = await client.post("/predict", content=png(50), headers=GRAY)
        return late_image.status_code, late_answer.status_code, stuck.status_code, after.status_code

    assert talk(make_service(detector, timeout_s=0.3), two) == (408, 504, 503, 200)


def test_a_failing_model_fails_one_request_and_tells_no_secrets(
    make_service: Make, caplog: pytest.LogCaptureFixture
) -> None:
    async def three(client: httpx.AsyncClient) -> list[httpx.Response]:
        grays = (50, BAD_GRAY, 60)
        return await asyncio.gather(*(client.post("/predict", content=png(gray), headers=GRAY) for gray in grays))

    first, failed, last = talk(make_service(), three)
    assert [one.status_code for one in (first, failed, last)] == [200, 500, 200]
    assert "secret" not in failed.text
    assert "out of memory at /secret/place" in caplog.text


def test_whatever_fails_is_answered_and_logged(
    make_service: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("detect.serving.service.overlay_png", lambda *_: 1 / 0)
    log = DecisionLog(tmp_path / "d.jsonl")
    response = ask(make_service(decisions=log), png(50), params={"overlay": "png"})
    log.close()
    assert (response.status_code, list(response.json())) == (500, ["detail"])
    assert json.loads((tmp_path / "d.jsonl").read_text().splitlines()[-1])["status"] == 500
    assert "ZeroDivisionError" in caplog.text


def test_while_it_shuts_down_what_has_begun_is_answered_and_the_rest_refused(make_service: Make) -> None:
    detector = MeanGray()
    service = make_service(detector)

    async def shut_down(client: httpx.AsyncClient) -> list[int]:
        before = await client.get("/ready")
        detector.hold.clear()
        begun = asyncio.create_task(client.post("/predict", content=png(50), headers=GRAY))
        await asyncio.sleep(0.05)
        service.is_draining = True
        ready, health = await client.get("/ready"), await client.get("/health")
        refused = await client.post("/predict", content=png(50), headers=GRAY)
        detector.hold.set()
        return [one.status_code for one in (before, await begun, ready, health, refused)]

    assert talk(service, shut_down) == [200, 200, 503, 200, 503]


def test_metrics_count_what_happened(make_service: Make) -> None:
    async def some(client: httpx.AsyncClient) -> str:
        for content in (png(50), png(200), b"no image"):
            await client.post("/predict", content=content, headers=GRAY)
        return (await client.get("/metrics")).text

    lines = talk(make_service(), some).splitlines()
    for line in (
        'defects_requests_total{status="200"} 2.0',
        'defects_requests_total{status="422"} 1.0',
        'defects_decisions_total{decision="defect"} 1.0',
        'defects_decisions_total{decision="good"} 1.0',
        'defects_score_bucket{le="0.2"} 1.0',
        "defects_batch_images_sum 3.0",
        "defects_waiting_images 0.0",
        'defects_model_info{run="r",sha256="0"} 1.0',
    ):
        assert line in lines


def test_what_was_decided_can_be_shown_afterwards(make_service: Make, tmp_path: Path) -> None:
    path = tmp_path / "log" / "decisions.jsonl"
    for _ in range(2):  # over a restart
        log = DecisionLog(path)
        with pytest.raises(InputError, match="another process is writing"):
            DecisionLog(path)
        service = make_service(decisions=log)
        ask(service, png(204))
        ask(service, b"no image")
        log.close()
        with path.open("ab") as file:
            file.write(b'{"torn')
    lines = [json.loads(line) for line in path.read_bytes().splitlines()[:-1]]
    assert lines[0] == {"decisions": 1}
    assert [line["status"] for line in lines[1:]] == [200, 422, 200, 422]
    assert (lines[1]["decision"], lines[1]["threshold"], lines[1]["score"]) == ("defect", 0.5, 0.8)
    assert lines[1]["model"] == {"run": "r", "sha256": "0"}
    assert len(lines[1]["image_sha256"]) == 64
    assert "not a readable image" in lines[2]["detail"]


@pytest.mark.parametrize(
    "torn", ['{"decisions": 1}', '{"decisions": 1}\n{"status": 2', '{"decisions": 1}\n' + "x" * 200_000]
)
def test_a_torn_last_line_is_cut_off_however_long_it_is(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text(torn)
    log = DecisionLog(path)
    log.add({"status": 200})
    log.close()
    assert [json.loads(line).get("status") for line in path.read_text().splitlines()] == [None, 200]


def test_a_file_of_others_is_no_log(tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    for content in ("my notes\n", "3\n", '{"a": 1}\n'):
        other.write_text(content)
        with pytest.raises(InputError, match="no log of decisions"):
            DecisionLog(other)
        assert other.read_text() == content
    with pytest.raises(InputError, match="--log /proc/none/log"):
        DecisionLog(Path("/proc/none/log"))


def test_a_decision_that_cannot_be_logged_is_not_given(
    make_service: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that takes half a line: the half is taken back, and the next request is logged whole."""
    log = DecisionLog(tmp_path / "d.jsonl")
    service, write = make_service(decisions=log), os.write
    room = 40

    def nearly_full(handle: int, content: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(28, "No space left on device", "/secret/place")
        written = write(handle, content[:room])
        room -= written
        return written

    monkeypatch.setattr("detect.serving.decision_log.os.write", nearly_full)
    refused = ask(service, png(204))
    monkeypatch.undo()
    assert (refused.status_code, "secret" in refused.text, "score" in refused.text) == (500, False, False)
    assert ask(service, png(204)).status_code == 200
    lines = (tmp_path / "d.jsonl").read_text().splitlines()
    assert [json.loads(line).get("status") for line in lines] == [None, 200]
    log.close()


def test_a_client_that_goes_away_is_no_failure(make_service: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A body that ends before its end, as a closed connection leaves it."""
    service = make_service()

    async def closed() -> dict:
        return {"type": "http.disconnect"}

    async def gone() -> int:
        scope = {"type": "http", "method": "POST", "headers": [(b"content-type", b"image/png")]}
        try:
            await service.predict(Request(scope, closed), False)
        except Exception as error:
            return getattr(error, "status_code", 0)
        return 200

    assert asyncio.run(gone()) == 400
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_addresses_that_are_not_there(make_service: Make) -> None:
    async def some(client: httpx.AsyncClient) -> list[int]:
        paths = ("/docs", "/redoc", "/nothing", "/predict")
        return [(await client.get(path)).status_code for path in paths]

    assert talk(make_service(), some) == [404, 404, 404, 405]


def test_a_request_with_a_wrong_parameter_is_logged_and_counted(make_service: Make, tmp_path: Path) -> None:
    decisions = DecisionLog(tmp_path / "d.jsonl")
    service = make_service(decisions=decisions)
    assert ask(service, png(1), params={"overlay": "jpg"}).status_code == 422
    decisions.close()
    (line,) = [json.loads(line) for line in (tmp_path / "d.jsonl").read_text().splitlines()[1:]]
    assert line["status"] == 422
    assert line["detail"].startswith("overlay: ")
    counted = service.monitor.text().decode()
    assert 'defects_requests_total{status="422"} 1.0' in counted
    assert "defects_request_seconds_count 1.0" in counted


def test_12_bits_in_16_are_said(make_service: Make, caplog: pytest.LogCaptureFixture) -> None:
    content = BytesIO()
    Image.fromarray(np.full((40, 60), 4095, np.uint16)).save(content, "PNG")
    assert ask(make_service(), content.getvalue()).json()["score"] == pytest.approx(16 / 255)
    assert "image uses 12 of 16 bits" in caplog.text
