#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# debug.sh PROGRAM ROUNDS PLACE: gdb debugs a program of two threads: breakpoints,
# conditions, watchpoints of the processor, steps. Its commands come one by one,
# the last of them when PLACE/stop is there. Prints the same each time.
set -o pipefail
program=$1 rounds=$2 place=$3

commands() {
	cat <<-END
		set width 0
		set confirm off
		set exec-wrapper env -i
		set sysroot /
		break add if number == 7
		break count_down
		run $((rounds + 2))
	END
	for ((round = 0; round < rounds; round++)); do
		for command in bt "print number" next next step step "print *entry" "print *entry->next" \
			"watch total" continue continue "delete \$bpnum" continue bt \
			"print total" continue; do
			echo "$command"
			sleep 0.02
		done
	done
	echo "print left"
	touch "$place/waits"
	until [ -e "$place/stop" ]; do
		sleep 0.05
	done
	for command in bt "print total" "info breakpoints" delete continue "print \$_exitcode"; do
		echo "$command"
	done
}

commands | gdb -q -nx -d "${0%/*}" "$program"
