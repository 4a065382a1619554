"""Users and tokens as the old service's clients know them: routes, bodies, statuses, words."""

import concurrent.futures
import datetime
import pathlib
import re
import time
import uuid

import accounts
import conftest
import jwt
import models
import pytest
import rows
import suite as suites
import wire

ROW = rows.ROW
TOKENS = pathlib.Path(__file__).parents[1] / "unit" / "auth" / "tokens.txt"


@pytest.fixture(scope="module")
def users(request, bin_dir, trained, postgres):
    """One suite with a user "alice" for all tests that only add to it."""
    suite = suites.Suite(bin_dir)
    accounts.start(suite, trained[0], accounts.database(postgres))
    suite.alice = accounts.first_user(suite)
    yield suite
    conftest.close_all(request.node, [suite])


@pytest.fixture
def empty(make_suite, trained, postgres):
    """A suite without any user."""
    return accounts.start(make_suite(), trained[0], accounts.database(postgres))


# --- registration ---


def test_the_first_user_needs_no_token(empty):
    answer = accounts.register(empty, "first one")
    assert answer.status == 201
    assert answer.json() == {"id": answer.json()["id"], "username": "first one"}
    assert isinstance(answer.json()["id"], int)
    second = accounts.register(empty, "second")
    assert accounts.refused(second, 403, "Registration is disabled for unauthenticated users.")
    token = accounts.token_of(empty, "first one")
    assert accounts.register(empty, "second", token=token).status == 201
    taken = accounts.register(empty, "second", token=token)
    assert accounts.refused(taken, 409, "Username has been taken.")
    assert accounts.refused(accounts.register(empty, "x" * 3, token="bad"), 401, "Invalid token.")


def test_a_hundred_racing_first_users_are_one(empty):
    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda i: register_patiently(empty, f"racer {i}"), range(100)))
    made = [a for a in answers if a.status == 201]
    assert len(made) == 1, [a.status for a in answers]
    assert all(a.status == 403 for a in answers if a not in made)
    assert accounts.query(empty.database, "select count(*) from auth_users") == [(1,)]


def register_patiently(suite, name):
    """The queue of hashes is short: 503 with Retry-After means later."""
    while (answer := accounts.register(suite, name)).status == 503:
        assert answer.field("retry-after") == "1"
    return answer


REGISTRATIONS = {
    "short name": ({"username": "ab", "password": "12345678"}, 422,
                   [("string_too_short", ["body", "username"], "ab", {"min_length": 3})]),
    "long name": ({"username": "x" * 151, "password": "12345678"}, 422,
                  [("string_too_long", ["body", "username"], "x" * 151, {"max_length": 150})]),
    "short password": ({"username": "abc", "password": "1234567"}, 422,
                       [("string_too_short", ["body", "password"], "***", {"min_length": 8})]),
    "long password": ({"username": "abc", "password": "x" * 129}, 422,
                      [("string_too_long", ["body", "password"], "***", {"max_length": 128})]),
    "no name": ({"password": "12345678"}, 422,
                [("missing", ["body", "username"], {"password": "***"}, None)]),
    "no password": ({"username": "abc", "x": 1}, 422,
                    [("missing", ["body", "password"], {"username": "abc", "x": 1}, None)]),
    "nothing": ({}, 422, [("missing", ["body", "username"], {}, None),
                          ("missing", ["body", "password"], {}, None)]),
    "numbers": ({"username": 1, "password": 12345678}, 422,
                [("string_type", ["body", "username"], 1, None),
                 ("string_type", ["body", "password"], "***", None)]),
    "null": ({"username": None, "password": None}, 422,
             [("string_type", ["body", "username"], None, None),
              ("string_type", ["body", "password"], "***", None)]),
    "no object": (["abc"], 422, [("model_attributes_type", ["body"], "***", None)]),
    "73 bytes": ({"username": "abc", "password": "ä" * 36 + "x"}, 400, None),
    "128 characters": ({"username": "abc", "password": "x" * 128}, 400, None),
}  # fmt: skip


