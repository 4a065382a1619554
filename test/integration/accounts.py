"""A suite with users: its database, its key, and what a client does with them."""

import itertools
import json
import time
import urllib.parse
import uuid

import jwt
import models
import psycopg

SECRET = "the key of the tests of users and tokens, long enough for SHA-512"
PASSWORD = "correct horse battery"
COUNT = itertools.count()


def database(postgres):
    """The URL of a new, empty database."""
    return postgres.database(f"auth_{next(COUNT)}")


def configure(suite, url, **auth):
    """Settings of a suite with users on this database; hashes are cheap, and nobody is throttled."""
    suite.database = url
    suite.write_settings(
        auth={"enabled": True, "hash_cost": 1, "throttle_account": 0, "throttle_source": 0} | auth,
        database={"url": url},
        jwt={"secret_key": SECRET},
    )
    return suite


def start(suite, version, url, migrate=True, **auth):
    """A suite with a model, tables and users, started."""
    configure(suite, url, **auth)
    return start_configured(suite, version) if migrate else start_ready(suite, version)


def start_configured(suite, version):
    """As start(), for a suite whose settings are written."""
    done = suite.ctl("migrate", "--database", suite.database)
    assert done.returncode == 0, done.stderr
    return start_ready(suite, version)


def start_ready(suite, version):
    models.install(suite, version, "production")
    return suite.start()


def query(url, sql, *values):
    """All rows, or [] of a statement without rows."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []


# --- what a client sends ---


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def register(suite, name, password=PASSWORD, token=None):
    body = {"username": name, "password": password}
    return suite.post("/auth/register", body, bearer(token) if token else ())


def post_form(suite, fields, path="/auth/login"):
    """fields: a mapping, a list of pairs, or raw bytes."""
    body = fields if isinstance(fields, bytes) else urllib.parse.urlencode(fields).encode()
    return suite.post(path, body, {"Content-Type": "application/x-www-form-urlencoded"})


def login(suite, name, password=PASSWORD):
    return post_form(suite, {"username": name, "password": password})


def logout(suite, token):
    return suite.post("/auth/logout", None, bearer(token))


def token_of(suite, name, password=PASSWORD):
    answer = login(suite, name, password)
    assert answer.status == 200, answer
    return answer.json()["access_token"]


def first_user(suite, name="alice"):
    """Registers the first user; returns her token."""
    answer = register(suite, name)
    assert answer.status == 201, answer
    return token_of(suite, name)


def score(suite, row, token=None, path="/score"):
    return suite.post(path, row, bearer(token) if token else ())


def on_every_worker(suite, ask, count=40):
    """ask(connection) on many connections at once, so that each worker has some of them."""
    connections = [suite.connect() for _ in range(count)]
    try:
        return [ask(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


# --- what the database and Python's libraries make ---


def make_token(user, secret=SECRET, header=None, **changes):
    """A token as PyJWT makes it; a claim of None is left out. Not in the database."""
    now = int(time.time())
    claims = {"sub": str(user), "jti": str(uuid.uuid4()), "iat": now, "exp": now + 3600,
              "type": "access"} | changes  # fmt: skip
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(claims, secret, algorithm="HS256", headers=header), claims


def insert_token(url, claims):
    """The row that makes the token of these claims count."""
    query(url, "insert into auth_tokens (token_jti, user_id, issued_at, expires_at)"
          " values (%s, %s, to_timestamp(%s), to_timestamp(%s))",
          claims["jti"], int(claims["sub"]), claims["iat"], claims["exp"])  # fmt: skip


def detail(answer):
    return json.loads(answer.body).get("detail")


def refused(answer, status, text):
    """Checks an answer of the gate, with its header field."""
    assert (answer.status, detail(answer)) == (status, text), answer
    assert answer.field("www-authenticate") == ("Bearer" if status == 401 else None)
    return True
