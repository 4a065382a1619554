"""A download of lib/azure goes on where one before has ended, however that was."""

import os
import subprocess
import time

import azurite
import pytest
from test_azure import BUILD, PLACE, storage  # noqa: F401

RANGE = 4 << 20
SIZE = 10 * RANGE + 1000
BLOB = f"{PLACE}/resume/one"


def put(storage, path, content):  # noqa: F811
    environment = {"AZURE_STORAGE_CONNECTION_STRING": storage.connection_string()}
    path.write_bytes(content)
    assert azurite.ask(BUILD, environment, "make-container", PLACE)["result"] == 0
    assert azurite.ask(BUILD, environment, "put-file", BLOB, path)["result"] == 0


@pytest.fixture
def content(storage, tmp_path):  # noqa: F811
    """Of the blob."""
    content = os.urandom(SIZE)
    put(storage, tmp_path / "source", content)
    return content


@pytest.fixture
def proxy(storage):  # noqa: F811
    one = azurite.RangeProxy(storage.port)
    yield one
    one.release.set()
    one.close()


@pytest.fixture
def get(storage, proxy, tmp_path):  # noqa: F811
    """Gets the file from an offset; the answer."""
    environment = {"AZURE_STORAGE_CONNECTION_STRING": storage.connection_string(proxy.port)}

    def get(offset, *words):
        proxy.asked.clear()
        options = ["--attempts", 2, "--offset", offset, *words]
        return azurite.ask(BUILD, environment, *options, "get-file", BLOB, tmp_path / "got")

    return get


def test_goes_on_after_a_break(get, proxy, content, tmp_path):
    proxy.broken_from = 6 * RANGE
    got = get(0)
    assert got["result"] < 0 and "answered 503" in got["words"]
    assert (tmp_path / "got").read_bytes() == content[: 6 * RANGE]
    proxy.broken_from = None
    got = get(6 * RANGE)
    assert (got["result"], got["words"], got["size"]) == (0, "", str(SIZE))
    assert (tmp_path / "got").read_bytes() == content
    assert min(proxy.asked)[0] == 6 * RANGE and proxy.bytes_asked == SIZE - 6 * RANGE


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_goes_on_after_a_kill(storage, get, proxy, content, tmp_path):  # noqa: F811
    """What came before a range that is still missing is not in the file."""
    path = tmp_path / "got"
    proxy.held = 5 * RANGE
    environment = {"AZURE_STORAGE_CONNECTION_STRING": storage.connection_string(proxy.port)}
    line, env = azurite.command(BUILD, environment, "--stall", 60, "get-file", BLOB, path)
    with subprocess.Popen(line, env=env, stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: {6 * RANGE, 7 * RANGE, 8 * RANGE} <= set(proxy.sent))
            wait_for(lambda: path.stat().st_size >= 5 * RANGE)
        finally:
            process.kill()
    assert path.read_bytes() == content[: 5 * RANGE]
    proxy.held = None
    proxy.release.set()
    assert get(5 * RANGE)["result"] == 0
    assert path.read_bytes() == content
    assert proxy.bytes_asked == SIZE - 5 * RANGE


# How long the file is, what is said to be there, and what of it is of use.
OFFSETS = [
    (SIZE, SIZE, 10 * RANGE),
    (SIZE - 1, SIZE - 1, 10 * RANGE),
    (RANGE - 1, RANGE - 1, 0),
    (RANGE, RANGE, RANGE),
    (RANGE + 1, RANGE + 1, RANGE),
    (SIZE, RANGE, RANGE),
    (3 * RANGE + 1, 5 * RANGE, 3 * RANGE),
    (SIZE + 1, SIZE + 1, 0),
]


@pytest.mark.parametrize(("there", "offset", "kept"), OFFSETS)
def test_offsets(get, proxy, content, tmp_path, there, offset, kept):
    (tmp_path / "got").write_bytes((content + b"more")[:there])
    assert get(offset)["result"] == 0
    assert (tmp_path / "got").read_bytes() == content
    assert proxy.bytes_asked == SIZE - kept


def test_a_file_that_is_whole_ranges_and_there(storage, get, proxy, tmp_path):  # noqa: F811
    content = os.urandom(2 * RANGE)
    put(storage, tmp_path / "source", content)
    (tmp_path / "got").write_bytes(content)
    assert get(2 * RANGE)["result"] == 0
    assert (tmp_path / "got").read_bytes() == content and proxy.asked == []


def test_what_is_there_is_of_another_blob(storage, get, proxy, content, tmp_path):  # noqa: F811
    (tmp_path / "got").write_bytes(content[: 6 * RANGE])
    other = os.urandom(SIZE)
    put(storage, tmp_path / "source", other)
    got = get(6 * RANGE)
    assert (got["result"], got["words"]) == (0, "")
    assert (tmp_path / "got").read_bytes() == other
    assert proxy.bytes_asked == SIZE - 6 * RANGE + SIZE


def test_a_digest_that_nothing_has_is_looked_for_twice(get, proxy, content, tmp_path):
    (tmp_path / "got").write_bytes(content[: 6 * RANGE])
    got = get(6 * RANGE, "--sha256", "0" * 64)
    assert got["result"] < 0 and "differ from their SHA-256" in got["words"]
    assert proxy.bytes_asked == SIZE - 6 * RANGE + SIZE
