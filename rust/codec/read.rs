// SPDX-License-Identifier: GPL-2.0

//! Reading an image.
//!
//! ```text
//! Reader::new → ( next → payload | skip | pages … finish )* → next → end [→ nothing_follows]
//! ```
//!
//! [`Reader::next`] gives the header of a record only after it has checked everything that can be
//! known about it, its length included, so that the caller may allocate as much memory as the
//! header says. Contents are delivered before their checksum is known: nothing may be made of them
//! before [`Reader::payload`] or [`PagesReader::finish`] has returned without an error.

mod pages;

pub(crate) use pages::{before_pages, validate_runs};
pub use pages::{PagesReader, PassedPages, MAX_RUNS};

use core::mem::size_of;

use zerocopy::{FromZeros, IntoBytes};

use crate::{
    error::{FormatError, FormatErrorKind},
    page::PageSize,
    record,
    uapi::*,
    write::padding,
    Checksum,
};

/// Gives the bytes of an image.
pub trait Source {
    /// How it fails.
    type Error: From<FormatError>;

    /// Fills the beginning of `buffer`, which is not empty, and says how much of it; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error>;

    /// Passes over so many bytes, and says over how many of them; fewer only at the end. Where one
    /// can seek, nobody needs to read them, nor to know that there is no end before.
    fn pass(&mut self, count: u64) -> Result<u64, Self::Error> {
        let mut buffer = [0; 256];
        let mut remaining = count;
        while remaining > 0 {
            match self.read(beginning(&mut buffer, remaining))? {
                0 => break,
                some => remaining = remaining.saturating_sub(some as u64),
            }
        }
        Ok(count.saturating_sub(remaining))
    }
}

impl<S: Source + ?Sized> Source for &mut S {
    type Error = S::Error;

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Self::Error> {
        (**self).read(buffer)
    }

    fn pass(&mut self, count: u64) -> Result<u64, Self::Error> {
        (**self).pass(count)
    }
}

impl Source for &[u8] {
    type Error = FormatError;

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, FormatError> {
        let some = buffer.len().min(self.len());
        if let (Some(buffer), Some((now, later))) =
            (buffer.get_mut(..some), self.split_at_checked(some))
        {
            buffer.copy_from_slice(now);
            *self = later;
        }
        Ok(some)
    }
}

/// A validated header of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// `CR_TAG_*`, or an unknown tag if the record may be skipped.
    pub tag: u32,
    /// Version of the payload.
    pub version: u16,
    /// `CR_REC_*`.
    pub flags: u16,
    /// Bytes of payload, at most what the kind allows.
    pub length: u64,
    /// Object id, or 0.
    pub id: u64,
    /// Where the record begins.
    pub offset: u64,
}

impl Head {
    /// Whether this reader knows what the record means. If not, it has to be skipped.
    pub fn is_known(&self) -> bool {
        record::kind(self.tag).is_some()
    }

    fn error(&self, kind: FormatErrorKind) -> FormatError {
        FormatError::in_record(self.offset, self.tag, kind)
    }
}

/// Where the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// At the beginning of a record.
    Record,
    /// At the beginning of the payload of the record at this offset.
    Payload(u64),
    /// In the middle of one, for good: the caller gave up, or there was an error.
    Lost,
    /// After the last record.
    Nothing,
}

/// Reads an image.
#[derive(Debug)]
pub struct Reader<S> {
    source: S,
    checksum: Checksum,
    page_size: PageSize,
    offset: u64,
    nr_records: u64,
    nr_pages: u64,
    next: Next,
    /// Pages have come, and only pages may follow.
    in_pages: bool,
    /// Checksum of the payload so far.
    crc: u32,
    /// The offset and the beginning of a record of pages, once somebody wants to know whose they are.
    begun: Option<(u64, cr_img_pages)>,
}

