#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# nginx.sh ROUNDS DIR: an nginx with two workers, and clients that keep their connections and such
# that do not. Prints the same each time.
port=8080
mkdir "$2/www"
for number in 1 2 3; do
	seq $((number * 20000)) >"$2/www/$number"
done
cat >"$2/config" <<END
daemon off;
user root;
pid $2/pid;
worker_processes 2;
error_log $2/errors notice;
events { worker_connections 100; }
http {
	access_log off;
	$(for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $2/$kind;"; done)
	gzip on;
	gzip_types *;
	server {
		listen 127.0.0.1:$port;
		root $2/www;
		location /again/ { proxy_pass http://127.0.0.1:$port/; }
	}
}
END
nginx -e "$2/errors" -c "$2/config" &
server=$!

PYTHONPATH=$(dirname "$0") python3 -B - "$1" "$port" <<'END'
import clients, gzip, hashlib, http.client, sys

rounds, port = int(sys.argv[1]), int(sys.argv[2])

def get(connection, path, **headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    return answer.status, hashlib.sha256(body).hexdigest()[:12]

def try_to_connect():
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.connect()
    return connection

def connect():
    return clients.insist(try_to_connect)

def client(number, said):
    kept = connect()
    for round in range(rounds):
        said.append((number, round, get(kept, f"/{number}"), get(connect(), f"/again/{number}"),
                     get(kept, f"/{number}", **{"Accept-Encoding": "gzip"}), get(connect(), "/missing")[0]))

clients.run(client, range(1, 4))
END
kill -QUIT "$server"
wait "$server"
echo "server: $?"
