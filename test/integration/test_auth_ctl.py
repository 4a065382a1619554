"""fraudctl user and fraudctl token: accounts without a running suite, and what a suite notices."""

import json
import os
import pty
import re
import subprocess

import accounts
import pytest
import rows
import suite as suites

ROW = rows.ROW


@pytest.fixture
def users(make_suite, trained, postgres):
    suite = accounts.start(make_suite(), trained[0], accounts.database(postgres))
    suite.alice = accounts.first_user(suite)
    return suite


def ctl(suite, *words, password=None):
    """password: what comes by standard input."""
    return subprocess.run(
        [suite.bin / "fraudctl", *words, "--config", suite.config],
        input="" if password is None else password + "\n",
        capture_output=True, text=True, env=suites.environment(), timeout=60,
    )  # fmt: skip


def listing(suite, *words):
    done = ctl(suite, *words, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_add_and_list(users):
    done = ctl(users, "user", "add", "bob", "score,operate", password="bob's own password")
    assert done.returncode == 0 and 'user "bob" is number' in done.stdout
    assert ctl(users, "user", "add", "carol", password=accounts.PASSWORD).returncode == 0
    found = {row["username"]: row for row in listing(users, "user", "list")}
    assert [found[n]["roles"] for n in ("alice", "bob", "carol")] == ["all", "score,operate", "all"]
    assert found["alice"]["tokens"] == "1" and found["bob"]["hash"] == "yescrypt"
    token = accounts.token_of(users, "bob", "bob's own password")
    assert accounts.score(users, ROW, token).status == 200
    answer = accounts.register(users, "dave", token=token)
    assert accounts.refused(answer, 403, "Not enough permissions.")
    table = ctl(users, "user", "list").stdout
    assert table.splitlines()[0].split() == ["id", "state", "roles", "hash", "tokens", "created",
                                             "username"]  # fmt: skip


BAD = (
    (("add", "bob"), "1234567", "the password must have 8 to"),
    (("add", "bob"), "ä" * 37, "at most 72 bytes"),
    (("add", "bob"), None, "no password came"),
    (("add", "bo"), accounts.PASSWORD, "the name must have 3 to 150 characters"),
    (("add", "alice"), accounts.PASSWORD, 'there is a user "alice" already'),
    (("add", "bob", "king"), accounts.PASSWORD, '"king" is no role'),
    (("disable", "nobody"), None, 'there is no user "nobody"'),
    (("enable", "nobody"), None, 'there is no user "nobody"'),
    (("password", "nobody"), accounts.PASSWORD, 'there is no user "nobody"'),
    (("roles", "nobody", "all"), None, 'there is no user "nobody"'),
    (("roles", "alice", "score,,admin"), None, '"" is no role'),
)  # fmt: skip


def test_what_is_refused(users):
    for words, password, says in BAD:
        done = ctl(users, "user", *words, password=password)
        assert done.returncode == 1 and says in done.stderr, (words, done)
    for words in ((), ("frob",), ("add",), ("list", "x"), ("roles", "alice")):
        assert ctl(users, "user", *words).returncode == 2, words
    for words in ((), ("frob",), ("revoke",), ("revoke", "a", "b")):
        assert ctl(users, "token", *words).returncode == 2, words
    done = ctl(users, "token", "revoke", "6f0d5a46-25a5-4b2c-9b57-1c1f0a3e8f11")
    assert done.returncode == 1 and "there is no token" in done.stderr


def becomes(suite, token, status, text=None):
    """Soon, on every worker."""

    def seen():
        answers = accounts.on_every_worker(
            suite, lambda c: c.request("POST", "/score", ROW, accounts.bearer(token)))
        return all(a.status == status for a in answers) and answers

    answers = suite.wait(seen, f"{status} on every worker")
    if text:
        assert accounts.detail(answers[0]) == text


def test_disable_and_enable(users):
    becomes(users, users.alice, 200)
    assert ctl(users, "user", "disable", "alice").returncode == 0
    becomes(users, users.alice, 403, "Account has been disabled.")
    assert ctl(users, "user", "enable", "alice").returncode == 0
    becomes(users, users.alice, 200)


def test_roles_narrow_at_once(users):
    becomes(users, users.alice, 200)
    assert ctl(users, "user", "roles", "alice", "operate,admin").returncode == 0
    becomes(users, users.alice, 403, "Not enough permissions.")
    assert ctl(users, "user", "roles", "alice", "none").returncode == 0
    assert [row["roles"] for row in listing(users, "user", "list")] == ["none"]
    assert ctl(users, "user", "roles", "alice", "all").returncode == 0
    becomes(users, users.alice, 200)


def test_a_new_password_ends_all_tokens(users):
    done = ctl(users, "user", "password", "alice", password="a new password")
    assert done.returncode == 0, done
    becomes(users, users.alice, 401, "Token has been revoked.")
    assert accounts.login(users, "alice").status == 401
    assert accounts.login(users, "alice", "a new password").status == 200


def test_tokens(users):
    second = accounts.token_of(users, "alice")
    found = listing(users, "token", "list")
    assert [(row["username"], row["state"]) for row in found] == [("alice", "valid")] * 2
    assert ctl(users, "token", "revoke", found[1]["token"]).returncode == 0
    becomes(users, second, 401, "Token has been revoked.")
    becomes(users, users.alice, 200)
    done = ctl(users, "token", "revoke", "alice")
    assert done.returncode == 0 and "1 tokens" in done.stdout
    becomes(users, users.alice, 401, "Token has been revoked.")
    assert [row["state"] for row in listing(users, "token", "list", "alice")] == ["revoked"] * 2
    assert listing(users, "token", "list", "nobody") == []


def test_what_the_tool_did_is_in_the_log(users):
    """One line of each host, by its first worker; the tool itself writes to no log."""
    asks = ((("user", "add", "bob"), "user 2 added"), (("user", "disable", "bob"), "user 2 disabled"),
            (("user", "enable", "bob"), "user 2 enabled"),
            (("user", "roles", "bob", "score"), "user 2 given the roles score"),
            (("user", "password", "bob"), "user 2 given a new password"),
            (("token", "revoke", "alice"), "user 1 deprived of all tokens"))  # fmt: skip
    for words, _ in asks:
        assert ctl(users, *words, password=accounts.PASSWORD).returncode == 0, words
    token = listing(users, "token", "list")[0]["token"]
    assert ctl(users, "token", "revoke", token).returncode == 0
    end = rf" by uid {os.getuid()} with fraudctl\n"
    users.wait_log(f"audit: token {token} revoked" + end)
    for _, line in asks:
        assert len(re.findall(f"audit: {line}" + end, users.log())) == 1, line


def test_a_password_is_asked_for_without_echo(users):
    """On a terminal: twice, and what is typed is not shown."""
    for second, status in (("typed password", 0), ("another password", 1)):
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(users.bin / "fraudctl", ["fraudctl", "user", "password", "alice", "--config",
                      str(users.config)], suites.environment())  # fmt: skip
        shown = b""
        for question, typed in ((b"New password: ", "typed password"), (b"again: ", second)):
            while question not in shown:
                shown += os.read(terminal, 1000)
            os.write(terminal, typed.encode() + b"\n")
        try:
            while more := os.read(terminal, 1000):
                shown += more
        except OSError:
            pass
        os.close(terminal)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status, shown
        assert b"typed" not in shown and b"another" not in shown
    assert accounts.login(users, "alice", "typed password").status == 200
