// SPDX-License-Identifier: GPL-2.0

//! Validation of what the records mean.
//!
//! [`check_state`] gets all records before the first `CR_TAG_PAGES` at once and decides whether they
//! describe a container. It needs no memory but a scratch buffer of one `u32` for each record. After
//! it:
//!
//! - the records come in the order that the format demands, and as many as they say themselves,
//! - every reference leads backwards to an object of the right kind,
//! - every value is one that the kernel could have written: known enumerators and flags, reserved
//!   members zero, addresses in user space, lengths that agree with each other, proper strings,
//! - the processes are a tree with init as its root, and so are the pid namespaces that they are in.
//!
//! What it cannot know is whether this machine and this caller may have what the image asks for;
//! the system calls that rebuild the state decide that.

use core::{fmt, marker::PhantomData, mem::size_of, ops::Deref};

use zerocopy::FromBytes;

use crate::{
    error::TagName,
    order,
    page::PageSize,
    record::{self, Record},
    uapi::*,
};

mod bpf;
mod events;
mod fanotify;
pub use fanotify::events as fanotify_events;
mod files;
mod kernfs;
pub use files::{EVENT_FLAGS, OPEN_FLAGS};
mod hugetlb;
pub use hugetlb::{of_inode as huge_pages_of_inode, of_vma as huge_pages_of_vma, Size as HugeSize};
mod inet;
mod inode;
mod inotify;
pub use inotify::{events as inotify_events, Event, Events};
mod ipc;
pub use ipc::{messages, Messages};
mod landlock;
pub use landlock::{rules as landlock_rules, Rules as LandlockRules};
mod memory;
pub use memory::{is_inheritable, may_come_late};
mod netlink;
mod numa;
mod packet;
mod pid_ns;
mod signals;
pub use signals::is_of_timers;
mod sockets;
mod tasks;
mod trace;
mod tree;
mod tty;
mod uring;
mod walk;

/// ELF machine of the only architecture so far.
pub const EM_X86_64: u32 = 62;

/// Lowest address that a mapping may have.
pub const USER_START: u64 = 0x1_0000;
/// First address that user space cannot map.
pub const USER_END: u64 = 0x7fff_ffff_f000;
/// The end of the addresses that 32-bit programs can name.
const COMPAT_END: u64 = 1 << 32;
/// First address that they cannot map.
const COMPAT_USER_END: u64 = 0xffff_e000;

/// Highest process id there can be.
pub const PID_MAX: u32 = 1 << 22;

/// A record that does not make sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckError {
    /// Where the record begins in the image.
    pub offset: u64,
    /// Its kind; none if it is about the image as a whole.
    pub tag: Option<u32>,
    /// What is wrong with it.
    pub message: &'static str,
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tag {
            Some(tag) => write!(
                f,
                "record {} at byte {}: {}",
                TagName(tag),
                self.offset,
                self.message
            ),
            None => f.write_str(self.message),
        }
    }
}

impl core::error::Error for CheckError {}

/// Result of a check.
pub type Result<T = ()> = core::result::Result<T, CheckError>;

/// A record in memory.
#[derive(Clone, Copy, Debug)]
pub struct Rec<'a> {
    /// `CR_TAG_*`.
    pub tag: u32,
    /// Object id, or 0.
    pub id: u64,
    /// Where it begins in the image.
    pub offset: u64,
    /// Payload, without padding.
    pub payload: &'a [u8],
}

impl<'a> Rec<'a> {
    /// The fixed part.
    pub fn fixed<R: Record>(&self) -> Result<R> {
        let mut fixed = R::new_zeroed();
        self.read_fixed(&mut fixed)?;
        Ok(fixed)
    }

    /// The same, to where it is wanted: large ones are not to be on the stack more than once.
    pub fn read_fixed<R: Record>(&self, fixed: &mut R) -> Result {
        self.require(self.tag == R::TAG, "of another kind than expected")?;
        match self.payload.get(..size_of::<R>()) {
            Some(bytes) => {
                fixed.as_mut_bytes().copy_from_slice(bytes);
                Ok(())
            }
            None => Err(self.error("too short")),
        }
    }

