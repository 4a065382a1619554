"""lib/mlflow against real servers of both lines: calls, refusals, and files through the server, in
Azure and by the server alone; then the same with faults on the way."""

import errno
import hashlib
import json
import os
import pathlib

import azurite
import mlflow_server
import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("FRAUDD_BUILD_DIR", SOURCE / "build" / "dev")).resolve()
ADMIN = ("admin", "a long password")
READER = ("reader", "another long one")

LOG_MODEL = """
import json, sys, mlflow, numpy, xgboost
import mlflow.xgboost
mlflow.set_experiment("files")
table = xgboost.DMatrix(numpy.arange(60.).reshape(20, 3), label=numpy.arange(20) % 2)
model = xgboost.train({"max_depth": 2}, table, 3)
place = {"name": "model"} if mlflow.__version__ >= "3" else {"artifact_path": "model"}
with mlflow.start_run() as run:
    mlflow.log_text("deep", "sub/deep/a b+c.txt")
    mlflow.log_text("", "sub/empty.txt")
    mlflow.xgboost.log_model(model, registered_model_name="fraud", **place)
client = mlflow.MlflowClient()
version = max(int(v.version) for v in client.search_model_versions("name='fraud'"))
uri = client.get_model_version_download_uri("fraud", str(version))
print(json.dumps({"run": run.info.run_id, "root": run.info.artifact_uri, "version": version,
                  "model": uri}))
"""


def started(*words, **named):
    try:
        return mlflow_server.Server(*words, **named).start()
    except (mlflow_server.Unavailable, azurite.Unavailable) as reason:
        pytest.skip(str(reason))


class Client:
    """mlflow_ask with the addresses and names of one server."""

    def __init__(self, uri, **more):
        self.env = {"MLFLOW_TRACKING_URI": uri, **more}

    def __call__(self, *words):
        return mlflow_server.ask(BUILD, self.env, *words)

    def call(self, method, path, *words, body=None):
        options = ["--body", json.dumps(body)] if body is not None else []
        return self(*options, "call", method, path, *words)

    def ok(self, method, path, *words, **named):
        answer = self.call(method, path, *words, **named)
        assert answer["result"] == 0, answer
        return answer["json"]