@pytest.mark.parametrize("name", REGISTRATIONS)
def test_bad_registrations(users, name):
    body, status, faults = REGISTRATIONS[name]
    answer = users.post("/auth/register", body, accounts.bearer(users.alice))
    assert answer.status == status, answer
    if faults is None:
        assert accounts.detail(answer) == "Password must not be longer than 72 bytes in UTF-8."
        return
    told = [(f["type"], f["loc"], f["input"], f.get("ctx")) for f in accounts.detail(answer)]
    assert told == faults


BAD_BODIES = {
    "no JSON": (b"{username", "application/json", 422),
    "NUL in the password": (b'{"username":"abc","password":"1234\\u00005678"}', "application/json",
                            422),
    "a name twice": (b'{"username":"abc","username":"abd","password":"12345678"}',
                     "application/json", 422),
    "nothing": (b"", "application/json", 422),
    "a form": (b"username=abc&password=12345678", "application/x-www-form-urlencoded", 415),
    "no UTF-8": (b'{"username":"ab\xff","password":"12345678"}', "application/json", 422),
    "a megabyte": (b'{"username":"abc","password":"' + b"x" * 1_000_000 + b'"}', "application/json",
                   413),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_BODIES)
def test_bad_bodies_of_a_registration(users, name):
    body, kind, status = BAD_BODIES[name]
    answer = users.post("/auth/register", body,
                        accounts.bearer(users.alice) | {"Content-Type": kind})  # fmt: skip
    assert answer.status == status, answer
    assert b"12345678" not in answer.body and b"xxxxxxxx" not in answer.body


def test_names_of_any_letters(users):
    for name in ("Åsa Öberg", "김민준", "o'hara; drop table auth_users", 'a"b\\c', "a\nb c"):
        made = accounts.register(users, name, token=users.alice)
        assert made.status == 201 and made.json()["username"] == name
        signed_in = accounts.login(users, name)
        assert signed_in.status == 200 and signed_in.json()["username"] == name


# --- sign-in ---


def test_a_sign_in(users):
    before = int(time.time())
    answer = accounts.login(users, "alice")
    assert answer.status == 200 and answer.field("cache-control") == "no-store"
    body = answer.json()
    assert {k: v for k, v in body.items() if k != "access_token"} == {
        "token_type": "bearer", "expires_in": 3600, "username": "alice"}  # fmt: skip
    claims = jwt.decode(body["access_token"], accounts.SECRET, algorithms=["HS256"])
    assert jwt.get_unverified_header(body["access_token"]) == {"alg": "HS256", "typ": "JWT"}
    assert set(claims) == {"sub", "jti", "iat", "exp", "type"} and claims["type"] == "access"
    assert before <= claims["iat"] <= time.time() and claims["exp"] == claims["iat"] + 3600
    rows_ = accounts.query(users.database, "select u.username, t.issued_at, t.expires_at,"
                           " t.revoked_at from auth_tokens t join auth_users u on u.id = t.user_id"
                           " where token_jti = %s and t.user_id = %s",
                           uuid.UUID(claims["jti"]), int(claims["sub"]))  # fmt: skip
    issued, expires = (datetime.datetime.fromtimestamp(claims[k], datetime.UTC)
                       for k in ("iat", "exp"))  # fmt: skip
    assert rows_ == [("alice", issued, expires, None)]


@pytest.mark.parametrize("source", ("settings", ".env", "environment"))
def test_how_long_a_token_lives(make_suite, trained, postgres, source):
    suite = accounts.configure(make_suite(), accounts.database(postgres))
    if source == "settings":
        suite.write_settings(jwt={"access_expire_minutes": 7})
    elif source == ".env":
        (suite.folder / ".env").write_text("JWT_ACCESS_EXPIRE_MINUTES=7\n")
    else:
        suite.environment = {"JWT_ACCESS_EXPIRE_MINUTES": "7"}
    accounts.start_configured(suite, trained[0])
    accounts.register(suite, "alice")
    answer = accounts.login(suite, "alice").json()
    claims = jwt.decode(answer["access_token"], accounts.SECRET, algorithms=["HS256"])
    assert answer["expires_in"] == claims["exp"] - claims["iat"] == 7 * 60