    /// The bytes after the fixed part.
    pub fn variable<R: Record>(&self) -> &'a [u8] {
        self.payload.get(size_of::<R>()..).unwrap_or(&[])
    }

    /// The elements from byte `from` of the payload to its end.
    pub fn array<T: FromBytes>(&self, from: usize) -> Elements<'a, T> {
        Elements {
            bytes: self.payload.get(from..).unwrap_or(&[]),
            element: PhantomData,
        }
    }

    /// An error about this record.
    pub fn error(&self, message: &'static str) -> CheckError {
        CheckError {
            offset: self.offset,
            tag: Some(self.tag),
            message,
        }
    }

    /// Fails with `message` unless `condition` holds.
    pub(crate) fn require(&self, condition: bool, message: &'static str) -> Result {
        match condition {
            true => Ok(()),
            false => Err(self.error(message)),
        }
    }

    /// Fails unless the variable part has exactly `count` elements of type `T`.
    pub(crate) fn require_elements<R: Record, T>(&self, count: u64) -> Result {
        let length = count.checked_mul(size_of::<T>() as u64);
        self.require(
            length == Some(self.variable::<R>().len() as u64),
            "its length and its count disagree",
        )
    }
}

/// Iterator over elements that need not be aligned.
#[derive(Clone, Debug)]
pub struct Elements<'a, T> {
    bytes: &'a [u8],
    element: PhantomData<T>,
}

impl<T> Elements<'_, T> {
    /// The first so many of them.
    pub fn first(mut self, count: u32) -> Self {
        let length = size_of::<T>().saturating_mul(count as usize);
        self.bytes = self.bytes.get(..length).unwrap_or(self.bytes);
        self
    }
}

impl<T: FromBytes> Iterator for Elements<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let (element, rest) = T::read_from_prefix(self.bytes).ok()?;
        self.bytes = rest;
        Some(element)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.len();
        (count, Some(count))
    }
}

impl<T: FromBytes> ExactSizeIterator for Elements<'_, T> {
    fn len(&self) -> usize {
        self.bytes.len().checked_div(size_of::<T>()).unwrap_or(0)
    }
}

/// A record, and where it is among all of them.
#[derive(Clone, Copy, Debug)]
struct Placed<'a> {
    at: usize,
    rec: &'a Rec<'a>,
}

impl<'a> Deref for Placed<'a> {
    type Target = Rec<'a>;

    fn deref(&self) -> &Rec<'a> {
        self.rec
    }
}

/// Records that have passed [`check_state`], and the means to find them.
#[derive(Debug)]
pub struct State<'a> {
    header: &'a cr_img_header,
    page_size: PageSize,
    recs: &'a [Rec<'a>],
    /// Indices of the records with an id, which ascends.
    objects: &'a [u32],
    /// Indices of the `CR_TAG_VMA`.
    vmas: &'a [u32],
    /// Indices of the `CR_TAG_PID`, whose numbers ascend.
    pids: &'a [u32],
}

impl<'a> State<'a> {
    /// All records.
    pub fn records(&self) -> &'a [Rec<'a>] {
        self.recs
    }

    fn get(&self, index: u32) -> Option<&'a Rec<'a>> {
        self.recs.get(index as usize)
    }

    fn find_placed(&self, id: u64) -> Option<Placed<'a>> {
        let id_of = |index: &u32| self.get(*index).map(|rec| rec.id);
        let index = *order::find_by_key(self.objects, Some(id), id_of)?;
        let rec = self.get(index)?;
        Some(Placed {
            at: index as usize,
            rec,
        })
    }

    /// Index of the object with this id.
    pub fn find(&self, id: u64) -> Option<usize> {
        self.find_placed(id).map(|found| found.at)
    }

    /// The object with this id.
    pub fn object(&self, id: u64) -> Option<&'a Rec<'a>> {
        self.find_placed(id).map(|found| found.rec)
    }

    /// The mappings of a memory descriptor, ascending.
    fn vmas_of(&self, mm: Placed<'_>, nr_vmas: u32) -> &'a [u32] {
        let rest = order::after(self.vmas, |&index| (index as usize) < mm.at);
        rest.get(..nr_vmas as usize).unwrap_or(rest)
    }

    /// Fails unless record `by` may refer to `id` as an object of type `R`.
    fn refers<R: Record>(
        &self,
        by: Placed<'_>,
        id: u64,
        message: &'static str,
    ) -> Result<&'a Rec<'a>> {
        match self.find_placed(id) {
            Some(found) if found.at < by.at && found.tag == R::TAG => Ok(found.rec),
            _ => Err(by.error(message)),
        }
    }
}

