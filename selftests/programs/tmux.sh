#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tmux.sh ROUNDS DIR: a tmux with three windows, a shell, an editor with text that
# is not saved, and top; somebody types in them. Prints the same each time.
rounds=$1 dir=$2
export TERM=screen LC_ALL=C.UTF-8

t() {
	tmux -S "$dir/tmux" -f /dev/null "$@"
}

# shows WINDOW TEXT [TIMES]: waits until that is to be seen, in so many lines.
shows() {
	local end=$((SECONDS + 60 * ${CR_SLOWER:-1}))
	until (($(t capture-pane -p -t "$1" | grep -cF -e "$2") >= ${3:-1})); do
		if ((SECONDS > end)); then
			echo "$1 does not show $2:" >&2
			t capture-pane -p -t "$1" >&2
			t kill-server
			exit 1
		fi
		sleep 0.05
	done
}

t new-session -d -x 80 -y 24 -n shell "exec bash --norc --noprofile -i"
t new-window -n editor "exec vim.tiny -u NONE -i NONE -n $dir/text"
t new-window -n top "exec top -d 0.3"
shows shell bash-
shows editor '~'
shows top PID
t send-keys -t editor i
for ((round = 1; round <= rounds; round++)); do
	t send-keys -t shell "echo \$((1000 + $round * 7)) \$(tty) \$(stty size)" Enter
	shows shell "$((1000 + round * 7)) /dev/pts/"
	t send-keys -t editor "line $round" Enter
	shows editor "line $round"
	# A job that is stopped by what is typed, and goes on.
	t send-keys -t shell "sleep 0.2; echo end-\$(($round + 500))" Enter
	shows shell "end-$((round + 500))"
	t list-windows -F '#W #{pane_dead} #{pane_width} #{pane_current_command}'
done
# What is typed before the shell has left its editor of lines, or before cat has the
# terminal, would be for the shell.
t send-keys -t shell "echo go-\$((1 + 1)); cat" Enter
shows shell go-2
t send-keys -t shell "some text" Enter
shows shell "some text" 2
t send-keys -t shell C-z
shows shell Stopped
t send-keys -t shell "echo go-\$((2 + 2)); fg" Enter
shows shell go-4
t send-keys -t shell "more text" Enter
shows shell "more text" 2
t send-keys -t shell C-c
t send-keys -t shell "echo status-\$?" Enter
shows shell status-130
t capture-pane -p -t shell | grep -c text
t send-keys -t editor Escape ":wq" Enter
until ! t list-windows -F '#W' | grep -q editor; do
	sleep 0.05
done
cat "$dir/text"
t send-keys -t shell "exit" Enter
t kill-server