def test_wrong_name_and_wrong_password_say_the_same(users):
    for name, password in (("alice", "wrong password"), ("nobody", accounts.PASSWORD),
                           ("alice", accounts.PASSWORD + "x"), ("ALICE", accounts.PASSWORD),
                           ("alice ", accounts.PASSWORD), ("alice", "x" * 80),
                           ("alice", accounts.PASSWORD.upper())):  # fmt: skip
        answer = accounts.login(users, name, password)
        assert accounts.refused(answer, 401, "Invalid username or password"), name


FORMS = {
    "no password": ("username=alice", 422, [("missing", "password")]),
    "no name": ("password=x", 422, [("missing", "username")]),
    "nothing": ("", 422, [("missing", "username"), ("missing", "password")]),
    "empty values": ("username=&password=", 422, [("missing", "username"),
                                                  ("missing", "password")]),
    "another grant": ("grant_type=implicit&username=a&password=b", 422,
                      [("string_pattern_mismatch", "grant_type")]),
    "a field twice": ("username=alice&username=bob&password=x", 400, "A field of the form comes twice."),
    "a NUL": ("username=alice&password=a%00b", 400, "There was an error parsing the body"),
    "half an escape": ("username=alice&password=100%", 400, "There was an error parsing the body"),
    "no UTF-8": ("username=alice&password=%ff", 400, "There was an error parsing the body"),
    "65 fields": ("&".join(f"f{i}=x" for i in range(65)), 400, "There was an error parsing the body"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_bad_forms(users, name):
    body, status, want = FORMS[name]
    answer = accounts.post_form(users, body.encode())
    assert answer.status == status, answer
    if isinstance(want, str):
        assert accounts.detail(answer) == want
    else:
        assert [(f["type"], f["loc"][-1]) for f in accounts.detail(answer)] == want


def test_forms_of_other_types_have_no_fields(users):
    good = b"username=alice&password=" + accounts.PASSWORD.encode().replace(b" ", b"+")
    for kind in ("application/json", "text/plain", "application/x-www-form-urlencodedx"):
        answer = users.post("/auth/login", good, {"Content-Type": kind})
        assert answer.status == 422 and len(accounts.detail(answer)) == 2, answer
    answer = users.post("/auth/login", {"username": "alice", "password": accounts.PASSWORD})
    assert answer.status == 422
    for kind in ("application/x-www-form-urlencoded; charset=utf-8",
                 "Application/X-WWW-Form-Urlencoded"):  # fmt: skip
        assert users.post("/auth/login", good, {"Content-Type": kind}).status == 200


def test_a_megabyte_of_password(users):
    answer = accounts.login(users, "alice", "x" * 1_000_000)
    assert answer.status == 413 and b"xxxx" not in answer.body
    answer = accounts.login(users, "alice", "x" * 60_000)
    assert accounts.refused(answer, 401, "Invalid username or password")


def test_what_oauth_clients_send_beside(users):
    fields = {"username": "alice", "password": accounts.PASSWORD, "grant_type": "password",
              "scope": "a b", "client_id": "c", "client_secret": "s", "more": "m"}  # fmt: skip
    assert accounts.post_form(users, fields).status == 200
    fields["grant_type"] = ""
    assert accounts.post_form(users, fields).status == 200


# --- the gate ---


def upload_of(suite, token=None):
    form, body = wire.multipart(b"transaction_seq\n1\n")
    return suite.post("/score/upload", body, form | (accounts.bearer(token) if token else {}))


def test_what_needs_a_token(users):
    for path in ("/score", "/score/batch", "/score/upload", "/reload", "/auth/logout"):
        assert accounts.refused(users.post(path, {}), 401, "Not authenticated"), path
    assert accounts.refused(upload_of(users), 401, "Not authenticated")
    for path in ("/health", "/livez", "/readyz"):
        assert users.get(path).status == 200
    assert accounts.score(users, ROW, users.alice).status == 200
    assert accounts.score(users, {"transactions": [ROW]}, users.alice, "/score/batch").status == 200
    assert users.post("/reload", None, accounts.bearer(users.alice)).status == 200
    assert upload_of(users, users.alice).status in (200, 400)


def test_an_upload_without_a_token_is_refused_before_its_body(users):
    with users.connect() as connection:
        connection.send(wire.request_bytes("POST", "/score/upload", None,
                        {"Content-Type": "multipart/form-data; boundary=x",
                         "Content-Length": "1000000000"}))  # fmt: skip
        assert accounts.refused(connection.receive(), 401, "Not authenticated")
    with users.connect() as connection:
        connection.send(wire.request_bytes("POST", "/score/batch", None,
                        {"Content-Type": "application/json", "Expect": "100-continue",
                         "Content-Length": "1000000"}))  # fmt: skip
        assert connection.receive_any().status == 401


def test_spellings_of_the_field(users):
    good = users.alice
    cases = (
        (f"Bearer {good}", 200), (f"bearer {good}", 200), (f"BEARER {good}", 200),
        ("", "Not authenticated"), ("Basic YTpi", "Not authenticated"),
        (good, "Not authenticated"), (f"Token {good}", "Not authenticated"),
        (f"Bearer{good}", "Not authenticated"), ("Bearer", "Invalid token."),
        ("Bearer ", "Invalid token."), (f"Bearer  {good}", "Invalid token."),
        (f"Bearer\t{good}", "Not authenticated"), (f"Bearer {good}, Bearer {good}", "Invalid token."),
        (f'Bearer "{good}"', "Invalid token."), (f"Bearer {good} x", "Invalid token."),
    )  # fmt: skip
    for value, want in cases:
        answer = users.post("/score", ROW, {"Authorization": value})
        if want == 200:
            assert answer.status == 200, value
        else:
            assert accounts.refused(answer, 401, want), value
    with users.connect() as connection:
        body = b"{}"
        connection.send(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                        + f"Authorization: Bearer {good}\r\n".encode() * 2 + b"\r\n" + body)
        assert accounts.refused(connection.receive(), 401, "Invalid token.")


def hostile_tokens():
    for line in TOKENS.read_text().splitlines():
        verdict, what, token = line.split("\t")
        token = re.sub(r"\\x(..)", lambda m: chr(int(m[1], 16)), token)
        yield verdict, what, token


def test_hostile_tokens(make_suite, trained, postgres):
    """All of the file, through the front door; what HTTP itself refuses is no 200 either."""
    suite = make_suite()
    accounts.start(suite, trained[0], accounts.database(postgres))
    suite.write_settings(jwt={"secret_key": "the secret of the hostile tokens: 42"})
    assert suite.reload().returncode == 0
    words = {"invalid": "Invalid token.", "expired": "Token has expired.",
             "good": "Token has been revoked."}  # fmt: skip
    count = 0
    for verdict, what, token in hostile_tokens():
        if "\n" in token:  # would be another field of the head
            continue
        answer = suite.post("/score", ROW, accounts.bearer(token))
        if answer.status in (400, 431):  # control characters, too long a field
            assert re.search(r"[\x00-\x1f\x7f]", token) or len(token) > 4096, what
        elif token != token.rstrip(" \t"):  # no part of a field's value
            assert answer.status == 401, what
        else:
            assert accounts.refused(answer, 401, words[verdict]), what
        count += verdict != "good"
    assert count >= 150


def test_a_good_signature_is_not_enough(users):
    me = jwt.decode(users.alice, options={"verify_signature": False})
    token, claims = accounts.make_token(me["sub"])
    assert accounts.refused(accounts.score(users, ROW, token), 401, "Token has been revoked.")
    accounts.insert_token(users.database, claims)
    assert accounts.score(users, ROW, token).status == 200
    # Another user's id under the same jti
    other, _ = accounts.make_token(int(me["sub"]) + 1000, jti=claims["jti"])
    assert accounts.refused(accounts.score(users, ROW, other), 401, "Invalid token.")
    # The row ends before the token does, beyond the skew
    short, claims = accounts.make_token(me["sub"])
    accounts.insert_token(users.database, claims | {"exp": int(time.time()) - 61})
    assert accounts.refused(accounts.score(users, ROW, short), 401, "Token has expired.")
    late, claims = accounts.make_token(me["sub"], exp=int(time.time()) - 30)
    accounts.insert_token(users.database, claims)
    assert accounts.score(users, ROW, late).status == 200


def test_roles(users):
    accounts.register(users, "limited", token=users.alice)
    token = accounts.token_of(users, "limited")
    asks = {"score": lambda: accounts.score(users, ROW, token),
            "operate": lambda: users.post("/reload?dry_run=true", None, accounts.bearer(token)),
            "admin": lambda: accounts.register(users, f"by limited {time.time()}", token=token)}
    for roles in (["score"], ["operate"], ["admin"], [], None):
        accounts.query(users.database,
                       "update auth_users set roles = %s where username = 'limited'", roles)
        accounts.query(users.database, "notify fraudd_auth, 'all'")
        for role, ask in asks.items():
            want = roles is None or role in roles
            done = (lambda: ask().status in (200, 201, 409)) if want else (
                lambda: accounts.refused(ask(), 403, "Not enough permissions."))
            users.wait(lambda: settled(done), f"{role} with {roles}")


def settled(done):
    """A notification takes a moment."""
    try:
        return done()
    except AssertionError:
        return False


def test_a_disabled_account(users):
    accounts.register(users, "disabled", token=users.alice)
    token = accounts.token_of(users, "disabled")
    assert accounts.score(users, ROW, token).status == 200
    accounts.query(users.database, "update auth_users set is_active = false"
                   " where username = 'disabled'")  # fmt: skip
    accounts.query(users.database, "notify fraudd_auth, 'all'")
    users.wait(lambda: accounts.score(users, ROW, token).status == 403, "the account to be disabled")
    assert accounts.refused(accounts.score(users, ROW, token), 403, "Account has been disabled.")
    assert accounts.refused(accounts.login(users, "disabled"), 403, "Account has been disabled.")
    wrong = accounts.login(users, "disabled", "wrong password")
    assert accounts.refused(wrong, 401, "Invalid username or password")


def test_problem_details_for_who_asks(users):
    answer = users.post("/score", ROW, {"Accept": "application/problem+json"})
    assert answer.status == 401 and answer.field("content-type") == "application/problem+json"
    assert answer.json()["status"] == 401 and answer.json()["detail"] == "Not authenticated"


# --- throttle ---


def test_failed_sign_ins_are_throttled(make_suite, trained, postgres):
    suite = make_suite({"front": {"workers": 1}})
    accounts.start(suite, trained[0], accounts.database(postgres), throttle_account=3,
                   throttle_source=8)  # fmt: skip
    accounts.first_user(suite)
    for _ in range(6):  # a good one does not count
        accounts.token_of(suite, "alice")
    for _ in range(3):
        assert accounts.login(suite, "alice", "wrong password").status == 401
    answer = accounts.login(suite, "alice")
    assert accounts.refused(answer, 429, "Too many sign-in attempts.")
    assert 1 <= int(answer.field("retry-after")) <= 100
    for i in range(5):  # 3 + 5 of this source
        assert accounts.login(suite, f"nobody {i}").status == 401
    assert accounts.login(suite, "another nobody").status == 429
    suite.wait_log(r"audit: sign-ins throttled: 1, the last from 127\.0\.0\.1")


def test_many_at_once_do_not_slip_through(make_suite, trained, postgres):
    """The limit is the host's, whichever worker a client finds."""
    suite = make_suite({"front": {"workers": 3}})
    accounts.start(suite, trained[0], accounts.database(postgres), throttle_account=5)
    accounts.first_user(suite)
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: accounts.login(suite, "alice", "wrong one"), range(40)))
    by_status = [a.status for a in answers]
    assert (by_status.count(401), by_status.count(429)) == (5, 35), by_status
    suite.wait_replaced(suite.kill("front", 0))  # a new worker knows, too
    answers = accounts.on_every_worker(suite, lambda connection: connection.request(
        "POST", "/auth/login", b"username=alice&password=wrong+one",
        {"Content-Type": "application/x-www-form-urlencoded"}))
    assert {a.status for a in answers} == {429}


