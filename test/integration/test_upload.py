"""POST /score/upload: a CSV file in a form, its row errors, its refusals, and answers as CSV."""

import csv
import io
import os
import threading

import models
import pytest
import requests
import rows
import wire


def table(transactions):
    """CSV of transactions that all have the same fields."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(transactions[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(transactions)
    return out.getvalue().encode()


def test_answer(shared_suite, data_rows, trained):
    answer = shared_suite.upload(table(data_rows), filename="today.csv")
    assert answer.status == 200, answer
    assert answer.field("X-Model-Generation") is not None
    body = answer.json()
    assert list(body) == ["filename", "count", "threshold_low", "threshold_high",
                          "model_version", "results", "errors"]  # fmt: skip
    assert body["filename"] == "today.csv" and body["errors"] == []
    assert body["count"] == len(data_rows) == len(body["results"])
    assert (body["threshold_low"], body["threshold_high"]) == trained[0].thresholds()
    wanted = [int(row["transaction_seq"]) for row in data_rows]
    assert [result["transaction_seq"] for result in body["results"]] == wanted


def test_spool_files_have_no_name_and_are_gone(shared_suite, data_rows):
    shared_suite.upload(table(data_rows[:10]))
    assert os.listdir(shared_suite.folder / "spool") == []


LINE = "7,2026-10-20T10:11:12,1000,VN\n"
HEAD = "transaction_seq,create_dt,deposit_amount,receiving_country\n"

GOOD = {
    "plain": HEAD + LINE,
    "a mark at the start": "\ufeff" + HEAD + LINE,
    "CRLF": (HEAD + LINE).replace("\n", "\r\n"),
    "no end of line": (HEAD + LINE).rstrip("\n"),
    "quotes": HEAD + '"7","2026-10-20T10:11:12","1000","VN"\n',
    "an integer with a dot": HEAD + LINE.replace("7,", "7.0,"),
    "other columns": HEAD.replace("\n", ",note,x\n") + LINE.replace("\n", ',"a,\n""b""",\n'),
    "another order": "receiving_country,deposit_amount,create_dt,transaction_seq\n"
    + "VN,1000,2026-10-20T10:11:12,7\n",
    "words for missing": HEAD.replace("\n", ",register_date,transaction_count_24hour,id_type\n")
    + LINE.replace("\n", ",NaT,NULL,None\n"),
}


@pytest.mark.parametrize("name", GOOD)
def test_forms_of_one_file(shared_suite, name):
    answer = shared_suite.upload(GOOD[name].encode())
    assert answer.status == 200, answer
    plain = shared_suite.upload(GOOD["plain"].encode())
    assert answer.body == plain.body
    assert answer.json()["count"] == 1


def test_header_alone(shared_suite):
    body = shared_suite.upload(HEAD.encode()).json()
    assert body["count"] == 0 and body["results"] == [] and body["errors"] == []


def test_rows_that_cannot_be_read_are_named_and_left_out(shared_suite):
    text = HEAD + LINE
    text += "8,2026-10-20T10:11:12,much,VN\n"
    text += "9,yesterday,much,VN\n"
    text += ",2026-10-20T10:11:12,1000,VN\n"
    text += "11,2026-10-20T10:11:12,1000,VN,extra\n"
    text += "12,2026-10-20T10:11:12,1000\n"
    text += LINE.replace("7,", "13,")
    body = shared_suite.upload(text.encode()).json()
    assert [result["transaction_seq"] for result in body["results"]] == [7, 13]
    assert body["count"] == 2
    found = [(error["line"], error["column"]) for error in body["errors"]]
    assert found == [(3, "deposit_amount"), (4, "create_dt"), (4, "deposit_amount"),
                     (5, "transaction_seq"), (6, None), (7, "receiving_country")]  # fmt: skip
    assert all(error["message"] for error in body["errors"])
    assert body["errors"][0]["message"].startswith("Input should be a valid number")


def test_a_limited_number_of_errors_is_listed(make_suite, trained):
    suite = make_suite({"upload": {"max_errors": 5}, "front": {"workers": 1}})
    models.install(suite, trained[0], "production")
    suite.start()
    bad = "8,2026-10-20T10:11:12,much,VN\n"
    body = suite.upload((HEAD + bad * 12 + LINE).encode()).json()
    assert len(body["errors"]) == 5 and body["errors_omitted"] == 7 and body["count"] == 1


