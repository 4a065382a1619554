"""Load on a suite: as much as it takes (wrk), or so much a second whatever it takes (offer)."""

import json
import re
import selectors
import socket
import subprocess
import tempfile
import time

import host

ROW = {
    "transaction_seq": 5692339, "deposit_amount": 4455670, "receiving_country": "CN",
    "create_dt": "2026-11-20T23:10:00", "country_code": "CN", "id_type": "ALIEN_CARD",
    "stay_qualify": "E7", "payment_method": "OPENBANKING", "register_date": "2026-11-18",
    "first_transaction_date": "2026-11-18", "birth_date": "1978-03-24",
    "recheck_date": "2026-11-18", "face_pin_date": "2026-11-18", "visa_expire_date": "2027-09-16",
    "transaction_count_24hour": 3, "transaction_count_1week": 3, "transaction_count_1month": 3,
    "transaction_amount_24hour": 9100000, "transaction_amount_1week": 9100000,
    "transaction_amount_1month": 9100000, "user_name": "WANG JUN", "sender_name": "Wang Jun",
}


def wrk(target, path, seconds, connections, token=None):
    """One run of wrk; returns requests/s, p50 and p99 in ms, CPU µs a request, failures."""
    script = f'wrk.method="POST"\nwrk.headers["Content-Type"]="application/json"\n' \
             f"wrk.body=[[{json.dumps(ROW)}]]\n"
    if token:
        script += f'wrk.headers["Authorization"]="Bearer {token}"\n'
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as lua:
        lua.write(script)
        lua.flush()
        pids = target.workers()
        before = host.cpu_seconds(pids)
        out = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", lua.name,
             target.url + path], check=True, capture_output=True, text=True).stdout
        used = host.cpu_seconds(pids) - before
    requests = int(re.search(r"(\d+) requests in", out).group(1))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)

    def latency(percent):
        value, unit = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s)", out).groups()
        return float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]

    return {"rps": requests / seconds, "p50": latency(50), "p99": latency(99),
            "cpu": used / requests * 1e6, "bad": int(bad.group(1)) if bad else 0}


class Client:
    """One connection with at most one request under way."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = None
        self.data = b""

    def send(self, request, due):
        """due: when it should have been sent; its latency counts from then."""
        self.due = due
        self.socket.sendall(request)

    def answer(self):
        """The status once the whole answer is there, else None."""
        self.data += self.socket.recv(65536)
        head, end, body = self.data.partition(b"\r\n\r\n")
        if not end:
            return None
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        if len(body) < length:
            return None
        self.data = b""
        return int(head[9:12])


def connected(port, count):
    """So many connections, each of which was answered once: a connection that waits to be accepted
    would make the first requests the slowest ones."""
    clients = [Client(port) for _ in range(count)]
    for client in clients:
        client.send(request("GET", "/livez"), None)
    for client in clients:
        while client.answer() is None:
            pass
    return clients


def offer(port, requests, rate, seconds, connections=64):
    """Sends the requests in turn, `rate` a second, on as many connections as are free. Returns
    latencies in ms counted from when each was due, and how many answers each status had; a
    request that found no free connection counts as None."""
    selector = selectors.DefaultSelector()
    free = connected(port, connections)
    for client in free:
        selector.register(client.socket, selectors.EVENT_READ, client)
    latencies, statuses, sent = [], {}, 0
    begin = time.monotonic()
    while (now := time.monotonic()) < begin + seconds:
        while begin + sent / rate <= now:
            if free:
                client = free.pop()
                client.send(requests[sent % len(requests)], begin + sent / rate)
            else:
                statuses[None] = statuses.get(None, 0) + 1
            sent += 1
        for key, _ in selector.select(max(0, begin + sent / rate - time.monotonic())):
            client = key.data
            status = client.answer()
            if status is None:
                continue
            latencies.append((time.monotonic() - client.due) * 1e3)
            statuses[status] = statuses.get(status, 0) + 1
            free.append(client)
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    return latencies, statuses


def request(method, path, body=b"", fields=()):
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}",
             *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
