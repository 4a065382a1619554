"""POST /score/batch: order, all errors of a request at once, limits, and the cut of a body into
its elements that lets a large one be worked off in slices."""

import json

import pytest
import rows


def batch(suite, transactions, query=""):
    return suite.post("/score/batch" + query, {"transactions": transactions})


def test_answer(shared_suite, trained):
    wanted = [rows.ROW | {"transaction_seq": i, "deposit_amount": 1000 * i} for i in range(500)]
    answer = batch(shared_suite, wanted)
    assert answer.status == 200
    assert answer.field("X-Model-Generation") is not None
    body = answer.json()
    assert list(body) == ["count", "threshold_low", "threshold_high", "model_version", "results"]
    assert body["count"] == 500 and body["model_version"] == trained[0].name
    assert (body["threshold_low"], body["threshold_high"]) == trained[0].thresholds()
    assert [r["transaction_seq"] for r in body["results"]] == list(range(500))
    for result in body["results"]:
        assert list(result) == ["transaction_seq", "score", "decision", "reasons"]


def test_empty_list(shared_suite):
    body = batch(shared_suite, []).json()
    assert body["count"] == 0 and body["results"] == []


def test_include_allow_false_explains_the_others_only(shared_suite, data_rows):
    transactions = [rows.from_csv(row) for row in data_rows]
    every = batch(shared_suite, transactions).json()["results"]
    some = batch(shared_suite, transactions, "?include_allow=false").json()["results"]
    assert all(result["reasons"] for result in every)
    assert {result["decision"] for result in every} == {"ALLOW", "REVIEW", "BLOCK"}
    for a, b in zip(every, some, strict=True):
        assert b == a | ({"reasons": []} if a["decision"] == "ALLOW" else {})


def test_top_k(shared_suite):
    [result] = batch(shared_suite, [rows.ROW], "?top_k=5").json()["results"]
    assert len(result["reasons"]) == 5
    assert result["reasons"] == shared_suite.score(rows.ROW, "?top_k=5")["reasons"]


def test_one_bad_element_is_named_and_nothing_is_scored(shared_suite):
    transactions = [dict(rows.ROW) for _ in range(30)]
    transactions[17]["deposit_amount"] = "much"
    answer = batch(shared_suite, transactions)
    assert answer.status == 422
    assert answer.json() == {"detail": [{
        "type": "float_parsing",
        "loc": ["body", "transactions", 17, "deposit_amount"],
        "msg": "Input should be a valid number, unable to parse string as a number",
        "input": "much",
    }]}  # fmt: skip


def test_all_bad_elements_at_once(shared_suite):
    transactions = [dict(rows.ROW) for _ in range(10)]
    transactions[2] = 5
    del transactions[4]["create_dt"]
    transactions[7]["transaction_seq"] = None
    faults = batch(shared_suite, transactions, "?top_k=99").json()["detail"]
    assert [fault["loc"] for fault in faults] == [
        ["query", "top_k"],
        ["body", "transactions", 2],
        ["body", "transactions", 4, "create_dt"],
        ["body", "transactions", 7, "transaction_seq"],
    ]
    assert faults[2]["type"] == "missing"
    assert set(faults[2]["input"]) == set(transactions[4])
    assert faults[2]["input"]["user_name"] == "***"


WRONG_SHAPES = {  # body, loc, type, input
    "no list": ({}, ["body", "transactions"], "missing", {}),
    "a number": ({"transactions": 3}, ["body", "transactions"], "list_type", 3),
    "null": ({"transactions": None}, ["body", "transactions"], "list_type", None),
    "an object": ({"transactions": {"a": 1}}, ["body", "transactions"], "list_type", {"a": 1}),
    "a bare list": ([rows.LEAST], ["body"], "model_attributes_type", [rows.LEAST]),
    "a text": ("transactions", ["body"], "model_attributes_type", "transactions"),
}


@pytest.mark.parametrize("name", WRONG_SHAPES)
def test_wrong_shape(shared_suite, name):
    body, *wanted = WRONG_SHAPES[name]
    answer = shared_suite.post("/score/batch", body)
    assert answer.status == 422, answer
    [fault] = answer.json()["detail"]
    assert [fault["loc"], fault["type"], fault["input"]] == wanted


def test_other_members_and_other_lists_do_no_harm(shared_suite):
    plain = batch(shared_suite, [rows.ROW, rows.LEAST])
    text = json.dumps([rows.ROW, rows.LEAST], indent=3)
    body = '{"a": [1, [2, {"transactions": [3]}]], "transactions": %s, "b": {"c": ["]"]}}' % text
    other = shared_suite.post("/score/batch", body.encode())
    assert other.status == 200, other
    assert other.body == plain.body


FAULTY = {
    "an open element": b'{"transactions":[{"a":1]}',
    "a trailing comma": b'{"transactions":[1,]}',
    "a leading comma": b'{"transactions":[,1]}',
    "two commas": b'{"transactions":[1,,2]}',
    "an open list": b'{"transactions":[1',
    "an open string": b'{"transactions":["a]}',
    "a second value": b'{"transactions":[]} {}',
    "a bad element": b'{"transactions":[{"a":01}]}',
    "a bad neighbour": b'{"transactions":[],"b":tru}',
    "no comma": b'{"transactions":[1 2]}',
    "twice": b'{"transactions":[],"transactions":[]}',
    "a brace for a bracket": b'{"transactions":[}]',
    "nothing but blanks": b"   ",
}


@pytest.mark.parametrize("name", FAULTY)
def test_json_faults_wherever_they_stand(shared_suite, name):
    body = FAULTY[name]
    answer = shared_suite.post("/score/batch", body)
    assert answer.status == 422, answer
    faults = answer.json()["detail"]
    broken = [fault for fault in faults if fault["type"] == "json_invalid"]
    assert broken, faults
    for fault in broken:
        assert fault["loc"][0] == "body" and 0 <= fault["loc"][1] <= len(body)


def test_offset_of_a_fault_is_of_the_body(shared_suite):
    good = json.dumps(rows.ROW)
    body = '{"transactions":[%s,%s,{"deposit_amount":1x}]}' % (good, good)
    [fault] = shared_suite.post("/score/batch", body.encode()).json()["detail"]
    assert fault["loc"] == ["body", body.index("1x") + 1]


def test_too_many_transactions(make_suite, trained):
    import models

    suite = make_suite({"batch": {"max_transactions": 20}, "front": {"workers": 1}})
    models.install(suite, trained[0], "production")
    suite.start()
    assert batch(suite, [rows.LEAST] * 20).status == 200
    answer = batch(suite, [rows.LEAST] * 21)
    assert answer.status == 413 and "20" in answer.json()["detail"]


def test_a_large_batch_does_not_hold_the_loop(shared_suite, data_rows):
    """While one batch is worked off, single requests on the same worker are answered."""
    transactions = [rows.from_csv(row) for row in data_rows]
    with shared_suite.connect() as slow, shared_suite.connect() as other:
        slow.send(_request(transactions))
        answered = 0
        slow.socket.setblocking(False)
        while not _has_bytes(slow):
            assert other.request("POST", "/score", rows.ROW).status == 200
            answered += 1
        slow.socket.settimeout(60)
        assert slow.receive().json()["count"] == len(transactions)
    assert answered >= 5


def _request(transactions):
    import wire

    return wire.request_bytes("POST", "/score/batch?top_k=50", {"transactions": transactions})


def _has_bytes(connection):
    import socket

    try:
        return bool(connection.socket.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return False
