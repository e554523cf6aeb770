// SPDX-License-Identifier: GPL-2.0

//! Contents of memory: private pages of processes, and pages of shared memory objects and of inodes
//! whose contents are in the image.
//!
//! While the container stands still, only the places where pages may be are noted. A container that
//! runs on is released with a copy-on-write snapshot of its private memory, and its pages are looked
//! for and written from there. Pages of shared memory are locked before, and copied right after: who
//! wants one earlier waits for it. Holes are not stored, nor are pages that a mapped file still has.
//!
//! Where there is too little memory for that, the container stands still until all is written.

use crate::{
    image::FileSink,
    report::{fail, Context, Log, Result},
    state::{
        hugetlb,
        inherit::{count, run_end, Divided, Frames},
        kin::{Kin, Origin},
        scan::Scanner,
        split::Split,
        track::Track,
    },
};
use cr_codec::{uapi::*, write::Writer, Record};
use cr_sys::{
    file::FileRef,
    mm::{Mm, Pages, PAGE_BATCH, PAGE_SIZE},
    shared::Shared,
    vec,
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{Arc, Mutex},
};
use zerocopy::IntoBytes;

/// Where pages go to.
pub(crate) enum Place {
    /// Private pages of a process, by address.
    Private(Mm),
    /// Pages of a shared memory object or inode, by offset.
    Shared(FileRef),
}

/// Where pages come from.
enum Source {
    /// Private pages of a process, by address.
    Private(Mm),
    /// Pages of a shared memory object or inode, by offset.
    Shared(FileRef),
    /// The same once they are copied, or locked until they are: from this number on.
    Copied(u64),
}

/// Pages of one object.
struct Region {
    id: u64,
    source: Source,
    /// Of private pages: the mappings that they may be in, and the memory to inherit from, or 0.
    vmas: KVVec<cr_img_vma>,
    process: Origin,
    parent: u64,
    /// Identity of the memory that the container goes on with.
    identity: u64,
    /// Pages, by where they are stored: here, with `parent`, in the parent image, there with
    /// `origin`.
    pages: Divided,
    origin: u64,
    of: Of,
}

/// What has the pages of a region.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Process,
    Inode,
    /// A shared memory object with so many mappings.
    Shmem(u64),
    Segment,
}

/// All pages that go into the image.
pub(crate) struct Memory {
    regions: KVVec<Region>,
    scanned: u64,
    /// What there is of a snapshot for shared memory.
    shared: Option<Shared>,
    /// Mappings that no core dump has are not wanted.
    no_dontdump: bool,
}

impl Memory {
    /// None. With `no_dontdump`, private memory that no core dump has is left out.
    pub(crate) fn new(no_dontdump: bool) -> Self {
        Self {
            regions: KVVec::new(),
            scanned: 0,
            shared: None,
            no_dontdump,
        }
    }

    /// Notes where the private pages of a process may be.
    pub(crate) fn add_private(
        &mut self,
        id: u64,
        mm: Mm,
        vmas: KVVec<cr_img_vma>,
        process: Origin,
    ) -> Result {
        let region = Region {
            id,
            identity: mm.identity(),
            source: Source::Private(mm),
            vmas,
            process,
            parent: 0,
            pages: Divided::default(),
            origin: 0,
            of: Of::Process,
        };
        Ok(self.regions.push(region, GFP_KERNEL)?)
    }

    /// Takes snapshots, from which all can be written while the container runs on. False when that
    /// is not possible, for lack of memory, say, or of huge pages.
    pub(crate) fn snapshot(&mut self) -> bool {
        let mut vmas = self.regions.iter().flat_map(|region| region.vmas.iter());
        if vmas.any(hugetlb::is_private) {
            return false;
        }
        for region in self.regions.iter_mut() {
            if let Source::Private(mm) = &region.source {
                let Ok(copy) = mm.snapshot() else {
                    return false;
                };
                region.source = Source::Private(copy);
            }
        }
        match self.snapshot_shared() {
            Ok(shared) => {
                self.shared = shared;
                true
            }
            Err(_) => false,
        }
    }

    /// The same of shared memory, if there is any.
    fn snapshot_shared(&self) -> Result<Option<Shared>> {
        let nr_pages = self.nr_pages();
        if nr_pages == 0 {
            return Ok(None);
        }
        let mut shared = Shared::with_room(nr_pages)?;
        for region in &self.regions {
            if let Source::Shared(file) = &region.source {
                shared.add(file, &region.pages.own)?;
            }
        }
        Ok(Some(shared))
    }

