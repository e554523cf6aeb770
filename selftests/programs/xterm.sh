#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# xterm.sh ROUNDS DIR: an X server with a window manager and terminals, in which programs ask for the title
# and the size of their windows, and change them. Prints the same each time.
dir=$2 number=77
export DISPLAY=:$number TERM=xterm LC_ALL=C
cat >"$dir/twmrc" <<'END'
RandomPlacement
NoGrabServer
TitleFont "fixed"
ResizeFont "fixed"
MenuFont "fixed"
IconFont "fixed"
IconManagerFont "fixed"
END
cat >"$dir/inside" <<'END'
# What a program in a terminal finds out, for descriptor 3: inside NAME ROUNDS.
stty -echo -icanon min 1
# ask SEQUENCE LAST: what the terminal answers, up to this character.
ask() {
	printf '\033[%s' "$1" >/dev/tty
	IFS= read -r -s -d "$2" answer
	answer=${answer#*$'\033'[\[\]]}
}
for ((round = 1; round <= $2; round++)); do
	rows=$((10 + round * 2)) columns=$((40 + round * 3))
	printf '\033]2;%s %s\033\\' "$1" "$round" >/dev/tty
	ask '21t' '\'
	echo "$1 title: ${answer%$'\033'}"
	printf '\033[8;%s;%st' "$rows" "$columns" >/dev/tty
	# The window manager has to agree.
	until [ "$(stty size)" = "$rows $columns" ]; do
		sleep 0.05
	done
	ask '14t' t
	echo "$1 pixels: $answer"
	for ((line = 1; line <= 60; line++)); do
		printf '\033[%sm%s line %s\033[0m\r\n' "$((30 + line % 8))" "$1" "$line" >/dev/tty
	done
	printf '\033[3;7H' >/dev/tty
	ask '6n' R
	echo "$1 cursor: $answer"
done >&3
exit 0
END
Xvfb ":$number" -screen 0 800x600x24 -nolisten tcp -noreset 2>"$dir/server" &
server=$!
until [ -S "/tmp/.X11-unix/X$number" ]; do
	sleep 0.05
done
twm -f "$dir/twmrc" 2>"$dir/twm" &
manager=$!
for ((round = 0; round < $1; round++)); do
	terminals=()
	for name in one two; do
		xterm -fn fixed -xrm '*allowWindowOps: true' -geometry "50x10+10+10" \
			-e bash -c "exec 3>$dir/said-$name; . $dir/inside $name 4" 2>"$dir/xterm-$name" &
		terminals+=($!)
	done
	wait "${terminals[@]}"
	cat "$dir"/said-*
done
kill "$manager"
wait "$manager"
kill "$server"
wait "$server"
echo "server: $?"
