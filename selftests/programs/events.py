# SPDX-License-Identifier: GPL-2.0
"""events.py ROUNDS: an event loop of asyncio, with subprocesses, timers, queues, signal handlers
and threads. Prints the same each time.

The loop wakes itself through a pair of sockets, and waits for its children by pidfds.
"""

import asyncio
import os
import signal
import sys


async def sort(lines):
    """A child that is talked to through pipes."""
    child = await asyncio.create_subprocess_exec("sort", "-n", stdin=asyncio.subprocess.PIPE,
                                                 stdout=asyncio.subprocess.PIPE)
    out, _ = await child.communicate("\n".join(map(str, lines)).encode())
    return child.returncode, out.decode().split()


async def late(number):
    """A timer."""
    await asyncio.sleep(number / 1000)
    return number


def work(number):
    """What a thread of the pool does."""
    return sum(i * i for i in range(number * 100))


async def rounds(count):
    """All of it."""
    loop, queue, caught = asyncio.get_running_loop(), asyncio.Queue(3), []
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        loop.add_signal_handler(number, caught.append, number.name)

    async def eat():
        total = 0
        while (item := await queue.get()) is not None:
            total += item
        return total

    eater = asyncio.create_task(eat())
    for nr in range(count):
        os.kill(os.getpid(), signal.SIGUSR1 if nr % 2 else signal.SIGUSR2)
        sorted_, timers, worked, code = await asyncio.gather(
            sort([nr * 7 % 5, 3, nr, 1]), asyncio.gather(*map(late, (9, 3, 5))),
            loop.run_in_executor(None, work, nr + 1), asyncio.create_subprocess_shell(f"exit {nr % 7}"))
        for item in range(10):
            await queue.put(item)
        while len(caught) <= nr:
            await asyncio.sleep(0.001)
        print(nr, *sorted_[1], sorted_[0], timers, worked, await code.wait(), caught[nr], flush=True)
    await queue.put(None)
    print("eaten", await eater)


asyncio.run(rounds(int(sys.argv[1])))
