#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# screen.sh ROUNDS DIR: a screen with a shell, in which somebody types; a terminal is attached to it, by
# script(1), taken away, and attached again. Prints the same each time.
rounds=$1 dir=$2
export TERM=xterm LC_ALL=C.UTF-8 SCREENDIR=$dir/sockets
mkdir -m 700 "$SCREENDIR"
printf '%s\n' 'startup_message off' 'shell /bin/bash' >"$dir/screenrc"

s() {
	screen -c "$dir/screenrc" -S test "$@"
}

types() {
	s -p 0 -X stuff "$1"$'\n'
}

# shows TEXT: waits until a line of the window is that.
shows() {
	local end=$((SECONDS + 60 * ${CR_SLOWER:-1}))
	until s -p 0 -X hardcopy "$dir/hardcopy" && grep -qxF -e "$1" "$dir/hardcopy" 2>"$dir/grep"; do
		if ((SECONDS > end)); then
			echo "the window does not show $1:" >&2
			cat "$dir/hardcopy" >&2
			s -X quit
			exit 1
		fi
		sleep 0.05
	done
}

# has WINDOWS: waits until there are so many.
has() {
	until [ "$(s -Q windows | grep -aow bash | wc -l)" = "$1" ]; do
		sleep 0.05
	done
}

# What is typed at the terminal that is attached comes from a fifo.
attach() {
	script -qfc "stty rows 30 cols 90; exec screen -c '$dir/screenrc' -S test -x" "$dir/typescript" \
		<"$dir/keys" >"$dir/script" 2>&1 &
	terminal=$!
	exec 4>"$dir/keys"
}

mkfifo "$dir/keys"
s -dm bash --norc --noprofile -i
types "echo in-\$((1 + 1))"
shows "in-2"
for ((round = 1; round <= rounds; round++)); do
	attach
	# The window gets the size of the terminal.
	types "until [ \"\$(stty size)\" = '30 90' ]; do sleep 0.05; done; echo attached-\$(($round + 100))"
	shows "attached-$((round + 100))"
	echo "echo typed-\$(($round + 200)) \$(stty size)" | tr '\n' '\r' >&4
	shows "typed-$((round + 200)) 30 90"
	# Another window, whose shell ends, and away: by the keys of screen.
	printf '\1c' >&4
	has 2
	printf 'exit\r' >&4
	has 1
	printf '\1d' >&4
	wait "$terminal"
	echo "round $round: $?"
	exec 4>&-
	types "sleep 0.3; echo away-\$(($round + 300))"
	shows "away-$((round + 300))"
done
s -X quit
until ! s -ls >"$dir/ls"; do
	sleep 0.05
done
