#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# openssh.sh ROUNDS DIR: an OpenSSH server, and clients with sessions through it, one with a terminal,
# of another user than root. Prints the same each time.
port=2299 user=postgres
# Directories of tests are root's alone, and sshd trusts no keys that others could change.
keys=$(mktemp -d /root/openssh.XXXXXX)
trap 'rm -rf "$keys"' EXIT
ssh-keygen -q -t ed25519 -N '' -f "$keys/host"
ssh-keygen -q -t ed25519 -N '' -f "$keys/client"
chmod 711 /root "$keys"
chmod 644 "$keys/client.pub"
mkdir -p /run/sshd
# A locked account would let nobody in.
sed -i "s/^$user:!*/$user:*/" /etc/shadow
cat >"$keys/config" <<END
Port $port
ListenAddress 127.0.0.1
HostKey $keys/host
AuthorizedKeysFile $keys/client.pub
PidFile none
PrintMotd no
PrintLastLog no
UsePAM no
Subsystem sftp internal-sftp
END
/usr/sbin/sshd -D -e -f "$keys/config" 2>"$2/server" &
server=$!
options=(-F none -i "$keys/client" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=error)
in_session() { ssh "${options[@]}" -p "$port" "$@"; }
until in_session root@127.0.0.1 true 2>"$2/client"; do
	sleep 0.1
done

# shellcheck disable=SC2016 # for the shell at the other end
client() {
	case $1 in
	counts) in_session $user@127.0.0.1 'for ((n = 1; n <= 10; n++)); do echo $n; sleep 0.1; done; id -un; exit 3' ;;
	terminal) in_session -tt $user@127.0.0.1 'tty | tr -d 0-9; stty -a | grep -c echo; sleep 0.5; whoami' </dev/null ;;
	stream) seq 30000 | in_session root@127.0.0.1 'sha256sum; seq 20000' | sha256sum ;;
	files) (cd "$2" && sftp -q "${options[@]}" -P "$port" -b - root@127.0.0.1 <<<"get /etc/services" &&
		cmp /etc/services services) ;;
	esac
	echo "$1: $?"
}

for ((round = 0; round < $1; round++)); do
	clients=()
	for name in counts files stream terminal; do
		client "$name" "$2" >"$2/client-$name" 2>&1 &
		clients+=($!)
	done
	wait "${clients[@]}"
	cat "$2"/client-*
done
kill "$server"
wait "$server"
echo "server: $?"
