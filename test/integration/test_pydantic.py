"""Error bodies against the real thing: hundreds of generated requests go to fraudd and to FastAPI,
and both must refuse the same ones in the same words: type, loc, msg, input, ctx."""

import json
import random

import fastapi_service
import pytest
import rows

BODIES = 400

# Values for any field. What fraudd takes on purpose though pydantic does not is left out: "" for an
# optional date, other spellings of dates, and (see value()) a date with a time of day.
ANYTHING = [None, True, False, 0, 1, -1, 2, 3.0, 3.5, -0.0, 1e3, 1e300, 2**40, 2**53 + 1, 2**63 - 1,
            [], {}, [1], {"a": 1}, {"a": {"b": [None, 1.5, "x"]}},
            "0", "12", "-12", "+12", "12.0", "12.5", "1e3", ".5", "5.", "1_000", "1__0", " 12 ",
            "0x10", "1,000", "abc", "1e", "--1", "00012", "inf", "nan", "Infinity", "1e400", "-",
            "9223372036854775807", "99999999999999999999999.5", "yes", "true", "null", "é", "日本",
            '"', "\\", "a\tb\n", "x" * 300]  # fmt: skip
TIMES = ["2026-10-20", "2026-10-20T10:11", "2026-10-20T10:11:12", "2026-10-20T10:11:12.123456",
         "2026-10-20T10:11:12Z", "2026-10-20T10:11:12+09:00", "2026-10-20 10:11:12",
         "2026-10-20T00:00:00", "2026-02-30", "2026-13-01", "2026-10-20T24:00", "2026-10-20T10:60",
         "2026-10-20T10:11:61", "2026-10-20T", "2026-10", "2026", "2026-10-20X10:11", "20261020",
         "2026-10-20T10:11:12.", "2026-10-20T10:11+", "2026-10-20T10:11+25:00", "yesterday",
         "0000-01-01", "0001-01-01", "9999-12-30", "1494012000", "1494012000.5", "10:11:12",
         "2026-10-2a", "2026-1-01", " 2026-10-20", "2026-10-20 ", "2026-10-20T10:11Zx",
         1494012000, 1494012000.5, 86400, 1e12, 253402300800000, -62167219201000]  # fmt: skip
TIMED = [one for one in TIMES if isinstance(one, str) and ":" in one and "00:00:00" not in one]
TEXTS = ["VN", "Viet Nam", "é", "x" * 200, "12"]


def times(name):
    """A date in fraudd drops the time of day; in pydantic it is a fault."""
    return [one for one in TIMES if name == "create_dt" or one not in TIMED]


def value(generator, name):
    pool = ANYTHING
    if name.endswith(("_date", "_dt")):
        pool = ANYTHING + times(name) * 3
    elif name in rows.PRIVATE or name not in rows.INTEGERS + rows.NUMBERS:
        pool = ANYTHING + TEXTS * 3
    return generator.choice(pool)


def transaction(generator):
    row = dict(rows.ROW)
    for name in generator.sample(list(row), generator.choice([0, 1, 1, 2, 3, 8, 22])):
        if generator.random() < 0.2:
            del row[name]
        else:
            row[name] = value(generator, name)
    if generator.random() < 0.3:
        row["unknown"] = generator.choice(ANYTHING)
    names = list(row)
    generator.shuffle(names)
    return {name: row[name] for name in names}


def query(generator):
    pool = ["", "", "", "?top_k=7", "?top_k=51", "?top_k=-1", "?top_k=x", "?top_k=1.0", "?top_k=2.5",
            "?top_k=+3", "?top_k=0x1", "?top_k=1_0", "?top_k=%203", "?explain=no", "?explain=2",
            "?include_allow=maybe", "?explain=", "?top_k=51&explain=x",
            "?include_allow=tRuE&top_k=50"]  # fmt: skip
    return generator.choice(pool)


def hidden(faults, at):
    """What fraudd hides: names of people. `at`: where a field's name stands in loc."""
    for fault in faults:
        place = fault["loc"][at:]
        if place and place[0] in rows.PRIVATE:
            fault["input"] = "***"
        elif fault["type"] == "missing" and place and isinstance(fault["input"], dict):
            fault["input"] |= {n: "***" for n in rows.PRIVATE if n in fault["input"]}
    return faults


@pytest.fixture(scope="module")
def reference():
    return fastapi_service.client()


def compare(suite, reference, path, body, at):
    text = json.dumps(body).encode()
    kind = {"Content-Type": "application/json"}
    ours = suite.post(path, text, kind)
    theirs = reference.post(path, content=text, headers=kind)
    assert ours.status == theirs.status_code, (path, body, ours, theirs.text)
    if ours.status == 422:
        wanted = hidden(theirs.json()["detail"], at)
        assert ours.json() == {"detail": wanted}, (path, body)
    return ours.status


def test_single(shared_suite, reference):
    generator = random.Random(1)
    seen = [compare(shared_suite, reference, "/score" + query(generator), transaction(generator), 1)
            for _ in range(BODIES)]  # fmt: skip
    assert 20 < seen.count(200) < BODIES - 100, "both kinds must occur"


def test_every_value_in_every_field(shared_suite, reference):
    """One field off at a time: no other fault hides it."""
    for name in rows.ROW:
        more = times(name) if name.endswith(("_date", "_dt")) else []
        for one in ANYTHING + more:
            compare(shared_suite, reference, "/score", rows.ROW | {name: one}, 1)
        without = {key: rows.ROW[key] for key in rows.ROW if key != name}
        compare(shared_suite, reference, "/score", without, 1)


def test_batch(shared_suite, reference):
    generator = random.Random(2)
    for _ in range(80):
        body = {"transactions": [transaction(generator) for _ in range(generator.randrange(6))]}
        if generator.random() < 0.2:
            body["transactions"].append(generator.choice(ANYTHING))
        compare(shared_suite, reference, "/score/batch" + query(generator), body, 3)


WHOLE = [None, True, 1, 1.5, "text", [], [rows.LEAST], {}, {"transactions": None},
         {"transactions": {}}, {"transactions": 1}, {"transactions": "x"}, {"transactions": [None]},
         {"transactions": [[], {}, 1]}]  # fmt: skip


@pytest.mark.parametrize("path", ["/score", "/score/batch"])
@pytest.mark.parametrize("body", WHOLE, ids=str)
def test_bodies_that_are_no_object(shared_suite, reference, path, body):
    compare(shared_suite, reference, path, body, 1)


FAULTY = ["{", "[", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "[1,]", "[1", "nul", "x", "-",
          "{a:1}", "{'a':1}", '"abc', "1 2", "{} x", '{"a" 1}', '{"a":1 "b":2}', "[1 2]", "",
          " ", "01"]  # fmt: skip


@pytest.mark.parametrize("text", FAULTY)
def test_bodies_that_are_no_json(shared_suite, reference, text):
    """Refused by both under the same type; where and in which words differs (Python's own parser
    against RFC 8259 strictly), so members are compared, not their texts."""
    kind = {"Content-Type": "application/json"}
    ours = shared_suite.post("/score", text.encode(), kind)
    theirs = reference.post("/score", content=text.encode(), headers=kind)
    assert ours.status == theirs.status_code == 422, (ours, theirs.text)
    [a], [b] = ours.json()["detail"], theirs.json()["detail"]
    assert (a["type"], a["msg"], a["input"]) == (b["type"], b["msg"], b["input"]), (a, b)
    assert a["loc"][0] == b["loc"][0] and len(a["loc"]) == len(b["loc"])
    assert set(a) == set(b) and ("ctx" not in a or set(a["ctx"]) == set(b["ctx"]))
