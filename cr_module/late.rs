// SPDX-License-Identifier: GPL-2.0

//! Pages that are not there yet when their processes go on: CR_RESTART_LAZY.
//!
//! The caller provides them from the image, by means of userfaultfd(2): so whoever touches one waits
//! for it, and nothing needs to be done for pages that nobody touches. Only writable private anonymous
//! memory can be had in this way; of that, those pages are there from the beginning that another process
//! is to share copy-on-write, because it is forked with them, those that a restart looks at, and buffers
//! that are registered with io_uring.

use crate::{
    abi,
    build::Build,
    image::Records,
    plan::{self, Plan},
    report::{failure, Context, Result},
    state::{
        regs::REG_IP,
        trace::{self, SYSCALL},
    },
};
use core::ops::Range;
use cr_codec::{check, order, uapi::*};
use cr_sys::{build as sys, file::FileRef, mm::PAGE_SIZE, task::TaskRef};
use kernel::prelude::*;

const PAGE: u64 = PAGE_SIZE as u64;

/// Memory some of whose pages come late.
struct Memory {
    id: u64,
    /// Addresses of the mappings, ascending.
    mappings: KVVec<Range<u64>>,
    /// Addresses of pages that are there from the beginning, ascending.
    early: KVVec<Range<u64>>,
}

/// All such memory, by id.
pub(crate) struct Late(KVVec<Memory>);

impl Late {
    /// Nothing comes late.
    pub(crate) fn none() -> Self {
        Self(KVVec::new())
    }

    /// Whether everything is to be there before the container runs.
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that can.
    pub(crate) fn find(records: &Records) -> Result<Self> {
        let mut late = Self::none();
        // Ids ascend.
        for (at, rec) in records.tagged(CR_TAG_MM) {
            let mut mappings = KVVec::new();
            for vma in plan::vmas(records, at)?.filter(check::may_come_late) {
                mappings.push(vma.start..vma.end, GFP_KERNEL)?;
            }
            let memory = Memory {
                id: rec.id,
                mappings,
                early: KVVec::new(),
            };
            late.0.push(memory, GFP_KERNEL)?;
        }
        late.find_inherited(records)?;
        late.find_looked_at(records)?;
        for memory in late.0.iter_mut() {
            order::sort_by_key(&mut memory.early, |range| range.start);
            memory.early = joined(&memory.early)?;
            memory.mappings = joined(&memory.mappings)?;
        }
        Ok(late)
    }

    fn find_inherited(&mut self, records: &Records) -> Result {
        for (_, rec) in records.tagged(CR_TAG_INHERIT) {
            let parent = rec.fixed::<cr_img_inherit>()?.parent;
            for run in rec.array::<cr_img_run>(size_of::<cr_img_inherit>()) {
                self.add_early(parent, run.start, run.nr_pages.saturating_mul(PAGE))?;
            }
        }
        Ok(())
    }

