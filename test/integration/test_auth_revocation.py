"""When a token ends: on this host at once, on others by notification, without notifications by time;
and what happens while the database waits, is away, or comes back."""

import contextlib
import time

import accounts
import jwt
import postgres as clusters
import psycopg
import pytest
import rows

import wire

ROW = rows.ROW


@pytest.fixture
def database(postgres):
    return accounts.database(postgres)


@pytest.fixture
def users(make_suite, trained, database):
    """Three workers that would remember a token for a minute: only being told can end one."""
    suite = make_suite({"front": {"workers": 3}})
    accounts.start(suite, trained[0], database, cache_seconds=60)
    suite.alice = accounts.first_user(suite)
    return suite


def ask(token):
    return lambda connection: connection.request("POST", "/score", ROW, accounts.bearer(token))


def statuses(suite, token):
    """On many connections, so that every worker is asked."""
    return {answer.status for answer in accounts.on_every_worker(suite, ask(token))}


def test_after_the_answer_to_a_logout_no_worker_takes_the_token(users):
    tokens = [accounts.token_of(users, "alice") for _ in range(10)]
    connections = [users.connect() for _ in range(30)]
    for token in tokens:
        assert {ask(token)(c).status for c in connections} == {200}
        answer = connections[0].request("POST", "/auth/logout", b"", accounts.bearer(token))
        assert (answer.status, answer.json()) == (200, {"status": "logged_out"})
        for connection in connections:
            assert accounts.refused(ask(token)(connection), 401, "Token has been revoked.")
    assert ask(users.alice)(connections[0]).status == 200
    again = accounts.logout(users, tokens[0])
    assert accounts.refused(again, 401, "Token has been revoked.")


def test_another_host_is_told(users, make_suite, trained, database):
    other = make_suite({"front": {"workers": 3}})
    accounts.start(other, trained[0], database, migrate=False, cache_seconds=60)
    for _ in range(5):
        token = accounts.token_of(users, "alice")
        assert statuses(users, token) == statuses(other, token) == {200}
        assert accounts.logout(users, token).status == 200
        other.wait(lambda: statuses(other, token) == {401}, "the other host to know", timeout=10)
    assert statuses(other, users.alice) == {200}


def test_without_notifications_time_ends_it(make_suite, trained, database):
    suite = accounts.start(make_suite(), trained[0], database, cache_seconds=2)
    token = accounts.first_user(suite)
    connections = [suite.connect() for _ in range(20)]
    assert {ask(token)(c).status for c in connections} == {200}
    accounts.query(database, "update auth_tokens set revoked_at = now()")  # tells nobody
    begin = time.monotonic()
    while {ask(token)(c).status for c in connections} != {401}:
        assert time.monotonic() - begin < 2 + 1, "remembered for longer than auth.cache_seconds"
    for _ in range(10):
        assert {ask(token)(c).status for c in connections} == {401}


def test_what_was_missed_while_nobody_listened_is_forgotten(users):
    """A connection that is cut and listens again cannot know what was told in between."""
    assert statuses(users, users.alice) == {200}
    accounts.query(
        users.database,
        "with cut as (select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'fraud-front' and datname = current_database())"
        " update auth_tokens set revoked_at = now() where (select count(*) from cut) > 0")
    users.wait(lambda: statuses(users, users.alice) == {401}, "the token to be forgotten",
               timeout=10)  # fmt: skip


# --- a token that the cache does not know waits for the database ---


@contextlib.contextmanager
def locked(url, table="auth_tokens"):
    """Statements about tokens wait until the end of the block."""
    with psycopg.connect(url) as connection:
        connection.execute(f"lock table {table} in access exclusive mode")
        yield
        connection.rollback()


def waiting_statements(url):
    return accounts.query(url, "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
                          " and application_name = 'fraud-front'"
                          " and datname = current_database()")[0][0]  # fmt: skip


