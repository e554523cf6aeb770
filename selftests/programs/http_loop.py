# SPDX-License-Identifier: GPL-2.0
"""http_loop.py ROUNDS: an HTTP server in a loop of asyncio, and clients: threads with connections of their
own. Prints the same each time."""

import asyncio
import concurrent.futures
import hashlib
import http.client
import sys


async def serve(reader, writer):
    """One connection, with any number of requests."""
    while line := await reader.readline():
        path, length = line.split()[1], 0
        while (head := await reader.readline()).strip():
            if head.lower().startswith(b"content-length:"):
                length = int(head.split(b":")[1])
        body = await reader.readexactly(length)
        await asyncio.sleep(0.002)
        answer = path + b" " + hashlib.sha256(body).hexdigest().encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer) + answer)
        await writer.drain()
    writer.close()


def client(port, number, rounds):
    """Keeps one connection, and makes others."""
    kept, said = http.client.HTTPConnection("127.0.0.1", port), []
    for round_ in range(rounds):
        for connection in (kept, http.client.HTTPConnection("127.0.0.1", port)):
            connection.request("POST", f"/{number}/{round_}", b"x" * ((number + 1) * round_ * 977 % 90000))
            answer = connection.getresponse()
            said.append(f"{answer.status} {answer.read().decode()}")
    return said


async def main(rounds):
    """All of it."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        loop = asyncio.get_running_loop()
        clients = [loop.run_in_executor(pool, client, port, number, rounds) for number in range(4)]
        for said in await asyncio.gather(*clients):
            print(*said, sep="\n")


asyncio.run(main(int(sys.argv[1])))
