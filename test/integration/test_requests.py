"""What holds for every request: its line in the log, what is refused by size, what an error may
show, and that no request makes a worker gather without end."""

import json
import re

import models
import pytest
import rows
import wire

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture(scope="module")
def talkative(bin_dir, trained):
    """One worker that logs everything."""
    import suite as suites

    one = suites.Suite(bin_dir, {"log": {"level": "debug"}, "front": {"workers": 1}})
    models.install(one, trained[0], "production")
    yield one.start()
    one.close()


# --- the log ---


def test_a_line_for_each_request(talkative):
    talkative.post("/score?top_k=1", rows.ROW, {"X-Request-Id": "line-1", "traceparent": TRACE})
    talkative.wait_log(r"debug front\[\d+\] request=line-1 trace=4bf92f3577b34da6a3ce929d0e0e4736-"
                       r'00f067aa0ba902b7 POST "/score": 200 in \d+ us')  # fmt: skip
    talkative.get("/absent/%0a%22x", {"X-Request-Id": "line-2"})
    talkative.wait_log(r'request=line-2 GET "/absent/\\x0a"x": 404 in \d+ us')


@pytest.mark.parametrize("trace", [TRACE.upper(), TRACE + "-x", "00-1-2-3", ""])
def test_a_bad_trace_is_none(talkative, trace):
    name = f"bad-{abs(hash(trace))}"
    talkative.get("/livez", {"X-Request-Id": name, "traceparent": trace})
    talkative.wait_log(rf'request={name} GET "/livez": 200')


def test_two_traces_are_none(talkative):
    with talkative.connect() as connection:
        connection.send(b"GET /livez HTTP/1.1\r\nHost: test\r\nX-Request-Id: two\r\n"
                        + f"traceparent: {TRACE}\r\ntraceparent: {TRACE}\r\n\r\n".encode())  # fmt: skip
        assert connection.receive("GET").status == 200
    talkative.wait_log(r'request=two GET "/livez": 200')


def test_names_are_not_logged(talkative):
    mark = talkative.log_mark()
    row = rows.ROW | {"user_name": "CANARY ONE", "sender_name": "CANARY TWO", "create_dt": "?"}
    answer = talkative.post("/score?note=CANARY", row, {"X-Request-Id": "canary"})
    assert answer.status == 422 and b"CANARY" not in answer.body
    talkative.wait_log(r"request=canary POST", mark)
    assert "CANARY" not in talkative.log()[mark:]


# --- what an error shows ---


def test_private_members_are_never_shown(shared_suite):
    row = rows.ROW | {"user_name": "CANARY"}
    bodies = {
        "a transaction instead of a batch": row,
        "no list": {"transactions": row},
        "a missing member": {"transactions": [{"user_name": "CANARY"}]},
    }
    for name, body in bodies.items():
        answer = shared_suite.post("/score/batch", body)
        assert answer.status == 422 and b"CANARY" not in answer.body, name
        assert b'"user_name":"***"' in answer.body, name


@pytest.mark.parametrize("path", ["/score", "/score/batch"])
def test_an_empty_body_is_a_missing_one(shared_suite, path):
    answer = shared_suite.post(path, b"", {"Content-Type": "application/json"})
    assert answer.status == 422
    assert answer.json() == {"detail": [{"type": "missing", "loc": ["body"],
                                         "msg": "Field required", "input": None}]}  # fmt: skip


@pytest.mark.parametrize(("accept", "problem"), [
    ("application/problem+json", True),
    ("text/html, application/problem+json;q=0.5", True),
    ("Application/Problem+JSON", True),
    ("application/problem+json;q=0", False),
    ("application/problem+json; q=0.000", False),
    ("application/problem+jsonx", False),
    ("*/*", False),
    ("application/json", False),
])  # fmt: skip
def test_problem_details_if_asked_for(shared_suite, accept, problem):
    answer = shared_suite.get("/absent", {"Accept": accept})
    wanted = "application/problem+json" if problem else "application/json"
    assert answer.status == 404 and answer.field("Content-Type") == wanted
    assert ("title" in answer.json()) is problem


