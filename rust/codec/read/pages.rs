// SPDX-License-Identifier: GPL-2.0

//! Records of pages: where they belong, and who reads them.

use core::mem::size_of;

use zerocopy::{FromZeros, IntoBytes};

use super::{Head, Reader, Source};
use crate::{
    error::{FormatError, FormatErrorKind},
    page::PageSize,
    uapi::*,
    write::padding,
    Checksum,
};

impl<S: Source> Reader<S> {
    /// The object whose pages are in a record that [`Reader::pages`] is to read.
    pub fn object_of_pages(&mut self, head: &Head) -> Result<u64, S::Error> {
        Ok(self.begin_pages(head)?.object)
    }

    fn begin_pages(&mut self, head: &Head) -> Result<cr_img_pages, S::Error> {
        if let Some((_, begun)) = self.begun.filter(|(offset, _)| *offset == head.offset) {
            return Ok(begun);
        }
        self.enter(head)?;
        if head.tag != CR_TAG_PAGES {
            return Err(head
                .error(FormatErrorKind::Usage("not a record of pages"))
                .into());
        }
        let mut begun = cr_img_pages::new_zeroed();
        self.content(head, begun.as_mut_bytes())?;
        self.begun = Some((head.offset, begun));
        Ok(begun)
    }

    /// Begins to read a record of pages. As much of `scratch` is used as the record has runs.
    pub fn pages<'a, 'b>(
        &'a mut self,
        head: &Head,
        scratch: &'b mut [cr_img_run],
    ) -> Result<PagesReader<'a, 'b, S>, S::Error> {
        let head = *head;
        let fail = |kind| Err(head.error(kind).into());
        let fixed = self.begin_pages(&head)?;
        self.begun = None;
        // Each run has a page at least, so that they fit into a scratch for so many pages.
        let nr_runs = u64::from(fixed.nr_runs);
        let pages_from = |before| {
            nr_runs
                .checked_mul(self.page_size.bytes())?
                .checked_add(before)
        };
        let Some(before) = before_pages(nr_runs)
            .filter(|before| pages_from(*before).is_some_and(|least| least <= head.length))
        else {
            return fail(FormatErrorKind::Runs("too many runs"));
        };
        let Some(runs) = scratch.get_mut(..fixed.nr_runs as usize) else {
            return fail(FormatErrorKind::Usage("more runs than there is room for"));
        };
        self.content(&head, runs.as_mut_bytes())?;

        let gap = padding(self.offset, self.page_size.bytes());
        if before.checked_add(gap) != Some(u64::from(fixed.data_offset)) {
            return fail(FormatErrorKind::Runs("the pages begin at a wrong offset"));
        }
        let nr_pages = match validate_runs(runs, self.page_size) {
            Ok(nr_pages) => nr_pages,
            Err(kind) => return fail(kind),
        };
        let length = head.length.checked_sub(u64::from(fixed.data_offset));
        if length.and_then(|length| self.page_size.pages_in(length)) != Some(nr_pages) {
            return fail(FormatErrorKind::Runs("other pages than the length allows"));
        }
        self.zeroes::<512>(&head, gap)?;
        Ok(PagesReader {
            reader: self,
            head,
            object: fixed.object,
            runs,
            nr_pages,
            remaining: nr_pages,
        })
    }
}

/// Reads the pages of a record.
#[derive(Debug)]
#[must_use = "the checksum is checked by `finish`"]
pub struct PagesReader<'a, 'b, S> {
    reader: &'a mut Reader<S>,
    head: Head,
    object: u64,
    runs: &'b [cr_img_run],
    nr_pages: u64,
    remaining: u64,
}