impl<S: Source> Reader<S> {
    /// Reads the file header.
    ///
    /// Whether this machine can do anything with the image is another question: see
    /// [`cr_img_header::check_machine`].
    pub fn new(mut source: S, checksum: Checksum) -> Result<(cr_img_header, Self), S::Error> {
        let mut header = cr_img_header::new_zeroed();
        let got = fill(&mut source, header.as_mut_bytes())?;
        let fail = |kind| Err(FormatError::new(0, kind).into());
        if got == 0 {
            return fail(FormatErrorKind::Empty);
        }
        // Say "not an image" of a short text file, too.
        if got < size_of::<u64>() || header.magic != CR_IMG_MAGIC {
            return fail(FormatErrorKind::NotAnImage);
        }
        if got < size_of::<cr_img_header>() {
            return fail(FormatErrorKind::Truncated);
        }
        // Other versions may have their checksum elsewhere.
        if header.version != CR_IMG_VERSION {
            return fail(FormatErrorKind::Version(header.version));
        }
        if header.header_len as usize != size_of::<cr_img_header>() {
            return fail(FormatErrorKind::HeaderLength(header.header_len));
        }
        if checksum(0, record::covered(&header)) != header.crc {
            return fail(FormatErrorKind::FileHeaderChecksum);
        }
        let reader = Self {
            page_size: validate_header(&header)?,
            source,
            checksum,
            offset: got as u64,
            nr_records: 0,
            nr_pages: 0,
            next: Next::Record,
            in_pages: false,
            crc: 0,
            begun: None,
        };
        Ok((header, reader))
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Records read so far.
    pub fn nr_records(&self) -> u64 {
        self.nr_records
    }

    /// Pages read so far.
    pub fn nr_pages(&self) -> u64 {
        self.nr_pages
    }

    /// The source, for looking into it.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Gives the source back.
    pub fn into_source(self) -> S {
        self.source
    }

    /// Reads the header of the next record.
    ///
    /// The last one is `CR_TAG_END`; an image that stops before it is an error.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Head, S::Error> {
        let offset = self.offset;
        let misuse = |what| Err(FormatError::new(offset, FormatErrorKind::Usage(what)).into());
        match self.next {
            Next::Record => {}
            Next::Payload(_) => return misuse("the record before it was not read"),
            Next::Lost => return misuse("not at the beginning of a record"),
            Next::Nothing => return misuse("after the end"),
        }

        self.next = Next::Lost;
        let mut raw = cr_img_record::new_zeroed();
        let got = self.fill(raw.as_mut_bytes())?;
        if got == 0 {
            return Err(FormatError::new(offset, FormatErrorKind::NoEnd).into());
        }
        if got < size_of::<cr_img_record>() {
            return Err(FormatError::new(offset, FormatErrorKind::Truncated).into());
        }
        if (self.checksum)(0, record::covered(&raw)) != raw.crc {
            return Err(FormatError::new(offset, FormatErrorKind::HeaderChecksum).into());
        }
        let head = Head {
            tag: raw.tag,
            version: raw.version,
            flags: raw.flags,
            length: raw.length,
            id: raw.id,
            offset,
        };
        if raw.reserved != 0 {
            return Err(head.error(FormatErrorKind::Reserved).into());
        }
        self.validate(&head).map_err(|kind| head.error(kind))?;

        self.crc = 0;
        self.in_pages |= head.tag == CR_TAG_PAGES;
        self.next = Next::Payload(offset);
        Ok(head)
    }

    fn validate(&self, head: &Head) -> Result<(), FormatErrorKind> {
        let skippable = CR_REC_SKIPPABLE as u16;
        let Some(kind) = record::kind(head.tag) else {
            if head.flags & skippable == 0 {
                return Err(FormatErrorKind::UnknownTag(head.tag));
            }
            if head.flags != skippable {
                return Err(FormatErrorKind::Flags(head.flags));
            }
            if head.length > u64::from(CR_IMG_MAX_PAYLOAD) {
                return Err(FormatErrorKind::Length(head.length));
            }
            return Ok(());
        };
        if head.version != kind.version {
            return Err(FormatErrorKind::RecordVersion {
                found: head.version,
                expected: kind.version,
            });
        }
        if head.flags != kind.flags {
            return Err(FormatErrorKind::Flags(head.flags));
        }
        if !kind.length_fits(head.length) {
            return Err(FormatErrorKind::Length(head.length));
        }
        if kind.object != (head.id != 0) {
            return Err(FormatErrorKind::Id(head.id));
        }
        if self.in_pages && !matches!(head.tag, CR_TAG_PAGES | CR_TAG_END) {
            return Err(FormatErrorKind::Order);
        }
        Ok(())
    }

