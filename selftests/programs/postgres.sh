#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# postgres.sh ROUNDS DIR: a PostgreSQL server with clients over TCP, whose transactions wait for each
# other. Prints the same each time.
bin=$(dirname "$(ls /usr/lib/postgresql/*/bin/postgres)")
# Directories of tests are root's alone.
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
sql() { PGOPTIONS='-c client_min_messages=error' psql -h 127.0.0.1 -p 5499 -U postgres -qAtX -v ON_ERROR_STOP=1 "$@"; }

chown postgres:postgres "$data"
"${user[@]}" "$bin/initdb" -D "$data" -A trust --no-sync --no-locale >"$2/initdb" 2>&1
"${user[@]}" "$bin/postgres" -D "$data" -p 5499 -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
	-c shared_buffers=4MB -c fsync=off >"$2/server" 2>&1 &
server=$!
until sql -c 'create table accounts as select n, 100 as money from generate_series(1, 50) n' 2>"$2/psql"; do
	sleep 0.2
done

# Moves money around, in transactions that lock the same rows in the same order.
client() {
	for ((turn = 1; turn <= 20; turn++)); do
		from=$(((turn * $1) % 25 + 1)) to=$(((turn * $1 * 7) % 25 + 26))
		echo "begin; update accounts set money = money - $turn where n = $from;"
		echo "select count(*) from generate_series(1, 3000);"
		echo "update accounts set money = money + $turn where n = $to; commit;"
	done | sql | sort | uniq -c
}

for ((round = 0; round < $1; round++)); do
	clients=()
	for name in 1 2 3; do
		client "$name" >"$2/client$name" 2>&1 &
		clients+=($!)
	done
	wait "${clients[@]}"
	cat "$2"/client?
	sql -c 'select sum(money), md5(string_agg(money::text, $$,$$ order by n)) from accounts'
done
kill -INT "$server"
wait "$server"
echo "server: $?"
