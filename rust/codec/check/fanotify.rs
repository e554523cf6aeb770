// SPDX-License-Identifier: GPL-2.0

//! What fanotify groups watch, and have to tell.

use super::{
    inotify::{Event, Events, TYPES},
    is_path, Placed, Rec, Result, State, PID_MAX,
};
use crate::uapi::*;

/// Flags of fanotify_init(2), without FAN_REPORT_MNT.
const INIT_FLAGS: u32 = 0x3fff;
const FAN_CLASS_CONTENT: u32 = 0x4;
const FAN_CLASS_PRE_CONTENT: u32 = 0x8;
const FAN_UNLIMITED_QUEUE: u32 = 0x10;
const FAN_REPORT_FID: u32 = 0x200;
const FAN_REPORT_DIR_FID: u32 = 0x400;
const FAN_REPORT_NAME: u32 = 0x800;
const FAN_REPORT_TARGET_FID: u32 = 0x1000;
const REPORT_FIDS: u32 =
    FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID;

/// O_ACCMODE, O_APPEND, O_NONBLOCK, O_DSYNC, O_LARGEFILE, O_NOATIME, O_CLOEXEC, __O_SYNC.
const EVENT_FLAGS: u32 =
    0o3 | 0o2000 | 0o4000 | 0o10000 | 0o100000 | 0o1000000 | 0o2000000 | 0o4000000;

/// FAN_ACCESS to FAN_OPEN_EXEC.
const FAN_EVENTS: u32 = 0x1fff;
/// Those that come with an open file: not of entries of directories, nor FAN_ATTRIB, FAN_DELETE_SELF
/// and FAN_MOVE_SELF.
const FILE_EVENTS: u32 = 0x103b;
const FAN_Q_OVERFLOW: u32 = 0x4000;
const FAN_EVENT_ON_CHILD: u32 = 0x0800_0000;
const FAN_RENAME: u32 = 0x1000_0000;
const FAN_ONDIR: u32 = 0x4000_0000;

const FAN_MARK_INODE: u32 = 0;
const FAN_MARK_MOUNT: u32 = 0x10;
const FAN_MARK_FILESYSTEM: u32 = 0x100;
/// FAN_MARK_IGNORED_SURV_MODIFY, FAN_MARK_EVICTABLE, FAN_MARK_IGNORE.
const MARK_FLAGS: u32 = 0x40 | FAN_MARK_EVICTABLE | 0x400;
const FAN_MARK_EVICTABLE: u32 = 0x200;
/// Everything that a mark can have in its masks: with FAN_FS_ERROR, and what asks for permission.
const MARK_EVENTS: u32 =
    FAN_EVENTS | 0x8000 | 0x0017_0000 | FAN_EVENT_ON_CHILD | FAN_RENAME | FAN_ONDIR;

/// Longest file handle.
const HANDLE_MAX: u8 = 128;
/// No type of a file handle.
const FILEID_INVALID: u8 = 0xff;

impl Event for cr_img_fanotify_event {
    fn rest_len(&self) -> usize {
        let names = usize::from(self.name_len).saturating_add(self.name2_len.into());
        self.handles_len()
            .saturating_add(names)
            .saturating_add(self.path_len as usize)
    }
}

impl cr_img_fanotify_event {
    fn handles_len(&self) -> usize {
        let lens = [self.dir_len, self.dir2_len, self.object_len];
        lens.iter()
            .fold(0, |sum: usize, len| sum.saturating_add(usize::from(*len)))
    }

    /// The path, of what is after the fixed part.
    pub fn path<'a>(&self, rest: &'a [u8]) -> &'a [u8] {
        let before = rest.len().saturating_sub(self.path_len as usize);
        rest.get(before..).unwrap_or_default()
    }
}

/// The events in the variable part of a `CR_TAG_FANOTIFY`.
pub fn events(bytes: &[u8]) -> Events<'_, cr_img_fanotify_event> {
    Events::in_bytes(bytes)
}

/// The flags of a group, and those of files that it opens.
fn flags_of(file: &cr_img_file) -> (u32, u32) {
    (file.target as u32, (file.target >> 32) as u32)
}

/// Whether a group can have such flags.
pub(super) fn is_group(file: &cr_img_file) -> bool {
    let (flags, event_flags) = flags_of(file);
    let class = flags & (FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT);
    let has = |flag| flags & flag != 0;
    flags & !(INIT_FLAGS | CR_FANOTIFY_UNPRIVILEGED) == 0
        && event_flags & !EVENT_FLAGS == 0
        && event_flags & 3 != 3
        && class != FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT
        && (class == 0 || !has(REPORT_FIDS))
        && (!has(FAN_REPORT_NAME) || has(FAN_REPORT_DIR_FID))
        && (!has(FAN_REPORT_TARGET_FID) || has(FAN_REPORT_NAME) && has(FAN_REPORT_FID))
}

