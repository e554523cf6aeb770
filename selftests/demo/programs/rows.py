# SPDX-License-Identifier: GPL-2.0
"""Two threads and a child process make rows, which go into one transaction."""

import hashlib
import os
import queue
import sqlite3
import threading
import time

ROWS = 100


def rows(source):
    """Each row depends on all those before it."""
    digest = source
    for number in range(1, ROWS + 1):
        time.sleep(0.02)
        digest = hashlib.sha256(f"{digest} {number}".encode()).hexdigest()[:16]
        yield source, number, digest


def child(out):
    """The child process: rows as lines of text into a pipe."""
    with os.fdopen(out, "w") as pipe:
        for row in rows("child"):
            print(*row, file=pipe, flush=True)


def thread(name, results):
    """A thread: rows into a queue."""
    for row in rows(name):
        results.put(row)
    results.put(None)


def reader(pipe, results):
    """The thread that listens to the child process."""
    with os.fdopen(pipe) as lines:
        for line in lines:
            source, number, digest = line.split()
            results.put((source, int(number), digest))
    results.put(None)


def main():
    """Everything into the database, visible to others only at the end."""
    here, there = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(here)
        child(there)
        os._exit(0)
    os.close(there)
    results = queue.Queue()
    for target, args in ((reader, here), (thread, "one"), (thread, "two")):
        threading.Thread(target=target, args=(args, results)).start()

    database = sqlite3.connect("rows.db", isolation_level=None)
    database.execute("CREATE TABLE rows (source TEXT, number INTEGER, digest TEXT)")
    database.execute("BEGIN IMMEDIATE")
    running = 3
    inserted = 0
    progress = os.open("progress", os.O_WRONLY | os.O_CREAT)
    while running:
        row = results.get()
        if row is None:
            running -= 1
            continue
        database.execute("INSERT INTO rows VALUES (?, ?, ?)", row)
        inserted += 1
        os.pwrite(progress, b"%d" % inserted, 0)
    database.execute("COMMIT")
    os.waitpid(pid, 0)


main()
