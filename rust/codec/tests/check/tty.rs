// SPDX-License-Identifier: GPL-2.0

//! Pseudoterminals.

use super::sample::*;
use super::{fails, passes};
use cr_codec::uapi::*;

fn refused(why: &str, change: impl Fn(&mut cr_img_tty)) {
    fails::<cr_img_tty>(0, why, change);
}

#[test]
fn pairs() {
    refused("impossible number", |tty| tty.index = 1 << 20);
    refused("unknown flags", |tty| tty.flags |= 1 << 4);
    refused("that a master cannot have", |tty| {
        tty.open_flags |= 0o200000
    });
    refused("impossible mode or owner", |tty| tty.mode = 0o10000);
    refused("impossible mode or owner", |tty| tty.uid = u32::MAX);
    refused("impossible session", |tty| tty.pgrp = 0);
    refused("impossible session", |tty| {
        (tty.session, tty.pgrp, tty.flags) = (0, 0, CR_TTY_PGRP_GONE)
    });
    passes::<cr_img_tty>(0, |tty| tty.flags |= CR_TTY_PGRP_GONE | CR_TTY_LOCKED);
    refused("status of packet mode", |tty| tty.packet_status = 1 << 7);
    refused("without a master does not have", |tty| {
        tty.flags = CR_TTY_MASTER_CLOSED
    });
    refused("a master that was hung up", |tty| {
        tty.master.flags = CR_TTY_HUPPED
    });
    refused("its count disagree", |tty| tty.slave.nr_echo = 2);
    refused("its count disagree", |tty| tty.path_len = 10);
    refused("not an absolute path", |tty| {
        (tty.path_len, tty.master.nr_flip) = (0, 11)
    });
}

#[test]
fn ends() {
    refused("unknown flags of an end", |tty| tty.slave.flags |= 1 << 10);
    refused("unknown flags of an end", |tty| tty.slave.reserved = 1);
    refused("more typed", |tty| tty.slave.canon_head = 4);
    refused("more typed", |tty| tty.slave.commit_head = 4);
    refused("more typed", |tty| tty.slave.line_start = CR_TTY_BUFFER + 1);
    refused("more typed", |tty| tty.slave.nr_read = CR_TTY_BUFFER + 1);
    passes::<cr_img_tty>(0, |tty| tty.slave.line_start = CR_TTY_BUFFER);
    refused("more to be echoed", |tty| tty.slave.echo_commit = 2);
    refused("more to be echoed", |tty| tty.slave.echo_mark = 2);
    refused("more to be echoed", |tty| tty.slave.echo_mark = i32::MIN);
    refused("impossible column", |tty| {
        tty.slave.column = CR_TTY_MAX_COLUMN + 8
    });
    passes::<cr_img_tty>(0, |tty| tty.slave.column = CR_TTY_MAX_COLUMN + 7);
    refused("more written", |tty| tty.master.flip_lookahead = 3);
    refused("more written", |tty| {
        tty.master.nr_flip = CR_TTY_MAX_FLIP + 1
    });
}

#[test]
fn files() {
    let (master, slave, hung_up) = (13, 14, 15);
    fails::<cr_img_file>(master, "no terminal behind it", |file| file.target = PIPE);
    fails::<cr_img_file>(master, "open in another way", |file| file.flags = 0);
    fails::<cr_img_file>(slave, "terminal does not have", |file| file.pos = 1);
    fails::<cr_img_file>(slave, "terminal does not have", |file| {
        file.flags |= 0o200000
    });
    fails::<cr_img_file>(hung_up, "not the path of a slave", |file| {
        file.kind = CR_FILE_PTS
    });
    let current = 16;
    fails::<cr_img_file>(current, "not the path of a slave", |file| {
        file.kind = CR_FILE_PTMX
    });
    // It may have been opened as /dev/tty, too.
    passes::<cr_img_file>(current, |file| file.kind = CR_FILE_HUNG_UP);
    passes::<cr_img_file>(hung_up, |file| (file.kind, file.flags) = (CR_FILE_PTMX, 2));
}

#[test]
fn controlling() {
    fails::<cr_img_process>(0, "no terminal controls it", |process| process.tty = PIPE);
    fails::<cr_img_process>(0, "one that it has lost", |process| {
        process.tty_old_pgrp = 1
    });
    fails::<cr_img_tty>(0, "the terminal of another session", |tty| tty.session = 5);
    passes::<cr_img_process>(0, |process| process.tty = 0);
}
