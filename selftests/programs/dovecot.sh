#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# dovecot.sh ROUNDS DIR: an IMAP server, and clients that keep their connections and such that do not; one
# waits for mail (IDLE) that others store. Prints the same each time.
# Directories of tests are root's alone.
base=$(mktemp -d)
trap 'rm -rf "$base"' EXIT
chmod 755 "$base"
install -d -o postgres -g postgres "$base/home"
cat >"$base/config" <<END
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
base_dir = $base/run
state_dir = $base/state
log_path = /dev/stderr
protocols = imap
ssl = no
auth_allow_cleartext = yes
auth_mechanisms = plain
first_valid_uid = 1
mail_driver = maildir
mail_path = ~/mail
service imap-login {
	inet_listener imap {
		listen = 127.0.0.1
		port = 1143
	}
	inet_listener imaps {
		port = 0
	}
}
passdb static {
	password = secret
}
userdb static {
	fields {
		uid = postgres
		gid = postgres
		home = $base/home/%{user}
	}
}
END
dovecot -F -c "$base/config" >"$2/server" 2>&1 &
server=$!

PYTHONPATH=$(dirname "$0") python3 -B - "$1" <<'END'
import clients, imaplib, sys, threading

rounds, PORT, WATCHED = int(sys.argv[1]), 1143, 2
idles = [threading.Event() for _ in range(rounds)]

def connect(number):
    connection = clients.insist(lambda: imaplib.IMAP4("127.0.0.1", PORT))
    connection.login(f"user{number}", "secret")
    connection.select()
    return connection

def client(number, said):
    kept = connect(number)
    for round in range(rounds):
        text = f"Subject: {number} {round}\r\n\r\n" + "some text\r\n" * (round * 100 + 1)
        said.append((number, round, kept.append("INBOX", None, None, text.encode())[0]))
        other = connect(number)
        found, = other.search(None, "SUBJECT", f'"{number} {round}"')[1]
        other.store(found, "+FLAGS", "\\Flagged")
        said.append((number, found, len(other.fetch(found, "(RFC822)")[1][0][1]), other.logout()[0]))
        kept.noop()
        said.append((number, "flagged", kept.search(None, "FLAGGED")[1]))
        if number == WATCHED:
            idles[round].wait()
            other = connect(number)
            other.append("INBOX", None, None, b"Subject: wake\r\n\r\nup\r\n")
            other.logout()

def waiting(said):
    """Waits for the mail that the client above stores when it is told to."""
    connection = connect(WATCHED)
    for round in range(rounds):
        connection.send(b"A IDLE\r\n")
        lines = [connection.readline()]
        idles[round].set()
        while not lines[-1].endswith(b" EXISTS\r\n") or int(lines[-1].split()[1]) < 2 * (round + 1):
            lines.append(connection.readline())
        connection.send(b"DONE\r\n")
        while not lines[-1].startswith(b"A OK"):
            lines.append(connection.readline())
        said.append(("idle", lines[0], lines[-1][:15]))

clients.run(lambda number, said: client(number, said) if number else waiting(said), range(4))
END
kill "$server"
wait "$server"
echo "server: $?"
