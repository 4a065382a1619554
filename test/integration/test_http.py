"""What must be refused on the wire, as bytes over real sockets (docs: lib/http/parser.c has the
whole conformance table; here stand the rows that other servers were seen to get wrong).

After each stream a second request follows. `smuggled` is asked for only inside bodies and headers:
an answer 200 to it means that a body was read as a request."""

import re
import time

import models
import pytest
import wire

HOST = "Host: a\r\n"
LIVE = f"GET /livez HTTP/1.1\r\n{HOST}\r\n"
SMUGGLED = f"GET /livez?smuggled HTTP/1.1\r\n{HOST}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"


def get(fields="", line="GET /livez HTTP/1.1"):
    return f"{line}\r\n{HOST}{fields}\r\n"


def post(fields, body="", path="/score"):
    return f"POST {path} HTTP/1.1\r\n{HOST}{fields}\r\n{body}"


REFUSED = {
    "two different lengths": (post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400),
    "length +3": (post("Content-Length: +3\r\n", "abc"), 400),
    "length -0": (post("Content-Length: -0\r\n"), 400),
    "length 3, 3": (post("Content-Length: 3, 3\r\n", "abc"), 400),
    "length 0x3": (post("Content-Length: 0x3\r\n", "abc"), 400),
    "length overflows": (post("Content-Length: 18446744073709551617\r\n", "a"), 400),
    "length empty": (post("Content-Length: \r\n"), 400),
    "blank before the colon": (post("Content-Length : 37\r\n", SMUGGLED), 400),
    "length and encoding": (post(CHUNKED + "Content-Length: 5\r\n", "0\r\n\r\n" + SMUGGLED), 400),
    "encoding identity": (post("Transfer-Encoding: identity\r\n", SMUGGLED), (400, 501)),
    "encoding gzip": (post("Transfer-Encoding: gzip\r\n", SMUGGLED), (400, 501)),
    "encoding gzip, chunked": (post("Transfer-Encoding: gzip, chunked\r\n",
                                    "0\r\n\r\n"), (400, 501)),
    "two encodings": (post(CHUNKED + CHUNKED, "0\r\n\r\n"), (400, 501)),
    "encoding in HTTP/1.0": (f"POST /livez HTTP/1.0\r\n{HOST}{CHUNKED}\r\n0\r\n\r\n", 400),
    "chunk size 0x3": (post(CHUNKED, "0x3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size +3": (post(CHUNKED, "+3\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size with junk": (post(CHUNKED, "3 junk\r\nabc\r\n0\r\n\r\n"), 400),
    "chunk size too long": (post(CHUNKED, "0" * 17 + "3\r\nabc\r\n0\r\n\r\n"), 400),
    "no line end after a chunk": (post(CHUNKED, "3\r\nabcd\r\n0\r\n\r\n"), 400),
    "chunk with a bare LF": (post(CHUNKED, "3\nabc\r\n0\r\n\r\n"), 400),
    "folded field": (get("X-A: b\r\n c\r\n"), 400),
    "folded first line": (f"GET /livez \r\n HTTP/1.1\r\n{HOST}\r\n", 400),
    "bare LF": ("GET /livez HTTP/1.1\nHost: a\n\n", 400),
    "bare CR": (get("X-A: b\rX-C: d\r\n"), 400),
    "NUL in a value": (get("X-A: b\0c\r\n"), 400),
    "NUL in a name": (get("X-\0A: b\r\n"), 400),
    "a line of NUL": (get("\0\r\n"), 400),
    "NUL in the target": (get(line="GET /livez\0 HTTP/1.1"), 400),
    "empty field name": (get(": b\r\n"), 400),
    "blank in a name": (get("X A: b\r\n"), 400),
    "no colon": (get("X-A\r\n"), 400),
    "no Host": ("GET /livez HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (get(HOST), 400),
    "HTTP/1.9": (get(line="GET /livez HTTP/1.9"), (400, 505)),
    "HTTP/0.5": (get(line="GET /livez HTTP/0.5"), (400, 505)),
    "HTTP/+1.-1": (get(line="GET /livez HTTP/+1.-1"), (400, 505)),
    "HTTP/2.0": (get(line="GET /livez HTTP/2.0"), (400, 505)),
    "two blanks": (get(line="GET  /livez HTTP/1.1"), 400),
    "blank in the target": (get(line="GET /livez x HTTP/1.1"), 400),
    "header block too large": (get("X-A: " + "b" * 20000 + "\r\n"), 431),
    "too many fields": (get("X-A: b\r\n" * 101), 431),
    "target too long": (get(line="GET /livez?" + "a" * 8300 + " HTTP/1.1"), 414),
    "another expectation": (post("Expect: miracles\r\nContent-Length: 2\r\n", "{}"), 417),
    "a chunk-size line without end": (post(CHUNKED, "3;" + "x" * 5000), 400),
    "a body that says it is too large": (post("Content-Length: 70000\r\n", ""), 413),
    "a chunked body that gets too large":
        (post(CHUNKED, "FFFF\r\n" + "a" * 65535 + "\r\n" + "FFFF\r\n" + "a" * 65535), 413),
    "too large, and it waits to be asked":
        (post("Expect: 100-continue\r\nContent-Length: 70000\r\n", ""), 413),
}  # fmt: skip


def talk(suite, data, answers=50):
    """All answers to the bytes until the connection ends or falls silent behind `after`."""
    with suite.connect() as connection:
        connection.send(data if isinstance(data, bytes) else data.encode("latin-1"))
        found = []
        try:
            while len(found) < answers:
                found.append(connection.receive())
        except wire.Broken:
            pass
        return found


@pytest.mark.parametrize("name", REFUSED)
def test_refused_and_closed(shared_suite, name):
    data, statuses = REFUSED[name]
    statuses = statuses if isinstance(statuses, tuple) else (statuses,)
    found = talk(shared_suite, data + LIVE)
    assert [answer.status for answer in found] in [[status] for status in statuses], found
    assert found[0].field("Connection") == "close"
    assert isinstance(found[0].json()["detail"], str)
    assert found[0].field("Content-Type") == "application/json"
    assert re.fullmatch("[0-9a-f-]{36}", found[0].field("X-Request-Id"))


def garden():
    """Streams of the parser's table that end in a refusal: (name, bytes, status)."""
    text = (models.SOURCE / "test" / "unit" / "http" / "requests.txt").read_text()
    for case in re.findall(r"^(GARDEN-.*)\n\t(.*)\n\t(\d{3})$", text, re.M):
        name, data, status = case
        yield name, data.encode().decode("unicode_escape").encode("latin-1"), int(status)


def test_the_garden(shared_suite):
    """Each gets one answer and the end: nothing behind it is taken for a request. Where the head is
    fine the answer is that there is no such path."""
    cases = list(garden())
    assert len(cases) > 60
    for name, data, status in cases:
        found = talk(shared_suite, data)
        assert len(found) == 1 and found[0].status in (status, 404), (name, found)
        assert found[0].status == status or b"chunked" in data.lower(), (name, found)


SENT = "X-Request-Id: mine.7\r\nAccept: application/problem+json\r\n"
BEFORE = {  # the fields that were read before what is refused
    "a line that is none": (get(SENT + "X-A\r\n"), 400, "Bad Request"),
    "chunk size": (post(SENT + CHUNKED, "0x3\r\n"), 400, "Bad Request"),
    "too large": (post(SENT + CHUNKED, "11171\r\n" + "a" * 70001), 413, "Content Too Large"),
    "header block": (get(SENT + "X-A: " + "b" * 20000 + "\r\n"), 431,
                     "Request Header Fields Too Large"),
    "expectation": (post(SENT + "Expect: miracles\r\nContent-Length: 2\r\n"), 417,
                    "Expectation Failed"),
    "coding": (post(SENT + "Transfer-Encoding: gzip\r\n"), 501, "Not Implemented"),
    "method": (get(SENT + "Connection: close\r\n", "FROB /livez HTTP/1.1"), 501,
               "Not Implemented"),
}  # fmt: skip


@pytest.mark.parametrize("name", BEFORE)
def test_a_refusal_looks_like_all_errors(shared_suite, name):
    data, status, title = BEFORE[name]
    [answer] = talk(shared_suite, data)
    assert answer.status == status
    assert answer.field("X-Request-Id") == "mine.7"
    assert answer.field("Content-Type") == "application/problem+json"
    body = answer.json()
    assert isinstance(body.pop("detail"), str)
    assert body == {"type": "about:blank", "title": title, "status": status}


SMUGGLED_BODY = f"Content-Length: {len(SMUGGLED)}\r\n"

# What each stream is answered with; the last request always asks to close.
LAST = get("Connection: close\r\n")
TAKEN = {
    "one leading empty line": ("\r\n" + LAST, [200]),
    "chunk extension": (post(CHUNKED, "2;a=b\r\n{}\r\n0\r\n\r\n") + LAST, [422, 200]),
    "trailer fields": (post(CHUNKED, "2\r\n{}\r\n0\r\nX-Request-Id: mine\r\n\r\n") + LAST,
                       [422, 200]),
    "GET with a body": (get(SMUGGLED_BODY) + SMUGGLED + LAST, [200, 200]),
    "unknown method with a body":
        (f"FROB /livez HTTP/1.1\r\n{HOST}{SMUGGLED_BODY}\r\n{SMUGGLED}" + LAST, [405, 200]),
    "TRACE with a body":
        (f"TRACE /livez HTTP/1.1\r\n{HOST}{SMUGGLED_BODY}\r\n{SMUGGLED}" + LAST, [405, 200]),
    "close among other words": (get("Connection: foo, close\r\n") + LIVE, [200]),
    "HTTP/1.0 closes": (f"GET /livez HTTP/1.0\r\n{HOST}\r\n" + LIVE, [200]),
    "absolute target, another Host":
        (f"GET http://b/livez HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n", [200]),
    "pipelined": (LIVE * 40 + LAST, [200] * 41),
    "unread body of a refused path":
        (post("Content-Length: 30000\r\n", "x" * 30000, "/nothing") + LAST, [404, 200]),
}  # fmt: skip


@pytest.mark.parametrize("name", TAKEN)
def test_taken_with_its_frame_intact(shared_suite, name):
    data, statuses = TAKEN[name]
    found = talk(shared_suite, data)
    got = [answer.status for answer in found]
    # 405 or 501 are both right for what is no method of ours.
    assert [405 if status == 501 else status for status in got] == statuses, found


def test_trailers_are_not_headers(shared_suite):
    data = post(CHUNKED, "2\r\n{}\r\n0\r\nX-Request-Id: mine\r\n\r\n", "/score")
    [answer] = talk(shared_suite, data, 1)
    assert answer.field("X-Request-Id") != "mine"


ANSWERS = {  # of many kinds: (request, status)
    "an answer": ("GET", "/health", 200), "of no body": ("HEAD", "/health", 200),
    "a path that is none": ("GET", "/nothing", 404), "not by this method": ("PUT", "/health", 405),
    "not traced": ("TRACE", "/health", 405), "no method": ("ABC", "/health", 501),
    "not this type": ("POST", "/score", 415), "no JSON": ("POST", "/score?", 422),
}  # fmt: skip
ONCE = {"access-control-allow-origin", "allow", "connection", "content-length", "content-type",
        "date", "retry-after", "transfer-encoding", "www-authenticate", "x-request-id"}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
def test_rules_of_the_cispa_list_for_answers(shared_suite, name):
    """Those of its rules that an answer without cookies, caches and upgrades can break."""
    method, path, status = ANSWERS[name]
    kind = "application/json" if path.endswith("?") else "text/plain"
    fields = {"Upgrade": "websocket, h2c", "Connection": "upgrade", "Content-Type": kind}
    answer = shared_suite.request(method, path, b"{" if method == "POST" else None, fields)
    names = [key for key, _ in answer.fields]
    assert answer.status == status, answer
    assert all(re.fullmatch("[-0-9a-z]+", key) for key in names)
    assert all(value == value.strip() for _, value in answer.fields)
    assert all(names.count(key) == 1 for key in ONCE & set(names))
    assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} (\d\d:){2}\d\d GMT",
                        answer.field("Date"))  # fmt: skip
    assert ("content-length" in names) != ("transfer-encoding" in names)
    assert answer.field("Content-Type") == "application/json"
    assert (answer.field("Allow") == "GET, HEAD") == (status == 405)
    assert not {"upgrade", "set-cookie", "server"} & set(names)
    assert (answer.body == b"") == (method == "HEAD")


def test_head_is_get_without_its_body(shared_suite):
    with shared_suite.connect() as connection:
        head = connection.request("HEAD", "/health")
        whole = connection.request("GET", "/health")
        assert head.status == whole.status == 200 and whole.body
        assert head.field("Content-Length") == whole.field("Content-Length")


def test_pipelined_answers_come_in_order(shared_suite):
    """The first of each pair takes far longer than the second."""
    import rows

    batch = wire.request_bytes("POST", "/score/batch", {"transactions": [rows.ROW] * 200},
                               {"X-Request-Id": "slow"})  # fmt: skip
    quick = wire.request_bytes("GET", "/livez", None, {"X-Request-Id": "quick"})
    found = talk(shared_suite, (batch + quick) * 5, 10)
    assert [answer.field("X-Request-Id") for answer in found] == ["slow", "quick"] * 5
    assert all(answer.status == 200 for answer in found)


def test_every_cut_gives_the_same_answer(shared_suite):
    import rows

    data = wire.request_bytes("POST", "/score", rows.LEAST, {"X-Request-Id": "x"})
    [whole] = talk(shared_suite, data, 1)
    assert whole.status == 200
    with shared_suite.connect() as connection:
        for cut in range(1, len(data)):
            connection.send(data[:cut])
            connection.send(data[cut:])
            answer = connection.receive()
            assert (answer.status, answer.body) == (200, whole.body), cut


def test_byte_by_byte(shared_suite):
    import rows

    with shared_suite.connect() as connection:
        for byte in wire.request_bytes("POST", "/score", rows.LEAST):
            connection.send(bytes([byte]))
        assert connection.receive().status == 200


def test_a_head_that_never_ends_is_ended(make_suite):
    """One byte now and then keeps no connection: the head as a whole has its time."""
    suite = make_suite({"http": {"header_timeout_ms": 300}, "services": "front"})
    suite.start(ready=False)
    suite.wait(lambda: suite.log_contains("front 0 is up"), "a worker")
    with suite.connect() as connection:
        connection.send(b"GET /livez HTTP/1.1\r\nX-A: ")
        connection.socket.settimeout(0.05)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                connection.send(b"b")
                connection._more()
                break
            except TimeoutError:
                continue
        connection.socket.settimeout(30)
        assert connection.receive().status == 408


def test_more_than_a_worker_will_take_at_once(make_suite, trained):
    """Admission: refused at once with 503 and Retry-After, while the probes are answered."""
    import rows

    suite = make_suite({"http": {"max_in_flight": 2}, "front": {"workers": 1}})
    models.install(suite, trained[0], "production")
    suite.start()
    waiting = [suite.connect() for _ in range(2)]
    fields, body = wire.multipart(b"x")
    for connection in waiting:  # an upload that does not go on is in flight
        connection.send(wire.request_bytes("POST", "/score/upload", body, fields)[:-5])

    def refused():
        answer = suite.post("/score", rows.ROW)
        return answer if answer.status == 503 else None

    answer = suite.wait(refused, "a refusal")
    assert answer.field("Retry-After") and answer.json()["detail"]
    for path in ("/livez", "/readyz", "/health"):
        assert suite.get(path).status == 200
    for connection in waiting:
        connection.close()
    suite.wait(lambda: suite.post("/score", rows.ROW).status == 200, "room again")