    /// Makes the snapshot of shared memory complete, while the container runs. False when that was
    /// not possible: then nothing of it can be used.
    pub(crate) fn copy_shared(&mut self) -> bool {
        if let Some(shared) = &mut self.shared {
            if shared.copy().is_err() {
                return false;
            }
        }
        let mut first = 0;
        for region in self.regions.iter_mut() {
            if let Source::Shared(_) = &region.source {
                // Nobody is to see that the file is still open.
                region.source = Source::Copied(first);
                first += count(&region.pages.own);
            }
        }
        true
    }

    /// Whether private pages of this mapping go into the image.
    fn wants_private_pages(&self, vma: &cr_img_vma) -> bool {
        may_have_private_pages(vma) && !(self.no_dontdump && vma.flags & CR_VMA_DONTDUMP != 0)
    }

    /// Identities of all private memory, with its ids.
    pub(crate) fn private(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let processes = self
            .regions
            .iter()
            .filter(|region| region.of == Of::Process);
        processes.map(|region| (region.identity, region.id))
    }

    /// Looks for the pages, and for those that an earlier process has as well.
    pub(crate) fn scan(&mut self, track: Option<&Track>) -> Result {
        let mut scanner = Scanner::new()?;
        let mut found: KVVec<(Origin, usize, Frames)> = KVVec::new();
        for (at, region) in self.regions.iter().enumerate() {
            if let Source::Private(mm) = &region.source {
                let wanted = |vma: &cr_img_vma| self.wants_private_pages(vma);
                let frames = scanner.scan(mm, &region.vmas, wanted)?;
                found.push((region.process, at, frames), GFP_KERNEL)?;
            }
        }
        self.scanned += scanner.scanned;
        let nr_frames = found.iter().map(|(.., frames)| frames.pfns.len()).sum();
        let mut kin = match found.len() {
            0 | 1 => None,
            processes => Some(Kin::new(processes, nr_frames)?),
        };
        for (_, at, frames) in found.iter() {
            let closest = match &mut kin {
                Some(kin) => kin.closest(&found)?,
                None => None,
            };
            let parent = closest.map(|closest| {
                let (_, at, frames) = &found[closest];
                (&self.regions[*at], frames)
            });
            let parent_id = parent.map_or(0, |(region, _)| region.id);
            let parent = parent.map(|(region, frames)| (frames, &region.vmas[..]));
            let region = &self.regions[*at];
            let known = track.and_then(|track| track.known(region.identity));
            let pages = frames.divide(&region.vmas, parent, known.as_ref())?;
            let region = &mut self.regions[*at];
            (region.parent, region.origin) = (parent_id, known.map_or(0, |known| known.object));
            region.pages = pages;
        }
        Ok(())
    }

    /// Writes which pages another process has, which the parent of the image, and which are huge.
    pub(crate) fn write_elsewhere(&self, writer: &mut Writer<&mut FileSink>) -> Result {
        for region in self.regions.iter() {
            let Divided {
                inherited,
                unchanged,
                huge,
                ..
            } = &region.pages;
            let inherit = cr_img_inherit {
                mm: region.id,
                parent: region.parent,
                nr_runs: inherited.len() as u32,
                reserved: 0,
            };
            write_runs(writer, &inherit, inherited)?;
            let record = cr_img_unchanged {
                mm: region.id,
                object: region.origin,
                nr_runs: unchanged.len() as u32,
                reserved: 0,
            };
            write_runs(writer, &record, unchanged)?;
            let record = cr_img_huge {
                mm: region.id,
                nr_runs: huge.len() as u32,
                reserved: 0,
            };
            write_runs(writer, &record, huge)?;
        }
        Ok(())
    }

    /// Notes the pages of a shared memory object, which has one mapping by now.
    pub(crate) fn add_shmem(&mut self, id: u64, file: FileRef, size: u64) -> Result {
        self.add_shared(id, file, size, Of::Shmem(1))
    }

    /// Notes the pages of an inode.
    pub(crate) fn add_inode(&mut self, id: u64, file: FileRef, size: u64) -> Result {
        self.add_shared(id, file, size, Of::Inode)
    }

    /// Notes the pages of a segment of System V shared memory.
    pub(crate) fn add_segment(&mut self, id: u64, file: FileRef, size: u64) -> Result {
        self.add_shared(id, file, size, Of::Segment)
    }

