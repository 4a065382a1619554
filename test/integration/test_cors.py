"""Pages of other origins: none may call by default, those of http.cors_origins may."""

import models
import pytest
import rows

GOOD = "https://desk.example"
PREFLIGHT = {"Origin": GOOD, "Access-Control-Request-Method": "POST",
             "Access-Control-Request-Headers": "authorization,content-type"}  # fmt: skip


@pytest.fixture(scope="module")
def open_suite(bin_dir, trained):
    import suite as suites

    one = suites.Suite(bin_dir, {"http": {"cors_origins": f"http://localhost:3000, {GOOD}"}})
    models.install(one, trained[0], "production")
    yield one.start()
    one.close()


def test_nothing_by_default(shared_suite):
    answer = shared_suite.post("/score", rows.ROW, {"Origin": GOOD})
    assert answer.status == 200
    assert not [name for name, _ in answer.fields if name.startswith("access-control")]
    assert answer.field("Vary") is None
    answer = shared_suite.request("OPTIONS", "/score", None, PREFLIGHT)
    assert answer.status == 405 and answer.field("Allow") == "POST"
    assert answer.field("Access-Control-Allow-Origin") is None


def test_preflight(open_suite):
    answer = open_suite.request("OPTIONS", "/score", None, PREFLIGHT)
    assert answer.status == 204 and answer.body == b""
    assert answer.field("Access-Control-Allow-Origin") == GOOD
    assert answer.field("Access-Control-Allow-Methods") == "POST"
    allowed = answer.field("Access-Control-Allow-Headers").lower()
    assert "authorization" in allowed and "content-type" in allowed
    assert answer.field("Vary") == "Origin"
    health = open_suite.request("OPTIONS", "/health", None, PREFLIGHT)
    assert health.field("Access-Control-Allow-Methods") == "GET, HEAD"


@pytest.mark.parametrize("fields", [
    {**PREFLIGHT, "Origin": "https://evil.example"},
    {**PREFLIGHT, "Origin": GOOD + ".evil"},
    {**PREFLIGHT, "Origin": "null"},
    {"Origin": GOOD},
    {"Access-Control-Request-Method": "POST"},
])  # fmt: skip
def test_other_options_are_405(open_suite, fields):
    answer = open_suite.request("OPTIONS", "/score", None, fields)
    assert answer.status == 405 and answer.field("Allow") == "POST"
    assert answer.field("Access-Control-Allow-Methods") is None


def test_answers_and_errors_can_be_read(open_suite):
    for body in (rows.ROW, {"nothing": 1}):
        answer = open_suite.post("/score", body, {"Origin": GOOD})
        assert answer.status in (200, 422)
        assert answer.field("Access-Control-Allow-Origin") == GOOD
        assert "X-Request-Id" in answer.field("Access-Control-Expose-Headers")
        assert answer.field("Access-Control-Allow-Credentials") is None
    other = open_suite.post("/score", rows.ROW, {"Origin": "https://evil.example"})
    assert other.status == 200 and other.field("Access-Control-Allow-Origin") is None
    assert other.field("Vary") == "Origin"


def test_not_on_the_operator_listener(open_suite):
    answer = open_suite.get("/health", {"Origin": GOOD}, operator=True)
    assert answer.status == 200 and answer.field("Access-Control-Allow-Origin") is None


def test_unknown_path(open_suite):
    assert open_suite.request("OPTIONS", "/nothing", None, PREFLIGHT).status == 404
