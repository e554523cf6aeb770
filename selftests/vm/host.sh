#!/bin/bash
# scripts/vm as seen by its caller: output, exit status, what it refuses. Runs
# on the host, with machines that have no module.
. selftests/lib/ktap.sh

vm() { scripts/vm --no-module --mem 1G --timeout 60 "$@"; }

bytes=$(printf '\0\377\r\n\004x' | od -An -tx1)
out=$(vm -- bash -c "printf '\\0\\377\\r\\n\\004x'; echo to-stderr >&2; exit 7" 2>/tmp/cr-vm-err.$$ | od -An -tx1; exit "${PIPESTATUS[0]}")
same "exit status" $? 7
same "standard output, unchanged" "$out" "$bytes"
same "standard error" "$(cat /tmp/cr-vm-err.$$)" to-stderr
rm -f /tmp/cr-vm-err.$$

status 137 "death by signal" vm -- bash -c 'kill -9 $$'
status 124 "timeout" scripts/vm --no-module --timeout 2 -- sleep 60
status 99 "panic" vm -- bash -c 'echo c >/proc/sysrq-trigger; sleep 60'
status 99 "complaint in the kernel log" vm -- bash -c 'echo "WARNING: CPU: 0 PID: 1 at mm" >/dev/kmsg'
status 125 "a share that does not exist" vm --share /nonexistent -- true
ktap_end
