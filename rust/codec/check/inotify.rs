// SPDX-License-Identifier: GPL-2.0

//! What inotify instances watch, and have to tell.

use super::{is_path, Placed, Rec, Result, State};
use crate::uapi::*;
use core::marker::PhantomData;
use zerocopy::FromBytes;

const IN_ALL_EVENTS: u32 = 0xfff;
const FS_OPEN_EXEC: u32 = 0x1000;
const IN_UNMOUNT: u32 = 0x2000;
const IN_Q_OVERFLOW: u32 = 0x4000;
const IN_IGNORED: u32 = 0x8000;
const IN_EXCL_UNLINK: u32 = 0x0400_0000;
const FS_EVENT_ON_CHILD: u32 = 0x0800_0000;
const IN_ISDIR: u32 = 0x4000_0000;
const IN_ONESHOT: u32 = 0x8000_0000;

const EVENT: u32 =
    IN_ALL_EVENTS | FS_OPEN_EXEC | IN_UNMOUNT | IN_IGNORED | FS_EVENT_ON_CHILD | IN_ISDIR;

/// Longest name of a directory entry.
const NAME_MAX: usize = 255;

const S_IFMT: u32 = 0o170000;
/// Fifo, character device, directory, block device, regular file, symbolic link, socket.
pub(super) const TYPES: [u32; 7] = [
    0o010000, 0o020000, 0o040000, 0o060000, 0o100000, 0o120000, 0o140000,
];

pub(super) fn instance(state: &State<'_>, rec: Placed<'_>) -> Result<cr_img_inotify> {
    let inotify: cr_img_inotify = rec.fixed()?;
    let file = state.refers::<cr_img_file>(rec, inotify.file, "no inotify instance")?;
    rec.require(
        file.fixed::<cr_img_file>()?.kind == CR_FILE_INOTIFY,
        "no inotify instance",
    )?;
    let most = i32::MAX as u32;
    rec.require(
        inotify.next_wd <= 1 << 31 && inotify.max_events <= most && inotify.nr_watches <= most,
        "impossible limits",
    )?;
    let mut rest = events(rec.variable::<cr_img_inotify>());
    let (mut found, mut overflows) = (0_u32, 0_u32);
    for (event, name) in &mut rest {
        let overflow = event.mask == IN_Q_OVERFLOW;
        rec.require(
            match overflow {
                true => event.wd == -1 && event.cookie == 0 && name.is_empty(),
                false => event.wd > 0 && event.mask != 0 && event.mask & !EVENT == 0,
            },
            "an impossible event",
        )?;
        rec.require(
            name.len() <= NAME_MAX && name.iter().all(|&b| b != 0),
            "an impossible name",
        )?;
        found = found.saturating_add(1);
        overflows = overflows.saturating_add(u32::from(overflow));
    }
    rec.require(
        found == inotify.nr_events && rest.is_done(),
        "its length and its count disagree",
    )?;
    rec.require(
        overflows <= 1 && found.saturating_sub(overflows) <= inotify.max_events,
        "more events than there is room for",
    )?;
    Ok(inotify)
}

pub(super) fn watch(rec: &Rec<'_>) -> Result<cr_img_watch> {
    let watch: cr_img_watch = rec.fixed()?;
    rec.require_elements::<cr_img_watch, u8>(u64::from(watch.path_len))?;
    rec.require(
        is_path(rec.variable::<cr_img_watch>()),
        "not an absolute path",
    )?;
    rec.require(watch.wd > 0, "impossible watch descriptor")?;
    rec.require(
        watch.mask & !(IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT) == 0,
        "unknown events",
    )?;
    rec.require(is_type(watch.mode), "impossible type of file")?;
    Ok(watch)
}

/// Whether this is a type of file, and no more.
pub(super) fn is_type(mode: u32) -> bool {
    mode & !S_IFMT == 0 && TYPES.contains(&mode)
}

/// What is after the fixed part of an event.
pub trait Event: FromBytes {
    /// How many bytes.
    fn rest_len(&self) -> usize;
}

impl Event for cr_img_inotify_event {
    fn rest_len(&self) -> usize {
        self.name_len as usize
    }
}

/// Events that wait, each with what is after its fixed part.
#[derive(Clone, Debug)]
pub struct Events<'a, E> {
    bytes: &'a [u8],
    event: PhantomData<E>,
}

impl<'a, E> Events<'a, E> {
    pub(super) fn in_bytes(bytes: &'a [u8]) -> Self {
        let event = PhantomData;
        Self { bytes, event }
    }

    /// Whether nothing is left over.
    pub(super) fn is_done(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// The events in the variable part of a `CR_TAG_INOTIFY`.
pub fn events(bytes: &[u8]) -> Events<'_, cr_img_inotify_event> {
    Events::in_bytes(bytes)
}

impl<'a, E: Event> Iterator for Events<'a, E> {
    type Item = (E, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (event, rest) = E::read_from_prefix(self.bytes).ok()?;
        let (after, rest) = rest.split_at_checked(event.rest_len())?;
        self.bytes = rest;
        Some((event, after))
    }
}