def test_every_kind_of_body_waits_for_the_gate(users):
    form, upload = wire.multipart(
        b"transaction_seq,create_dt,deposit_amount,receiving_country\n"
        + b"1,2026-10-20T10:00:00,5,VN\n" * 20000)  # fmt: skip
    bearer = accounts.bearer(users.alice)
    asks = [("/score", ROW, bearer), ("/score/batch", {"transactions": [ROW] * 50}, bearer),
            ("/score/upload", upload, bearer | form), ("/auth/logout", b"", bearer)]  # fmt: skip
    connections = [users.connect() for _ in asks]
    with locked(users.database):
        for connection, (path, body, fields) in zip(connections[:3], asks):
            data = wire.request_bytes("POST", path, body, fields)
            connection.send(data[: len(data) // 2] if path == "/score/upload" else data)
        users.wait(lambda: waiting_statements(users.database) > 0, "a statement that waits")
        assert users.get("/livez").status == 200
    data = wire.request_bytes("POST", *asks[2])
    connections[2].send(data[len(data) // 2 :])
    answers = [c.receive() for c in connections[:3]]
    assert [a.status for a in answers] == [200] * 3, answers
    assert answers[1].json()["count"] == 50 and answers[2].json()["count"] == 20000


def test_sign_ins_do_not_queue_before_scoring(make_suite, trained, database):
    """As many as can be hashed wait for the database; the others hear so at once."""
    suite = make_suite({"front": {"workers": 1}})
    accounts.start(suite, trained[0], database, hash_threads=1, hash_queue=2)
    accounts.first_user(suite)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = b"username=alice&password=" + accounts.PASSWORD.encode().replace(b" ", b"+")
    connections = [suite.connect() for _ in range(40)]
    with locked(database, "auth_users"):
        for connection in connections:
            connection.send(wire.request_bytes("POST", "/auth/login", body, form))
        refused = [c.receive() for c in connections[3:]]
    assert {(a.status, a.field("retry-after")) for a in refused} == {(503, "1")}
    assert [c.receive().status for c in connections[:3]] == [200] * 3


def test_requests_of_one_token_ask_once(users):
    connections = [users.connect() for _ in range(60)]
    with locked(users.database):
        for connection in connections:
            connection.send(wire.request_bytes("POST", "/score", ROW, accounts.bearer(users.alice)))
        users.wait(lambda: waiting_statements(users.database) >= 1, "a statement that waits")
        assert waiting_statements(users.database) <= 3  # workers
    assert {c.receive().status for c in connections} == {200}


def test_clients_that_vanish_while_they_wait(users):
    other = accounts.token_of(users, "alice")
    with locked(users.database):
        for path, token in (("/score", users.alice), ("/score/upload", users.alice),
                            ("/auth/logout", other)):  # fmt: skip
            for _ in range(20):
                with users.connect() as connection:
                    connection.send(wire.request_bytes("POST", path, ROW, accounts.bearer(token)))
        users.wait(lambda: waiting_statements(users.database) >= 1, "a statement that waits")
    assert statuses(users, users.alice) == {200}


def test_a_database_that_does_not_answer_is_no_pass(users):
    token = accounts.token_of(users, "alice")
    with locked(users.database):
        answer = accounts.score(users, ROW, token)
        assert answer.status == 503 and answer.field("retry-after") == "1"
        assert accounts.detail(answer) == "The database of users is not available."
    users.wait(lambda: statuses(users, token) == {200}, "the database to be back")


def test_nobody_joins_a_question_from_before_a_logout(users):
    """While a question about a token is under way the token ends: who asks later is refused."""
    first, second = users.connect(), users.connect()
    with psycopg.connect(users.database) as connection:
        connection.execute("lock table auth_tokens in access exclusive mode")
        first.send(wire.request_bytes("POST", "/score", ROW, accounts.bearer(users.alice)))
        users.wait(lambda: waiting_statements(users.database) == 1, "a statement that waits")
        connection.execute("update auth_tokens set revoked_at = now()")
        connection.commit()
    assert first.receive().status == 401
    assert accounts.refused(ask(users.alice)(second), 401, "Token has been revoked.")


# --- the database goes and comes ---


@pytest.fixture
def own_postgres():
    cluster = clusters.Postgres().start()
    yield cluster
    cluster.stop()


def test_the_database_restarts_under_load(make_suite, trained, own_postgres):
    suite = accounts.start(make_suite(), trained[0], own_postgres.database("users"))
    token = accounts.first_user(suite)
    unknown = accounts.token_of(suite, "alice")
    pids = suite.child_pids()
    connections = [suite.connect() for _ in range(20)]
    assert {ask(token)(c).status for c in connections} == {200}
    own_postgres.crash()
    # Remembered ones go on, others do not pass; after auth.cache_seconds nobody does.
    seen = []
    while True:
        answers = [ask(token)(c) for c in connections]
        assert {a.status for a in answers} <= {200, 503}
        seen.extend(a.status for a in answers)
        answer = accounts.score(suite, ROW, unknown)
        assert answer.status == 503 and answer.field("retry-after") == "1"
        if {a.status for a in answers} == {503}:
            break
    assert seen[0] == 200
    for path in ("/auth/register", "/auth/logout"):
        body = {"username": "bob", "password": accounts.PASSWORD}
        assert suite.post(path, body, accounts.bearer(token)).status == 503
    assert accounts.login(suite, "alice").status == 503
    ready = suite.get("/readyz?verbose")
    assert ready.status == 200 and b"is away" in ready.body
    own_postgres.start()
    suite.wait(lambda: statuses(suite, token) == {200}, "service to be back", timeout=10)
    assert accounts.score(suite, ROW, unknown).status == 200
    assert accounts.login(suite, "alice").status == 200
    assert suite.child_pids() == pids
    assert suite.log_contains("the database of users and tokens is away")


def test_a_logout_outlives_a_crash_of_the_database(make_suite, trained, own_postgres):
    """Even of one that answers before its log is written: a killed server must not undo it."""
    url = own_postgres.database("users")
    accounts.query(url, "alter database users set synchronous_commit = off")
    accounts.query(url, "alter system set wal_writer_delay = '10s'")
    accounts.query(url, "select pg_reload_conf()")
    suite = accounts.start(make_suite(), trained[0], url)
    kept, ended = accounts.first_user(suite), accounts.token_of(suite, "alice")
    assert statuses(suite, kept) == statuses(suite, ended) == {200}
    assert accounts.logout(suite, ended).status == 200
    own_postgres.crash()
    own_postgres.start()
    suite.wait(lambda: statuses(suite, kept) == {200}, "service to be back")
    assert accounts.refused(ask(ended)(suite.connect()), 401, "Token has been revoked.")


def test_the_janitor_removes_what_ended(make_suite, trained, database):
    suite = accounts.start(make_suite(), trained[0], database, sweep_seconds=1)
    token = accounts.first_user(suite)
    accounts.query(database, "insert into auth_tokens (token_jti, user_id, issued_at, expires_at,"
                   " revoked_at) select gen_random_uuid(), 1, now() - interval '2 hours',"
                   " now() - interval '1 hour', null from generate_series(1, 2500)"
                   " union all select gen_random_uuid(), 1, now() - interval '2 hours',"
                   " now() + interval '1 hour', now() - interval '1 hour'"
                   " from generate_series(1, 1500)"
                   " union all select gen_random_uuid(), 1, now(), now() - interval '1 minute',"
                   " null union all select gen_random_uuid(), 1, now(), now() + interval '1 hour',"
                   " now()")  # fmt: skip
    suite.wait(lambda: accounts.query(database, "select count(*) from auth_tokens") == [(3,)],
               "the old ones to go")  # fmt: skip
    assert statuses(suite, token) == {200}


def test_keys_rotate(users):
    assert statuses(users, users.alice) == {200}
    users.write_settings(jwt={"secret_key": "a new key of the tests, " * 2,
                              "secret_key_previous": accounts.SECRET})  # fmt: skip
    assert users.reload().returncode == 0
    assert statuses(users, users.alice) == {200}
    new = accounts.token_of(users, "alice")
    users.write_settings(jwt={"secret_key_previous": ""})
    assert users.reload().returncode == 0
    assert statuses(users, new) == {200}
    assert statuses(users, users.alice) == {401}
    assert not users.log_contains("a new key|" + accounts.SECRET)


def test_keys_rotate_in_their_file(make_suite, trained, database, tmp_path):
    """The new key in the file, the old one in .env, a reload; nobody signs in again."""
    file, new = tmp_path / "key", "a new key of the tests, " * 2
    file.write_text(accounts.SECRET + "\n")
    suite = accounts.configure(make_suite(), database)
    suite.write_settings(jwt={"secret_key": "", "secret_key_file": str(file)})
    accounts.start_configured(suite, trained[0])
    old_token = accounts.first_user(suite)
    file.write_text(new + "\n")
    (suite.folder / ".env").write_text(f"JWT_SECRET_KEY_PREVIOUS={accounts.SECRET}\n")
    assert suite.reload().returncode == 0
    new_token = accounts.token_of(suite, "alice")
    assert jwt.decode(new_token, new, algorithms=["HS256"])["sub"]
    assert statuses(suite, old_token) == statuses(suite, new_token) == {200}
    file.write_text("too short\n")
    refused = suite.reload()
    assert refused.returncode != 0 and "32 bytes" in refused.stderr
    assert statuses(suite, old_token) == statuses(suite, new_token) == {200}
