"""POST /score as api.md has it: the members of an answer, query parameters, what is taken as a
number or a date, and the answer to each kind of bad request."""

import math

import pytest
import rows


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def logit(p):
    return math.log(p / (1 - p))


@pytest.fixture
def ask(shared_suite):
    return shared_suite.score


def test_answer_has_the_members_of_the_contract(ask, trained):
    answer = ask(rows.ROW)
    assert list(answer) == ["transaction_seq", "score", "decision", "threshold_low",
                            "threshold_high", "model_version", "reasons"]  # fmt: skip
    assert answer["transaction_seq"] == rows.ROW["transaction_seq"]
    assert 0 <= answer["score"] <= 1
    assert (answer["threshold_low"], answer["threshold_high"]) == trained[0].thresholds()
    assert answer["model_version"] == trained[0].name
    assert answer["decision"] == rows.decision(answer["score"], *trained[0].thresholds())


def test_every_decision_follows_from_score_and_thresholds(shared_suite, data_rows):
    body = {"transactions": [rows.from_csv(row) for row in data_rows]}
    answer = shared_suite.post("/score/batch?include_allow=false", body).json()
    limits = answer["threshold_low"], answer["threshold_high"]
    seen = set()
    for result in answer["results"]:
        assert result["decision"] == rows.decision(result["score"], *limits), result
        seen.add(result["decision"])
    assert seen == {"ALLOW", "REVIEW", "BLOCK"}, "the demo data has all three"


def test_reasons_explain_the_score(shared_suite, data_rows):
    for row in data_rows[:200]:
        answer = shared_suite.score(rows.from_csv(row), "?top_k=50")
        margin = logit(answer["score"])
        contributions = [reason["contribution"] for reason in answer["reasons"]]
        assert all(c > 0 for c in contributions)
        assert contributions == sorted(contributions, reverse=True)
        for reason in answer["reasons"]:
            assert set(reason) - {"text"} == {"feature", "value", "delta_score", "direction",
                                              "zscore", "contribution"}  # fmt: skip
            assert reason["direction"] == "↑FRAUD"
            expected = answer["score"] - sigmoid(margin - reason["contribution"])
            assert reason["delta_score"] == pytest.approx(expected, abs=2e-6)


def test_value_is_what_was_received(ask):
    row = rows.ROW | {"deposit_amount": 99_000_000}
    found = {reason["feature"]: reason for reason in ask(row, "?top_k=50")["reasons"]}
    assert found["deposit_amount"]["value"] == 99_000_000, "not the clipped one"
    assert found["deposit_amount"]["zscore"] > 2
    categories = {"receiving_country", "country_code", "id_type", "stay_qualify", "payment_method"}
    for name in categories & set(found):
        assert found[name]["value"] == row[name] and found[name]["zscore"] is None


def test_names_of_people_are_never_echoed(shared_suite):
    body = shared_suite.post("/score?top_k=50", rows.ROW).body.decode()
    for name in rows.PRIVATE:
        assert rows.ROW[name] not in body
        bad = shared_suite.post("/score", rows.ROW | {name: ["Nguyen Van An"]})
        assert bad.status == 422
        assert bad.json()["detail"][0]["input"] == "***"
    missing = shared_suite.post("/score", {"user_name": "Nguyen Van An"})
    assert missing.status == 422 and b"Nguyen" not in missing.body
    assert "Nguyen" not in shared_suite.log()


@pytest.mark.parametrize("k", [0, 1, 3, 50])
def test_top_k_limits_the_reasons(ask, k):
    every = ask(rows.ROW, "?top_k=50")["reasons"]
    assert len(every) > 3
    assert ask(rows.ROW, f"?top_k={k}")["reasons"] == every[:k]


def test_three_reasons_are_the_default(ask):
    assert ask(rows.ROW) == ask(rows.ROW, "?top_k=3")


@pytest.mark.parametrize("no", ["false", "0", "off", "no", "False"])
def test_explain_false_leaves_reasons_empty(ask, no):
    with_reasons, without = ask(rows.ROW), ask(rows.ROW, f"?explain={no}")
    assert without["reasons"] == []
    assert without | {"reasons": with_reasons["reasons"]} == with_reasons