REFUSED = {
    "no csv": (HEAD + LINE, "rows.xlsx", 400, "Only CSV files are supported."),
    "no key": (HEAD.replace("transaction_seq", "seq") + LINE, "rows.csv", 400,
               "Missing required columns in CSV: transaction_seq"),
    "two columns away": ("create_dt,deposit_amount\n", "rows.csv", 400,
                         "Missing required columns in CSV: transaction_seq, receiving_country"),
    "empty": ("", "rows.csv", 400, "Missing required columns in CSV: transaction_seq, create_dt, "
              "deposit_amount, receiving_country"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(shared_suite, name):
    text, filename, status, words = REFUSED[name]
    answer = shared_suite.upload(text.encode(), filename=filename)
    assert (answer.status, answer.json()) == (status, {"detail": words})


def test_a_column_twice_is_named(shared_suite):
    answer = shared_suite.upload(HEAD.replace("\n", ",deposit_amount\n").encode())
    assert answer.status == 400 and "deposit_amount" in answer.json()["detail"]


def test_upper_case_ending_is_csv(shared_suite):
    assert shared_suite.upload((HEAD + LINE).encode(), filename="ROWS.CSV").status == 200


def form(suite, body, fields=None):
    fields = fields or {"Content-Type": f"multipart/form-data; boundary={wire.BOUNDARY}"}
    return suite.post("/score/upload", body, fields)


def test_no_file_in_the_form(shared_suite):
    _, body = wire.multipart(b"x", filename=None, name="other")
    answer = form(shared_suite, body)
    assert answer.status == 422
    assert answer.json() == {"detail": [{"type": "missing", "loc": ["body", "file"],
                                         "msg": "Field required", "input": None}]}  # fmt: skip


def test_no_form_at_all(shared_suite):
    answer = form(shared_suite, (HEAD + LINE).encode(), {"Content-Type": "text/csv"})
    assert answer.status == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "file"]
    no_boundary = form(shared_suite, b"", {"Content-Type": "multipart/form-data"})
    assert no_boundary.status == 400 and "boundary" in no_boundary.json()["detail"]


def test_other_parts_are_passed_over(shared_suite):
    _, body = wire.multipart((HEAD + LINE).encode())
    line = f"--{wire.BOUNDARY}\r\n".encode()
    other = line + b'Content-Disposition: form-data; name="note"\r\n\r\nsome,text\r\n'
    assert form(shared_suite, other + body).json()["count"] == 1


def test_a_form_that_ends_early_is_refused(shared_suite):
    fields, body = wire.multipart((HEAD + LINE).encode())
    cut = body[: body.rindex(b"--" + wire.BOUNDARY.encode())]
    answer = form(shared_suite, cut)
    assert answer.status == 400 and "multipart" in answer.json()["detail"]


def test_query_is_checked_before_the_file(shared_suite):
    answer = shared_suite.upload((HEAD + LINE).encode(), "?top_k=99")
    assert answer.status == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "top_k"]


def test_include_allow_and_top_k(shared_suite, data_rows):
    body = shared_suite.upload(table(data_rows), "?include_allow=false&top_k=2").json()
    for result in body["results"]:
        wanted = 0 if result["decision"] == "ALLOW" else 2
        assert len(result["reasons"]) == wanted or result["decision"] != "ALLOW"
    assert max(len(result["reasons"]) for result in body["results"]) == 2


def test_body_in_pieces_of_any_size(shared_suite, data_rows):
    """Chunks cut the form anywhere: in the middle of a boundary, of a field, of a quoted comma."""
    fields, body = wire.multipart(table(data_rows[:40]))
    whole = shared_suite.post("/score/upload", body, fields)
    assert whole.status == 200
    for size in (1, 7, 61, 1000):
        chunks = b"".join(
            b"%x\r\n%s\r\n" % (len(piece), piece)
            for piece in (body[i : i + size] for i in range(0, len(body), size))
        )
        with shared_suite.connect() as connection:
            head = fields | {"Transfer-Encoding": "chunked"}
            connection.send(wire.request_bytes("POST", "/score/upload", chunks + b"0\r\n\r\n", head))
            assert connection.receive().body == whole.body


def test_expect_100_continue(shared_suite):
    fields, body = wire.multipart((HEAD + LINE).encode())
    with shared_suite.connect() as connection:
        head = wire.request_bytes("POST", "/score/upload", body, fields | {
            "Expect": "100-continue"})  # fmt: skip
        connection.send(head[: -len(body)])
        assert connection.receive_any().status == 100
        connection.send(body)
        assert connection.receive().json()["count"] == 1


