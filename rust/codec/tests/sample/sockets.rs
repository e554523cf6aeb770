// SPDX-License-Identifier: GPL-2.0

//! The sockets of the sample: one listens, with a connection that waits and its client, one is
//! connected to nobody any more, and one has datagrams.

use super::*;

const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;

impl Sample {
    /// A TCP socket that listens, and the open file of it.
    fn inet(&mut self) {
        let mut local = [0; 16];
        local[..4].copy_from_slice(&[127, 0, 0, 1]);
        let inet = cr_img_inet {
            family: 2,
            type_: SOCK_STREAM,
            protocol: 6,
            state: CR_SOCKET_LISTENING,
            flags: CR_INET_BOUND | CR_INET_OWN_ADDR | CR_INET_OWN_PORT,
            backlog: 511,
            mode: 0o777,
            local_port: 6379,
            mss: 536,
            ttl: 1,
            nr_options: 2,
            local,
            ..Default::default()
        };
        let option = |level, name, length, bytes: &[u8]| {
            let mut value = [0; CR_SOCKOPT_LEN as usize];
            value[..bytes.len()].copy_from_slice(bytes);
            cr_img_sockopt {
                level,
                name,
                length,
                reserved: 0,
                value,
            }
        };
        let options = [option(1, 2, 4, &[1]), option(6, 13, 16, b"cubic")];
        self.put(INET, &inet, options.as_bytes());
        let file = cr_img_file {
            kind: CR_FILE_INET,
            flags: 0o4002,
            target: INET,
            ..Default::default()
        };
        self.put(FILE_INET, &file, &[]);
    }

    pub(super) fn sockets(&mut self) {
        self.inet();
        let socket = cr_img_socket {
            rcvtimeo_ns: u64::MAX,
            sndtimeo_ns: u64::MAX,
            type_: SOCK_STREAM,
            state: CR_SOCKET_CONNECTED,
            options: CR_SOCKET_PASSRIGHTS,
            backlog: 10,
            sndbuf: 212992,
            rcvbuf: 212992,
            rcvlowat: 1,
            peek_off: -1,
            ..Default::default()
        };
        let listener = cr_img_socket {
            state: CR_SOCKET_LISTENING,
            options: CR_SOCKET_BOUND | CR_SOCKET_PEERCRED,
            mode: 0o777,
            peer_pid: 1,
            nr_groups: 1,
            name_len: 10,
            path_len: 9,
            ..socket
        };
        self.put(LISTENER, &listener, b"\x01\0\0\0/run/test\0/run/test");
        let waiting = cr_img_socket {
            listener: LISTENER,
            name_len: 10,
            path_len: 9,
            ..socket
        };
        self.put(WAITING, &waiting, b"/run/test\0/run/test");
        self.put(CLIENT, &socket, &[]);
        let alone = cr_img_socket {
            shutdown: 3,
            error: 104,
            ..socket
        };
        self.put(ALONE, &alone, &[]);
        let datagrams = cr_img_socket {
            type_: SOCK_DGRAM,
            options: CR_SOCKET_BOUND,
            name_len: 5,
            ..socket
        };
        self.put(DATAGRAMS, &datagrams, b"\0name");
        for (at, socket) in [LISTENER, CLIENT, ALONE, DATAGRAMS].iter().enumerate() {
            let file = cr_img_file {
                kind: CR_FILE_SOCKET,
                flags: 0o4002,
                target: *socket,
                ..Default::default()
            };
            self.put(FILE_LISTENER + at as u64, &file, &[]);
        }
        for (socket, peer, name) in [
            (WAITING, CLIENT, &b""[..]),
            (ALONE, 0, b"\0gone"),
            (DATAGRAMS, DATAGRAMS, b""),
        ] {
            let record = cr_img_peer {
                socket,
                peer,
                name_len: name.len() as u32,
                reserved: 0,
            };
            self.put(0, &record, name);
        }
        let message = cr_img_message {
            socket: WAITING,
            flags: CR_MESSAGE_CREDS,
            pid: 1,
            length: 5,
            ..Default::default()
        };
        self.put(0, &message, b"bytes");
        let message = cr_img_message {
            socket: DATAGRAMS,
            sender: DATAGRAMS,
            time_ns: 1,
            uid: u32::MAX,
            gid: u32::MAX,
            nr_files: 1,
            ..Default::default()
        };
        self.put(0, &message, FILE_DATAGRAMS.as_bytes());
    }
}
