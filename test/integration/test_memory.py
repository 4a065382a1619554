"""What the release build promises about memory: a model counts once however many workers map it,
reloads leave nothing behind, and an upload of any size needs a few MiB.

Read from the kernel: PSS (each page divided by who shares it), and the peak of resident pages."""

import concurrent.futures
import json
import pathlib
import re
import threading

import accounts
import models
import numpy as np
import pytest
import rows
import suite as suites
import wire
import xgboost

MIB = 1 << 20
WORKERS = 8
SHARE = 3 * MIB  # what each worker more may cost
UPLOAD_BYTES = 1 << 30
UPLOAD_GROWTH = 8 * MIB


def field(pid, file, name):
    """Bytes that a line of /proc says."""
    text = pathlib.Path(f"/proc/{pid}/{file}").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M).group(1)) * 1024


def pss(pid):
    return field(pid, "smaps_rollup", "Pss")


def own(pid):
    """What a process holds beside programs and libraries: the share of those changes with whatever
    else runs on the machine."""
    return field(pid, "smaps_rollup", "Pss_Anon") + field(pid, "smaps_rollup", "Pss_Shmem")


def image_size(pid):
    """Of the mapped model: the memfd's mapping."""
    text = pathlib.Path(f"/proc/{pid}/maps").read_text()
    found = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) .*memfd:fraudd-model", text, re.M)
    return sum(int(end, 16) - int(start, 16) for start, end in found)


@pytest.fixture(scope="module")
def large_version(tmp_path_factory):
    """Trees that learn noise grow as large as they may; then the same ones again and again."""
    generator = np.random.default_rng(5)
    x = generator.normal(size=(60_000, 30)).astype(np.float32)
    y = (generator.random(len(x)) < 0.5).astype(np.float32)
    params = {"objective": "binary:logistic", "max_depth": 15, "min_child_weight": 0, "lambda": 0,
              "tree_method": "hist", "max_bin": 64, "eta": 0.01, "seed": 1}  # fmt: skip
    data = xgboost.DMatrix(x, y, feature_names=models.columns(30))
    booster = repeated(xgboost.train(params, data, 8), 36)
    version = models.plain(tmp_path_factory.mktemp("large"), "large", booster)
    return version


def repeated(booster, times):
    """The booster with its trees so many times one after another."""
    document = json.loads(booster.save_raw("json"))
    model = document["learner"]["gradient_booster"]["model"]
    model["trees"] = [tree | {"id": i} for i, tree in enumerate(model["trees"] * times)]
    count = len(model["trees"])
    model["tree_info"] = [0] * count
    model["iteration_indptr"] = list(range(count + 1))
    model["gbtree_model_param"]["num_trees"] = str(count)
    return xgboost.Booster(model_file=bytearray(json.dumps(document).encode()))


def started(make_suite, release_dir, version, workers):
    suite = make_suite({"front": {"workers": workers}}, release_dir)
    models.install(suite, version, "production")
    suite.start()
    warm_up(suite)
    return suite, [suite.pid("front", instance) for instance in range(workers)]


def warm_up(suite):
    """Every worker has answered, so that each has the pages that it works with."""
    connections = [suite.connect() for _ in range(4 * suite.settings["front"]["workers"])]
    body = {name: 0.5 for name in models.columns(30)}
    for query in ["", "?explain=false", "?explain=false"]:
        for connection in connections:
            assert connection.request("POST", "/score" + query, body).status == 200
    for connection in connections:
        connection.close()


def test_a_large_model_counts_once(make_suite, release_dir, large_version):
    alone, [pid] = started(make_suite, release_dir, large_version, 1)
    size, one = image_size(pid), pss(pid)
    assert size >= 50 * MIB, f"the image has {size / MIB:.1f} MiB"
    assert one >= size / 2, "the worker and its supervisor share the image's pages"
    alone.stop()
    suite, pids = started(make_suite, release_dir, large_version, WORKERS)
    total = sum(pss(pid) for pid in pids)
    print(f"image {size / MIB:.1f} MiB; PSS of one {one / MIB:.1f}, of {WORKERS} "
          f"{total / MIB:.1f} MiB")  # fmt: skip
    assert total <= one + (WORKERS - 1) * SHARE
    assert suite.get("/health").status == 200


def test_hashing_needs_so_much_and_no_more(make_suite, release_dir, trained, postgres):
    """However many sign in at once: 32 MiB a thread at the highest cost."""
    suite = make_suite({"front": {"workers": 1}}, release_dir)
    accounts.start(suite, trained[0], accounts.database(postgres), hash_cost=6, hash_threads=2,
                   hash_queue=64)  # fmt: skip
    accounts.first_user(suite)
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: accounts.login(suite, "alice"), range(40)))
    assert {answer.status for answer in answers} == {200}
    pid = suite.pid("front", 0)
    most, rest = field(pid, "status", "VmHWM"), field(pid, "status", "VmRSS")
    print(f"at rest {rest / MIB:.1f} MiB, while hashing {(most - rest) / MIB:.1f} MiB more")
    assert 32 * MIB <= most - rest <= 2 * 32 * MIB + MIB


