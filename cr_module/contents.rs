// SPDX-License-Identifier: GPL-2.0

//! Contents of memory and of inodes, as they come from the image: first those of files, which are
//! there before any process is, then those of processes.
//!
//! What comes from a file need not be read in its order. Records of many pages are left to other
//! processors that are free.

use crate::{
    crew::Crew,
    image::{places_by, Records},
    late::Late,
    report::{fail, Context, Log, Result},
    restart::Image,
    state::memory::{self, Place, Target},
};
use cr_codec::{check::State, order, read::PassedPages, uapi::*};
use cr_sys::{errno::EBADMSG, file::FileRef, mm::PAGE_SIZE, vec};
use kernel::{prelude::*, sync::Arc};

/// Where the pages of a shared memory object or inode go; none for other objects.
pub(crate) fn of_file(files: &[(u64, FileRef)], object: u64) -> Result<Option<Place>> {
    let found = files.binary_search_by_key(&object, |(id, _)| *id);
    Ok(found.ok().map(|at| Place::Shared(files[at].1.clone())))
}

/// Pages of a record that are worth being left to somebody else.
const MANY: u64 = 64;

/// Pages while they are put in place, as they come from the image.
pub(crate) struct Contents<'a> {
    pub(crate) total: u64,
    runs: KVVec<cr_img_run>,
    /// For one that is not read to its place.
    page: KVVec<u8>,
    records: &'a Records,
    late: Arc<Late>,
    crew: Crew,
    /// Records of huge pages by object.
    huge_records: KVVec<(u64, usize)>,
    log: Option<&'a Log>,
}

impl<'a> Contents<'a> {
    /// None yet, of `total`.
    pub(crate) fn new(
        total: u64,
        log: Option<&'a Log>,
        records: &'a Records,
        late: Arc<Late>,
    ) -> Result<Self> {
        let huge_records = places_by(records, CR_TAG_HUGE, |rec| {
            Ok(rec.fixed::<cr_img_huge>()?.mm)
        })?;
        Ok(Self {
            total,
            runs: KVVec::new(),
            page: vec::zeroed(PAGE_SIZE, GFP_KERNEL)?,
            records,
            late,
            crew: Crew::new()?,
            huge_records,
            log,
        })
    }

    /// Which pages of an object were huge.
    fn huge_of(&self, object: u64) -> Result<KVVec<cr_img_run>> {
        let mut huge = KVVec::new();
        if let Some((_, at)) = order::find_by_key(&self.huge_records, object, |(mm, _)| *mm) {
            for run in self.records.get(*at).array(size_of::<cr_img_huge>()) {
                huge.push(run, GFP_KERNEL)?;
            }
        }
        Ok(huge)
    }

    /// Does so for as long as `place_of` knows where, object by object.
    pub(crate) fn fill(
        &mut self,
        image: &mut Image,
        state: &State<'_>,
        mut place_of: impl FnMut(u64) -> Result<Option<Place>>,
    ) -> Result {
        let mut target: Option<(u64, Arc<Target>)> = None;
        while image.head.tag == CR_TAG_PAGES {
            let head = image.head;
            let most = usize::try_from(head.length).map_err(|_| EINVAL)? / PAGE_SIZE;
            if self.runs.len() < most {
                self.runs = vec::zeroed(most, GFP_KERNEL)?;
            }
            let object = image.reader.object_of_pages(&head)?;
            let last = target.as_ref().map_or(0, |(last, _)| *last);
            if object != last {
                // All of the last one have to be there.
                self.crew.wait()?;
                let Some(place) = place_of(object)? else {
                    return Ok(());
                };
                if object < last {
                    fail!(
                        EBADMSG(),
                        "pages that are not in the order of their objects"
                    );
                }
                let huge = self.huge_of(object)?;
                target = Some((object, Target::new(place, huge)?));
            }
            let in_file = match self.late.is_none() && self.crew.is_free() {
                true => image.reader.source().in_file(),
                false => None,
            };
            let mut pages = image.reader.pages(&head, &mut self.runs)?;
            let runs = pages.runs();
            for run in runs {
                state.check_run(head.offset, object, run)?;
            }
            if self.late.has_all(object, runs) {
                pages.pass_over()?;
            } else if let Some((_, target)) = &target {
                if let Some((file, base)) = in_file.filter(|_| pages.nr_pages() >= MANY) {
                    let pages = pages.pass_over()?;
                    let mut copy = KVVec::new();
                    copy.extend_from_slice(runs, GFP_KERNEL)?;
                    let job = Job {
                        target: target.clone(),
                        runs: copy,
                        file,
                        at: base.wrapping_add(pages.offset()),
                        pages,
                    };
                    self.crew.give(move || job.run())?;
                } else {
                    let first_of = |run: &cr_img_run| self.late.first_of(object, run);
                    memory::restore(target, runs, first_of, &mut self.page, |page| {
                        pages.read(page)
                    })?;
                    pages.finish()?;
                }
            }
            if let Some(log) = self.log {
                log.progress(image.reader.nr_pages(), self.total);
            }
            image.head = image.reader.next()?;
        }
        self.crew.wait()
    }
}

/// A record of pages that another processor puts in place.
struct Job {
    target: Arc<Target>,
    runs: KVVec<cr_img_run>,
    file: FileRef,
    /// Where in the file the next page is.
    at: u64,
    pages: PassedPages,
}

impl Job {
    fn run(mut self) -> Result {
        let mut buffer = vec::zeroed(PAGE_SIZE, GFP_KERNEL)?;
        let all_now = |run: &cr_img_run| (false, run.nr_pages);
        memory::restore(&self.target, &self.runs, all_now, &mut buffer, |page| {
            let mut rest = &mut *page;
            while !rest.is_empty() {
                let some = self
                    .file
                    .read_at(rest, self.at)
                    .context(format_args!("reading the image"))?;
                if some == 0 {
                    return Err(self.pages.truncated().into());
                }
                self.at += some as u64;
                rest = &mut rest[some..];
            }
            self.pages.add(page);
            Ok(())
        })?;
        Ok(self.pages.finish()?)
    }
}
