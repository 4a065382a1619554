"""Secrets stay secret: marked ones go in by every way, and are looked for in everything that others
may read."""

import pathlib
import re

import accounts
import jwt
import models
import pytest
import rows

KEY = "canary-key-canary-key-canary-key-1"
OLD_KEY = "canary-old-key-canary-old-key-canary"
DATABASE = "canary-database-password"
PASSWORD = "canary-user-password"
WRONG = "canary-wrong-password"
CANARY = "canary"

SOURCE = pathlib.Path(__file__).resolve().parents[2]


def secret_settings():
    """{key: services that may see it} of every secret in the table of settings."""
    table = (SOURCE / "lib/config/settings.c").read_text()
    rows_ = re.findall(r"SECRET\(([a-z_.]+),\s*[A-Z]+,\s*([A-Z_ |]+),", table)
    return {key: set(re.findall(r"AUDIENCE_([A-Z]+)", who)) for key, who in rows_}


SECRETS = secret_settings()


def canary_of(key):
    return f"{CANARY}-of-{key}-which-is-long-enough"


def environment_of_canaries(url):
    """Every secret there is, each with a text of its own; url: a database without password."""
    named = {key.upper().replace(".", "_"): canary_of(key) for key in SECRETS}
    return named | {"DATABASE_URL": url.replace("@", f":{canary_of('database.url')}@", 1)}


@pytest.fixture
def users(make_suite, trained, postgres):
    """The keys and the database by environment; every log line there is."""
    url = accounts.database(postgres).replace("fraudd@", f"fraudd:{DATABASE}@")
    suite = make_suite({"log": {"level": "debug"}})
    accounts.configure(suite, url)
    suite.write_settings(jwt={"secret_key": "", "secret_key_previous": ""}, database={"url": ""})
    suite.environment = environment_of_canaries("") | {
        "JWT_SECRET_KEY": KEY, "JWT_SECRET_KEY_PREVIOUS": OLD_KEY, "DATABASE_URL": url}  # fmt: skip
    assert suite.ctl("migrate", "--database", url).returncode == 0
    models.install(suite, trained[0], "production")
    return suite.start()


def errors(suite):
    """Answers to requests that carry secrets and fail."""
    good = {"username": "alice", "password": PASSWORD}
    token = suite.alice
    yield suite.post("/auth/register", good)
    yield suite.post("/auth/register", good, accounts.bearer(token))
    yield suite.post("/auth/register", good | {"username": 1}, accounts.bearer(token))
    yield suite.post("/auth/register", {"password": PASSWORD}, accounts.bearer(token))
    yield suite.post("/auth/register", {"username": "bob", "password": [PASSWORD]},
                     accounts.bearer(token))  # fmt: skip
    yield suite.post("/auth/register", [good], accounts.bearer(token))
    yield suite.post("/auth/register", PASSWORD, accounts.bearer(token))
    yield suite.post("/auth/register", b'{"password":"' + PASSWORD.encode(), accounts.bearer(token))
    yield suite.post("/auth/register", {"username": "bob", "password": PASSWORD * 5},
                     accounts.bearer(token))  # fmt: skip
    yield accounts.login(suite, "alice", WRONG)
    yield accounts.login(suite, PASSWORD, PASSWORD)
    yield accounts.post_form(suite, {"password": PASSWORD})
    yield accounts.post_form(suite, f"password={PASSWORD}&password={PASSWORD}".encode())
    yield accounts.post_form(suite, f"username=x&password={PASSWORD}%00".encode())
    yield suite.post("/auth/login", {"username": "x", "password": PASSWORD})
    yield suite.post("/score", {"user_name": PASSWORD}, accounts.bearer(token))
    for secret in (KEY, OLD_KEY, PASSWORD):
        yield accounts.score(suite, rows.ROW, secret)
    for key in (KEY + "x", OLD_KEY + "x"):
        yield accounts.score(suite, rows.ROW, accounts.make_token(1, secret=key)[0])
    yield suite.get("/health")
    yield suite.get("/readyz?verbose")


def readable_by_others(suite):
    """(where, bytes) of what ps, /proc and the state folder show."""
    for pid in [suite.process.pid, *suite.child_pids()]:
        folder = pathlib.Path("/proc") / str(pid)
        yield f"cmdline of {pid}", (folder / "cmdline").read_bytes()
        if pid != suite.process.pid:
            yield f"environ of {pid}", (folder / "environ").read_bytes()
    for folder in (suite.state, suite.models, suite.folder / "run", suite.folder / "spool"):
        for path in folder.rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()