def test_reloads_leave_memory_flat(make_suite, release_dir, trained):
    """A hundred of them, refused ones among them; in every process of the suite."""
    # The ring of log lines takes its pages one by one: a small one has them all at once.
    suite = make_suite({"front": {"workers": WORKERS}, "log": {"buffer_kib": 4}}, release_dir)
    for version in trained:
        models.install(suite, version)
    models.set_alias(suite, trained[0].name)
    suite.start()

    def turns(count):
        for turn in range(count):
            models.set_alias(suite, trained[turn % 2].name)
            assert suite.post("/reload?force=true").status == 200
            assert suite.post("/reload?version=absent").status == 409
            assert suite.post("/score", rows.ROW).status == 200
        # A child that the loader has forked shares its pages, and has half of them to itself.
        suite.wait(lambda: not suites.children(loader), "the loader's jobs to end")
        return {pid: own(pid) for pid in pids}

    loader = suite.pid("loader")
    pids = [suite.process.pid, *suite.child_pids()]
    every_worker_works(suite)
    before = turns(20)  # pools and arenas have their size by then
    least = {pid: descriptors(pid) for pid in pids}
    after = turns(100)
    growth = {pid: after[pid] - before[pid] for pid in before}
    print("growth in KiB:", sorted(value // 1024 for value in growth.values()))
    assert max(growth.values()) <= MIB / 2
    assert sum(after.values()) - sum(before.values()) <= MIB
    # The last connections may be open still, then and now.
    suite.wait(lambda: all(descriptors(pid) <= least[pid] for pid in pids),
               "as many descriptors as before", 20)  # fmt: skip
    assert set(suite.child_pids()) < set(pids), "a job is left"


def every_worker_works(suite):
    """Each has answered what the test asks, so that it has its buffers."""
    connections = [suite.connect() for _ in range(4 * WORKERS)]
    for connection in connections:
        assert connection.request("POST", "/score", rows.ROW).status == 200
        assert connection.request("POST", "/reload?version=absent").status == 409
    for connection in connections:
        connection.close()


def descriptors(pid):
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


# --- uploads ---

HEAD = "transaction_seq,create_dt,deposit_amount,receiving_country,note\n"


def blocks(total):
    """CSV rows of about 2 KiB, most of it a column that no model reads, up to `total` bytes."""
    note = "x" * 1950
    sent, seq = 0, 0
    while sent < total:
        lines = "".join(f"{seq + i},2026-10-20T10:11:12,{1000 + i},VN,{note}\n" for i in range(256))
        seq += 256
        data = lines.encode()
        sent += len(data)
        yield data, seq


def reset_peak(pid):
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")
    return field(pid, "status", "VmRSS")


@pytest.mark.parametrize("accept", ["application/json", "text/csv"])
def test_an_upload_of_1_gib_needs_a_few_mib(make_suite, release_dir, trained, accept):
    suite = make_suite({"front": {"workers": 1}}, release_dir)
    models.install(suite, trained[0], "production")
    suite.start()
    pid = suite.pid("front")
    suite.upload((HEAD + "1,2026-10-20T10:11:12,1000,VN,\n").encode())
    with suite.connect(timeout=300) as connection:
        before = reset_peak(pid)
        sender = Sender(connection, accept)
        if accept == "application/json":  # as most clients: send all, then read
            sender.run()
        else:  # an answer as CSV begins at once and wants to be read
            sender.start()
        answer = connection.receive()
        growth = field(pid, "status", "VmHWM") - before
    assert answer.status == 200
    rows_answered = answer.body.count(b"ALLOW") + answer.body.count(b"REVIEW")
    rows_answered += answer.body.count(b"BLOCK")
    print(f"{sender.count} rows, {len(answer.body) / MIB:.0f} MiB of answer, "
          f"growth {growth / MIB:.2f} MiB")  # fmt: skip
    assert rows_answered == sender.count
    assert growth <= UPLOAD_GROWTH
    assert suite.pid("front") == pid


class Sender(threading.Thread):
    """1 GiB of a form in chunks."""

    def __init__(self, connection, accept):
        super().__init__(daemon=True)
        self.connection = connection
        self.accept = accept
        self.count = 0

    def run(self):
        fields, form = wire.multipart(b"")
        middle = form.index(b"\r\n\r\n") + 4
        fields |= {"Transfer-Encoding": "chunked", "Accept": self.accept}
        path = "/score/upload?include_allow=false&top_k=0"
        self.connection.send(wire.request_bytes("POST", path, None, fields))
        send_chunk(self.connection, form[:middle] + HEAD.encode())
        for data, self.count in blocks(UPLOAD_BYTES):
            send_chunk(self.connection, data)
        send_chunk(self.connection, form[middle:])
        self.connection.send(b"0\r\n\r\n")


def send_chunk(connection, data):
    connection.send(b"%x\r\n%s\r\n" % (len(data), data))
