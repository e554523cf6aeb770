// SPDX-License-Identifier: GPL-2.0

//! The sockets of the sample: one listens, with a connection that waits and its client, one is
//! connected to nobody any more, and one has datagrams, as has one of UDP; one is of netlink, one is raw, and one is a packet socket.

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

    /// A connection from an IPv4 socket to an IPv6 one, with something on its way in it.
    fn connection(&mut self) {
        let mut v4 = [0; 16];
        v4[..4].copy_from_slice(&[127, 0, 0, 1]);
        let mut v6 = [0; 16];
        v6[10..].copy_from_slice(&[0xff, 0xff, 127, 0, 0, 1]);
        let end = |family, address, local_port, remote_port| cr_img_inet {
            family,
            type_: SOCK_STREAM,
            protocol: 6,
            state: CR_SOCKET_CONNECTED,
            flags: CR_INET_BOUND,
            mode: 0o777,
            local_port,
            remote_port,
            mss: 32768,
            ttl: 64,
            local: address,
            remote: address,
            ..Default::default()
        };
        self.put(CONNECTED, &end(2, v4, 40000, 80), &[]);
        self.put(ACCEPTED, &end(10, v6, 80, 40000), &[]);
        for (id, target) in [(FILE_CONNECTED, CONNECTED), (FILE_ACCEPTED, ACCEPTED)] {
            let file = cr_img_file {
                kind: CR_FILE_INET,
                flags: 0o2,
                target,
                ..Default::default()
            };
            self.put(id, &file, &[]);
        }
        let stream = |socket, peer| cr_img_stream {
            socket,
            peer,
            read_seq: u32::MAX,
            write_seq: 1,
            mss: 65495,
            send_scale: 7,
            receive_scale: 14,
            send_window: 65535,
            max_window: 65536,
            receive_window: 0,
            flags: CR_STREAM_SACK | CR_STREAM_TIMESTAMPS,
            ..Default::default()
        };
        let back = stream(CONNECTED, ACCEPTED);
        self.put(0, &back, &[]);
        let there = cr_img_stream {
            nr_received: 3,
            nr_pending: 5,
            ..stream(ACCEPTED, CONNECTED)
        };
        self.put(0, &there, b"GET / HT");
        let waiting = cr_img_waiting {
            listener: INET,
            client: 0,
            nr_bytes: 4,
            flags: CR_WAITING_ENDED,
            family: 2,
            port: 50000,
            from: v4,
            to: v4,
        };
        self.put(0, &waiting, b"HEAD");
    }

    /// A UDP socket for both families, in two groups, with a datagram of each.
    fn udp(&mut self) {
        let inet = cr_img_inet {
            family: 10,
            type_: SOCK_DGRAM,
            protocol: 17,
            flags: CR_INET_BOUND | CR_INET_OWN_PORT,
            mode: 0o777,
            local_port: 53,
            nr_options: 3,
            drops: 5,
            ..Default::default()
        };
        let option = |level, name, length| cr_img_sockopt {
            level,
            name,
            length,
            reserved: 0,
            value: [0; CR_SOCKOPT_LEN as usize],
        };
        let options = [option(17, 1, 4), option(0, 35, 12), option(0, 35, 12)];
        self.put(UDP, &inet, options.as_bytes());
        let file = cr_img_file {
            kind: CR_FILE_INET,
            flags: 0o2,
            target: UDP,
            ..Default::default()
        };
        self.put(FILE_UDP, &file, &[]);
        for option in [26, 51] {
            let filter = cr_img_sockfilter {
                socket: UDP,
                option,
                nr_insns: 1,
            };
            self.put(0, &filter, &[6, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
        }
        let mut v4 = [0; 16];
        v4[..4].copy_from_slice(&[127, 0, 0, 1]);
        let source = cr_img_source {
            socket: UDP,
            family: 2,
            ifindex: 1,
            address: [127, 0, 0, 1],
            group: v4,
            source: v4,
            ..Default::default()
        };
        self.put(0, &source, &[]);
        let datagram = cr_img_datagram {
            socket: UDP,
            time_ns: 1,
            length: 5,
            family: 2,
            from_port: 40000,
            to_port: 53,
            ifindex: 1,
            spec_dst: [127, 0, 0, 1],
            ttl: 64,
            from: v4,
            to: v4,
            ..Default::default()
        };
        let error = cr_img_sockerr {
            packet: cr_img_datagram {
                length: 3,
                from_port: 0,
                to_port: 0,
                ..datagram
            },
            error: 111,
            origin: 2,
            type_: 3,
            code: 3,
            port: 53,
            to: v4,
            ..Default::default()
        };
        self.put(0, &error, b"ask");
        let cork = cr_img_cork {
            socket: UDP,
            length: 4,
            family: 2,
            port: 53,
            from: v4,
            to: v4,
            ..Default::default()
        };
        self.put(0, &cork, b"half");
        let mtu = cr_img_sockerr {
            packet: cr_img_datagram {
                socket: UDP,
                family: 10,
                ..Default::default()
            },
            info: 1280,
            to: [1; 16],
            ..Default::default()
        };
        self.put(0, &mtu, &[]);
        self.put(0, &datagram, b"query");
        let other = cr_img_datagram {
            length: 0,
            family: 10,
            spec_dst: [0; 4],
            flow: 1,
            from: [1; 16],
            to: [1; 16],
            ..datagram
        };
        self.put(0, &other, &[]);
    }

    /// A netlink socket in two groups, with a message.
    fn netlink(&mut self) {
        let netlink = cr_img_netlink {
            opener: 1 << 12,
            type_: 3,
            protocol: 0,
            state: CR_SOCKET_CONNECTED,
            flags: CR_NETLINK_CONGESTED,
            error: 105,
            portid: 4000,
            to_group: 1,
            mode: 0o777,
            nr_options: 3,
            ..Default::default()
        };
        let option = |level, name, first| {
            let mut value = [0; CR_SOCKOPT_LEN as usize];
            value[0] = first;
            cr_img_sockopt {
                level,
                name,
                length: 4,
                reserved: 0,
                value,
            }
        };
        let options = [option(1, 16, 1), option(270, 1, 1), option(270, 1, 2)];
        self.put(NETLINK, &netlink, options.as_bytes());
        let file = cr_img_file {
            kind: CR_FILE_NETLINK,
            flags: 0o2,
            target: NETLINK,
            ..Default::default()
        };
        self.put(FILE_NETLINK, &file, &[]);
        let message = cr_img_netlink_message {
            socket: NETLINK,
            length: 4,
            flags: CR_NETLINK_NSID,
            group: 1,
            nsid: 1,
            ..Default::default()
        };
        self.put(0, &message, b"link");
    }

    /// A raw socket of ICMP, with a packet that is a header.
    fn raw(&mut self) {
        let inet = cr_img_inet {
            family: 2,
            type_: 3,
            protocol: 1,
            flags: CR_INET_BOUND,
            mode: 0o777,
            local_port: 1,
            nr_options: 1,
            ..Default::default()
        };
        let option = cr_img_sockopt {
            level: 255,
            name: 1,
            length: 4,
            reserved: 0,
            value: [0; CR_SOCKOPT_LEN as usize],
        };
        self.put(RAW, &inet, option.as_bytes());
        let file = cr_img_file {
            kind: CR_FILE_INET,
            flags: 0o2,
            target: RAW,
            ..Default::default()
        };
        self.put(FILE_RAW, &file, &[]);
        let source = cr_img_source {
            socket: RAW,
            family: 2,
            ifindex: 1,
            blocked: 1,
            ..Default::default()
        };
        self.put(0, &source, &[]);
        let packet = cr_img_datagram {
            socket: RAW,
            length: 20,
            family: 2,
            ifindex: 1,
            spec_dst: [127, 0, 0, 1],
            ..Default::default()
        };
        self.put(0, &packet, &[0x45; 20]);
    }

    /// A socket for ping, of ICMPv6, that is connected, with an answer.
    fn ping(&mut self) {
        let loopback = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let inet = cr_img_inet {
            family: 10,
            type_: 2,
            protocol: 58,
            state: CR_SOCKET_CONNECTED,
            flags: CR_INET_BOUND | CR_INET_OWN_PORT,
            mode: 0o777,
            local_port: 77,
            local: loopback,
            remote: loopback,
            nr_options: 1,
            ..Default::default()
        };
        let option = cr_img_sockopt {
            level: 41,
            name: 51,
            length: 4,
            reserved: 0,
            value: [0; CR_SOCKOPT_LEN as usize],
        };
        self.put(PING, &inet, option.as_bytes());
        let file = cr_img_file {
            kind: CR_FILE_INET,
            flags: 0o2,
            target: PING,
            ..Default::default()
        };
        self.put(FILE_PING, &file, &[]);
        let answer = cr_img_datagram {
            socket: PING,
            length: 8,
            family: 10,
            ifindex: 1,
            ttl: 64,
            from: loopback,
            to: loopback,
            ..Default::default()
        };
        self.put(0, &answer, &[129, 0, 0, 0, 0, 77, 0, 1]);
    }

    /// A packet socket of a device, with a frame.
    fn link(&mut self) {
        let link = cr_img_link {
            device: padded("lo"),
            ifindex: 1,
            type_: 3,
            protocol: 0x800,
            packets: 1,
            mode: 0o777,
            nr_options: 2,
            ..Default::default()
        };
        let option = |name, length| cr_img_sockopt {
            level: 263,
            name,
            length,
            reserved: 0,
            value: [0; CR_SOCKOPT_LEN as usize],
        };
        let options = [option(8, 4), option(1, 16)];
        self.put(LINK, &link, options.as_bytes());
        let file = cr_img_file {
            kind: CR_FILE_LINK,
            flags: 0o2,
            target: LINK,
            ..Default::default()
        };
        self.put(FILE_LINK, &file, &[]);
        let mut addr = [0; CR_DEVICE_ADDR_LEN as usize];
        addr[..6].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        let frame = cr_img_frame {
            socket: LINK,
            time_ns: 1,
            length: 4,
            origlen: 60,
            ifindex: 1,
            hatype: 772,
            protocol: 0x800,
            halen: 6,
            network: 14,
            csum: CR_FRAME_CSUM_PARTIAL,
            csum_start: 34,
            csum_offset: 6,
            addr,
            ..Default::default()
        };
        self.put(0, &frame, b"head");
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
        self.connection();
        self.udp();
        self.netlink();
        self.raw();
        self.link();
        self.ping();
    }
}
