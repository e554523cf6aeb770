# SPDX-License-Identifier: GPL-2.0
"""threads.py ROUNDS DIRECTORY: threads, subprocesses, pipes, a database. Prints the same each time."""

import hashlib
import queue
import sqlite3
import subprocess
import sys
import threading


def work(jobs, results):
    """A thread that works until there is nothing more to do."""
    while (job := jobs.get()) is not None:
        digest = hashlib.sha256(str(job).encode())
        for _ in range(300):
            digest = hashlib.sha256(digest.digest())
        results.put((job, digest.hexdigest()[:8]))


def main():
    """Rounds of all of it."""
    jobs, results = queue.Queue(), queue.Queue()
    threads = [threading.Thread(target=work, args=(jobs, results)) for _ in range(4)]
    for thread in threads:
        thread.start()
    database = sqlite3.connect(f"{sys.argv[2]}/data")
    database.execute("create table rounds (nr integer, digest text)")
    for nr in range(int(sys.argv[1])):
        for job in range(nr * 10, nr * 10 + 10):
            jobs.put(job)
        digests = [digest for _, digest in sorted(results.get() for _ in range(10))]
        with database:
            database.executemany("insert into rounds values (?, ?)",
                                 ((nr, digest) for digest in digests))
        done = subprocess.run(["sort", "-r"], input="\n".join(digests), text=True,
                              stdout=subprocess.PIPE, check=True, timeout=1000)
        print(nr, done.stdout.split()[0], database.execute(
            "select count(*), min(digest) from rounds").fetchone())
    for _ in threads:
        jobs.put(None)
    for thread in threads:
        thread.join()


main()