def test_a_full_queue_of_hashes_is_said(make_suite, trained, postgres):
    """More sign-ins than can be hashed: some wait, the others are told to come again."""
    suite = make_suite({"front": {"workers": 1}})
    accounts.start(suite, trained[0], accounts.database(postgres), hash_cost=5, hash_queue=2)
    accounts.first_user(suite)
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: accounts.login(suite, "alice"), range(40)))
    assert {a.status for a in answers} == {200, 503}
    for answer in answers:
        if answer.status == 503:
            assert answer.field("retry-after") == "1"
            assert accounts.detail(answer) == "Too many requests at once."
    assert accounts.login(suite, "alice").status == 200  # what came to nothing did not count


# --- audit ---


def test_each_event_is_one_line(make_suite, trained, postgres):
    suite = make_suite({"front": {"workers": 3}})
    accounts.start(suite, trained[0], accounts.database(postgres))
    alice = accounts.first_user(suite)
    accounts.register(suite, "bob", token=alice)
    accounts.token_of(suite, "bob")
    accounts.query(suite.database, "update auth_users set is_active = false where id = 2")
    assert accounts.login(suite, "bob").status == 403
    assert accounts.login(suite, "alice", "wrong password").status == 401
    assert accounts.login(suite, "nobody").status == 401
    assert accounts.logout(suite, alice).status == 200
    assert accounts.logout(suite, alice).status == 401
    tail = r" from 127\.0\.0\.1, request [0-9a-f-]{36}"
    expected = [r"user 1 registered as the first one" + tail, r"user 1 signed in" + tail,
                r"user 2 registered by user 1" + tail, r"user 2 signed in" + tail,
                r"sign-in of user 2 refused, the account is disabled," + tail,
                r"sign-in of user 1 refused," + tail,
                r"sign-in of an unknown name refused," + tail, r"user 1 signed out" + tail]
    suite.wait_log("user 1 signed out")
    lines = re.findall(r"audit: (.*)", suite.log())
    for pattern in expected:
        assert len([line for line in lines if re.fullmatch(pattern, line)]) == 1, (pattern, lines)
    assert len(lines) == len(expected), lines