BAD_QUERIES = {
    "top_k=51": ("less_than_equal", "top_k", {"le": 50}),
    "top_k=-1": ("greater_than_equal", "top_k", {"ge": 0}),
    "top_k=x": ("int_parsing", "top_k", None),
    "top_k=": ("int_parsing", "top_k", None),
    "explain=maybe": ("bool_parsing", "explain", None),
    "top_k=null": ("int_parsing", "top_k", None),
    "top_k=9223372036854775807": ("less_than_equal", "top_k", {"le": 50}),
}


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_bad_query(shared_suite, query):
    kind, name, ctx = BAD_QUERIES[query]
    answer = shared_suite.post("/score?" + query, rows.ROW)
    assert answer.status == 422, answer
    [fault] = answer.json()["detail"]
    assert (fault["type"], fault["loc"], fault["input"]) == (kind, ["query", name],
                                                            query.partition("=")[2])  # fmt: skip
    assert fault.get("ctx") == ctx


def test_all_errors_of_a_request_at_once(shared_suite):
    body = {"deposit_amount": "many", "create_dt": "yesterday", "transaction_seq": 1.5}
    answer = shared_suite.post("/score?top_k=51", body)
    assert answer.status == 422
    assert [fault["loc"] for fault in answer.json()["detail"]] == [
        ["query", "top_k"],
        ["body", "transaction_seq"],
        ["body", "create_dt"],
        ["body", "deposit_amount"],
        ["body", "receiving_country"],
    ]


# Each pair is the same to the model.
SAME = [
    ({"deposit_amount": 4455670}, {"deposit_amount": "4455670"}),
    ({"deposit_amount": 4455670}, {"deposit_amount": 4455670.0}),
    ({"deposit_amount": 4455670}, {"deposit_amount": "4.45567e6"}),
    ({"transaction_count_24hour": 1}, {"transaction_count_24hour": True}),
    ({"transaction_count_24hour": 2}, {"transaction_count_24hour": "2.0"}),
    ({"transaction_seq": 5692339}, {"transaction_seq": 5692339.0}),
    ({"transaction_seq": 5692339}, {"transaction_seq": "5692339"}),
    ({"create_dt": "2026-10-20T23:15:04"}, {"create_dt": "2026-10-20 23:15:04"}),
    ({"create_dt": "2026-10-20T23:15:00"}, {"create_dt": "2026-10-20T23:15"}),
    ({"create_dt": "2026-10-20T23:15:04"}, {"create_dt": "2026-10-20T23:15:04.000"}),
    ({"create_dt": "2026-10-20T23:15:04"}, {"create_dt": "2026-10-20T23:15:04Z"}),
    ({"create_dt": "2026-10-20T23:15:04"}, {"create_dt": "2026-10-21T08:15:04+09:00"}),
    ({"create_dt": "2026-10-20T23:15:04"}, {"create_dt": "2026/10/20 23:15:04"}),
    ({"create_dt": "2026-10-20T23:15:04"}, {"create_dt": "10/20/2026 23:15:04"}),
    ({"create_dt": "2026-10-20T00:00"}, {"create_dt": "10/20/2026"}),
    ({"birth_date": "1990-02-28"}, {"birth_date": "1990/02/28"}),
    ({"birth_date": "1990-02-28"}, {"birth_date": "02/28/1990"}),
    ({"register_date": None}, {"register_date": "9999-01-01"}),
    ({"register_date": None}, {"register_date": "9999-12-31"}),
    ({"country_code": None}, {"country_code": ""}),
    ({}, {"a_field_nobody_knows": {"deep": [1, 2]}}),
]


@pytest.mark.parametrize("one, other", SAME, ids=[str(pair[1]) for pair in SAME])
def test_spellings_of_one_value(shared_suite, one, other):
    first = shared_suite.post("/score?top_k=50", rows.ROW | one)
    second = shared_suite.post("/score?top_k=50", rows.ROW | other)
    assert first.status == second.status == 200, (first, second)
    a, b = first.json(), second.json()
    for answer in (a, b):  # a value is echoed as it came
        for reason in answer["reasons"]:
            reason.pop("value")
    assert a == b