@pytest.fixture(scope="module", params=[3, 2])
def server(request, tmp_path_factory):
    one = started(request.param, tmp_path_factory.mktemp(f"mlflow{request.param}"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def storage():
    try:
        one = azurite.Azurite().start()
    except azurite.Unavailable as reason:
        pytest.skip(str(reason))
    yield one
    one.stop()


@pytest.fixture
def client(server):
    return Client(server.uri)


def log_model(server):
    """By Python. Line 2 prints addresses of its own before."""
    return json.loads(server.run(LOG_MODEL).splitlines()[-1])


@pytest.fixture(scope="module")
def logged(server):
    return log_model(server)


@pytest.fixture
def proxy(server):
    one = azurite.FaultProxy(server.port)
    yield one
    one.close()


def new_run(client, name):
    found = client.call("GET", "experiments/get-by-name", f"experiment_name={name}")
    if found["result"] == 0:
        number = found["json"]["experiment"]["experiment_id"]
    else:
        number = client.ok("POST", "experiments/create", body={"name": name})["experiment_id"]
    body = {"experiment_id": number, "start_time": 1700000000000}
    return client.ok("POST", "runs/create", body=body)["run"]["info"]


# --- calls ----------------------------------------------------------------------------------------


def test_a_training_run(client):
    run = new_run(client, "calls ä+/")
    number = run["run_id"]
    assert run["artifact_uri"].startswith("mlflow-artifacts:/")
    metrics = [{"key": "auc", "value": 0.25, "timestamp": 1700000000000, "step": i}
               for i in range(3)]  # fmt: skip
    batch = {"run_id": number, "metrics": metrics, "params": [{"key": "depth", "value": "6"}],
             "tags": [{"key": "host", "value": "a"}]}  # fmt: skip
    for _ in range(2):
        client.ok("POST", "runs/log-batch", body=batch)
    data_set = {"name": "d", "digest": "1", "source_type": "sql", "source": "{}", "schema": "{}"}
    inputs = {"run_id": number, "datasets": [{"dataset": data_set, "tags": []}]}
    for _ in range(2):
        client.ok("POST", "runs/log-inputs", body=inputs)
    body = {"run_id": number, "status": "FINISHED", "end_time": 1700000001000}
    assert client.ok("POST", "runs/update", body=body)["run_info"]["status"] == "FINISHED"
    got = client.ok("GET", "runs/get", f"run_id={number}")["run"]
    assert {m["key"]: m["value"] for m in got["data"]["metrics"]} == {"auc": 0.25}
    assert {p["key"]: p["value"] for p in got["data"]["params"]} == {"depth": "6"}
    assert len(got["inputs"]["dataset_inputs"]) == 1
    body = {"experiment_ids": [run["experiment_id"]], "filter": "params.depth = '6'"}
    assert len(client.ok("POST", "runs/search", body=body)["runs"]) == 1


def test_an_experiment_that_is_there_or_was_deleted(client, server):
    name = "twice"
    number = client.ok("POST", "experiments/create", body={"name": name})["experiment_id"]
    again = client.call("POST", "experiments/create", body={"name": name})
    assert again["result"] == -errno.EEXIST and again["code"] == "RESOURCE_ALREADY_EXISTS"
    server.run(f"import mlflow; mlflow.delete_experiment('{number}')")
    client.ok("POST", "experiments/restore", body={"experiment_id": number})
    got = client.ok("GET", "experiments/get-by-name", f"experiment_name={name}")["experiment"]
    assert got["lifecycle_stage"] == "active"


def test_a_registered_version(client, logged):
    version = str(logged["version"])
    again = client.call("POST", "registered-models/create", body={"name": "fraud"})
    assert again["result"] == -errno.EEXIST
    body = {"name": "fraud", "alias": "production", "version": version}
    for _ in range(2):
        client.ok("POST", "registered-models/alias", body=body)
    got = client.ok("GET", "registered-models/alias", "name=fraud", "alias=production")
    assert got["model_version"]["version"] == version
    body = {"name": "fraud", "version": version, "key": "verdict", "value": "better &+ä"}
    client.ok("POST", "model-versions/set-tag", body=body)
    got = client.ok("GET", "model-versions/get", "name=fraud", f"version={version}")
    tags = {t["key"]: t["value"] for t in got["model_version"]["tags"]}
    assert tags["verdict"] == "better &+ä"
    got = client.ok("GET", "model-versions/get-download-uri", "name=fraud", f"version={version}")
    assert got["artifact_uri"] == logged["model"]
    got = client.ok("GET", "model-versions/search", "filter=name='fraud'", "max_results=1",
                    "order_by=version_number DESC")  # fmt: skip
    assert got["model_versions"][0]["version"] == version
    assert client.ok("GET", "registered-models/get", "name=fraud")["registered_model"]
    body = {"name": "fraud", "source": f"{logged['root']}/model", "run_id": logged["run"]}
    made = client.ok("POST", "model-versions/create", body=body)["model_version"]
    assert made["version"] == str(logged["version"] + 1) and made["status"] == "READY"


def test_what_is_not_there(client, logged):
    cases = [
        ("GET", "registered-models/alias", "name=fraud", "alias=nope"),
        ("GET", "registered-models/alias", "name=nope", "alias=nope"),
        ("GET", "registered-models/get", "name=nope"),
        ("GET", "model-versions/get", "name=fraud", "version=99"),
        ("GET", "model-versions/get-download-uri", "name=fraud", "version=99"),
        ("GET", "runs/get", "run_id=" + "0" * 32),
        ("GET", "experiments/get-by-name", "experiment_name=nope"),
    ]
    for case in cases:
        got = client.call(*case)
        assert got["result"] == -errno.ENOENT, (case, got)
        assert case[1] in got["words"] and "127.0.0.1:" in got["words"], (case, got)


def test_a_logged_model(client, server):
    run = new_run(client, "logged")
    body = {"experiment_id": run["experiment_id"], "name": "model", "source_run_id": run["run_id"]}
    made = client.call("POST", "logged-models", body=body)
    if server.line == 2:
        assert made["result"] == -errno.ENOSYS and "older MLflow" in made["words"]
        return
    info = made["json"]["model"]["info"]
    body = {"run_id": run["run_id"], "models": [{"model_id": info["model_id"], "step": "0"}]}
    client.ok("POST", "runs/outputs", body=body)
    again = client.call("POST", "runs/outputs", body=body)
    assert again["result"] == -errno.EBADMSG and "SQL:" not in again["words"], again
    got = client.ok("GET", "runs/get", f"run_id={run['run_id']}")["run"]
    assert len(got["outputs"]["model_outputs"]) == 1
    body = {"model_id": info["model_id"], "status": "LOGGED_MODEL_READY"}
    options = ["--id", info["model_id"], "--body", json.dumps(body)]
    assert client(*options, "call", "PATCH", "logged-models/*")["result"] == 0
    got = client("--id", info["model_id"], "call", "GET", "logged-models/*")
    assert got["json"]["model"]["info"]["status"] == "LOGGED_MODEL_READY"
    gone = client("--id", "m-" + "0" * 32, "call", "GET", "logged-models/*")
    assert gone["result"] == -errno.ENOENT
    body = {"experiment_ids": [run["experiment_id"]], "filter": "name = 'model'"}
    assert len(client.ok("POST", "logged-models/search", body=body)["models"]) == 1


def test_who_we_are(tmp_path):
    server = started(3, tmp_path, basic=ADMIN)
    try:
        server.create_user(*READER)
        names = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
        admin = Client(server.uri, MLFLOW_TRACKING_TOKEN="unused", **dict(zip(names, ADMIN)))
        root = new_run(admin, "mine")["artifact_uri"]
        assert admin("put-text", root, "a", "text")["result"] == 0
        reader = Client(server.uri, **dict(zip(names, READER)))
        assert reader("list", root)["entries"] == {"a": 4}
        got = reader("put-text", root, "b", "text")
        assert got["result"] == -errno.EACCES and "Permission denied" in got["words"]
        for env, words in [
            ({}, "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
            ({"MLFLOW_TRACKING_TOKEN": "x"}, "MLFLOW_TRACKING_TOKEN was refused"),
            (dict(zip(names, ("admin", "wrong"))), "MLFLOW_TRACKING_PASSWORD was refused"),
        ]:
            other = Client(server.uri, **env)
            for got in (other("list", root),
                        other.call("GET", "registered-models/get", "name=x")):  # fmt: skip
                assert got["result"] == -errno.EACCES and words in got["words"], got
                assert "wrong" not in got["words"]
    finally:
        server.stop()


def test_a_host_name_that_the_server_refuses(server):
    if server.line == 2:
        pytest.skip("line 2 does not look at the host's name")
    env = {"http_proxy": server.uri, "no_proxy": ""}
    got = Client("http://mlflow.example:5000", **env).call("GET", "runs/get", "run_id=x")
    assert got["result"] == -errno.EACCES and "--allowed-hosts" in got["words"]


def test_where_no_server_is(server):
    got = Client(f"http://127.0.0.1:{azurite.free_port()}").call("GET", "runs/get", "run_id=x")
    assert got["result"] == -errno.EHOSTUNREACH and "no connection" in got["words"]
    got = Client("http://nowhere.invalid").call("GET", "runs/get", "run_id=x")
    assert got["result"] == -errno.EHOSTUNREACH and "nowhere.invalid" in got["words"]
    got = Client("file:///tmp/mlruns").call("GET", "runs/get", "run_id=x")
    assert got["result"] == -errno.EINVAL and "http://" in got["words"]
    got = Client(server.uri + "/lost").call("GET", "runs/get", "run_id=x")
    assert got["result"] == -errno.ENOSYS and "lacks a path" in got["words"]


# --- files ----------------------------------------------------------------------------------------


def test_files_of_a_model_that_python_logged(client, logged, tmp_path):
    got = client("list", logged["model"])
    assert got["result"] == 0 and "MLmodel" in got["entries"]
    for name, size in got["entries"].items():
        one = client("--size", size, "get", logged["model"], name, tmp_path / name)
        assert one["result"] == 0, one
        assert (tmp_path / name).stat().st_size == size > 0
    assert b"mlflow.xgboost" in (tmp_path / "MLmodel").read_bytes()
    deep = client("list", logged["root"])["entries"]
    assert deep["sub/deep/a b+c.txt"] == 4 and deep["sub/empty.txt"] in (0, -1)
    got = client("--size", deep["sub/deep/a b+c.txt"], "get", logged["root"],
                 "sub/deep/a b+c.txt", tmp_path / "deep")  # fmt: skip
    assert got["result"] == 0 and (tmp_path / "deep").read_bytes() == b"deep"
    assert client("get", logged["root"], "sub/empty.txt", tmp_path / "empty")["result"] == 0
    assert (tmp_path / "empty").read_bytes() == b""
    assert client("list", logged["root"] + "/nope")["entries"] == {}
    few = client("--limit", 2, "list", logged["model"])
    assert few["result"] == -errno.E2BIG and not few["entries"]


def test_files_that_are_put(client, server, tmp_path):
    root = new_run(client, "puts")["artifact_uri"]
    content = os.urandom(3_000_000)
    (tmp_path / "big").write_bytes(content)
    put = client("put", root, "artifacts/a b/ä+&.bin", tmp_path / "big")
    assert put["result"] == 0 and int(put["progress"]) > 0
    assert client("put-text", root, "MLmodel", "text: ä")["result"] == 0
    assert client("put-text", root, "empty", "")["result"] == 0
    assert client("put-text", root, "MLmodel", "again")["result"] == 0
    listed = client("list", root)["entries"]
    assert listed.pop("artifacts/a b/ä+&.bin") == len(content)
    assert listed.pop("empty") in (0, -1) and listed == {"MLmodel": 5}
    # The server takes %2F for a separator however it is sent.
    moved = client("put-text", root, "a%2Fb", "text")
    assert moved["result"] == -errno.EIO and "after it was put" in moved["words"], moved
    for bad in ("../x", "/x", "a//b", "a/./b"):
        got = client("put-text", root, bad, "text")
        assert got["result"] == -errno.EINVAL and "path of a file" in got["words"]


def get_big(client, server, tmp_path):
    """A file of 2 MB that is at the place, and where it is to come."""
    root = new_run(client, "gets")["artifact_uri"]
    content = os.urandom(2_000_000)
    (tmp_path / "put").write_bytes(content)
    assert client("put", root, "model/m.ubj", tmp_path / "put")["result"] == 0
    return root, content, tmp_path / "got"


def test_a_file_goes_on_where_it_stopped(client, server, proxy, tmp_path):
    root, content, path = get_big(client, server, tmp_path)
    by_proxy = Client(f"http://127.0.0.1:{proxy.port}")
    for have in (1, 1_500_000, 1_999_999, 2_000_000):
        path.write_bytes(content[:have])
        got = by_proxy("--offset", have, "--size", len(content), "get", root, "model/m.ubj", path)
        assert got["result"] == 0, got
        assert path.read_bytes() == content
    # Longer than what is there now: all anew.
    path.write_bytes(content + b"more")
    got = client("--offset", len(content) + 4, "get", root, "model/m.ubj", path)
    assert got["result"] == 0 and path.read_bytes() == content


def test_a_file_of_another_size(client, server, tmp_path):
    root, content, path = get_big(client, server, tmp_path)
    got = client("--size", 1_999_999, "get", root, "model/m.ubj", path)
    assert got["result"] == -errno.EIO and "1999999" in got["words"] and "m.ubj" in got["words"]
    got = client("--limit", 1_999_999, "get", root, "model/m.ubj", path)
    assert got["result"] == -errno.EFBIG
    path.write_bytes(content[:1000])
    got = client("--limit", 1_999_999, "--offset", 1000, "get", root, "model/m.ubj", path)
    assert got["result"] == -errno.EFBIG
    got = client("get", root, "model/nope", path)
    assert got["result"] == -errno.ENOENT and "no such file" in got["words"], got


@pytest.mark.parametrize("line", [3, 2])
def test_files_in_azure(line, storage, tmp_path):
    server = started(line, tmp_path / "server", artifacts="azure", azurite=storage)
    try:
        logged = log_model(server)
        assert logged["model"].startswith("wasbs://")
        client = Client(server.uri, AZURE_STORAGE_CONNECTION_STRING=storage.connection_string())
        listed = client("list", logged["model"])["entries"]
        for name, size in listed.items():
            got = client("--size", size, "get", logged["model"], name, tmp_path / name)
            assert got["result"] == 0, got
        assert b"mlflow.xgboost" in (tmp_path / "MLmodel").read_bytes()
        content = os.urandom(20_000_000)
        (tmp_path / "big").write_bytes(content)
        put = client("put", logged["root"], "more/big", tmp_path / "big")
        assert put["result"] == 0 and int(put["progress"]) > 1, put
        assert client("put-text", logged["root"], "more/small", "text")["result"] == 0
        listed = client("list", logged["root"])["entries"]
        assert listed["more/big"] == len(content) and listed["sub/deep/a b+c.txt"] == 4
        (tmp_path / "half").write_bytes(content[: len(content) // 2])
        proxy = azurite.RangeProxy(storage.port)
        words = {"AZURE_STORAGE_CONNECTION_STRING": storage.connection_string(proxy.port)}
        got = Client(server.uri, **words)(
            "--offset", len(content) // 2, "--size", len(content), "get", logged["root"],
            "more/big", tmp_path / "half")  # fmt: skip
        proxy.close()
        assert got["result"] == 0 and (tmp_path / "half").read_bytes() == content
        assert proxy.bytes_asked == len(content) - (2 << 22)
        small = f"{logged['root']}/more/small"
        script = f"import mlflow; print(mlflow.artifacts.load_text('{small}'))"
        assert server.run(script).splitlines()[-1] == "text"
        got = client("--size", 3, "get", logged["root"], "more/small", tmp_path / "small")
        assert got["result"] == -errno.EIO and "more/small" in got["words"]
        got = client("get", logged["root"], "more/nope", tmp_path / "small")
        assert got["result"] == -errno.ENOENT and "more/nope" in got["words"]
        bare = Client(server.uri)("list", logged["root"])
        assert bare["result"] == -errno.ENOKEY and "no credentials" in bare["words"]
    finally:
        server.stop()


@pytest.mark.parametrize("line", [3, 2])
def test_files_that_only_the_server_reads(line, tmp_path):
    server = started(line, tmp_path / "server", artifacts="folder")
    try:
        logged = log_model(server)
        client = Client(server.uri)
        place = ["--run", logged["run"], "--name", "fraud", "--version", logged["version"]]
        for options in (place, place[:2]):
            listed = client(*options, "list", logged["model"])
            assert "MLmodel" in listed["entries"], listed
            size = listed["entries"]["MLmodel"]
            path = tmp_path / f"MLmodel{len(options)}"
            path.write_bytes(b"x" * 10)
            got = client(*options, "--offset", 10, "--size", size, "get", logged["model"],
                         "MLmodel", path)  # fmt: skip
            assert got["result"] == 0, got
            assert b"mlflow.xgboost" in b"x" * 10 + path.read_bytes()[10:]
            assert path.stat().st_size == size
        deep = client("--run", logged["run"], "list", logged["root"] + "/sub")["entries"]
        assert deep["deep/a b+c.txt"] == 4, deep
        got = client("--run", logged["run"], "get", logged["root"] + "/sub", "deep/a b+c.txt",
                     tmp_path / "deep")  # fmt: skip
        assert got["result"] == 0 and (tmp_path / "deep").read_bytes() == b"deep"
        elsewhere = client("--run", logged["run"], "list", "s3://bucket/elsewhere")
        assert elsewhere["result"] == -errno.EBADMSG and "not among the files" in elsewhere["words"]
        for verb in (["list", "s3://bucket/a"], ["get", "s3://bucket/a", "x", tmp_path / "x"]):
            nobody = client(*verb)
            assert nobody["result"] == -errno.EOPNOTSUPP, nobody
        put = client(*place, "put-text", logged["root"], "x", "text")
        assert put["result"] == -errno.EOPNOTSUPP and "only the server" in put["words"]
    finally:
        server.stop()


def test_through_the_server_into_azure(storage, tmp_path):
    server = started(3, tmp_path / "server", artifacts="azure-proxied", azurite=storage)
    try:
        client = Client(server.uri)
        root, content, path = get_big(client, server, tmp_path)
        assert root.startswith("mlflow-artifacts:/")
        path.write_bytes(content[:1_000_000])
        got = client("--offset", 1_000_000, "--size", len(content), "get", root, "model/m.ubj",
                     path)  # fmt: skip
        assert got["result"] == 0 and path.read_bytes() == content
        assert client("get", root, "model/nope", path)["result"] == -errno.ENOENT
    finally:
        server.stop()


# --- faults ---------------------------------------------------------------------------------------


def test_calls_are_repeated_only_where_it_does_no_harm(client, proxy):
    by_proxy = Client(f"http://127.0.0.1:{proxy.port}")
    run = new_run(client, "faults")
    body = {"experiment_id": run["experiment_id"]}
    for fault, tries in ((500, 1), (502, 1), (429, 2), (503, 2), ("drop", 1)):
        proxy.plan, proxy.seen = [("POST", "runs/create", fault, 1)], []
        got = by_proxy.call("POST", "runs/create", body=body)
        assert len(proxy.seen) == tries, (fault, proxy.seen)
        assert (got["result"] == 0) == (tries > 1), (fault, got)
        if tries == 1:
            assert got["result"] == -errno.EHOSTUNREACH and "runs/create" in got["words"]
    for fault in (500, 503, 429, 502, "drop", "truncate"):
        proxy.plan, proxy.seen = [("GET", "runs/get", fault, 2)], []
        got = by_proxy.call("GET", "runs/get", f"run_id={run['run_id']}")
        assert got["result"] == 0 and len(proxy.seen) == 3, (fault, got)
    proxy.plan, proxy.seen = [("GET", "runs/get", 500, 9)], []
    got = by_proxy.call("GET", "runs/get", f"run_id={run['run_id']}")
    assert got["result"] == -errno.EHOSTUNREACH and len(proxy.seen) == 3, got
    for fault, number in ((401, errno.EACCES), (403, errno.EACCES), (404, errno.ENOSYS)):
        proxy.plan, proxy.seen = [("GET", "runs/get", fault, 9)], []
        got = by_proxy.call("GET", "runs/get", f"run_id={run['run_id']}")
        assert got["result"] == -number and len(proxy.seen) == 1, (fault, got)
    proxy.plan = [("GET", "runs/get", "short", 1)]
    got = by_proxy.call("GET", "runs/get", f"run_id={run['run_id']}")
    assert got["result"] == -errno.EBADMSG and "no JSON" in got["words"], got


def test_files_with_faults_on_the_way(client, server, proxy, tmp_path):
    root, content, path = get_big(client, server, tmp_path)
    by_proxy = Client(f"http://127.0.0.1:{proxy.port}")
    for fault in (500, 503, "drop", "truncate"):
        proxy.plan, proxy.seen = [("GET", "m.ubj", fault, 2)], []
        path.unlink(missing_ok=True)
        got = by_proxy("--size", len(content), "get", root, "model/m.ubj", path)
        assert got["result"] == 0 and len(proxy.seen) == 3, (fault, got)
        assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()
    for fault, number in (("short", errno.EIO), (401, errno.EACCES), (404, errno.ENOENT)):
        proxy.plan, proxy.seen = [("GET", "m.ubj", fault, 1)], []
        got = by_proxy("--size", len(content), "get", root, "model/m.ubj", path)
        assert got["result"] == -number and len(proxy.seen) == 1, (fault, got)
        assert "m.ubj" in got["words"]
    for fault in (500, "drop"):
        proxy.plan = [("PUT", "m.ubj", fault, 2)]
        assert by_proxy("put", root, "model/m.ubj", tmp_path / "put")["result"] == 0, fault
    proxy.plan = [("GET", "?path=", "short", 9)]
    got = by_proxy("list", root)
    assert got["result"] == -errno.EBADMSG and "no list" in got["words"], got
    proxy.plan = [("GET", "?path=", 503, 9)]
    put = by_proxy("put-text", root, "a", "text")
    assert put["result"] == -errno.EHOSTUNREACH and '"a"' in put["words"], put


class Lying(azurite.Server):
    """Says what it is told to say, and keeps what came."""

    def __init__(self):
        self.answers = {}
        self.requests = []
        super().__init__()

    def handle(self, request, body):
        self.requests.append((request.command, request.path, dict(request.headers)))
        for (method, text), content in self.answers.items():
            if method == request.command and text in request.path:
                return self.answer(request, 200, content)
        return self.answer(request, 404)


@pytest.fixture
def lying():
    one = Lying()
    yield one
    one.close()


def test_a_server_that_lies(lying, tmp_path):
    client = Client(f"http://127.0.0.1:{lying.port}/behind")
    lying.answers = {
        ("PUT", "/behind/api/2.0/mlflow-artifacts/artifacts/1/a"): b"",
        ("GET", "?path=1"): b'{"files":[{"path":"a","is_dir":false,"file_size":3}]}',
    }
    short = client("put-text", "mlflow-artifacts:/1", "a", "text")
    assert short["result"] == -errno.EIO and "4 bytes" in short["words"], short
    lying.answers["GET", "?path=1"] = b"{}"
    gone = client("put-text", "mlflow-artifacts:/1", "a", "text")
    assert gone["result"] == -errno.EIO and "is not in" in gone["words"]
    for name in ("../../etc/passwd", "/etc/passwd", "a/b", "", ".."):
        files = {"files": [{"path": name, "is_dir": False, "file_size": 3}]}
        lying.answers["GET", "?path=1"] = json.dumps(files).encode()
        got = client("list", "mlflow-artifacts:/1")
        assert got["result"] == -errno.EBADMSG and not got["entries"], (name, got)
    # A folder that holds itself.
    lying.answers["GET", "?path=1"] = b'{"files":[{"path":"d","is_dir":true}]}'
    got = client("--limit", 50, "list", "mlflow-artifacts:/1")
    assert got["result"] == -errno.E2BIG


def test_secrets_stay_with_the_server(lying, tmp_path):
    other = Lying()
    try:
        env = {"MLFLOW_TRACKING_USERNAME": "name", "MLFLOW_TRACKING_PASSWORD": "password",
               "MLFLOW_WORKSPACE": "team"}  # fmt: skip
        client = Client(f"http://127.0.0.1:{lying.port}", **env)
        lying.answers = {("GET", ""): b"{}"}
        assert client("list", "mlflow-artifacts:/1")["result"] == 0
        headers = lying.requests[-1][2]
        assert headers["Authorization"] == "Basic bmFtZTpwYXNzd29yZA=="
        assert headers["X-MLFLOW-WORKSPACE"] == "team" and "Origin" not in headers
        for place in (f"mlflow-artifacts://127.0.0.1:{other.port}/1",
                      f"http://127.0.0.1:{other.port}/api/2.0/mlflow-artifacts/artifacts/1"):
            other.answers = {("GET", "?path=1"): b"{}"}
            assert client("list", place)["result"] == 0
            assert "Authorization" not in other.requests[-1][2]
    finally:
        other.close()