# --- readiness ---


def test_not_ready_before_the_database_has_answered(make_suite, trained):
    suite = accounts.configure(make_suite(), "postgresql://127.0.0.1:1/none")
    models.install(suite, trained[0], "production")
    suite.start(ready=False)
    suite.wait(lambda: settled_health(suite), "a model")
    answer = suite.get("/readyz?verbose")
    assert answer.status == 503 and b"has not answered yet" in answer.body
    answer = accounts.score(suite, ROW, accounts.make_token(1)[0])
    assert answer.status == 503 and answer.field("retry-after") == "1"
    assert accounts.detail(answer) == "The database of users is not available."


def settled_health(suite):
    try:
        return suite.get("/health").status == 200
    except (OSError, wire.Broken):
        return False


def test_no_start_without_a_key(make_suite):
    for jwt_settings in ({"secret_key": ""}, {"secret_key": "x" * 31}):
        suite = accounts.configure(make_suite(), "postgresql:///none")
        suite.write_settings(jwt=jwt_settings)
        suite.start(ready=False)
        suite.wait(lambda: suite.process.poll() is not None, "the end")
        assert suite.process.returncode == 78
        assert suite.log_contains(r"jwt\.secret_key: at least 32 bytes are wanted")
        suite.process = None


def test_auth_off_is_told(shared_suite):
    assert shared_suite.log_contains("auth.enabled is false: scoring and reload are open")
    assert b"auth: OFF" in shared_suite.get("/readyz?verbose").body
    assert shared_suite.post("/score", ROW).status == 200
    for path in ("/auth/login", "/auth/register", "/auth/logout"):
        assert shared_suite.post(path, {}).status == 404