@pytest.mark.parametrize("version", ["", "x" * 64, "%ff"])
def test_what_no_version_can_be_called(shared_suite, version):
    answer = shared_suite.post(f"/reload?version={version}")
    assert answer.status == 422
    [fault] = answer.json()["detail"]
    assert fault["loc"] == ["query", "version"] and fault["type"] == "value_error"


# --- sizes ---


def test_too_large_by_its_head(shared_suite):
    head = "POST /score HTTP/1.1\r\nHost: test\r\nContent-Length: 65537\r\nX-Request-Id: big\r\n"
    head += "Accept: application/problem+json\r\n\r\n"
    with shared_suite.connect() as connection:
        connection.send(head.encode())
        answer = connection.receive()
        assert answer.status == 413 and answer.field("X-Request-Id") == "big"
        assert answer.json()["status"] == 413
        assert connection.is_closed()


def test_one_transaction_of_a_batch_is_no_larger_than_one_alone(shared_suite):
    fits = rows.ROW | {"note": "x" * 60_000}
    assert shared_suite.post("/score/batch", {"transactions": [fits] * 3}).status == 200
    large = rows.ROW | {"note": "x" * 70_000}
    answer = shared_suite.post("/score/batch", {"transactions": [rows.ROW, large]})
    assert answer.status == 413 and "65536 bytes" in answer.json()["detail"]


def test_bad_json_in_a_list_that_nobody_reads(shared_suite):
    body = json.dumps({"transactions": [rows.ROW]}).encode()
    for other in (b'"other": [{]', b'"other": [01]', b'"other": [{"a": 1, "a": 2}]'):
        for text in (body[:-1] + b", " + other + b"}", b"{" + other + b", " + body[1:]):
            answer = shared_suite.post("/score/batch", text, {"Content-Type": "application/json"})
            assert answer.status == 422, other
            [fault] = answer.json()["detail"]
            assert fault["type"] == "json_invalid" and fault["loc"][0] == "body"
            assert fault["loc"][1] >= text.index(b"other") + 8
    good = body[:-1] + b', "other": [{}, 1, "x"]}'
    answer = shared_suite.post("/score/batch", good, {"Content-Type": "application/json"})
    assert answer.status == 200 and answer.json()["count"] == 1


def test_faults_of_a_large_batch_stay_bounded(shared_suite):
    """Each of many faults shows its whole transaction: the answer is no multiple of the body."""
    bad = {"note": "x" * 3000}  # four members are missing
    answer = shared_suite.post("/score/batch", {"transactions": [bad] * 5000})
    assert answer.status == 422
    assert len(answer.body) < 12 << 20
    assert len(answer.json()["detail"]) + int(answer.field("X-Errors-Omitted")) == 4 * 5000


def test_errors_of_a_csv_answer_are_sent_as_they_come(shared_suite):
    """A file of nothing but bad rows must not gather in the worker."""
    head = b"transaction_seq,create_dt,deposit_amount,receiving_country\n"
    data = head + b"x,y,z,VN\n" * 40_000
    fields, body = wire.multipart(data)
    with shared_suite.connect() as connection:
        fields |= {"Accept": "text/csv", "Content-Length": str(len(body))}
        connection.send(wire.request_bytes("POST", "/score/upload", b"", fields))
        connection.send(body[:-100])
        received = b""
        while len(received) < 1 << 20:
            received += connection.socket.recv(1 << 18)
        connection.pending = received
        connection.send(body[-100:])
        answer = connection.receive()
    assert answer.status == 200
    assert len(re.findall(rb"\n", answer.body)) == 1 + 3 * 40_000


def test_csv_only_if_wanted(shared_suite):
    data = b"transaction_seq,create_dt,deposit_amount,receiving_country\n"
    for accept, kind in (("text/csv;q=0", "application/json"), ("text/csvx", "application/json"),
                         ("application/json, text/csv;q=0.1", "text/csv; charset=utf-8")):  # fmt: skip
        answer = shared_suite.upload(data, fields={"Accept": accept})
        assert answer.field("Content-Type") == kind, accept