    /// Reads the payload; `buffer` has exactly the length of it.
    pub fn payload(&mut self, head: &Head, buffer: &mut [u8]) -> Result<(), S::Error> {
        self.enter(head)?;
        if buffer.len() as u64 != head.length {
            return Err(head
                .error(FormatErrorKind::Usage("buffer of another length"))
                .into());
        }
        self.content(head, buffer)?;
        self.leave(head)
    }

    /// Reads over the payload. Its checksum is checked all the same.
    pub fn skip(&mut self, head: &Head) -> Result<(), S::Error> {
        self.enter(head)?;
        let mut buffer = [0; 256];
        let mut remaining = head.length;
        while remaining > 0 {
            let part = beginning(&mut buffer, remaining);
            remaining = remaining.saturating_sub(part.len() as u64);
            self.content(head, part)?;
        }
        self.leave(head)
    }

    /// Reads the payload of `CR_TAG_END` and compares it with what has been read.
    pub fn end(&mut self, head: &Head) -> Result<cr_img_end, S::Error> {
        if head.tag != CR_TAG_END {
            return Err(head.error(FormatErrorKind::Usage("not the end")).into());
        }
        let (nr_records, nr_pages) = (self.nr_records, self.nr_pages);
        let mut end = cr_img_end::new_zeroed();
        self.payload(head, end.as_mut_bytes())?;
        for (what, found, expected) in [
            ("records", end.nr_records, nr_records),
            ("pages", end.nr_pages, nr_pages),
            ("bytes", end.length, head.offset),
        ] {
            if found != expected {
                return Err(head
                    .error(FormatErrorKind::Count {
                        what,
                        found,
                        expected,
                    })
                    .into());
            }
        }
        self.next = Next::Nothing;
        Ok(end)
    }

    /// Makes sure that nothing follows the last record.
    ///
    /// For files; an image in a pipe may have something else behind it.
    pub fn nothing_follows(&mut self) -> Result<(), S::Error> {
        let kind = match self.next {
            Next::Nothing if self.source.read(&mut [0])? == 0 => return Ok(()),
            Next::Nothing => FormatErrorKind::Trailing,
            _ => FormatErrorKind::Usage("not at the end"),
        };
        Err(FormatError::new(self.offset, kind).into())
    }

    /// Reads until the buffer is full or the source is empty.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, S::Error> {
        let got = fill(&mut self.source, buffer)?;
        self.offset = self.offset.saturating_add(got as u64);
        Ok(got)
    }

    /// Begins with a payload. Until its end the reader counts as lost.
    fn enter(&mut self, head: &Head) -> Result<(), S::Error> {
        if self.next != Next::Payload(head.offset) {
            return Err(head
                .error(FormatErrorKind::Usage("not the record to be read"))
                .into());
        }
        self.next = Next::Lost;
        Ok(())
    }

    fn content(&mut self, head: &Head, buffer: &mut [u8]) -> Result<(), S::Error> {
        if buffer.is_empty() {
            return Ok(());
        }
        if self.fill(buffer)? < buffer.len() {
            return Err(head.error(FormatErrorKind::Truncated).into());
        }
        self.crc = (self.checksum)(self.crc, buffer);
        Ok(())
    }

    /// Reads over zeroes; `N` at a time, all of which are cleared before.
    fn zeroes<const N: usize>(&mut self, head: &Head, mut count: u64) -> Result<(), S::Error> {
        let mut buffer = [0; N];
        while count > 0 {
            let part = beginning(&mut buffer, count);
            count = count.saturating_sub(part.len() as u64);
            self.content(head, part)?;
            if !is_zero(part) {
                return Err(head.error(FormatErrorKind::Padding).into());
            }
        }
        Ok(())
    }

    fn leave(&mut self, head: &Head) -> Result<(), S::Error> {
        self.zeroes::<8>(head, padding(head.length, 8))?;
        let crc = self.crc;
        self.tail(head, |found| found == crc)
    }

    /// Reads what is behind the payload.
    fn tail(&mut self, head: &Head, is_right: impl FnOnce(u32) -> bool) -> Result<(), S::Error> {
        let mut tail = cr_img_tail::new_zeroed();
        if self.fill(tail.as_mut_bytes())? < size_of::<cr_img_tail>() {
            return Err(head.error(FormatErrorKind::Truncated).into());
        }
        if !is_right(tail.crc) {
            return Err(head.error(FormatErrorKind::PayloadChecksum).into());
        }
        if tail.reserved != 0 {
            return Err(head.error(FormatErrorKind::Reserved).into());
        }
        self.nr_records = self.nr_records.saturating_add(1);
        self.next = Next::Record;
        Ok(())
    }
}

