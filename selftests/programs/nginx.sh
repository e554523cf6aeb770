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

python3 - "$1" "$port" <<'END'
import gzip, hashlib, http.client, sys, threading, time

rounds, port = int(sys.argv[1]), int(sys.argv[2])

def get(connection, path, **headers):
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    return answer.status, hashlib.sha256(body).hexdigest()[:12]

def connect():
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.connect()
            return connection
        except ConnectionRefusedError:
            time.sleep(0.05)

def client(number, said):
    kept = connect()
    for round in range(rounds):
        said.append((number, round, get(kept, f"/{number}"), get(connect(), f"/again/{number}"),
                     get(kept, f"/{number}", **{"Accept-Encoding": "gzip"}), get(connect(), "/missing")[0]))

said = [[], [], []]
threads = [threading.Thread(target=client, args=(number + 1, said[number])) for number in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for line in sum(said, []):
    print(*line)
END
kill -QUIT "$server"
wait "$server"
echo "server: $?"
