#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# memcached.sh ROUNDS: a memcached with four threads, and clients with many connections. Prints the
# same each time.
memcached -u root -l 127.0.0.1 -p 11300 -U 0 -t 4 &
server=$!
PYTHONPATH=$(dirname "$0") python3 -B - "$1" <<'END'
import clients, hashlib, socket, sys

def connect():
    return clients.insist(lambda: socket.create_connection(("127.0.0.1", 11300)).makefile("rwb"))

def ask(server, command, data=None):
    server.write(command.encode() + b"\r\n" + (data + b"\r\n" if data is not None else b""))
    server.flush()
    line = server.readline().split()
    if line[0] != b"VALUE":
        return line[0].decode()
    value = server.read(int(line[3]) + 2)
    server.readline()
    return hashlib.sha256(value).hexdigest()[:12]

def client(number, said):
    servers = [connect() for _ in range(5)]
    for round in range(int(sys.argv[1])):
        value = (b"%d " % (number * round)) * 20000
        said.append((number, round, ask(servers[round % 5], f"set key{number} 0 0 {len(value)}", value),
                     *(ask(server, f"get key{number}") for server in servers),
                     ask(connect(), f"incr count{number} {round}"), ask(servers[0], f"get count{number}")
                     if round else ask(servers[0], f"add count{number} 0 0 1", b"0")))

clients.run(client, range(4))
END
kill "$server"
wait "$server"
echo "server: $?"
