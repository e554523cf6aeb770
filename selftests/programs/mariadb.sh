#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# mariadb.sh ROUNDS DIR: a MariaDB server with clients at its Unix socket and over TCP, whose transactions
# wait for each other. Prints the same each time.
# Directories of tests are root's alone. As root, it would watch the memory pressure of its cgroup.
data=$(mktemp -d) user=postgres
trap 'rm -rf "$data"' EXIT
chown "$user:$user" "$data"
socket=$data/socket
setpriv --reuid=$user --regid=$user --clear-groups \
	mariadbd --no-defaults --datadir="$data" --socket="$socket" --pid-file="$data/pid" \
	--bind-address=127.0.0.1 --port=3399 --skip-grant-tables --skip-name-resolve \
	--innodb-buffer-pool-size=16M --innodb-log-file-size=4M --innodb-flush-log-at-trx-commit=2 \
	>"$2/server" 2>&1 &
server=$!
sql() { mariadb --no-defaults --skip-ssl -BN --socket="$socket" "$@"; }
until sql -e 'create database if not exists bank' 2>"$2/client"; do
	sleep 0.2
done
sql bank -e 'create table accounts (n int primary key, money int) engine=innodb;
	insert into accounts select seq, 100 from seq_1_to_50'

# Moves money around, in transactions that lock the same rows in the same order.
client() {
	for ((turn = 1; turn <= 20; turn++)); do
		from=$(((turn * $1) % 25 + 1)) to=$(((turn * $1 * 7) % 25 + 26))
		echo "begin; update accounts set money = money - $turn where n = $from;"
		echo "select count(*) from seq_1_to_3000;"
		echo "update accounts set money = money + $turn where n = $to; commit;"
	done | sql "${@:2}" bank | sort | uniq -c
}

for ((round = 0; round < $1; round++)); do
	clients=()
	for name in 1 2 3; do
		case $name in
		1) at=() ;;
		*) at=(--protocol=tcp -h 127.0.0.1 -P 3399) ;;
		esac
		client "$name" "${at[@]}" >"$2/client$name" 2>&1 &
		clients+=($!)
	done
	wait "${clients[@]}"
	cat "$2"/client?
	sql bank -e 'select sum(money), md5(group_concat(money order by n)) from accounts'
done
kill "$server"
wait "$server"
echo "server: $?"
