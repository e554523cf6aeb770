#!/bin/bash
# The virtual machine itself: what scripts/vm promises to the commands in it.
. selftests/lib/ktap.sh

mounted() { [ "$(findmnt -n -o FSTYPE "$1")" = "$2" ]; }

check "proc" mounted /proc proc
check "sysfs" mounted /sys sysfs
check "cgroup2" mounted /sys/fs/cgroup cgroup2
check "devpts" mounted /dev/pts devpts
for dir in /tmp /run /dev/shm; do check "tmpfs on $dir" mounted "$dir" tmpfs; done
check "a terminal can be opened" script -qec tty /dev/null
check "loopback is up" python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); socket.create_connection(s.getsockname())'
check "the root file system is writable" touch /usr/cr-vm-test
check "crctl is on the PATH" command -v crctl
check "/dev/cr is there" test -c /dev/cr
for tool in gcc make python3 sqlite3 xz criu redis-server ps ip; do
	check "$tool is installed" command -v "$tool"
done
same "working directory" "$PWD/selftests" "$(cd selftests && pwd -P)"
same "home directory" "$HOME" /root
same "no signal is ignored" "$(awk '/^SigIgn/ {print $2}' /proc/self/status)" 0000000000000000
# shellcheck disable=SC2005,SC2046
same "no descriptor is left open" "$(echo $(ls /proc/self/fd))" "0 1 2 3"

# An orphan must become a child of pid 1 and vanish when it ends.
orphan=$(bash -c 'sleep 0.2 >/dev/null & echo $!')
gone() { [ ! -e "/proc/$orphan" ]; }
check "pid 1 reaps orphans" wait_for 5 gone
ktap_end