def test_no_secret_is_told(users):
    answer = accounts.register(users, "alice", PASSWORD)
    assert answer.status == 201, answer
    users.alice = accounts.token_of(users, "alice", PASSWORD)
    old, claims = accounts.make_token(
        jwt.decode(users.alice, options={"verify_signature": False})["sub"], secret=OLD_KEY)
    accounts.insert_token(users.environment["DATABASE_URL"], claims)
    assert accounts.score(users, rows.ROW, old).status == 200  # the keys are in use
    for number, answer in enumerate(errors(users)):
        assert CANARY.encode() not in answer.body, (number, answer)
        assert not any(CANARY in value for _, value in answer.fields), (number, answer)
        assert users.alice.encode() not in answer.body
    assert users.reload().returncode == 0
    for where, data in readable_by_others(users):
        assert CANARY.encode() not in data, where
    for command in (("status",), ("status", "--json"), ("versions",), ("user", "list"),
                    ("token", "list")):  # fmt: skip
        done = users.ctl(*command)
        assert CANARY not in done.stdout + done.stderr, command
    users.stop()
    log = users.log()
    assert "audit: user" in log and "request=" in log
    for secret in (CANARY, users.alice, users.alice.split(".")[2]):
        assert secret not in log
    assert users.log_contains("refused, from 127.0.0.1")


def memory(pid):
    """What a process can write to, piece by piece: its heap, stacks, data and what it shares."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb") as file:
        for line in maps:
            span, rights, *_ = line.split()
            begin, end = (int(word, 16) for word in span.split("-"))
            if not rights.startswith("rw"):
                continue
            file.seek(begin)
            try:
                yield file.read(end - begin)
            except OSError:  # not for reading: a guard, a device
                continue


def test_who_holds_which_secret(make_suite, trained, postgres, release_dir):
    """Nobody can tell what he was never told: not by a core file, nor by being taken over."""
    url = accounts.database(postgres)
    suite = make_suite({"services": "front, loader, scheduler"}, release_dir)
    accounts.configure(suite, url)
    suite.write_settings(jwt={"secret_key": ""}, database={"url": ""})
    suite.environment = environment_of_canaries(url)
    assert suite.ctl("migrate", "--database", url).returncode == 0
    accounts.start_ready(suite, trained[0])
    accounts.first_user(suite)
    assert len(SECRETS) >= 3
    for child in suite.children():
        pid, service = child["pid"], child["service"]
        environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        assert CANARY.encode() not in environ, service
        found = set()
        for piece in memory(pid):
            found |= {key for key in SECRETS if canary_of(key).encode() in piece}
        assert found == {key for key, who in SECRETS.items() if service.upper() in who}, service


def test_a_lost_database_tells_no_url(make_suite, trained):
    suite = make_suite({"log": {"level": "debug"}})
    accounts.configure(suite, f"postgresql://fraudd:{DATABASE}@127.0.0.1:1/none?connect_timeout=2")
    models.install(suite, trained[0], "production")
    suite.start(ready=False)
    suite.wait_log("the database of users and tokens is away")
    suite.stop()
    assert CANARY not in suite.log()


def test_secrets_from_files(make_suite, trained, postgres, tmp_path):
    """JWT_SECRET_KEY_FILE, and systemd's folder of credentials."""
    (tmp_path / "jwt_secret_key").write_text(KEY + "\n")
    for variable, value in (("JWT_SECRET_KEY_FILE", tmp_path / "jwt_secret_key"),
                            ("CREDENTIALS_DIRECTORY", tmp_path)):  # fmt: skip
        suite = accounts.configure(make_suite(), accounts.database(postgres))
        suite.write_settings(jwt={"secret_key": ""})
        suite.environment = {variable: str(value)}
        assert suite.ctl("migrate", "--database", suite.database).returncode == 0
        models.install(suite, trained[0], "production")
        suite.start()
        token = accounts.first_user(suite)
        assert jwt.decode(token, KEY, algorithms=["HS256"])["sub"]
        for where, data in readable_by_others(suite):
            assert KEY.encode() not in data, where
        suite.stop()


def test_settings_are_printed_without_secrets(bin_dir):
    done = models.run(bin_dir / "fraudd", "--print-config", "--set", f"jwt.secret_key={KEY}",
                      "--set", f"jwt.secret_key_previous={OLD_KEY}",
                      "--set", f"database.url=postgresql://u:{DATABASE}@h/d")  # fmt: skip
    assert CANARY not in done.stdout + done.stderr
    assert done.stdout.count('"***"') == 3
