"""lib/azure and lib/fetch when something breaks between them and the storage: what is repeated, how
often, and what is said."""

import os

import azurite
import pytest
from test_azure import BUILD, PLACE, certificate, storage, tls_storage  # noqa: F401

ATTEMPTS = 4
BLOB = f"{PLACE}/faults/one"


@pytest.fixture
def proxy(storage):  # noqa: F811
    one = azurite.FaultProxy(storage.port)
    yield one
    one.close()


@pytest.fixture
def ask(storage, proxy):  # noqa: F811
    environment = {"AZURE_STORAGE_CONNECTION_STRING": storage.connection_string(proxy.port)}
    assert azurite.ask(BUILD, environment, "make-container", PLACE)["result"] == 0
    assert azurite.ask(BUILD, environment, "put", BLOB, "hello")["result"] == 0
    proxy.seen.clear()
    words = ["--attempts", ATTEMPTS, "--stall", 1]
    return lambda *more: azurite.ask(BUILD, environment, *words, *more)


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(os.urandom(9 * 1024 * 1024))
    return path


VERBS = {
    "put": ("PUT", ["put", BLOB, "other"]),
    "get": ("GET", ["get", BLOB]),
    "head": ("HEAD", ["head", BLOB]),
    "list": ("GET", ["list", PLACE]),
    "delete": ("DELETE", ["delete", BLOB]),
}


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("verb", VERBS)
def test_short_storm_is_lived_through(ask, proxy, verb, status):
    method, words = VERBS[verb]
    proxy.plan = [(method, "", status, 2)]
    got = ask(*words)
    assert (got["result"], got["words"]) == (0, "")


@pytest.mark.parametrize("status", [429, 500, 503])
@pytest.mark.parametrize("verb", VERBS)
def test_long_storm_ends_after_few_attempts(ask, proxy, verb, status):
    method, words = VERBS[verb]
    proxy.plan = [(method, "", status, 1000)]
    got = ask(*words)
    attempts = 3 if status == 500 else ATTEMPTS
    assert got["result"] < 0
    assert f"after {attempts} attempts: http://127.0.0.1:{proxy.port}/" in got["words"]
    assert f"answered {status}" in got["words"]
    assert len([m for m, _ in proxy.seen if m == method]) == attempts


@pytest.mark.parametrize("fault", ["drop", "truncate", "hang", "flip", "short"])
def test_small_answer_that_breaks_is_asked_for_again(ask, proxy, fault):
    proxy.plan = [("GET", "faults/one", fault, 1)]
    got = ask("get", BLOB)
    assert (got["result"], got["body"]) == (0, "hello")
    assert len(proxy.seen) == 2


FOR_EVER = [
    ("drop", "connection broke", ATTEMPTS),
    ("truncate", "answer ended too early", ATTEMPTS),
    ("hang", "time-out", ATTEMPTS),
    ("flip", "bytes differ from their MD5", 3),
    ("short", "bytes differ from their MD5", 3),
]


@pytest.mark.parametrize(("fault", "words", "attempts"), FOR_EVER)
def test_small_answer_that_always_breaks(ask, proxy, fault, words, attempts):
    proxy.plan = [("GET", "faults/one", fault, 1000)]
    got = ask("get", BLOB)
    assert got["result"] < 0 and words in got["words"]
    assert len(proxy.seen) == attempts


@pytest.mark.parametrize("fault", [503, "drop", "truncate", "hang", "flip", "short"])
def test_range_that_breaks_is_asked_for_again(ask, proxy, big, tmp_path, fault):
    assert ask("put-file", f"{BLOB}-big", big)["result"] == 0
    proxy.seen.clear()
    proxy.plan = [("GET", "one-big", fault, 2)]
    got = ask("get-file", f"{BLOB}-big", tmp_path / "back")
    assert (got["result"], got["words"]) == (0, "")
    assert (tmp_path / "back").read_bytes() == big.read_bytes()
    assert len([m for m, _ in proxy.seen if m == "GET"]) == 3 + 2


def test_range_that_is_always_damaged(ask, proxy, big, tmp_path):
    assert ask("put-file", f"{BLOB}-big", big)["result"] == 0
    proxy.seen.clear()
    proxy.plan = [("GET", "one-big", "flip", 1000)]
    got = ask("get-file", f"{BLOB}-big", tmp_path / "back")
    assert "faults/one-big\": bytes differ from their MD5" in got["words"]
    assert len([m for m, _ in proxy.seen if m == "GET"]) <= 3 * 3


@pytest.mark.parametrize("fault", [503, "drop", "flip-request"])
def test_block_that_breaks_is_sent_again(ask, proxy, big, tmp_path, fault):
    proxy.plan = [("PUT", "blockid", fault, 2)]
    got = ask("--block", 1 << 20, "put-file", f"{BLOB}-sent", big)
    assert (got["result"], got["words"]) == (0, "")
    assert len([path for _, path in proxy.seen if "blockid" in path]) == 9 + 2
    proxy.plan = []
    assert ask("get-file", f"{BLOB}-sent", tmp_path / "back")["result"] == 0
    assert (tmp_path / "back").read_bytes() == big.read_bytes()


def test_upload_that_fails_leaves_no_part(ask, proxy, big):
    proxy.plan = [("PUT", "blockid", 503, 1000)]
    got = ask("--block", 1 << 20, "put-file", f"{BLOB}-never", big)
    assert got["result"] < 0 and "answered 503" in got["words"]
    proxy.plan = []
    assert "404" in ask("head", f"{BLOB}-never")["words"]


def test_unknown_host():
    text = f"BlobEndpoint=https://no-such-host.invalid;AccountName=a;AccountKey={azurite.KEY}"
    got = azurite.ask(BUILD, {"AZURE_STORAGE_CONNECTION_STRING": text}, "list", PLACE)
    assert got["words"] == (
        'after 4 attempts: host "no-such-host.invalid": name is not known (DNS)'
    )


def test_nobody_listens():
    text = f"BlobEndpoint=http://127.0.0.1:1/a;AccountName=a;AccountKey={azurite.KEY}"
    got = azurite.ask(BUILD, {"AZURE_STORAGE_CONNECTION_STRING": text}, "list", PLACE)
    assert 'after 4 attempts: host "127.0.0.1:1": no connection' in got["words"]


def test_certificates(tls_storage, certificate):  # noqa: F811
    def by(host, bundle):
        environment = {"AZURE_STORAGE_CONNECTION_STRING": tls_storage.connection_string(host=host)}
        if bundle:
            environment["CURL_CA_BUNDLE"] = str(certificate.cert)
        return azurite.ask(BUILD, environment, "make-container", PLACE)

    assert by("127.0.0.1", True)["result"] == 0
    name = by("localhost", True)["words"]
    assert f'"localhost:{tls_storage.port}": its TLS certificate is for another name' in name
    assert "its TLS certificate is not trusted" in by("127.0.0.1", False)["words"]


def test_file_that_cannot_be_written(ask, big):
    assert ask("put-file", f"{BLOB}-big", big)["result"] == 0
    got = ask("get-file", f"{BLOB}-big", "/dev/full")
    assert got["result"] < 0 and "could not write what came from" in got["words"]
