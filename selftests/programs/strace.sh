#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# strace.sh ROUNDS PLACE: a shell that counts, forks and sleeps, under strace. Prints
# what the shell has written, and of each process the calls that it has made, which
# are the same each time; but for signals, which come at any time.
set -o pipefail
rounds=$1 place=$2
export LC_ALL=C

# shellcheck disable=SC2016
env -i PATH="$PATH" strace -f -o "$place/log" sh -c '
	i=0
	while [ $i -lt '"$rounds"' ]; do
		i=$((i + 1))
		echo "round $i"
		(echo "child of $i") | cat
		sleep 0.03
		n=$(echo "$((i * i))")
		echo "square $n"
	done
' || echo "strace: $?"

# PID CALL(...) = RESULT, or PID CALL(... <unfinished ...> and PID <... CALL resumed>...) = RESULT
awk '
	function wrong(what) { print "line " NR ": " what ": " $0 }
	!($1 in number) { number[$1] = ++processes }
	{ process = number[$1] }
	$2 == "---" { next }
	$2 == "+++" {
		if (process in begun)
			wrong("ends in a call")
		sub(/^[0-9]+ */, "")
		calls[process] = calls[process] " " $0
		next
	}
	$2 == "<..." {
		if (begun[process] != $3)
			wrong("no such call has begun")
		delete begun[process]
	}
	$2 != "<..." {
		if (process in begun)
			wrong("the call before has not ended")
		name = $2
		sub(/\(.*/, "", name)
		if (/<unfinished \.\.\.>$/)
			begun[process] = name
		if (name != "rt_sigreturn")
			calls[process] = calls[process] " " name
	}
	!/ = |<unfinished \.\.\.>$/ { wrong("no result") }
	/ERESTART/ { wrong("interrupted") }
	END {
		for (process = 1; process <= processes; process++)
			print "calls:" calls[process]
	}
' "$place/log" | sort
