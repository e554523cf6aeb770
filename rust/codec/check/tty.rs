// SPDX-License-Identifier: GPL-2.0

//! Pseudoterminals, and open files of them.

use super::{files, is_path, Placed, Rec, Result, State, PID_MAX};
use crate::uapi::*;

/// Above what a number of a pseudoterminal is, as the kernel's `NR_UNIX98_PTY_MAX`.
const MAX_PTYS: u32 = 1 << 20;
/// All TIOCPKT_* but the one that stands for data.
const PACKET_STATUS: u32 = 0x7f;

const FLAGS: u32 = CR_TTY_LOCKED | CR_TTY_MASTER_CLOSED | CR_TTY_PACKET | CR_TTY_PGRP_GONE;
const END_FLAGS: u32 = CR_TTY_STOPPED
    | CR_TTY_TCO_STOPPED
    | CR_TTY_EXCLUSIVE
    | CR_TTY_IO_ERROR
    | CR_TTY_OTHER_CLOSED
    | CR_TTY_HUPPED
    | CR_TTY_LNEXT
    | CR_TTY_ERASING
    | CR_TTY_PUSH
    | CR_TTY_NO_ROOM;

/// No terminal is opened with it: O_DIRECTORY.
const OTHER_FLAGS: u32 = 0o200000;

pub(super) fn tty(rec: &Rec<'_>) -> Result {
    let tty: cr_img_tty = rec.fixed()?;
    rec.require(tty.index < MAX_PTYS, "impossible number")?;
    rec.require(tty.flags & !FLAGS == 0, "unknown flags")?;
    rec.require(
        tty.open_flags & !files::OPEN_FLAGS == 0 && tty.open_flags & OTHER_FLAGS == 0,
        "flags that a master cannot have",
    )?;
    rec.require(
        tty.mode <= 0o7777 && tty.uid != u32::MAX && tty.gid != u32::MAX,
        "impossible mode or owner",
    )?;
    rec.require(
        tty.session <= PID_MAX
            && tty.pgrp <= PID_MAX
            && (tty.session == 0) == (tty.pgrp == 0)
            && (tty.session != 0 || tty.flags & CR_TTY_PGRP_GONE == 0),
        "impossible session",
    )?;
    rec.require(
        tty.packet_status & !PACKET_STATUS == 0,
        "unknown status of packet mode",
    )?;
    if tty.flags & CR_TTY_MASTER_CLOSED != 0 {
        rec.require(
            tty.flags == CR_TTY_MASTER_CLOSED && tty.session == 0,
            "what a terminal without a master does not have",
        )?;
    }
    rec.require(
        tty.master.flags & CR_TTY_HUPPED == 0,
        "a master that was hung up",
    )?;
    let waiting = end(rec, &tty.master)?.saturating_add(end(rec, &tty.slave)?);
    rec.require_elements::<cr_img_tty, u8>(waiting.saturating_add(u64::from(tty.path_len)))?;
    let path = rec.variable::<cr_img_tty>().get(..tty.path_len as usize);
    rec.require(path.is_some_and(is_path), "not an absolute path")
}

/// Checks one end, and returns how many bytes wait in it.
fn end(rec: &Rec<'_>, end: &cr_img_tty_end) -> Result<u64> {
    rec.require(
        end.flags & !END_FLAGS == 0 && end.reserved == 0,
        "unknown flags of an end",
    )?;
    rec.require(
        end.nr_read <= CR_TTY_BUFFER
            && end.line_start <= CR_TTY_BUFFER
            && end.canon_head <= end.nr_read
            && end.commit_head <= end.nr_read,
        "more typed than there is room for",
    )?;
    rec.require(
        end.nr_echo <= CR_TTY_BUFFER
            && end.echo_commit <= end.nr_echo
            && end.echo_mark <= end.nr_echo as i32
            && end.echo_mark.unsigned_abs() <= CR_TTY_BUFFER,
        "more to be echoed than there is room for",
    )?;
    rec.require(
        end.column <= CR_TTY_MAX_COLUMN | 7 && end.canon_column <= CR_TTY_MAX_COLUMN | 7,
        "impossible column",
    )?;
    rec.require(
        end.nr_flip <= CR_TTY_MAX_FLIP
            && end.flip_lookahead <= end.nr_flip
            && end.lookahead <= CR_TTY_MAX_FLIP,
        "more written than there is room for",
    )?;
    let typed = u64::from(end.nr_read).saturating_mul(2);
    Ok(typed
        .saturating_add(u64::from(end.nr_echo))
        .saturating_add(u64::from(end.nr_flip)))
}

/// An open file of one.
pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    let tty = state.refers::<cr_img_tty>(rec, file.target, "no terminal behind it")?;
    let tty: cr_img_tty = tty.fixed()?;
    let path = rec.variable::<cr_img_file>();
    rec.require(
        match file.kind {
            CR_FILE_PTS | CR_FILE_CURRENT_TTY => is_path(path),
            CR_FILE_HUNG_UP => path.is_empty() || is_path(path),
            _ => path.is_empty(),
        },
        "not the path of a slave",
    )?;
    rec.require(
        file.kind == CR_FILE_HUNG_UP || tty.flags & CR_TTY_MASTER_CLOSED == 0,
        "an end of a terminal whose master is closed",
    )?;
    rec.require(
        file.kind != CR_FILE_PTMX || file.flags == tty.open_flags,
        "a master that is open in another way",
    )?;
    rec.require(
        file.flags & OTHER_FLAGS == 0
            && [file.pos, file.dev, file.ino, file.size, file.mtime_ns] == [0; 5]
            && file.mode == 0,
        "what a terminal does not have",
    )
}

/// The controlling terminal of a process.
pub(super) fn controlling(state: &State<'_>, rec: Placed<'_>, process: &cr_img_process) -> Result {
    if process.tty == 0 {
        return Ok(());
    }
    let tty = state.refers::<cr_img_tty>(rec, process.tty, "no terminal controls it")?;
    rec.require(
        tty.fixed::<cr_img_tty>()?.session == process.sid && process.sid != 0,
        "the terminal of another session",
    )?;
    rec.require(
        process.tty_old_pgrp == 0,
        "a terminal, and one that it has lost",
    )
}