/// Checks all records before the first `CR_TAG_PAGES`, without those that were skipped.
///
/// `scratch` has at least as many elements as there are records.
pub fn check_state<'a>(
    header: &'a cr_img_header,
    recs: &'a [Rec<'a>],
    scratch: &'a mut [u32],
) -> Result<State<'a>> {
    let whole = |message| CheckError {
        offset: 0,
        tag: None,
        message,
    };
    let page_size = PageSize::new(header.page_size).filter(|page_size| {
        header.check_machine(EM_X86_64, 4096).is_ok() && page_size.bytes() == 4096
    });
    let Some(page_size) = page_size else {
        return Err(whole("an architecture that cannot be checked"));
    };
    let Some((indices, processes, threads)) = Indices::find(recs, scratch) else {
        return Err(whole("more records than can be checked"));
    };

    framing(recs)?;
    let state = State {
        header,
        page_size,
        recs,
        objects: indices.objects,
        vmas: indices.vmas,
        pids: indices.pids,
    };
    walk::check(&state)?;
    tree::check(&state, processes, threads)?;
    pid_ns::check(&state, processes, threads)?;
    Ok(state)
}

/// Indices of the records of some sorts.
struct Indices<'a> {
    objects: &'a [u32],
    vmas: &'a [u32],
    pids: &'a [u32],
}

impl<'a> Indices<'a> {
    /// Finds these, those of the processes, and those of the threads. Each record is of at most one
    /// sort, so that there is room for all if `scratch` is as long as `recs`.
    fn find(
        recs: &[Rec<'_>],
        scratch: &'a mut [u32],
    ) -> Option<(Self, &'a mut [u32], &'a mut [u32])> {
        if scratch.len() < recs.len() || u32::try_from(recs.len()).is_err() {
            return None;
        }
        let plain = |rec: &Rec<'_>, tag| rec.id == 0 && rec.tag == tag;
        let (objects, scratch) = sorted_out(recs, scratch, |rec| rec.id != 0)?;
        let (vmas, scratch) = sorted_out(recs, scratch, |rec| plain(rec, CR_TAG_VMA))?;
        let (pids, scratch) = sorted_out(recs, scratch, |rec| plain(rec, CR_TAG_PID))?;
        let (processes, scratch) = sorted_out(recs, scratch, |rec| plain(rec, CR_TAG_PROCESS))?;
        let (threads, _) = sorted_out(recs, scratch, |rec| plain(rec, CR_TAG_THREAD))?;
        let indices = Self {
            objects,
            vmas,
            pids,
        };
        Some((indices, processes, threads))
    }
}

/// Writes the indices of the records of one sort; returns them and the room that is left.
fn sorted_out<'a>(
    recs: &[Rec<'_>],
    scratch: &'a mut [u32],
    sort: impl Fn(&Rec<'_>) -> bool,
) -> Option<(&'a mut [u32], &'a mut [u32])> {
    let mut found = 0usize;
    for (index, _) in (0..=u32::MAX).zip(recs).filter(|(_, rec)| sort(rec)) {
        *scratch.get_mut(found)? = index;
        found = found.saturating_add(1);
    }
    scratch.split_at_mut_checked(found)
}

/// What the reader has checked as well: nobody has to rely on that.
fn framing(recs: &[Rec<'_>]) -> Result {
    let mut last_id = 0;
    for rec in recs {
        let Some(kind) = record::kind(rec.tag) else {
            return Err(rec.error("unknown"));
        };
        let length = rec.payload.len() as u64;
        rec.require(kind.length_fits(length), "impossible length")?;
        rec.require(kind.object == (rec.id != 0), "it should have an id or not")?;
        if kind.object {
            rec.require(rec.id > last_id, "its object id is not above the last one")?;
            last_id = rec.id;
        }
    }
    Ok(())
}

/// Whether `start..end` is a range of pages in user space, and not empty.
fn is_user_range(start: u64, end: u64, page_size: PageSize) -> bool {
    page_size.pages_in(start).is_some()
        && page_size.pages_in(end).is_some()
        && USER_START <= start
        && start < end
        && end <= USER_END
}

/// Whether `path` is absolute, without a NUL and not too long.
fn is_path(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
        && path.iter().all(|&b| b != 0)
        && path.len() <= CR_IMG_PATH_MAX as usize
}
