# SPDX-License-Identifier: GPL-2.0
"""busy.py SERVER MEGABYTES DIR: a server with so much data, and clients that are never quiet.

DIR/ready says that they work, and DIR/stop that they are to end. Each client knows what it has been
told and what it ought to be told; all data are looked at in the end. DIR/report gets the number of
requests and the longest that one took, DIR/wrong what was wrong.
"""

import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import clients

CLIENTS = 4
PIECE = 100_000


def piece(number):
    """Data that are known."""
    return hashlib.sha256(b"%d" % number).digest() * (PIECE // 32)


class Wrong(Exception):
    """What a client does not expect."""


class Server:
    """What the servers have in common."""

    def __init__(self, megabytes, place):
        self.pieces = megabytes * 1_000_000 // PIECE
        self.place = place

    def start(self):
        """It listens, and has its data."""

    def client(self, number):
        """Yields after each request."""
        raise NotImplementedError

    def end(self):
        """Looks at all data, and ends it."""


class Redis(Server):
    """Keys of clients, and large ones that nobody touches."""

    PORT = 6398

    class Connection:
        """The protocol of redis, as far as it goes."""

        def __init__(self):
            self.socket = clients.insist(lambda: socket.create_connection(("127.0.0.1", Redis.PORT)))
            self.input = self.socket.makefile("rb")

        def __call__(self, *words):
            words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            self.socket.sendall(b"*%d\r\n" % len(words)
                                + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
            line = self.input.readline()
            if line[:1] == b"$":
                length = int(line[1:])
                return None if length < 0 else self.input.read(length + 2)[:-2]
            if line[:1] in (b":", b"+"):
                return line[1:].strip()
            raise Wrong(f"redis says {line!r}")

    def start(self):
        with open(self.place / "server", "wb") as log:
            self.server = subprocess.Popen(
                ["redis-server", "--bind", "127.0.0.1", "--port", str(self.PORT), "--save", "",
                 "--dir", self.place, "--loglevel", "warning"], stdout=log, stderr=log)
        redis = self.Connection()
        for number in range(self.pieces):
            redis("set", f"piece:{number}", piece(number))

    def client(self, number):
        redis, count = self.Connection(), 0
        while True:
            count += 1
            key, value = f"client:{number}:{count % 300}", b"%d" % count * (count % 50 + 1)
            redis("set", key, value)
            yield
            if redis("get", key) != value:
                raise Wrong(f"{key} is not what it was set to")
            yield
            if redis("incr", f"count:{number}") != b"%d" % count:
                raise Wrong(f"client {number}: a count that is not {count}")
            yield

    def end(self):
        redis = self.Connection()
        for number in range(self.pieces):
            if redis("get", f"piece:{number}") != piece(number):
                raise Wrong(f"piece {number} is not what it was")
        redis.socket.sendall(b"shutdown nosave\r\n")
        if self.server.wait():
            raise Wrong(f"redis ends with {self.server.returncode}")


class Prefork(Server):
    """A process with data, and workers that have them from it."""

    def start(self):
        data = [piece(number) for number in range(self.pieces)]
        listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.workers = listener.getsockname()[1], []
        for _ in range(CLIENTS):
            pid = os.fork()
            if not pid:
                self.work(listener, data)
            self.workers.append(pid)

    @staticmethod
    def work(listener, data):
        """A worker."""
        while True:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as stream:
                while line := stream.readline():
                    number = int(line)
                    stream.write(hashlib.sha256(data[number % len(data)]).hexdigest().encode() + b"\n")
                    stream.flush()

    def client(self, number):
        wanted = [hashlib.sha256(piece(at)).hexdigest() for at in range(self.pieces)]
        count = number
        while True:
            # More than there are workers, one after the other.
            with socket.create_connection(("127.0.0.1", self.port)) as connection, \
                    connection.makefile("rwb") as stream:
                for _ in range(20):
                    count += 1
                    stream.write(b"%d\n" % count)
                    stream.flush()
                    if stream.readline().decode().strip() != wanted[count % len(wanted)]:
                        raise Wrong(f"piece {count} is not what it was")
                    yield

    def end(self):
        for pid in self.workers:
            os.kill(pid, signal.SIGTERM)
            if os.waitpid(pid, 0)[1] != signal.SIGTERM:
                raise Wrong("a worker has ended by itself")


class Postgres(Server):
    """pgbench, in short rounds."""

    PORT = "5498"

    def start(self):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
        # Directories of tests are root's alone.
        self.data = tempfile.mkdtemp()
        shutil.chown(self.data, "postgres", "postgres")
        self.to = ["-h", "127.0.0.1", "-p", self.PORT, "-U", "postgres"]
        self.pgbench, self.psql = [str(found / "pgbench"), *self.to], [str(found / "psql"), *self.to]
        with open(self.place / "server", "wb") as log:
            subprocess.run([*user, found / "initdb", "-D", self.data, "-A", "trust", "--no-sync",
                            "--no-locale"], stdout=log, stderr=log, check=True)
            self.server = subprocess.Popen(
                [*user, found / "postgres", "-D", self.data, "-p", self.PORT, "-c",
                 "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"],
                stdout=log, stderr=log)
        while subprocess.run([*self.psql, "-c", "select"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL, check=False).returncode:
            time.sleep(0.2)
        subprocess.run([*self.pgbench, "-i", "-q", "-s", "1", "postgres"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def client(self, number):
        """One of them is all of pgbench's, which tells what each transaction took."""
        while number == 0:
            with tempfile.TemporaryDirectory() as logs:
                said = subprocess.run([*self.pgbench, "-n", "-c", str(CLIENTS), "-t", "20", "-l",
                                       f"--log-prefix={logs}/log", "postgres"], text=True, check=False,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                if said.returncode or not re.search(r"failed transactions: 0 ", said.stdout):
                    raise Wrong(said.stdout)
                for log in pathlib.Path(logs).iterdir():
                    for line in log.read_text(encoding="ascii").splitlines():
                        yield int(line.split()[2]) / 1e6

    def end(self):
        query = ("select (select sum(abalance) from pgbench_accounts) = sum(delta), (select sum(tbalance)"
                 " from pgbench_tellers) = sum(delta), (select sum(bbalance) from pgbench_branches) ="
                 " sum(delta) from pgbench_history")
        said = subprocess.run([*self.psql, "-qAtX", "-c", query], text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False).stdout.strip()
        self.server.send_signal(signal.SIGINT)
        status = self.server.wait()
        shutil.rmtree(self.data)
        if said != "t|t|t" or status:
            raise Wrong(f"balances: {said}; the server ends with {status}")


def main():
    """All of it."""
    kind, megabytes, place = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])
    server = {"redis": Redis, "prefork": Prefork, "postgres": Postgres}[kind](megabytes, place)
    server.start()
    took, wrong = [[] for _ in range(CLIENTS)], []

    def run(number):
        try:
            begin = time.monotonic()
            for seconds in server.client(number):
                now = time.monotonic()
                took[number].append(now - begin if seconds is None else seconds)
                begin = now
                if (place / "stop").exists():
                    break
        except (Wrong, OSError, ValueError) as err:
            wrong.append(f"client {number}: {type(err).__name__}: {err}")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    (place / "ready").touch()
    for thread in threads:
        thread.join()
    try:
        server.end()
    except (Wrong, OSError) as err:
        wrong.append(f"{type(err).__name__}: {err}")
    times = [time_ for each in took for time_ in each]
    (place / "report").write_text(f"{len(times)} {max(times, default=0):.6f}\n", encoding="ascii")
    if wrong:
        (place / "wrong").write_text("\n".join(wrong) + "\n", encoding="utf-8")


main()
