"""Users and tokens: what a token costs a request, whether sign-ins disturb scoring, how soon a token
ends elsewhere, what a lost database costs, and whether refusals tell anything by their time.

Server, clients and PostgreSQL share the host's cores, so everything is shown beside its like: the
same suite without users, the same number of other requests a second.
"""

import json
import multiprocessing
import os
import pathlib
import statistics
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import host
from batch import Postgres
from load import ROW, offer, request, wrk

PASSWORD = "correct horse battery"
BCRYPT_12 = "$2b$12$GhvMmNVjRW29ulnudl.LbuAnUtN/LRfe1JsBm1Xu6LE3059z5Tr8m"
JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")


class Users(host.Suite):
    """A suite with users on this database."""

    def __init__(self, models, workers, postgres, **auth):
        self.postgres = postgres
        subprocess.run([host.BIN / "fraudctl", "migrate", "--database", postgres.url], check=True,
                       stdout=subprocess.DEVNULL)
        super().__init__(models, workers, (
            f"auth: {{ enabled: true, {', '.join(f'{k}: {v}' for k, v in auth.items())} }}\n"
            f"database: {{ url: \"{postgres.url}\" }}\n"
            "jwt: { secret_key: \"the key of the benchmarks, 32 bytes\" }\n"))

    def post(self, path, body, fields):
        """(status, body) of one request."""
        wanted = urllib.request.Request(self.url + path, body, dict(fields))
        try:
            with urllib.request.urlopen(wanted, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def user(self, name):
        """Makes the first user."""
        body = json.dumps({"username": name, "password": PASSWORD}).encode()
        status, answer = self.post("/auth/register", body, [JSON])
        if status != 201:
            raise RuntimeError(answer)

    def token(self, name, password=PASSWORD):
        """Signs in; a worker that has not reached the database yet says 503."""
        status, deadline = 503, time.monotonic() + 30
        while status == 503 and time.monotonic() < deadline:
            status, body = self.post("/auth/login", form(name, password), [FORM])
        if status != 200:
            raise RuntimeError(body)
        return json.loads(body)["access_token"]

    def score(self, token):
        """The status of one /score."""
        return self.post("/score", json.dumps(ROW).encode(), [JSON, bearer(token)])[0]


def bearer(token):
    """The field of a token."""
    return ("Authorization", f"Bearer {token}")


def form(name, password):
    """The body of a sign-in."""
    return urllib.parse.urlencode({"username": name, "password": password}).encode()


def query(postgres, sql):
    """One value."""
    return subprocess.run(["psql", "-X", "-q", "-A", "-t", postgres.url, "-c", sql], check=True,
                          text=True, capture_output=True).stdout.strip()


# --- what a token costs ---


def cached(args, models, postgres):
    """CPU of the worker a request: the same suite without users, and with a remembered token."""
    with host.Suite(models, 1) as without, Users(models, 1, postgres) as users:
        users.user("alice")
        token = users.token("alice")
        cases = {"without users": (without, None), "without users, token sent": (without, token),
                 "remembered token": (users, token)}
        results = {name: [] for name in cases}
        for _ in range(args.runs):
            for name, (target, sent) in cases.items():
                run = wrk(target, "/score?explain=false", args.seconds, args.connections, sent)
                if run["bad"]:
                    raise RuntimeError(f"{name}: {run['bad']} answers were not 2xx")
                results[name].append(run["cpu"])
    print(f"CPU of the worker a request of /score?explain=false, {args.runs} runs of "
          f"{args.seconds} s, us:")
    for name, runs in results.items():
        print(f"  {name:28} {statistics.median(runs):7.2f}  [{min(runs):.2f}-{max(runs):.2f}]")
    added = [b - a for a, b in zip(results["without users"], results["remembered token"])]
    print(f"  added by a remembered token: {statistics.median(added):.2f} us"
          f"  [{min(added):.2f}-{max(added):.2f}] (promised: 3)", flush=True)


def transactions(postgres):
    """Committed so far; a server process tells its last figures after ten idle seconds."""
    time.sleep(11)
    return int(query(postgres, "select xact_commit from pg_stat_database"
                     " where datname = current_database()"))


def uncached(models, postgres, count=2000):
    """Statements and time a request when no token is remembered, one request at a time."""
    times = {}
    for seconds in (0, 2):
        with Users(models, 1, postgres, cache_seconds=seconds, sweep_seconds=86400) as users:
            token = users.token("alice")
            body = request("POST", "/score?explain=false", json.dumps(ROW).encode(),
                           [JSON, bearer(token)])
            offer(users.port, [body], 500, count / 500 + 0.5, 1)  # warm
            idle = transactions(postgres)
            latencies, statuses = offer(users.port, [body], 500, count / 500, 1)
            after = transactions(postgres)
            asked = (after - idle) / statuses[200]
            times[seconds] = statistics.median(latencies)
            what = "asked for each time" if seconds == 0 else "remembered for 2 s"
            print(f"token {what}: {asked:.3f} transactions of PostgreSQL a request,"
                  f" p50 {times[seconds]:.3f} ms, {statuses[200]} requests", flush=True)
    print(f"  so the round trip costs {times[0] - times[2]:.3f} ms", flush=True)


# --- sign-ins beside scoring ---


def in_process(queue, *arguments):
    """offer() in a process of its own."""
    queue.put(offer(*arguments))


def beside(users, token, requests, seconds, rate):
    """p50 and p99 of 1,000 /score a second while the requests are offered; their statuses."""
    queue = multiprocessing.Queue()
    other = multiprocessing.Process(target=in_process,
                                    args=(queue, users.port, requests, rate, seconds + 1, 256))
    other.start()
    time.sleep(0.5)
    body = request("POST", "/score", json.dumps(ROW).encode(), [JSON, bearer(token)])
    latencies, statuses = offer(users.port, [body], 1000, seconds, 256)
    others = queue.get()[1]
    other.join()
    if set(statuses) - {200, None}:
        raise RuntimeError(f"/score answered {statuses}")
    cuts = statistics.quantiles(latencies, n=100)
    return cuts[49], cuts[98], others


def signins(args, models, postgres):
    """1,000 sign-ins a second of several kinds, beside as many requests that cost next to nothing.
    Each run is compared with the one beside /livez of the same round."""
    def login(name, password=PASSWORD):
        return request("POST", "/auth/login", form(name, password), [FORM])

    kinds = {
        "/livez": [request("GET", "/livez")],
        "wrong passwords of one account": [login("alice", "wrong")],
        "unknown names": [login(f"nobody {i}") for i in range(5000)],
    }
    unlimited = {"right passwords, no throttle": [login("alice")]}
    print(f"/score, 1,000 a second, beside 1,000 a second of others, {args.runs} rounds of "
          f"{args.seconds} s; ms:\n  {'':32} {'p50':>7} {'p99':>7}  of p99 beside /livez")
    for settings, cases in (({}, kinds),
                            ({"throttle_account": 0, "throttle_source": 0},
                             {"/livez": kinds["/livez"]} | unlimited)):
        with Users(models, 2, postgres, **settings) as users:
            token = users.token("alice")
            runs = {name: [] for name in cases}
            for _ in range(args.runs):
                for name, requests in cases.items():
                    runs[name].append(beside(users, token, requests, args.seconds, 1000))
            for name, found in runs.items():
                ratios = [run[1] / base[1] for run, base in zip(found, runs["/livez"])]
                print(f"  {name:32} {statistics.median(run[0] for run in found):7.3f}"
                      f" {statistics.median(run[1] for run in found):7.3f}"
                      f"  {statistics.median(ratios):5.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"
                      f"   {found[-1][2]}", flush=True)
            print(f"  peak memory of the workers: {', '.join(peak(pid) for pid in users.workers())}",
                  flush=True)


def peak(pid):
    """The most that a process ever held."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return f"{int(line.split()[1]) / 1024:.0f} MiB"
    return "?"


# --- refusals ---


def refusals(models, postgres, count=100):
    """How long a refused sign-in takes, by what was wrong."""
    query(postgres, "insert into auth_users (username, password_hash, is_active, created_at)"
          f" values ('old', '{BCRYPT_12}', true, now()) on conflict do nothing")
    kinds = {"unknown name": "nobody", "wrong, yescrypt": "alice", "wrong, bcrypt 12": "old"}
    with Users(models, 1, postgres, throttle_account=0, throttle_source=0) as users:
        times = {name: [] for name in kinds}
        for _ in range(count):
            for name, user in kinds.items():
                begin = time.monotonic()
                status = users.post("/auth/login", form(user, "wrong password"), [FORM])[0]
                times[name].append((time.monotonic() - begin) * 1e3)
                if status != 401:
                    raise RuntimeError(status)
    print(f"refused sign-ins, {count} of each kind in turn, ms:")
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, values in times.items():
        print(f"  {name:18} median {medians[name]:7.1f}  [{min(values):.1f}-{max(values):.1f}]")
    apart = max(medians.values()) / min(medians.values()) - 1
    print(f"  medians are {apart * 100:.1f} % apart (promised: 2)", flush=True)


# --- the end of a token ---


def endings(models, postgres, count=30):
    """From the answer to a logout to the first refusal of another host that remembers the token."""
    times = []
    with Users(models, 1, postgres, cache_seconds=60) as one, \
            Users(models, 1, postgres, cache_seconds=60) as two:
        for _ in range(count):
            token = one.token("alice")
            body = request("POST", "/score?explain=false", json.dumps(ROW).encode(),
                           [JSON, bearer(token)])
            if two.score(token) != 200:
                raise RuntimeError("a good token was refused")
            one.post("/auth/logout", b"", [bearer(token)])
            begin = time.monotonic()
            while offer(two.port, [body], 1000, 0.002, 1)[1].get(401) is None:
                if time.monotonic() > begin + 10:
                    raise RuntimeError("the other host was not told")
            times.append((time.monotonic() - begin) * 1e3)
    print(f"from the answer to a logout to a refusal by another host, {count} times: median "
          f"{statistics.median(times):.1f} ms, at most {max(times):.1f} ms (promised: 100)",
          flush=True)


# --- the database restarts ---


def pg_ctl(postgres, words):
    """pg_ctl on the cluster."""
    postgres._shell(f'pg_as_owner "$(pg_bin)/pg_ctl" -D "$1/data" {words} >/dev/null')


def well_again(users, tokens):
    """Seconds until the last refusal, when each request has another token that nobody remembers."""
    begin = last = time.monotonic()
    for token in tokens:
        if users.score(token) != 200:
            last = time.monotonic()
        time.sleep(0.02)
    return last - begin


def restart(models, postgres, count=5):
    """PostgreSQL is killed and started under load: who is answered what, and how soon it is well."""
    back, statuses = [], {}
    with Users(models, 2, postgres, hash_cost=1) as users:
        token, pids = users.token("alice"), users.workers()
        body = request("POST", "/score?explain=false", json.dumps(ROW).encode(),
                       [JSON, bearer(token)])
        for _ in range(count):
            unknown = [users.token("alice") for _ in range(100)]
            queue = multiprocessing.Queue()
            load = multiprocessing.Process(target=in_process,
                                           args=(queue, users.port, [body], 500, 6))
            load.start()
            time.sleep(1)
            pg_ctl(postgres, "stop -m immediate -s")
            time.sleep(3)
            postgres._shell('pg_as_owner "$(pg_bin)/pg_ctl" -D "$1/data" -l "$(pg_log "$1")"'
                            ' -o "-k $(pg_socket_dir "$1")" -W -s start >/dev/null')
            wait_for_server(postgres)
            back.append(well_again(users, unknown))
            for status, n in queue.get()[1].items():
                statuses[status] = statuses.get(status, 0) + n
            load.join()
        if users.workers() != pids:
            raise RuntimeError("a worker died")
    print(f"PostgreSQL killed and started {count} times under 500 requests/s: answers {statuses}; "
          f"the last 503 to an unknown token {statistics.median(back) * 1e3:.0f} ms (at most "
          f"{max(back) * 1e3:.0f}) after the server answers (promised: 1000); no worker died",
          flush=True)


def wait_for_server(postgres):
    """Until it answers."""
    while subprocess.run(["psql", "-X", "-q", postgres.url, "-c", "select 1"], check=False,
                         capture_output=True).returncode:
        time.sleep(0.005)


def bench_auth(args):
    """All of it."""
    models = host.model(args.rounds, args.depth)
    print(f"{os.cpu_count()} cores, release preset, {args.rounds} trees of depth {args.depth}",
          flush=True)
    with Postgres() as postgres:
        cached(args, models, postgres)
        uncached(models, postgres)
        refusals(models, postgres)
        endings(models, postgres)
        restart(models, postgres)
        signins(args, models, postgres)