impl<'b, S: Source> PagesReader<'_, 'b, S> {
    /// Id of the memory descriptor or shared memory object.
    pub fn object(&self) -> u64 {
        self.object
    }

    /// Where the pages belong; ascending.
    pub fn runs(&self) -> &'b [cr_img_run] {
        self.runs
    }

    /// Pages in the record.
    pub fn nr_pages(&self) -> u64 {
        self.nr_pages
    }

    /// Reads as many pages as `buffer` holds, run by run.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<(), S::Error> {
        let pages = self.reader.page_size.pages_in(buffer.len() as u64);
        match pages.and_then(|pages| self.remaining.checked_sub(pages)) {
            Some(remaining) => self.remaining = remaining,
            None => {
                let kind = FormatErrorKind::Usage("more data than there is, or a part of a page");
                return Err(self.head.error(kind).into());
            }
        }
        self.reader.content(&self.head, buffer)
    }

    /// Ends the record without having read any page. Somebody else is to do that, and to compare the
    /// checksum: nothing may be made of the pages before.
    pub fn pass_over(self) -> Result<PassedPages, S::Error> {
        let Self { reader, head, .. } = self;
        if self.remaining != self.nr_pages {
            let kind = FormatErrorKind::Usage("some pages were read");
            return Err(head.error(kind).into());
        }
        let first = reader.offset;
        let bytes = self.nr_pages.saturating_mul(reader.page_size.bytes());
        let bytes = bytes.saturating_add(padding(head.length, 8));
        let passed = reader.source.pass(bytes)?;
        reader.offset = reader.offset.saturating_add(passed);
        if passed < bytes {
            return Err(head.error(FormatErrorKind::Truncated).into());
        }
        let mut expected = 0;
        reader.tail(&head, |crc| {
            expected = crc;
            true
        })?;
        reader.nr_pages = reader.nr_pages.saturating_add(self.nr_pages);
        Ok(PassedPages {
            head,
            offset: first,
            checksum: reader.checksum,
            crc: reader.crc,
            expected,
        })
    }

    /// Ends the record: all pages must have been read, and their checksum is compared.
    pub fn finish(self) -> Result<(), S::Error> {
        if self.remaining != 0 {
            let kind = FormatErrorKind::Usage("not all pages were read");
            return Err(self.head.error(kind).into());
        }
        self.reader.leave(&self.head)?;
        self.reader.nr_pages = self.reader.nr_pages.saturating_add(self.nr_pages);
        Ok(())
    }
}

/// Pages that were passed over, for whom they are left to.
#[derive(Clone, Copy, Debug)]
pub struct PassedPages {
    head: Head,
    offset: u64,
    checksum: Checksum,
    crc: u32,
    expected: u32,
}

impl PassedPages {
    /// Where in the image the first one is. The others follow, in the order of the runs.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next ones have been read.
    pub fn add(&mut self, bytes: &[u8]) {
        self.crc = (self.checksum)(self.crc, bytes);
    }

    /// All of them have been read: compares their checksum.
    pub fn finish(self) -> Result<(), FormatError> {
        match self.crc == self.expected {
            true => Ok(()),
            false => Err(self.head.error(FormatErrorKind::PayloadChecksum)),
        }
    }

    /// What is wrong if the image ends before the last one.
    pub fn truncated(&self) -> FormatError {
        self.head.error(FormatErrorKind::Truncated)
    }
}

/// Most runs that a record of pages can have, whatever the size of a page.
pub const MAX_RUNS: u32 = CR_IMG_MAX_PAGES_PAYLOAD / 4096;

/// Bytes of payload before the padding before the pages.
pub(crate) fn before_pages(nr_runs: u64) -> Option<u64> {
    nr_runs
        .checked_mul(size_of::<cr_img_run>() as u64)?
        .checked_add(size_of::<cr_img_pages>() as u64)
}

/// Checks a list of runs by itself, and counts the pages.
pub(crate) fn validate_runs(
    runs: &[cr_img_run],
    page_size: PageSize,
) -> Result<u64, FormatErrorKind> {
    let mut nr_pages = 0u64;
    let mut last_end = 0;
    for run in runs {
        if page_size.pages_in(run.start).is_none() {
            return Err(FormatErrorKind::Runs("a run does not begin with a page"));
        }
        if run.start < last_end {
            return Err(FormatErrorKind::Runs("runs overlap or do not ascend"));
        }
        match page_size.end_of(run) {
            Some(end) if end <= 1 << 62 => last_end = end,
            _ => return Err(FormatErrorKind::Runs("a run of an impossible length")),
        }
        // The runs do not overlap, so the sum is below the end of the last one.
        nr_pages = nr_pages.saturating_add(run.nr_pages);
    }
    if nr_pages == 0 {
        return Err(FormatErrorKind::Runs("no pages"));
    }
    Ok(nr_pages)
}