def test_an_absent_optional_field_is_a_missing_one(ask):
    nulls = {name: None for name, value in rows.ROW.items()
             if name not in rows.REQUIRED + tuple(rows.INTEGERS + rows.NUMBERS)}  # fmt: skip
    assert ask(rows.LEAST) == ask(rows.LEAST | nulls)
    zeros = {name: 0 for name in rows.INTEGERS + rows.NUMBERS if name not in rows.REQUIRED}
    assert ask(rows.LEAST) == ask(rows.LEAST | zeros), "the default of counts and sums is 0"


def test_integers_beyond_double_precision_come_back_whole(ask):
    for seq in (2**53 + 1, 2**63 - 1, -(2**63)):
        assert ask(rows.ROW | {"transaction_seq": seq})["transaction_seq"] == seq


def test_headers_of_a_scoring_answer(shared_suite):
    answer = shared_suite.post("/score", rows.ROW)
    generation = int(answer.field("X-Model-Generation"))
    assert generation == shared_suite.get("/health").json()["generation"]
    assert answer.field("Content-Type") == "application/json"
    assert rows.UUID7.fullmatch(answer.field("X-Request-Id"))


@pytest.mark.parametrize("given, kept", [
    ("order-17_a.B", True), ("x" * 64, True), ("x" * 65, False), ("", False), ("a b", False),
    ("<script>", False),
])  # fmt: skip
def test_request_id(shared_suite, given, kept):
    echoed = shared_suite.get("/livez", {"X-Request-Id": given}).field("X-Request-Id")
    assert echoed == given if kept else rows.UUID7.fullmatch(echoed)


REFUSED = {
    "no such path": ("POST", "/scores", {}, 404, {"detail": "Not Found"}),
    "root": ("GET", "/", {}, 404, {"detail": "Not Found"}),
    "wrong method": ("GET", "/score", {}, 405, {"detail": "Method Not Allowed"}),
    "delete": ("DELETE", "/score/batch", {}, 405, {"detail": "Method Not Allowed"}),
    "xml": ("POST", "/score", {"Content-Type": "text/xml"}, 415,
            {"detail": "Unsupported Media Type"}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_its_head(shared_suite, name):
    method, path, fields, status, body = REFUSED[name]
    answer = shared_suite.request(method, path, b"{}" if method == "POST" else None, fields)
    assert (answer.status, answer.json()) == (status, body)
    assert (answer.field("Allow") == "POST") == (status == 405)


def test_body_too_large(shared_suite):
    answer = shared_suite.post("/score", rows.ROW | {"note": "x" * 65536})
    assert answer.status == 413 and isinstance(answer.json()["detail"], str)


def test_empty_body_is_a_missing_one(shared_suite):
    answer = shared_suite.post("/score", b"")
    assert answer.status == 422
    assert answer.json() == {
        "detail": [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}]
    }


def test_problem_json_when_asked_for(shared_suite):
    wanted = {"Accept": "application/problem+json"}
    bad = shared_suite.post("/score", {"transaction_seq": 1}, wanted)
    plain = shared_suite.post("/score", {"transaction_seq": 1})
    assert bad.field("Content-Type") == "application/problem+json"
    problem = bad.json()
    assert problem["status"] == bad.status == 422
    assert {"type", "title", "detail"} <= set(problem)
    assert problem["errors"] == plain.json()["detail"]
    absent = shared_suite.get("/nothing", wanted)
    assert absent.json() == {"type": "about:blank", "title": "Not Found", "status": 404,
                             "detail": "Not Found"}  # fmt: skip


def test_json_beside_the_letter_is_refused(shared_suite):
    faulty = [b"{", b"[1,]", b'{"a":01}', b'{"a":1}x', b'{"a":1,"a":2}', b'{"a":"\x01"}',
              b'{"a":"\xff"}', b"\xef\xbb\xbf{}", b'{"a":NaN}', b"nul", b'{"a":"\\u0000"}',
              b"[" * 40 + b"]" * 40]  # fmt: skip
    for body in faulty:
        answer = shared_suite.post("/score", body, {"Content-Type": "application/json"})
        assert answer.status == 422, (body, answer)
        [fault] = answer.json()["detail"]
        assert fault["type"] == "json_invalid" and fault["msg"] == "JSON decode error", body
        assert fault["loc"][0] == "body" and 0 <= fault["loc"][1] <= len(body), body
        assert fault["ctx"]["error"], body
