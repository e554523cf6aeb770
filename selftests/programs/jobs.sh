#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# jobs.sh ROUNDS: job control: background jobs, stopped ones, pipelines, traps,
# wait -n, substitutions. Prints the same each time.
set -m
traps=0
trap 'traps=$((traps + 1))' USR1

for ((round = 0; round < $1; round++)); do
	for n in 3 1 2; do
		(sleep "0.0$n"; exit "$n") &
	done
	sum=0
	while :; do
		wait -n
		status=$?
		[ "$status" -eq 127 ] && break
		# A trap has interrupted the wait.
		[ "$status" -gt 128 ] && continue
		sum=$((sum + status))
	done

	sleep 0.02 &
	kill -STOP %%
	until [ -n "$(jobs -s)" ]; do :; done
	kill -CONT %%
	wait %%
	stopped=$?

	kill -USR1 $$
	count=$(seq 200 | grep -c 7 | cat)
	text=$(printf '%s\n' c a b | sort | tr '\n' ' ')
	echo "round $round: $sum $stopped $count $text$traps"
done
