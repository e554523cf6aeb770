#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# vnc.sh ROUNDS DIR: a VNC server with a terminal, and a viewer that keeps its connection, and such that do
# not: they type, and look at the screen. Prints the same each time.
number=78 port=5978
export DISPLAY=:$number TERM=xterm LC_ALL=C
Xtigervnc ":$number" -SecurityTypes None -rfbport $port -localhost -geometry 400x300 -depth 24 -noreset \
	-AlwaysShared 2>"$2/server" &
server=$!
until [ -S "/tmp/.X11-unix/X$number" ]; do
	sleep 0.05
done
# No cursor: it would be seen or not when one looks.
xterm -fn fixed -geometry 60x20+0+0 -xrm '*cursorColor: white' -e bash -c "
	stty -echo
	printf '\\033[?25l\\033]2;ready\\033\\\\ready\\r\\n' >/dev/tty
	while IFS= read -r line && [ \"\$line\" != end ]; do
		echo \"\$line\"
		echo \"\$line\" >>'$2/typed'
	done" 2>"$2/xterm" &
terminal=$!

PYTHONPATH=$(dirname "$0") python3 -B - "$1" "$port" "$2/typed" <<'END'
import clients, hashlib, pathlib, socket, struct, sys, time

rounds, port, typed = int(sys.argv[1]), int(sys.argv[2]), pathlib.Path(sys.argv[3])
WIDTH, HEIGHT, RAW = 400, 300, 0

class Viewer:
    def __init__(self):
        self.socket = clients.insist(lambda: socket.create_connection(("127.0.0.1", port)))
        self.file = self.socket.makefile("rb")
        self.socket.sendall(self.file.read(12))
        self.file.read(self.file.read(1)[0])
        self.socket.sendall(b"\1")
        assert self.file.read(4) == bytes(4)
        # Others may look, too.
        self.socket.sendall(b"\1")
        width, height = struct.unpack(">HH", self.file.read(4))
        assert (width, height) == (WIDTH, HEIGHT)
        self.file.read(16)
        self.file.read(*struct.unpack(">I", self.file.read(4)))
        self.socket.sendall(struct.pack(">BxHi", 2, 1, RAW))
        # Eight bits for each pixel.
        self.socket.sendall(struct.pack(">B3xBBBBHHHBBB3x", 0, 8, 8, 0, 1, 7, 7, 3, 0, 3, 6))
        self.rows = [bytearray(WIDTH) for _ in range(HEIGHT)]

    def look(self):
        """What is to be seen now."""
        self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, WIDTH, HEIGHT))
        left = WIDTH * HEIGHT
        while left > 0:
            kind, = self.file.read(1)
            if kind != 0:
                raise ValueError(f"message {kind}")
            for _ in range(struct.unpack(">xH", self.file.read(3))[0]):
                x, y, width, height, how = struct.unpack(">HHHHi", self.file.read(12))
                assert how == RAW
                for row in self.rows[y:y + height]:
                    row[x:x + width] = self.file.read(width)
                left -= width * height
        return b"".join(self.rows)

    def point(self, x, y):
        self.socket.sendall(struct.pack(">BBHH", 5, 0, x, y))

    def type(self, text):
        for char in text:
            key = 0xff0d if char == "\n" else ord(char)
            for down in (1, 0):
                self.socket.sendall(struct.pack(">BBxxI", 4, down, key))

def wait_for(condition):
    while not (result := condition()):
        time.sleep(0.05)
    return result

def settled(viewer):
    """The screen, when it does not change any more."""
    before = viewer.look()
    while True:
        time.sleep(0.2)
        now = viewer.look()
        if now == before:
            return now
        before = now

kept = Viewer()
wait_for(lambda: len(set(kept.look())) > 1)
kept.point(50, 50)
time.sleep(0.2)
for round in range(rounds):
    other = Viewer()
    for number, viewer in enumerate((kept, other)):
        line = f"round {round} of viewer {number}"
        viewer.type(line + "\n")
        wait_for(lambda: typed.exists() and typed.read_text().endswith(line + "\n"))
        seen = settled(viewer)
        print(line, hashlib.sha256(seen).hexdigest()[:12], sum(pixel != seen[0] for pixel in seen))
kept.type("end\n")
END
wait "$terminal"
cat "$2/typed"
kill "$server"
wait "$server"
echo "server: $?"