    fn add_shared(&mut self, id: u64, file: FileRef, size: u64, of: Of) -> Result {
        let mut runs = KVVec::new();
        let (mut from, mut done) = (0, 0);
        while let Some(start) = file.seek_data(from, false)?.filter(|start| *start < size) {
            // Blocks may be smaller than pages.
            let end = file.seek_data(start, true)?.unwrap_or(size).min(size);
            let start = (start & !(PAGE_SIZE as u64 - 1)).max(done);
            let nr_pages = end.saturating_sub(start).div_ceil(PAGE_SIZE as u64);
            from = end;
            if nr_pages == 0 {
                continue;
            }
            done = start + nr_pages * PAGE_SIZE as u64;
            runs.push(cr_img_run { start, nr_pages }, GFP_KERNEL)?;
            self.scanned += nr_pages;
        }
        let region = Region {
            id,
            source: Source::Shared(file),
            vmas: KVVec::new(),
            process: Origin::default(),
            parent: 0,
            identity: 0,
            pages: Divided {
                own: runs,
                ..Default::default()
            },
            origin: 0,
            of,
        };
        Ok(self.regions.push(region, GFP_KERNEL)?)
    }

    /// A shared memory object was met in another mapping.
    pub(crate) fn map_again(&mut self, id: u64) {
        // They are noted as they get their ids.
        if let Ok(at) = self.regions.binary_search_by_key(&id, |region| region.id) {
            if let Of::Shmem(mappings) = &mut self.regions[at].of {
                *mappings += 1;
            }
        }
    }

    /// Refuses shared memory that somebody else maps as well: only mappings refer to it.
    pub(crate) fn check_contained(&self) -> Result {
        for region in &self.regions {
            if let (Source::Shared(file), Of::Shmem(mappings)) = (&region.source, region.of) {
                let (_, info, _) = file.read_info();
                if info.count > mappings + 1 {
                    fail!(
                        EBUSY,
                        "shared anonymous memory is also used outside of the container"
                    );
                }
            }
        }
        Ok(())
    }

    /// Files of the inodes.
    pub(crate) fn inodes(&self) -> impl Iterator<Item = &FileRef> {
        self.regions
            .iter()
            .filter_map(|region| match &region.source {
                Source::Shared(file) if region.of == Of::Inode => Some(file),
                _ => None,
            })
    }

    /// Pages that were looked at.
    pub(crate) fn scanned(&self) -> u64 {
        self.scanned
    }

    /// Pages that were noted.
    pub(crate) fn nr_pages(&self) -> u64 {
        let regions = self.regions.iter();
        regions.map(|region| count(&region.pages.own)).sum()
    }

    /// Writes all of them: first those that are there before the processes are.
    pub(crate) fn write(&self, writer: &mut Writer<&mut FileSink>, log: Option<&Log>) -> Result {
        let total = self.nr_pages();
        let mut page = vec::zeroed(PAGE_SIZE, GFP_KERNEL)?;
        let is_shared = |region: &&Region| region.of != Of::Process;
        let shared = self.regions.iter().filter(is_shared);
        let private = self.regions.iter().filter(|region| !is_shared(region));
        for region in Iterator::chain(shared, private) {
            let mut runs = Split::new(&region.pages.own, &region.vmas);
            let mut written = 0;
            while let Some(record) = runs.next_record()? {
                let mut pages = writer.pages(region.id, &record)?;
                for run in &record {
                    match &region.source {
                        Source::Private(mm) => write_private(mm, run, |parts| pages.pages(parts))?,
                        Source::Copied(first) => {
                            let from = first + written;
                            self.write_copied(from, run.nr_pages, |parts| pages.pages(parts))?;
                            written += run.nr_pages;
                        }
                        Source::Shared(file) => {
                            for at in 0..run.nr_pages {
                                file.read_page(run.start + at * PAGE_SIZE as u64, &mut page)?;
                                pages.page(&page)?;
                            }
                        }
                    }
                }
                pages.finish()?;
                if let Some(log) = log {
                    log.progress(writer.nr_pages(), total);
                }
            }
        }
        Ok(())
    }

    /// Writes pages of shared memory that have been copied.
    fn write_copied(
        &self,
        from: u64,
        nr_pages: u64,
        mut write: impl FnMut(&[&[u8]]) -> Result,
    ) -> Result {
        let shared = self.shared.as_ref().ok_or(EINVAL)?;
        let end = from + nr_pages;
        for from in (from..end).step_by(PAGE_BATCH) {
            let mut parts = [&[][..]; PAGE_BATCH];
            let nr = (end - from).min(PAGE_BATCH as u64) as usize;
            for (at, part) in (from..).zip(&mut parts[..nr]) {
                *part = shared.page(at)?;
            }
            write(&parts[..nr])?;
        }
        Ok(())
    }
}

/// Writes what a record says about pages, if there are any.
fn write_runs(
    writer: &mut Writer<&mut FileSink>,
    record: &impl Record,
    runs: &[cr_img_run],
) -> Result {
    match runs.is_empty() {
        true => Ok(()),
        false => writer.record(0, record, &[runs.as_bytes()]),
    }
}

