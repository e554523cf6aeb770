// SPDX-License-Identifier: GPL-2.0

//! Contents of memory and of inodes, as they come from the image: first those of files, which are
//! there before any process is, then those of processes.

use crate::{
    image::Records,
    late::Late,
    report::{fail, Log, Result},
    restart::Image,
    state::memory::{self, Place},
};
use cr_codec::{check::State, order, uapi::*};
use cr_sys::{errno::EBADMSG, file::FileRef, mm::PAGE_SIZE, vec};
use kernel::{prelude::*, sync::Arc};

/// Where the pages of a shared memory object or inode go; none for other objects.
pub(crate) fn of_file(files: &[(u64, FileRef)], object: u64) -> Result<Option<Place>> {
    let found = files.binary_search_by_key(&object, |(id, _)| *id);
    Ok(found.ok().map(|at| Place::Shared(files[at].1.clone())))
}

/// Pages while they are put in place, as they come from the image.
pub(crate) struct Contents<'a> {
    pub(crate) total: u64,
    runs: KVVec<cr_img_run>,
    /// For one that is not read to its place.
    page: KVVec<u8>,
    records: &'a Records,
    late: Arc<Late>,
    /// Records of huge pages by object, and the pages of that whose turn it is.
    huge_records: KVVec<(u64, usize)>,
    huge: KVVec<cr_img_run>,
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
        let mut huge_records = KVVec::new();
        // They ascend by object.
        for (at, rec) in records.tagged(CR_TAG_HUGE) {
            let huge: cr_img_huge = rec.fixed()?;
            huge_records.push((huge.mm, at), GFP_KERNEL)?;
        }
        Ok(Self {
            total,
            runs: KVVec::new(),
            page: vec::zeroed(PAGE_SIZE, GFP_KERNEL)?,
            records,
            late,
            huge_records,
            huge: KVVec::new(),
            log,
        })
    }

    /// Notes which pages of an object were huge.
    fn find_huge(&mut self, object: u64) -> Result {
        self.huge.clear();
        let Some((_, at)) = order::find_by_key(&self.huge_records, object, |(mm, _)| *mm) else {
            return Ok(());
        };
        for run in self.records.get(*at).array(size_of::<cr_img_huge>()) {
            self.huge.push(run, GFP_KERNEL)?;
        }
        Ok(())
    }

    /// Does so for as long as `place_of` knows where, object by object.
    pub(crate) fn fill(
        &mut self,
        image: &mut Image,
        state: &State<'_>,
        mut place_of: impl FnMut(u64) -> Result<Option<Place>>,
    ) -> Result {
        let mut place: Option<(u64, Place)> = None;
        while image.head.tag == CR_TAG_PAGES {
            let head = image.head;
            let most = usize::try_from(head.length).map_err(|_| EINVAL)? / PAGE_SIZE;
            if self.runs.len() < most {
                self.runs = vec::zeroed(most, GFP_KERNEL)?;
            }
            let object = image.reader.object_of_pages(&head)?;
            let last = place.as_ref().map_or(0, |(last, _)| *last);
            if object != last {
                let Some(found) = place_of(object)? else {
                    return Ok(());
                };
                if object < last {
                    fail!(
                        EBADMSG(),
                        "pages that are not in the order of their objects"
                    );
                }
                self.find_huge(object)?;
                place = Some((object, found));
            }
            let pages = image.reader.pages(&head, &mut self.runs)?;
            for run in pages.runs() {
                state.check_run(head.offset, object, run)?;
            }
            if self.late.has_all(object, pages.runs()) {
                pages.pass_over()?;
            } else if let Some((_, place)) = &place {
                let first_of = |run: &cr_img_run| self.late.first_of(object, run);
                memory::restore(pages, place, &self.huge, first_of, &mut self.page)?;
            }
            if let Some(log) = self.log {
                log.progress(image.reader.nr_pages(), self.total);
            }
            image.head = image.reader.next()?;
        }
        Ok(())
    }
}
