# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Counts to 200 through a pipeline of processes: each line has a number and the
# sum of all numbers so far. The descriptor 9 never has anything to read.
exec 9<> <(:)
for ((n = 1; n <= 200; n++)); do
	read -r -t 0.01 -u 9
	echo "$n"
done | while read -r n; do
	echo "$n $((sum += n))"
done | tee -a lines >/dev/null