/// Reads until the buffer is full or the source is empty.
fn fill<S: Source>(source: &mut S, buffer: &mut [u8]) -> Result<usize, S::Error> {
    let length = buffer.len();
    let mut rest = buffer;
    while !rest.is_empty() {
        match source.read(rest)? {
            0 => break,
            some => rest = rest.get_mut(some..).unwrap_or_default(),
        }
    }
    Ok(length.saturating_sub(rest.len()))
}

/// Whether all bytes are zero. By words: one after the other, they take ten times as long in the kernel.
pub(crate) fn is_zero(bytes: &[u8]) -> bool {
    let words = bytes.chunks_exact(8);
    let rest = words.remainder().iter().fold(0, |set, byte| set | *byte);
    let words = words.map(|word| u64::from_ne_bytes(word.try_into().unwrap_or([0xff; 8])));
    words.fold(u64::from(rest), |set, word| set | word) == 0
}

/// As much of the beginning of a buffer as is wanted.
fn beginning(buffer: &mut [u8], wanted: u64) -> &mut [u8] {
    let some = usize::try_from(wanted).map_or(buffer.len(), |wanted| wanted.min(buffer.len()));
    buffer.get_mut(..some).unwrap_or_default()
}

/// Checks what format 1 says about a header whose checksum is right.
pub(crate) fn validate_header(header: &cr_img_header) -> Result<PageSize, FormatError> {
    let fail = |what| Err(FormatError::new(0, FormatErrorKind::FileHeader(what)));
    if header.flags != 0 {
        return fail("unknown flags");
    }
    if header.reserved != 0 || header.reserved0 != 0 {
        return fail("a reserved member is not zero");
    }
    let Some(page_size) = PageSize::new(header.page_size) else {
        return fail("impossible page size");
    };
    if header.xstate_size > record::MAX_XSTATE {
        return fail("impossible size of extended registers");
    }
    if !record::is_nul_padded(&header.kernel_release) {
        return fail("the kernel release is not padded");
    }
    Ok(page_size)
}

/// Id of an image.
pub type ImageId = [u8; CR_IMG_ID_LEN as usize];

impl cr_img_container {
    /// Whether the image has only what changed since another one, its parent.
    pub fn is_increment(&self) -> bool {
        self.parent != ImageId::default()
    }
}

impl cr_img_header {
    /// Checks that an image is for this kind of machine: `e_machine` of its ELF files and bytes in a
    /// page.
    pub fn check_machine(&self, machine: u32, page_size: u32) -> Result<(), FormatError> {
        let fail = |kind| Err(FormatError::new(0, kind));
        if self.arch != machine {
            return fail(FormatErrorKind::Architecture {
                found: self.arch,
                expected: machine,
            });
        }
        if self.page_size != page_size {
            return fail(FormatErrorKind::PageSize {
                found: self.page_size,
                expected: page_size,
            });
        }
        Ok(())
    }
}