# --- as CSV ---


def as_csv(suite, data, query="?top_k=2"):
    answer = suite.upload(data, query, {"Accept": "text/csv"})
    assert answer.status == 200, answer
    assert answer.field("Content-Type").startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.body.decode())))


def test_csv_answer_says_what_json_says(shared_suite, data_rows):
    lines = as_csv(shared_suite, table(data_rows))
    results = shared_suite.upload(table(data_rows), "?top_k=2").json()["results"]
    for line, result in zip(lines, results, strict=True):
        assert int(line["transaction_seq"]) == result["transaction_seq"]
        assert float(line["score"]) == result["score"]
        assert line["decision"] == result["decision"] and line["error"] == ""
        for i, reason in enumerate(result["reasons"], 1):
            assert line[f"reason_{i}"] == reason["feature"]
            assert float(line[f"contribution_{i}"]) == reason["contribution"]


def test_csv_answer_has_errors_in_their_place(shared_suite):
    text = HEAD + LINE + "8,2026-10-20T10:11:12,much,VN\n" + LINE.replace("7,", "9,")
    lines = as_csv(shared_suite, text.encode())
    assert [line["transaction_seq"] for line in lines] == ["7", "", "9"]
    assert "line 3: deposit_amount" in lines[1]["error"] and lines[1]["score"] == ""
    assert all(None not in line and len(line) == len(lines[0]) for line in lines)


def test_csv_answer_is_streamed(shared_suite, data_rows):
    """A client that accepts CSV has the first results before it has sent the last row."""
    data = table(data_rows)
    fields, body = wire.multipart(data)
    with shared_suite.connect() as connection:
        head = fields | {"Accept": "text/csv", "Content-Length": str(len(body))}
        connection.send(wire.request_bytes("POST", "/score/upload", b"", head))
        connection.send(body[:-200])
        early = connection.socket.recv(1 << 16)
        assert early.startswith(b"HTTP/1.1 200")
        connection.pending = early
        connection.send(body[-200:])
        answer = connection.receive()
    lines = list(csv.DictReader(io.StringIO(answer.body.decode())))
    assert len(lines) == len(data_rows)


def test_a_client_that_reads_nothing_before_it_has_sent_all(shared_suite, data_rows):
    """Python's requests does so; an answer that does not wait would end in a deadlock. Its answer
    is larger than any socket's buffer."""
    data = table(data_rows)
    body = data + data[data.index(b"\n") + 1 :] * 7
    url = "http://%s:%d/score/upload" % shared_suite.address
    answer = requests.post(url, files={"file": ("rows.csv", body)}, params={"top_k": 10}, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["count"] == 8 * len(data_rows)


def test_results_larger_than_the_spool(make_suite, trained, data_rows):
    suite = make_suite({"upload": {"spool_bytes": 1 << 20}, "front": {"workers": 1}})
    models.install(suite, trained[0], "production")
    suite.start()
    answer = suite.upload(table(data_rows), "?top_k=50")
    assert answer.status == 413 and "results" in answer.json()["detail"]
    assert suite.upload(table(data_rows[:100])).status == 200


def test_no_folder_for_the_spool(make_suite, trained, tmp_path):
    suite = make_suite({"upload": {"spool_dir": str(tmp_path / "absent")}})
    models.install(suite, trained[0], "production")
    suite.start()
    answer = suite.upload((HEAD + LINE).encode())
    assert answer.status == 503 and answer.field("Retry-After")
    assert str(tmp_path) not in answer.body.decode(), "no path in a body"
    assert suite.log_contains(r'spool_dir.*absent".*: No such file')


def test_a_client_that_leaves_in_the_middle_does_no_harm(shared_suite, data_rows):
    fields, body = wire.multipart(table(data_rows))
    for cut in (1, 200, 5000, len(body) // 2, len(body) - 1):
        with shared_suite.connect() as connection:
            connection.send(wire.request_bytes("POST", "/score/upload", body, fields)[:-cut])
    assert shared_suite.upload(table(data_rows[:5])).json()["count"] == 5


def test_uploads_at_once_do_not_mix(shared_suite, data_rows):
    found = {}

    def one(number):
        chosen = data_rows[number::4]
        body = shared_suite.upload(table(chosen), "?top_k=0").json()
        found[number] = [r["transaction_seq"] for r in body["results"]] == [
            int(row["transaction_seq"]) for row in chosen
        ]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: True for number in range(4)}
