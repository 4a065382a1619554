"""lib/azure against a real Azurite: every verb, each kind of credentials, what is said when they
are wrong, and 200 MB there and back."""

import hashlib
import os
import pathlib

import azurite
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FRAUDD_BUILD_DIR", SOURCE / "build" / "dev")).resolve()
PLACE = "wasbs://cont1@anything.blob.core.windows.net"


def started(*words):
    try:
        return azurite.Azurite(*words).start()
    except azurite.Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def storage():
    one = started()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return azurite.Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def tls_storage(certificate):
    one = started(certificate)
    yield one
    one.stop()


@pytest.fixture
def tokens():
    one = azurite.Tokens()
    yield one
    one.close()


@pytest.fixture
def ask(storage):
    """ask(verb, address, …) with the account key."""
    environment = {"AZURE_STORAGE_CONNECTION_STRING": storage.connection_string()}
    assert azurite.ask(BUILD, environment, "make-container", PLACE)["result"] == 0
    return lambda *words: azurite.ask(BUILD, environment, *words)


def test_small_blobs(ask):
    name = f"{PLACE}/small/a b+c(1)!~ä.txt"
    assert ask("put", name, "hello")["result"] == 0
    got = ask("get", name)
    assert got["body"] == "hello"
    assert got["sha256"] == hashlib.sha256(b"hello").hexdigest()
    assert ask("head", name)["size"] == "5"
    assert ask("--limit", 4, "get", name)["words"].endswith("answer is longer than 4 bytes")
    again = ask("--only-new", "put", name, "other")
    assert "409: BlobAlreadyExists" in again["words"]
    assert ask("get", name)["body"] == "hello"
    assert ask("delete", name)["result"] == 0
    gone = ask("get", name)
    assert "404: BlobNotFound" in gone["words"] and "127.0.0.1" in gone["words"]


def test_empty_blob(ask, tmp_path):
    (tmp_path / "empty").touch()
    assert ask("put-file", f"{PLACE}/empty", tmp_path / "empty")["result"] == 0
    got = ask("get-file", f"{PLACE}/empty", tmp_path / "back")
    assert got["result"] == 0 and got["sha256"] == hashlib.sha256(b"").hexdigest()
    assert (tmp_path / "back").read_bytes() == b""


def test_list(ask):
    for name in ("model/MLmodel", "model/data/a&b<c.json", "model2/MLmodel"):
        assert ask("put", f"{PLACE}/list/{name}", "x")["result"] == 0
    there = [("list/model/MLmodel", 1, False), ("list/model/data/", 0, True)]
    assert sorted(ask("list", f"{PLACE}/list/model")["entries"]) == there
    deep = [("list/model/MLmodel", 1, False), ("list/model/data/a&b<c.json", 1, False)]
    assert sorted(ask("--deep", "list", f"{PLACE}/list/model/")["entries"]) == deep
    assert ask("list", f"{PLACE}/list/nothing")["entries"] == []
    few = ask("--deep", "--limit", 2, "list", f"{PLACE}/list")
    assert "holds more than 2 blobs" in few["words"]


def test_list_of_many_pages(ask, storage):
    for i in range(5):
        assert ask("put", f"{PLACE}/pages/{i}", "x")["result"] == 0
    proxy = azurite.FaultProxy(storage.port)
    proxy.plan = [("GET", "comp=list", "pages", 1000)]
    text = f"BlobEndpoint={storage.endpoint(port=proxy.port)};SharedAccessSignature={storage.sas()}"
    environment = {"AZURE_STORAGE_CONNECTION_STRING": text}
    got = azurite.ask(BUILD, environment, "list", f"{PLACE}/pages")
    proxy.close()
    assert got["entries"] == [(f"pages/{i}", 1, False) for i in range(5)]
    assert len(proxy.seen) >= 5


def test_container_that_is_not_there(ask):
    missing = ask("list", PLACE.replace("cont1", "no-such-container"))
    assert "404: ContainerNotFound" in missing["words"]


def test_200_mb_there_and_back(ask, tmp_path):
    source, back = tmp_path / "source", tmp_path / "back"
    digest = hashlib.sha256()
    with open(source, "wb") as file:
        for _ in range(50):
            piece = os.urandom(4_000_000)
            digest.update(piece)
            file.write(piece)
    sent = ask("put-file", f"{PLACE}/large.bin", source)
    assert (sent["result"], sent["words"]) == (0, "")
    assert (sent["size"], sent["sha256"]) == ("200000000", digest.hexdigest())
    got = ask("--sha256", digest.hexdigest(), "get-file", f"{PLACE}/large.bin", back)
    assert (got["result"], got["sha256"]) == (0, digest.hexdigest())
    with open(back, "rb") as file:
        assert hashlib.file_digest(file, "sha256").hexdigest() == digest.hexdigest()
    other = ask("--sha256", "0" * 64, "get-file", f"{PLACE}/large.bin", back)
    assert "bytes differ from their SHA-256" in other["words"]
    small = ask("--limit", 1000, "get-file", f"{PLACE}/large.bin", back)
    assert "has 200000000 bytes, more than 1000" in small["words"]


@pytest.mark.parametrize("size", [1, 65535, 65536, 65537, 3 * 65536, 4 * 1024 * 1024 + 1])
def test_borders_of_blocks(ask, tmp_path, size):
    (tmp_path / "source").write_bytes(os.urandom(size))
    name = f"{PLACE}/border-{size}"
    assert ask("--block", 65536, "put-file", name, tmp_path / "source")["result"] == 0
    assert ask("get-file", name, tmp_path / "back")["result"] == 0
    assert (tmp_path / "back").read_bytes() == (tmp_path / "source").read_bytes()


