# shellcheck shell=bash
# Test results in KTAP (Documentation/dev-tools/ktap.rst). Sourced by tests:
#
#	. "$(dirname "$0")/../lib/ktap.sh"
#	check "true succeeds" true
#	check_not "false fails" false
#	same "the sum" "$(expr 1 + 1)" 2
#	ktap_end
#
# Every check is one result; what went wrong follows as comment lines. The plan
# comes at the end, so a test that stops half way is found out.

ktap_count=0 ktap_failed=0
echo "KTAP version 1"

# ktap_ok DESCRIPTION, ktap_not_ok DESCRIPTION, ktap_skip DESCRIPTION REASON
ktap_ok() {
	ktap_count=$((ktap_count + 1))
	echo "ok $ktap_count $1"
}

ktap_not_ok() {
	ktap_count=$((ktap_count + 1))
	ktap_failed=$((ktap_failed + 1))
	echo "not ok $ktap_count $1"
}

ktap_skip() {
	ktap_count=$((ktap_count + 1))
	echo "ok $ktap_count $1 # SKIP $2"
}

# diag TEXT...: for people who read the log.
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# check DESCRIPTION COMMAND...: it must succeed. check_not: it must fail, but
# not by a signal. status N DESCRIPTION COMMAND...: it must exit with N.
check() { status 0 "$@"; }

check_not() {
	local what=$1 output got=0
	shift
	output=$("$@" 2>&1 </dev/null) || got=$?
	if [ "$got" -gt 0 ] && [ "$got" -lt 128 ]; then
		ktap_ok "$what"
	else
		ktap_not_ok "$what"
		diag "$* exited with $got"
		diag "$output"
	fi
}

status() {
	local wanted=$1 what=$2 output got=0
	shift 2
	output=$("$@" 2>&1 </dev/null) || got=$?
	if [ "$got" = "$wanted" ]; then
		ktap_ok "$what"
	else
		ktap_not_ok "$what"
		diag "$* exited with $got, not $wanted"
		diag "$output"
	fi
}

# same DESCRIPTION GOT WANTED
same() {
	if [ "$2" = "$3" ]; then
		ktap_ok "$1"
	else
		ktap_not_ok "$1"
		diag "got:    $2"
		diag "wanted: $3"
	fi
}

# wait_for SECONDS COMMAND...: until it succeeds; fails when the time is over.
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# The last line of every test.
ktap_end() {
	echo "1..$ktap_count"
	[ "$ktap_failed" = 0 ]
}