fn may_have_private_pages(vma: &cr_img_vma) -> bool {
    matches!(vma.kind, CR_VMA_ANON | CR_VMA_FILE | CR_VMA_SHMEM)
        && vma.flags & (CR_VMA_SHARED | CR_VMA_DROPPABLE) == 0
}

fn write_private(mm: &Mm, run: &cr_img_run, mut write: impl FnMut(&[&[u8]]) -> Result) -> Result {
    let mut done = 0;
    while done < run.nr_pages {
        let addr = run.start + done * PAGE_SIZE as u64;
        let pages = mm
            .pages(addr, run.nr_pages - done, false)
            .context(format_args!("reading the page at {addr:#x}"))?;
        let mut parts = [&[][..]; PAGE_BATCH];
        for (at, part) in parts.iter_mut().enumerate().take(pages.len()) {
            *part = pages.bytes(at);
        }
        write(&parts[..pages.len()])?;
        done += pages.len() as u64;
    }
    Ok(())
}

/// Where the pages of an object go, which several may put there.
#[pin_data]
pub(crate) struct Target {
    place: Place,
    /// What was in huge pages.
    huge: KVVec<cr_img_run>,
    /// Whether pages may be huge now is up to its holder. Where none were, nobody needs it.
    #[pin]
    allows_huge: Mutex<()>,
}

impl Target {
    /// Of which those in `huge` were huge ones.
    pub(crate) fn new(place: Place, huge: KVVec<cr_img_run>) -> Result<Arc<Self>> {
        let target = pin_init!(Self {
            place,
            huge,
            allows_huge <- new_mutex!(()),
        });
        Ok(Arc::pin_init(target, GFP_KERNEL)?)
    }

    /// At most `most` pages of a process, to be filled.
    fn pages(&self, mm: &Mm, addr: u64, most: u64) -> Result<Pages> {
        if self.huge.is_empty() {
            return Ok(mm.pages(addr, most, true)?);
        }
        // Up to where the next huge page may begin.
        let in_huge = addr / PAGE_SIZE as u64 % u64::from(CR_HUGE_PAGES);
        let most = most.min(u64::from(CR_HUGE_PAGES) - in_huge);
        let is_huge = contains(&self.huge, addr);
        let _guard = self.allows_huge.lock();
        if is_huge {
            mm.allow_huge(true);
        }
        let pages = mm.pages(addr, most, true);
        if is_huge {
            mm.allow_huge(false);
        }
        Ok(pages?)
    }
}

/// Puts the pages of one record into their places, as `read` gives them. `first_of` says of the first
/// page of a run whether it comes later, and how many do as it does. `buffer` has room for a page.
pub(crate) fn restore(
    target: &Target,
    runs: &[cr_img_run],
    first_of: impl Fn(&cr_img_run) -> (bool, u64),
    buffer: &mut [u8],
    mut read: impl FnMut(&mut [u8]) -> Result,
) -> Result {
    match &target.place {
        Place::Private(mm) => {
            for run in runs {
                let mut rest = *run;
                while rest.nr_pages > 0 {
                    let (later, nr_pages) = first_of(&rest);
                    let part = cr_img_run { nr_pages, ..rest };
                    rest.start = run_end(&part);
                    rest.nr_pages -= nr_pages;
                    match later {
                        true => (0..nr_pages).try_for_each(|_| read(buffer))?,
                        false => restore_private(target, mm, &part, &mut read)?,
                    }
                }
            }
        }
        Place::Shared(file) => {
            for run in runs {
                for at in 0..run.nr_pages {
                    read(buffer)?;
                    file.write_page(run.start + at * PAGE_SIZE as u64, buffer)?;
                }
            }
        }
    }
    Ok(())
}

/// Whether a page is in one of these runs.
fn contains(runs: &[cr_img_run], addr: u64) -> bool {
    let after = runs.partition_point(|run| run.start <= addr);
    let run = after.checked_sub(1).and_then(|at| runs.get(at));
    run.is_some_and(|run| addr < run_end(run))
}

fn restore_private(
    target: &Target,
    mm: &Mm,
    run: &cr_img_run,
    mut read: impl FnMut(&mut [u8]) -> Result,
) -> Result {
    let mut done = 0;
    while done < run.nr_pages {
        let addr = run.start + done * PAGE_SIZE as u64;
        let mut pages = target
            .pages(mm, addr, run.nr_pages - done)
            .context(format_args!("making the page at {addr:#x}"))?;
        for at in 0..pages.len() {
            read(pages.bytes_mut(at)?)?;
        }
        done += pages.len() as u64;
    }
    Ok(())
}
