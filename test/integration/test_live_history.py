"""GET /jobs, and what the first worker tells other hosts: which model is live here since when."""

import accounts
import models
import pytest
from scheduling import Database, jobs_suite


@pytest.fixture
def database(postgres, bin_dir, request):
    with Database(postgres, bin_dir, request.node.name, rows=50) as one:
        yield one


@pytest.fixture
def serving(make_suite, trained, database):
    """A suite without a scheduler, as a host that only serves."""
    suite = jobs_suite(make_suite, trained[0], database,
                       {"services": "front, loader", "host_name": "alpha", "front": {"workers": 2}})  # fmt: skip
    models.install(suite, trained[1])
    return suite.start()


def history(database):
    return database.rows(
        "select host, generation, model_version, reason, live_until is null"
        " from model_live_history order by id"
    )


def wait_history(suite, database, wanted):
    suite.wait(lambda: history(database) == wanted, f"the history to be {wanted}")


def test_history(serving, database, trained):
    first, second = (version.name for version in trained)
    wait_history(serving, database, [("alpha", 1, first, "start", True)])
    models.set_alias(serving, second)
    database.execute("notify fraudd_model")
    serving.wait_model(second)
    wait_history(serving, database, [("alpha", 1, first, "start", False),
                                     ("alpha", 2, second, "promotion", True)])  # fmt: skip
    assert serving.ctl("reload", "--version", first).returncode == 0
    serving.wait(lambda: history(database)[2:] == [("alpha", 3, first, "pinned", True)], "the pin")
    assert serving.ctl("unpin").returncode == 0  # the promotion has had its model already
    serving.wait(lambda: history(database)[3:] == [("alpha", 4, second, "reload", True)], "the alias")
    assert database.one("select count(*) from model_live_history where live_until < live_from") == 0


def test_open_row_is_renewed(serving, database):
    serving.wait(lambda: database.count("model_live_history"), "a row")
    before = database.one("select seen_at from model_live_history")
    serving.wait(lambda: database.one("select seen_at from model_live_history") > before, "a renewal")


def test_row_outlives_the_worker(serving, database, trained):
    wanted = [("alpha", 1, trained[0].name, "start", True)]
    wait_history(serving, database, wanted)
    serving.wait_replaced(serving.kill("front", 0))
    before = database.one("select seen_at from model_live_history")
    serving.wait(lambda: database.one("select seen_at from model_live_history") > before, "a renewal")
    assert history(database) == wanted


def test_row_of_a_host_that_was_down_ends_when_it_was_seen_last(serving, database):
    serving.wait(lambda: database.count("model_live_history"), "a row")
    serving.stop()
    database.execute("update model_live_history set live_from = now() - interval '2 hours',"
                     " seen_at = now() - interval '1 hour'")  # fmt: skip
    serving.start()
    serving.wait(lambda: database.count("model_live_history") == 2, "a second row")
    assert database.one("select live_until = seen_at from model_live_history where id = 1")
    assert database.one("select live_until is null from model_live_history where id = 2")


def test_database_that_was_away(serving, database, trained):
    serving.wait(lambda: database.count("model_live_history"), "a row")
    database.execute("alter table model_live_history rename to elsewhere")
    database.end_sessions("fraud-front live")
    serving.wait_log("cannot tell other hosts which model is live here")
    models.set_alias(serving, trained[1].name)
    assert serving.reload().returncode == 0
    database.execute("alter table elsewhere rename to model_live_history")
    serving.wait(lambda: [row[1:3] for row in history(database)][1:] == [(2, trained[1].name)],
                 "what was missed")  # fmt: skip


# --- GET /jobs ---


def test_jobs(serving, database):
    database.execute(
        "insert into job_runs (kind, status, host, started_at, scored, message, created_at)"
        " select 'batch', 'succeeded', 'beta', now(), n, 'a \"word\"', now() + n * interval '1 s'"
        " from generate_series(1, 60) n"
    )
    database.execute("insert into scheduler_state (partition, host) values (0, 'beta')")
    answer = serving.get("/jobs")
    assert answer.status == 200 and answer.field("Content-Type") == "application/json"
    body = answer.json()
    assert [row["scored"] for row in body["jobs"]] == list(range(60, 10, -1))
    assert body["jobs"][0]["message"] == 'a "word"'
    assert (body["partitions"][0]["host"], body["partitions"][0]["led"]) == ("beta", False)
    assert body["hosts"] == []


def test_jobs_many_at_once(serving):
    answers = [serving.get("/jobs").status for _ in range(20)]
    assert set(answers) == {200}
    head = serving.request("HEAD", "/jobs")
    assert head.status == 200 and head.body == b""


def test_jobs_want_the_role_operate(make_suite, trained, database):
    users = accounts.start(make_suite(), trained[0], database.url)
    alice = accounts.first_user(users)
    accounts.register(users, "bob", token=alice)
    database.execute("update auth_users set roles = '{score,admin}' where username = 'bob'")
    bob = accounts.token_of(users, "bob")
    assert users.get("/jobs").status == 401
    assert accounts.refused(users.get("/jobs", accounts.bearer(bob)), 403, "Not enough permissions.")
    database.execute("update auth_users set roles = '{operate}' where username = 'bob'")
    database.execute("notify fraudd_auth, 'all'")
    users.wait(lambda: users.get("/jobs", accounts.bearer(bob)).status == 200, "the new role")


def test_jobs_while_the_database_is_away(serving, database):
    database.execute("alter table job_runs rename to elsewhere")
    for _ in range(10):
        answer = serving.get("/jobs")
        assert answer.status == 503 and answer.field("Retry-After") == "1"
    database.execute("alter table elsewhere rename to job_runs")
    serving.wait(lambda: serving.get("/jobs").status == 200, "the answer")


def test_jobs_without_a_database(shared_suite):
    answer = shared_suite.get("/jobs")
    assert answer.status == 503 and "database.url" in answer.json()["detail"]
