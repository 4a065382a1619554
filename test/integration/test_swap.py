"""Hot swaps under load: no request fails, and no answer mixes two generations. The two versions
differ in scores, reasons and both thresholds, so a mixed answer is seen."""

import json
import threading

import load
import models
import rows
import wire

SWAPS = 50
ROWS = [rows.ROW | {"transaction_seq": i, "deposit_amount": 150_000 * i} for i in range(40)]
UPLOAD = "\n".join(
    [",".join(ROWS[0])] + [",".join("" if v is None else str(v) for v in r.values()) for r in ROWS]
)


class Known:
    """What each version answers, asked of each alone; then whether an answer is wholly one's."""

    def __init__(self, suite, trained):
        self.single, self.batch, self.upload = {}, {}, {}
        self.generations = {}  # generation -> version, as seen
        for version in trained:
            models.set_alias(suite, version.name)
            assert suite.post("/reload").status == 200
            self.single[version.name] = [suite.post("/score", row).body for row in ROWS]
            self.batch[version.name] = suite.post("/score/batch", {"transactions": ROWS}).body
            self.upload[version.name] = suite.upload(UPLOAD.encode()).body
        first, second = self.single.values()
        assert all(a != b for a, b in zip(first, second)), "the versions must differ in each row"

    def _note(self, answer):
        assert answer.status == 200, answer
        version = json.loads(answer.body)["model_version"]
        generation = answer.field("X-Model-Generation")
        assert self.generations.setdefault(generation, version) == version, "two in one generation"
        return version

    def check_single(self, answer):
        version = self._note(answer)
        place = answer.json()["transaction_seq"]
        assert answer.body == self.single[version][place], "an answer of two generations"

    def check_batch(self, answer):
        assert answer.body == self.batch[self._note(answer)], "a batch of two generations"

    def check_upload(self, answer):
        assert answer.body == self.upload[self._note(answer)], "an upload of two generations"


class Rows(load.Clients):
    """Each request another row."""

    def _run(self):
        with wire.Connection(self.address) as connection:
            turn = 0
            while not self._stop.is_set():
                turn += 1
                row = ROWS[turn % len(ROWS)]
                try:
                    answer = connection.request("POST", "/score", row)
                except (wire.Broken, OSError) as error:
                    self.failures.append((connection.port, repr(error)))
                    return
                self._account(answer)


def upload_request():
    fields, body = wire.multipart(UPLOAD.encode())
    return wire.request_bytes("POST", "/score/upload", body, fields)


def test_fifty_swaps_under_load(suite, trained):
    known = Known(suite, trained)
    batch = wire.request_bytes("POST", "/score/batch", {"transactions": ROWS})
    single = Rows(suite.address, 6, None, known.check_single)
    batches = load.Clients(suite.address, 2, batch, known.check_batch)
    uploads = load.Clients(suite.address, 2, upload_request(), known.check_upload, False)
    with single, batches, uploads:
        for turn in range(SWAPS):
            models.set_alias(suite, trained[turn % 2].name)
            done = single.answered + batches.answered + uploads.answered
            answer = suite.post("/reload?force=true")
            assert answer.status == 200 and answer.json()["status"] == "reloaded", answer
            assert answer.json()["model_version"] == trained[turn % 2].name
            suite.wait(lambda: single.answered + batches.answered + uploads.answered > done + 20,
                       "load between two swaps")  # fmt: skip
    for clients in (single, batches, uploads):
        clients.assert_good()
        assert clients.answered > SWAPS
    assert len(known.generations) > SWAPS / 2, "the load must have seen most generations"
    print(f"{single.answered} single, {batches.answered} batches, {uploads.answered} uploads, "
          f"{len(known.generations)} generations seen")  # fmt: skip


def test_a_request_keeps_the_generation_that_it_began_with(suite, trained):
    """An upload that began before the swap ends with the old version, however late."""
    first, second = trained
    fields, body = wire.multipart(UPLOAD.encode())
    request = wire.request_bytes("POST", "/score/upload", body, fields)
    with suite.connect() as connection:
        connection.send(request[:-300])
        suite.wait(lambda: in_flight(suite), "the worker to have begun")
        models.set_alias(suite, second.name)
        suite.post("/reload")
        assert suite.score(rows.ROW)["model_version"] == second.name
        connection.send(request[-300:])
        old = connection.receive().json()
    assert old["model_version"] == first.name and old["count"] == len(ROWS)
    assert (old["threshold_low"], old["threshold_high"]) == first.thresholds()


def in_flight(suite):
    """A spool file without a name is open: the upload's header line was read."""
    folder = str(suite.folder / "spool")
    return any(
        target.startswith(folder)
        for instance in range(2)
        for target in load.open_files(suite.pid("front", instance))
    )


def test_reloads_by_many_at_once_are_each_answered(suite, trained):
    models.set_alias(suite, trained[1].name)
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(suite.post("/reload"))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    done = suite.reload()
    for thread in threads:
        thread.join()
    assert done.returncode == 0, done.stderr
    assert [answer.status for answer in answers] == [200] * 10
    assert {answer.json()["model_version"] for answer in answers} == {trained[1].name}
