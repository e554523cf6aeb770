#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# redis.sh ROUNDS DIR: a redis-server with clients at its Unix socket and over TCP,
# several at a time, each with many requests in one stream. Prints the same each time.
socket=$2/socket port=6399
redis-server --bind 127.0.0.1 --port "$port" --unixsocket "$socket" --save "" --dir "$2" --loglevel warning \
	>"$2/server" 2>&1 &
server=$!
until [ "$(redis-cli -s "$socket" ping 2>&1)" = PONG ]; do
	sleep 0.05
done

client() {
	for ((request = 1; request <= 40; request++)); do
		echo "incrby total $request"
		echo "rpush list:$1 $request"
		echo "setrange text $((request * 10)) client$1"
	done | redis-cli "${@:2}" | tail -n 1
}

for ((round = 0; round < $1; round++)); do
	clients=()
	for name in 1 2 3; do
		case $name in
		1) at=(-s "$socket") ;;
		*) at=(-h 127.0.0.1 -p "$port") ;;
		esac
		client "$name" "${at[@]}" >"$2/client$name" &
		clients+=($!)
	done
	wait "${clients[@]}"
	cat "$2"/client?
	redis-cli -s "$socket" mget total missing
	redis-cli -s "$socket" llen list:2
done
redis-cli -s "$socket" shutdown nosave
wait "$server"
echo "server: $?"