    /// What is read or written while the threads are built.
    fn find_looked_at(&mut self, records: &Records) -> Result {
        const TIME_LEN: u64 = 16;
        const SYSCALL_LEN: u64 = SYSCALL.len() as u64;
        let (mut mm, mut ip) = (0, 0);
        for at in 0..records.len() {
            let rec = records.get(at);
            match rec.tag {
                CR_TAG_PROCESS => mm = rec.fixed::<cr_img_process>()?.mm,
                CR_TAG_REGS => ip = rec.fixed::<cr_img_regs>()?.reg[REG_IP],
                CR_TAG_TRACE if trace::begins_call(&rec.fixed()?) => {
                    self.add_early(mm, ip.wrapping_sub(SYSCALL_LEN), SYSCALL_LEN)?;
                }
                CR_TAG_URING_TABLE
                    if rec.fixed::<cr_img_uring_table>()?.kind == CR_URING_BUFFERS =>
                {
                    // The kernel has them for itself.
                    for buffer in rec.array::<cr_img_uring_entry>(size_of::<cr_img_uring_table>()) {
                        self.add_early(buffer.object, buffer.addr, buffer.length)?;
                    }
                }
                CR_TAG_URING_GROUP => {
                    let group: cr_img_uring_group = rec.fixed()?;
                    let places = u64::from(group.nr_places);
                    let length = places * size_of::<cr_img_uring_buffer>() as u64;
                    self.add_early(group.mm, group.addr, length)?;
                }
                CR_TAG_THREAD => {
                    let thread: cr_img_thread = rec.fixed()?;
                    self.add_early(mm, thread.rseq, u64::from(thread.rseq_len))?;
                    if thread.restart_kind == CR_RESTART_SELECT {
                        self.add_early(mm, thread.restart_arg[0], TIME_LEN)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn add_early(&mut self, mm: u64, start: u64, len: u64) -> Result {
        let end = start.saturating_add(len);
        let Ok(at) = self.0.binary_search_by_key(&mm, |memory| memory.id) else {
            return Ok(());
        };
        let range = start & !(PAGE - 1)..end.checked_next_multiple_of(PAGE).unwrap_or(end);
        match range.is_empty() {
            true => Ok(()),
            false => Ok(self.0[at].early.push(range, GFP_KERNEL)?),
        }
    }

    fn memory(&self, id: u64) -> Option<&Memory> {
        order::find_by_key(&self.0, id, |memory| memory.id)
    }

    /// Whether the first page of a run of an object comes late, and how many pages do as it does.
    pub(crate) fn first_of(&self, object: u64, run: &cr_img_run) -> (bool, u64) {
        let Some(memory) = self.memory(object) else {
            return (false, run.nr_pages);
        };
        let (in_mapping, until) = containing(&memory.mappings, run.start);
        let (is_early, early_until) = containing(&memory.early, run.start);
        let pages = (until.min(early_until) - run.start) / PAGE;
        (in_mapping && !is_early, pages.min(run.nr_pages))
    }

    /// Whether all pages of these runs do.
    pub(crate) fn has_all(&self, object: u64, runs: &[cr_img_run]) -> bool {
        let mut runs = runs.iter();
        runs.all(|run| self.first_of(object, run) == (true, run.nr_pages))
    }
}

/// The same addresses in as few ranges as possible.
fn joined(ranges: &[Range<u64>]) -> Result<KVVec<Range<u64>>> {
    let mut joined: KVVec<Range<u64>> = KVVec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => joined.push(range.clone(), GFP_KERNEL)?,
        }
    }
    Ok(joined)
}

/// Whether an address is in one of these ranges, which ascend, and up to where that holds.
fn containing(ranges: &[Range<u64>], addr: u64) -> (bool, u64) {
    let after = ranges.partition_point(|range| range.start <= addr);
    let before = after.checked_sub(1).map(|at| &ranges[at]);
    match before.filter(|range| addr < range.end) {
        Some(range) => (true, range.end),
        None => (
            false,
            ranges.get(after).map_or(u64::MAX, |range| range.start),
        ),
    }
}

const SYS_CLOSE: u32 = 3;
const SYS_IOCTL: u32 = 16;
const SYS_USERFAULTFD: u32 = 323;
const O_CLOEXEC_NONBLOCK: u64 = 0o2_004_000;
/// `include/uapi/linux/userfaultfd.h`.
const UFFD_API: u64 = 0xaa;
const UFFDIO_API: u64 = 0xc018_aa3f;
const UFFDIO_REGISTER: u64 = 0xc020_aa00;
const UFFDIO_REGISTER_MODE_MISSING: u64 = 1;
const UFFD_FEATURE_EVENTS: u64 = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 6;

/// Has whoever touches missing pages of the current process wait. All processes exist: a fork would
/// wait for somebody to hear of it.
pub(crate) fn watch(plan: &Plan, build: &Build<'_>) -> Result {
    let mm = build.process.process.mm;
    let memory = plan.late.memory(mm);
    let Some(memory) = memory.filter(|memory| !memory.mappings.is_empty()) else {
        return Ok(());
    };
    let fd = build
        .syscall(SYS_USERFAULTFD, [O_CLOEXEC_NONBLOCK, 0, 0])
        .context(format_args!("userfaultfd, which needs CAP_SYS_PTRACE"))? as u64;
    let ioctl = |number, arg: &[u64]| {
        let mut bytes = [0; 32];
        for (place, word) in bytes.chunks_exact_mut(8).zip(arg) {
            place.copy_from_slice(&word.to_ne_bytes());
        }
        let arg = build.scratch(0, &bytes)?;
        build.syscall(SYS_IOCTL, [fd, number, arg])
    };
    ioctl(UFFDIO_API, &[UFFD_API, UFFD_FEATURE_EVENTS]).context(format_args!(
        "userfaultfd with events, which needs CAP_SYS_PTRACE"
    ))?;
    for mapping in &memory.mappings {
        let (start, len) = (mapping.start, mapping.end - mapping.start);
        ioctl(UFFDIO_REGISTER, &[start, len, UFFDIO_REGISTER_MODE_MISSING])
            .context(format_args!("watching {start:#x}-{:#x}", mapping.end))?;
    }
    let file = FileRef::from_fd(fd as i32)?;
    build.syscall(SYS_CLOSE, [fd, 0, 0])?;
    plan.watched.lock().push((mm, file), GFP_KERNEL)?;
    Ok(())
}

/// Descriptors of the caller, who is to provide the pages. If this is dropped, it does not have them.
pub(crate) struct HandedOver(KVVec<u32>);

impl HandedOver {
    /// Gives the caller what it needs for it, and says so in its argument.
    pub(crate) fn to_caller(plan: &Plan, init: &TaskRef, args: &mut cr_restart) -> Result<Self> {
        let mut handed = Self(KVVec::new());
        args.lazy_fd = -1;
        let room = core::mem::replace(&mut args.nr_lazy, 0) as usize;
        let mut files = KVVec::new();
        let mut watched = plan.watched.lock();
        for (_, file) in watched.iter() {
            files.push(file.clone(), GFP_KERNEL)?;
        }
        if files.is_empty() {
            return Ok(handed);
        }
        if files.len() > room {
            return Err(failure!(
                ENOSPC,
                "argument: {} entries are needed at lazy, and there is room for {room}",
                files.len()
            ));
        }
        // The first one is the first to be closed if the caller dies.
        args.lazy_fd = handed.install(&FileRef::make_lazy(init, &files)?)?;
        let mut entries = KVVec::new();
        for (mm, file) in watched.iter() {
            let entry = cr_lazy {
                mm: *mm,
                fd: handed.install(file)?,
                reserved: 0,
            };
            entries.push(entry, GFP_KERNEL)?;
        }
        abi::write_array(args.lazy, &entries)?;
        args.nr_lazy = entries.len() as u32;
        watched.clear();
        Ok(handed)
    }

    fn install(&mut self, file: &FileRef) -> Result<i32> {
        self.0.reserve(1, GFP_KERNEL)?;
        let fd = sys::install_any_fd(file)?;
        self.0.push(fd, GFP_KERNEL)?;
        Ok(fd as i32)
    }

    /// They are the caller's.
    pub(crate) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for HandedOver {
    fn drop(&mut self) {
        for fd in &self.0 {
            let _ = sys::syscall(SYS_CLOSE, [u64::from(*fd), 0, 0, 0, 0, 0]);
        }
    }
}
