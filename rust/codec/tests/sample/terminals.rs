// SPDX-License-Identifier: GPL-2.0

//! A pseudoterminal, with something in it; files that the kernel makes up.

use super::{
    Sample, CGROUP, FILE_CURRENT_TTY, FILE_HUNG_UP, FILE_KERNFS, FILE_MASTER, FILE_PROC,
    FILE_SLAVE, TTY,
};
use cr_codec::uapi::*;

impl Sample {
    pub(super) fn terminals(&mut self) {
        let tty = cr_img_tty {
            index: 3,
            flags: CR_TTY_PACKET,
            open_flags: 0o2,
            mode: 0o620,
            gid: 5,
            session: 1,
            pgrp: 5,
            rows: 24,
            columns: 80,
            packet_status: 1,
            path_len: 9,
            master: cr_img_tty_end {
                nr_flip: 2,
                flip_lookahead: 1,
                ..Default::default()
            },
            slave: cr_img_tty_end {
                flags: CR_TTY_STOPPED,
                nr_read: 3,
                line_start: 2,
                canon_head: 2,
                commit_head: 3,
                nr_echo: 1,
                echo_commit: 1,
                echo_mark: -1,
                column: 7,
                ..Default::default()
            },
            ..Default::default()
        };
        let data = b"/dev/ptmxupa\nb\x00\x01\x00e";
        self.put(TTY, &tty, data);
        let file = |kind, flags, path_len| cr_img_file {
            kind,
            flags,
            target: TTY,
            path_len,
            ..Default::default()
        };
        self.put(FILE_MASTER, &file(CR_FILE_PTMX, 0o2, 0), &[]);
        self.put(FILE_SLAVE, &file(CR_FILE_PTS, 0o102002, 10), b"/dev/pts/3");
        let current = file(CR_FILE_CURRENT_TTY, 0o4001, 8);
        self.put(FILE_HUNG_UP, &file(CR_FILE_HUNG_UP, 0o1, 0), &[]);
        self.put(FILE_CURRENT_TTY, &current, b"/dev/tty");
        let read_in_part = cr_img_file {
            kind: CR_FILE_PROC,
            flags: 0o100000,
            pos: 3,
            target: 2,
            size: 6,
            mode: 0o100444,
            path_len: 12,
            ..Default::default()
        };
        self.put(FILE_PROC, &read_in_part, b"/proc/uptime45 6.7");
    }
    pub(super) fn cgroup(&mut self) {
        let cgroup = cr_img_kernfs_file {
            opener: 1 << 24,
            next: 2,
            uid: 1000,
            flags: CR_KERNFS_CHANGED | CR_KERNFS_FULL | CR_KERNFS_EVENT,
            mount_len: 14,
            threshold_us: 150_000,
            window_us: 1_000_000,
            nr_left: 4,
            ..Default::default()
        };
        self.put(CGROUP, &cgroup, b"0.00");
        let file = cr_img_file {
            kind: CR_FILE_KERNFS,
            flags: 0o2,
            pos: 11,
            target: CGROUP,
            mode: 0o100644,
            path_len: 32,
            ..Default::default()
        };
        self.put(FILE_KERNFS, &file, b"/sys/fs/cgroup/a/memory.pressure");
    }
}