pub(super) fn group(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_fanotify> {
    let group: cr_img_fanotify = rec.fixed()?;
    let file = state.refers::<cr_img_file>(rec, group.file, "no fanotify group")?;
    let file: cr_img_file = file.fixed()?;
    rec.require(file.kind == CR_FILE_FANOTIFY, "no fanotify group")?;
    let (flags, _) = flags_of(&file);
    let most = i32::MAX as u32;
    rec.require(
        group.nr_marks <= most
            && match flags & FAN_UNLIMITED_QUEUE {
                0 => group.max_events <= most,
                _ => group.max_events == u32::MAX,
            },
        "impossible limits",
    )?;
    rec.require(group.reserved == 0, "a reserved member is not zero")?;
    let mut rest = events(rec.variable::<cr_img_fanotify>());
    let (mut found, mut overflows) = (0_u32, 0_u32);
    for (event, after) in &mut rest {
        rec.require(
            event.pid <= PID_MAX && is_event(&event, flags),
            "an impossible event",
        )?;
        rec.require(are_handles(&event), "an impossible file handle")?;
        let names = after.get(event.handles_len()..).unwrap_or_default();
        // The path, if there is one, has no NUL either.
        rec.require(names.iter().all(|&b| b != 0), "an impossible name")?;
        rec.require(
            event.kind != CR_FANOTIFY_PATH || is_path(event.path(after)),
            "not an absolute path",
        )?;
        found = found.saturating_add(1);
        overflows = overflows.saturating_add(u32::from(event.kind == CR_FANOTIFY_OVERFLOW));
    }
    rec.require(
        found == group.nr_events && rest.is_done(),
        "its length and its count disagree",
    )?;
    rec.require(
        overflows <= 1 && found.saturating_sub(overflows) <= group.max_events,
        "more events than there is room for",
    )?;
    Ok(group)
}

/// Whether a group with these flags can have an event of this kind, and that what belongs to it.
fn is_event(event: &cr_img_fanotify_event, flags: u32) -> bool {
    let only = |known: u32| event.mask != 0 && event.mask & !known == 0;
    let has_names = event.dir_len | event.dir2_len | event.name_len | event.name2_len != 0;
    let bare = !has_names && event.object_len == 0 && event.fsid == 0;
    let renames = event.mask & FAN_RENAME != 0;
    let fids = FAN_EVENTS | FAN_EVENT_ON_CHILD | FAN_ONDIR;
    match event.kind {
        CR_FANOTIFY_FID => {
            flags & REPORT_FIDS != 0 && only(fids) && !has_names && event.path_len == 0
        }
        CR_FANOTIFY_NAME => {
            // What was renamed has names, and nothing else has a second one.
            let first = event.dir_len != 0 || event.name_len == 0;
            let second = (event.dir2_len != 0) == (event.name2_len != 0);
            flags & FAN_REPORT_DIR_FID != 0
                && only(fids | FAN_RENAME)
                && event.path_len == 0
                && event.dir_len | event.dir2_len != 0
                && first
                && second
                && (renames || event.dir2_len == 0)
                && (!renames || (event.dir_len != 0) == (event.name_len != 0))
        }
        CR_FANOTIFY_PATH => flags & REPORT_FIDS == 0 && only(FILE_EVENTS) && bare,
        CR_FANOTIFY_OVERFLOW => {
            event.mask == FAN_Q_OVERFLOW && bare && (event.pid, event.path_len) == (0, 0)
        }
        _ => false,
    }
}

fn are_handles(event: &cr_img_fanotify_event) -> bool {
    let fits =
        |kind, len: u8| len <= HANDLE_MAX && len % 4 == 0 && (len == 0 || kind != FILEID_INVALID);
    fits(event.dir_type, event.dir_len)
        && fits(event.dir2_type, event.dir2_len)
        && fits(event.object_type, event.object_len)
        && (event.dir_len != 0 || event.dir_type == 0)
        && (event.dir2_len != 0 || event.dir2_type == 0)
        // Of an event of one file, it says why there is none.
        && (event.object_len != 0 || event.object_type == 0 || event.kind == CR_FANOTIFY_FID)
}

pub(super) fn mark(rec: &Rec<'_>) -> Result {
    let mark: cr_img_fanotify_mark = rec.fixed()?;
    rec.require_elements::<cr_img_fanotify_mark, u8>(u64::from(mark.path_len))?;
    rec.require(
        is_path(rec.variable::<cr_img_fanotify_mark>()),
        "not an absolute path",
    )?;
    let is_inode = mark.type_ == FAN_MARK_INODE;
    rec.require(
        is_inode || matches!(mark.type_, FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM),
        "a mark on something unknown",
    )?;
    rec.require(
        mark.flags & !MARK_FLAGS == 0 && (is_inode || mark.flags & FAN_MARK_EVICTABLE == 0),
        "impossible flags",
    )?;
    rec.require(
        (mark.mask | mark.ignored) & !MARK_EVENTS == 0,
        "unknown events",
    )?;
    rec.require(
        match is_inode {
            true => TYPES.contains(&mark.mode),
            false => mark.mode == 0,
        },
        "impossible type of file",
    )
}
