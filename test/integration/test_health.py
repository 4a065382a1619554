"""/health, /livez, /readyz: before a model, with one, without a registry; and on which listener."""

import models
import pytest
import rows
import suite as suites


def test_health_with_a_model(shared_suite, trained):
    answer = shared_suite.get("/health")
    assert answer.status == 200
    body = answer.json()
    assert body["status"] == "ok" and body["model_version"] == trained[0].name
    assert body["alias"] == "production" and body["alias_version"] == trained[0].name
    assert body["verified"] == "golden" and body["source"] == "registry"
    assert body["registry"]["kind"] == "local" and "last_error" not in body["registry"]
    assert "pinned" not in body


@pytest.mark.parametrize("operator", [False, True])
def test_probes_answer_on_both_listeners(shared_suite, operator):
    for path in ("/health", "/livez", "/readyz"):
        assert shared_suite.get(path, operator=operator).status == 200


def test_scoring_is_not_on_the_operator_listener(shared_suite):
    for path in ("/score", "/score/batch", "/score/upload", "/reload"):
        answer = shared_suite.request("POST", path, {}, operator=True)
        assert answer.status == 404


def test_readyz_says_loudly_that_scoring_is_open(shared_suite, trained):
    plain, verbose = shared_suite.get("/readyz"), shared_suite.get("/readyz?verbose")
    assert plain.status == verbose.status == 200
    text = verbose.body.decode()
    assert trained[0].name in text
    assert "auth: OFF" in text


@pytest.fixture
def empty_suite(make_suite):
    """No version anywhere."""
    one = make_suite().start(ready=False)
    one.wait_log("fraudd.* ready: ")
    return one


def test_without_a_model(empty_suite):
    assert empty_suite.get("/livez").status == 200
    health = empty_suite.get("/health")
    assert health.status == 503 and health.json()["status"] == "unavailable"
    assert health.json()["reason"]
    assert empty_suite.get("/readyz").status == 503
    for path in ("/score", "/score/batch", "/score/upload"):
        answer = empty_suite.post(path, rows.ROW)
        assert answer.status == 503 and answer.field("Retry-After"), path
        assert answer.json()["detail"]


def test_no_answer_shows_a_path(empty_suite):
    answers = [empty_suite.get(path) for path in ("/health", "/readyz?verbose")]
    answers.append(empty_suite.post("/reload"))
    for answer in answers:
        assert str(empty_suite.models) not in answer.body.decode(), answer


def test_the_words_about_the_registry_are_for_operators(make_suite):
    """They name its host and port."""
    uri = f"http://127.0.0.1:{suites.free_port()}"
    suite = make_suite({"mlflow": {"tracking_uri": uri}, "front": {"workers": 1}})
    suite.start(ready=False).wait_log(r"listening on .*operator")

    def health(operator):
        return suite.get("/health", operator=operator).json()

    suite.wait(lambda: "registry" in health(operator=True), "the trouble")
    host = uri.removeprefix("http://")
    assert host in health(operator=True)["reason"]
    assert host in suite.status()["registry"]["last_error"]
    for path in ("/health", "/readyz?verbose"):
        answer = suite.get(path)
        assert host not in answer.body.decode() and b"cannot be used" in answer.body


def test_the_first_model_goes_live_when_it_comes(empty_suite, trained):
    refused = empty_suite.post("/reload")
    assert refused.status == 409 and '"fraud"' in refused.json()["detail"]
    models.install(empty_suite, trained[0], "production")
    answer = empty_suite.post("/reload")
    assert answer.status == 200 and answer.json()["status"] == "reloaded"
    assert empty_suite.get("/readyz").status == 200
    assert empty_suite.score(rows.ROW)["model_version"] == trained[0].name