def test_wrong_key(storage):
    text = storage.connection_string().replace("AccountKey=E", "AccountKey=F")
    got = azurite.ask(BUILD, {"AZURE_STORAGE_CONNECTION_STRING": text}, "list", PLACE)
    assert got["result"] < 0
    assert "account key of AZURE_STORAGE_CONNECTION_STRING was refused" in got["words"]
    assert "403" in got["words"] and "Fby8" not in got["words"]


def test_signature_instead_of_a_key(ask, storage):
    assert ask("put", f"{PLACE}/by-key", "x")["result"] == 0

    def by_sas(sas, *words):
        text = f"BlobEndpoint={storage.endpoint()};SharedAccessSignature={sas}"
        return azurite.ask(BUILD, {"AZURE_STORAGE_CONNECTION_STRING": text}, *words)

    assert by_sas(storage.sas(), "put", f"{PLACE}/by-sas", "hello")["result"] == 0
    assert by_sas(storage.sas(), "get", f"{PLACE}/by-sas")["body"] == "hello"
    assert len(by_sas(storage.sas(), "list", PLACE)["entries"]) >= 2
    denied = by_sas(storage.sas("r"), "put", f"{PLACE}/by-sas", "no")
    assert "signature does not allow this" in denied["words"]
    expired = by_sas(storage.sas(seconds=-60), "get", f"{PLACE}/by-sas")
    assert "was refused" in expired["words"]
    assert "sig=" not in denied["words"] + expired["words"]


@pytest.fixture
def principal(tls_storage, certificate, tokens):
    """The environment of a service principal; Azurite stands where the address says."""
    return {
        "AZURE_TENANT_ID": "tenant-1",
        "AZURE_CLIENT_ID": "client",
        "AZURE_CLIENT_SECRET": tokens.SECRET,
        "AZURE_AUTHORITY_HOST": tokens.url,
        "CURL_CA_BUNDLE": str(certificate.cert),
        "ASK_ENDPOINT": tls_storage.endpoint(),
    }


def test_service_principal(principal, tokens, tmp_path):
    (tmp_path / "source").write_bytes(os.urandom(300_000))
    assert azurite.ask(BUILD, principal, "make-container", PLACE)["result"] == 0
    tokens.requests = 0
    words = ["--block", 65536, "put-file", f"{PLACE}/p", tmp_path / "source"]
    sent = azurite.ask(BUILD, principal, *words)
    assert (sent["result"], sent["words"]) == (0, "")
    assert tokens.requests == 1
    got = azurite.ask(BUILD, principal, "get-file", f"{PLACE}/p", tmp_path / "back")
    assert got["result"] == 0
    assert (tmp_path / "back").read_bytes() == (tmp_path / "source").read_bytes()


def test_token_that_is_refused_is_renewed_once(principal, tokens):
    azurite.ask(BUILD, principal, "make-container", PLACE)
    tokens.requests, tokens.expired = 0, 1
    assert azurite.ask(BUILD, principal, "put", f"{PLACE}/q", "x")["result"] == 0
    assert tokens.requests == 2
    tokens.requests, tokens.expired = 0, 10
    got = azurite.ask(BUILD, principal, "get", f"{PLACE}/q")
    assert got["result"] < 0 and "was refused" in got["words"]
    assert tokens.requests == 2


def test_wrong_secret_and_busy_authority(principal, tokens):
    wrong = {**principal, "AZURE_CLIENT_SECRET": "wrong-secret"}
    got = azurite.ask(BUILD, wrong, "list", PLACE)
    assert "no token by service principal of AZURE_CLIENT_ID" in got["words"]
    assert "AADSTS7000215" in got["words"] and "wrong-secret" not in got["words"]
    assert tokens.requests == 1
    tokens.requests, tokens.busy = 0, 2
    assert azurite.ask(BUILD, principal, "make-container", PLACE)["result"] == 0
    assert tokens.requests == 3
    tokens.requests, tokens.busy = 0, 100
    assert "429" in azurite.ask(BUILD, principal, "list", PLACE)["words"]
    assert tokens.requests == 4


def test_workload_identity(principal, tokens, tmp_path):
    file = tmp_path / "token"
    del principal["AZURE_CLIENT_SECRET"]
    principal["AZURE_FEDERATED_TOKEN_FILE"] = str(file)
    assert "could not read AZURE_FEDERATED_TOKEN_FILE" in (
        azurite.ask(BUILD, principal, "list", PLACE)["words"]
    )
    tokens.assertion = "a.b.c"
    file.write_text("a.b.c\n")
    assert azurite.ask(BUILD, principal, "make-container", PLACE)["result"] == 0


def test_token_is_not_sent_without_tls(storage, principal, tokens):
    principal["ASK_ENDPOINT"] = storage.endpoint()
    got = azurite.ask(BUILD, principal, "list", PLACE)
    assert "never sent without TLS" in got["words"]
    assert tokens.requests == 0


def test_missing_credentials_are_told():
    got = azurite.ask(BUILD, {}, "list", PLACE)
    assert "no Azure credentials" in got["words"]
    got = azurite.ask(BUILD, {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}, "list", PLACE)
    assert got["words"].endswith("incomplete: AZURE_CLIENT_SECRET is missing")
