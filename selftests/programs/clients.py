# SPDX-License-Identifier: GPL-2.0
"""What the clients of servers share, which are threads of one process each."""

import threading
import time


def insist(connect):
    """What connect() returns, when the server has begun to listen."""
    while True:
        try:
            return connect()
        except ConnectionRefusedError:
            time.sleep(0.05)


def run(client, numbers):
    """client(number, said) for each at the same time; then prints what they have said, one after the
    other."""
    said = [[] for _ in numbers]
    threads = [threading.Thread(target=client, args=each) for each in zip(numbers, said)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for line in sum(said, []):
        print(*line)
