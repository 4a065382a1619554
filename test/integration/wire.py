"""HTTP/1.1 over a bare socket. Client libraries repair, retry and hide; a test of a server must see
each byte that comes back and each connection that breaks."""

import json
import socket

DEADLINE = 60  # seconds that any one answer may take


class Broken(Exception):
    """The connection ended before the answer did."""


class Answer:
    def __init__(self, status, fields, body):
        self.status = status
        self.fields = fields  # [(name in lower case, value)]
        self.body = body

    def field(self, name):
        """The value of a header field, None if it is not there. Twice is a fault of the server."""
        values = [value for key, value in self.fields if key == name.lower()]
        assert len(values) <= 1, f"field {name} came {len(values)} times"
        return values[0] if values else None

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {dict(self.fields)} {self.body[:2000]!r}>"


class Connection:
    """One connection; any number of requests, one after another or pipelined."""

    def __init__(self, address, timeout=DEADLINE):
        self.socket = socket.create_connection(address, timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = self.socket.getsockname()[1]
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise Broken(str(error)) from error

    def _more(self):
        try:
            data = self.socket.recv(1 << 18)
        except ConnectionResetError as error:
            raise Broken(str(error)) from error
        if not data:
            raise Broken("the connection ended")
        self.pending += data

    def _line(self):
        while b"\r\n" not in self.pending:
            self._more()
        line, self.pending = self.pending.split(b"\r\n", 1)
        return line

    def _take(self, n):
        parts, have = [self.pending], len(self.pending)
        self.pending = b""
        while have < n:
            self._more()
            parts.append(self.pending)
            have += len(self.pending)
            self.pending = b""
        data = b"".join(parts)
        self.pending = data[n:]
        return data[:n]

    def _chunks(self):
        body = []
        while size := int(self._line().split(b";")[0], 16):
            body.append(self._take(size))
            assert self._take(2) == b"\r\n"
        while self._line():
            pass
        return b"".join(body)

    def _until_end(self):
        try:
            while True:
                self._more()
        except Broken:
            body, self.pending = self.pending, b""
            return body

    def receive(self, method="POST"):
        """The next final answer; 1xx ones before it are passed over."""
        answer = self.receive_any(method)
        while answer.status < 200:
            answer = self.receive_any(method)
        return answer

    def receive_any(self, method="POST"):
        version, status = self._line().split(b" ")[:2]
        assert version == b"HTTP/1.1", version
        fields = []
        while line := self._line():
            name, _, value = line.partition(b":")
            fields.append((name.decode("ascii").lower(), value.strip().decode("latin-1")))
        answer = Answer(int(status), fields, b"")
        if method == "HEAD" or answer.status < 200 or answer.status in (204, 304):
            return answer
        if answer.field("transfer-encoding") == "chunked":
            answer.body = self._chunks()
        elif answer.field("content-length") is not None:
            answer.body = self._take(int(answer.field("content-length")))
        else:
            answer.body = self._until_end()
        return answer

    def request(self, method, path, body=None, fields=()):
        self.send(request_bytes(method, path, body, fields))
        return self.receive(method)

    def is_closed(self):
        """True once the server has ended the connection (waits for it)."""
        try:
            self._more()
        except Broken:
            return True
        return False


def request_bytes(method, path, body=None, fields=()):
    """body: bytes, or anything else to be sent as JSON."""
    fields = dict(fields)
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
        fields.setdefault("Content-Type", "application/json")
    if body is not None and "Transfer-Encoding" not in fields:
        fields.setdefault("Content-Length", str(len(body)))
    head = f"{method} {path} HTTP/1.1\r\nHost: test\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode("latin-1") + b"\r\n" + (body or b"")


BOUNDARY = "-a-line-that-no-file-has-"


def multipart(data, filename="rows.csv", name="file"):
    """(fields, body) of a form with one file."""
    disposition = f'form-data; name="{name}"'
    if filename is not None:
        disposition += f'; filename="{filename}"'
    body = f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n"
    body += "Content-Type: text/csv\r\n\r\n"
    body = body.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
    return {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}, body
