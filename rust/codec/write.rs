// SPDX-License-Identifier: GPL-2.0

//! Writing an image.
//!
//! ```text
//! Writer::new → header → record | raw … → pages … → end
//! ```

use core::mem::size_of;

use zerocopy::IntoBytes;

use crate::{
    error::{FormatError, FormatErrorKind},
    page::PageSize,
    read::{before_pages, validate_header, validate_runs},
    record::{self, Kind, Record},
    uapi::*,
    Checksum,
};

/// Pages in one record, unless there are fewer.
pub const RECORD_PAGES: u64 = 512;

/// Takes the bytes of an image.
pub trait Sink {
    /// How it fails.
    type Error: From<FormatError>;

    /// Takes all of `bytes`, which may be few: a sink that pays per call has a buffer.
    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Takes all of `parts`, which are many bytes: to copy them to a buffer would be a waste.
    fn write_parts(&mut self, parts: &[&[u8]]) -> Result<(), Self::Error> {
        parts.iter().try_for_each(|part| self.write_all(part))
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    type Error = S::Error;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        (**self).write_all(bytes)
    }

    fn write_parts(&mut self, parts: &[&[u8]]) -> Result<(), Self::Error> {
        (**self).write_parts(parts)
    }
}

/// Zero bytes up to the next multiple of `align`, a power of two.
pub(crate) fn padding(length: u64, align: u64) -> u64 {
    length.wrapping_neg() & align.wrapping_sub(1)
}

const ZEROES: [u8; 64] = [0; 64];

/// A header for a record.
fn head(kind: &Kind, id: u64, length: u64, checksum: Checksum) -> cr_img_record {
    let mut head = cr_img_record {
        tag: kind.tag,
        version: kind.version,
        flags: kind.flags,
        length,
        id,
        reserved: 0,
        crc: 0,
    };
    head.crc = checksum(0, record::covered(&head));
    head
}

/// Writes records, piece by piece.
#[derive(Debug)]
struct Encoder<S> {
    sink: S,
    checksum: Checksum,
    offset: u64,
    nr_records: u64,
    /// Checksum of the payload so far.
    crc: u32,
}

impl<S: Sink> Encoder<S> {
    /// Starts with nothing.
    fn new(sink: S, checksum: Checksum) -> Self {
        Self {
            sink,
            checksum,
            offset: 0,
            nr_records: 0,
            crc: 0,
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        self.sink.write_all(bytes)?;
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn begin(&mut self, head: cr_img_record) -> Result<(), S::Error> {
        self.crc = 0;
        self.put(head.as_bytes())
    }

    fn payload(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.crc = (self.checksum)(self.crc, bytes);
        self.put(bytes)
    }

    fn payload_parts(&mut self, parts: &[&[u8]]) -> Result<(), S::Error> {
        for part in parts {
            self.crc = (self.checksum)(self.crc, part);
            self.offset = self.offset.saturating_add(part.len() as u64);
        }
        self.sink.write_parts(parts)
    }

    fn zeroes(&mut self, mut count: u64) -> Result<(), S::Error> {
        while count > 0 {
            let some = usize::try_from(count)
                .ok()
                .and_then(|count| ZEROES.get(..count));
            let some = some.unwrap_or(&ZEROES);
            self.payload(some)?;
            count = count.saturating_sub(some.len() as u64);
        }
        Ok(())
    }

    fn tail(&mut self) -> Result<(), S::Error> {
        let tail = cr_img_tail {
            crc: self.crc,
            reserved: 0,
        };
        self.put(tail.as_bytes())?;
        self.nr_records = self.nr_records.saturating_add(1);
        Ok(())
    }
}

/// Writes a complete image.
#[derive(Debug)]
pub struct Writer<S> {
    encoder: Encoder<S>,
    /// None before the file header.
    page_size: Option<PageSize>,
    nr_pages: u64,
}

impl<S: Sink> Writer<S> {
    /// Starts an image; [`Writer::header`] has to follow.
    pub fn new(sink: S, checksum: Checksum) -> Self {
        Self {
            encoder: Encoder::new(sink, checksum),
            page_size: None,
            nr_pages: 0,
        }
    }

    /// Bytes written so far.
    pub fn offset(&self) -> u64 {
        self.encoder.offset
    }

    /// Records written so far.
    pub fn nr_records(&self) -> u64 {
        self.encoder.nr_records
    }

    /// Pages written so far.
    pub fn nr_pages(&self) -> u64 {
        self.nr_pages
    }

    /// The sink, for looking into it.
    pub fn sink(&self) -> &S {
        &self.encoder.sink
    }

    /// Gives the sink back.
    pub fn into_sink(self) -> S {
        self.encoder.sink
    }

    /// Writes the file header. Magic number, version, length and checksum are filled in here.
    pub fn header(&mut self, header: &cr_img_header) -> Result<(), S::Error> {
        let mut header = *header;
        header.magic = CR_IMG_MAGIC;
        header.version = CR_IMG_VERSION;
        header.header_len = size_of::<cr_img_header>() as u32;
        header.crc = (self.encoder.checksum)(0, record::covered(&header));
        let page_size = validate_header(&header).map_err(S::Error::from)?;
        self.page_size = Some(page_size);
        self.encoder.put(header.as_bytes())
    }

    /// Writes a record: the fixed part, then the variable part in pieces.
    ///
    /// `id` is the object id, or 0 for a record that is no object.
    pub fn record<R: Record>(
        &mut self,
        id: u64,
        fixed: &R,
        variable: &[&[u8]],
    ) -> Result<(), S::Error> {
        self.parts(&R::KIND, id, fixed.as_bytes(), variable)
    }

    /// Writes a record whose payload is there as a whole.
    pub fn raw(&mut self, kind: &Kind, id: u64, payload: &[u8]) -> Result<(), S::Error> {
        self.parts(kind, id, payload, &[])
    }

    fn parts(
        &mut self,
        kind: &Kind,
        id: u64,
        first: &[u8],
        others: &[&[u8]],
    ) -> Result<(), S::Error> {
        let length = others.iter().fold(first.len() as u64, |sum, part| {
            sum.saturating_add(part.len() as u64)
        });
        let offset = self.encoder.offset;
        let fail = |what| Err(FormatError::in_record(offset, kind.tag, what).into());
        if kind.tag == CR_TAG_PAGES {
            return fail(FormatErrorKind::Usage("pages are not written as a whole"));
        }
        if !kind.length_fits(length) {
            return fail(FormatErrorKind::Length(length));
        }
        if kind.object != (id != 0) {
            return fail(FormatErrorKind::Id(id));
        }

        let encoder = &mut self.encoder;
        encoder.begin(head(kind, id, length, encoder.checksum))?;
        encoder.payload(first)?;
        for part in others {
            encoder.payload(part)?;
        }
        encoder.zeroes(padding(length, 8))?;
        encoder.tail()
    }

    /// Begins a record with pages of a memory descriptor or a shared memory object.
    pub fn pages(
        &mut self,
        object: u64,
        runs: &[cr_img_run],
    ) -> Result<PagesWriter<'_, S>, S::Error> {
        let at = self.encoder.offset;
        let fail = |kind| Err(FormatError::in_record(at, CR_TAG_PAGES, kind).into());
        let Some(page_size) = self.page_size else {
            return fail(FormatErrorKind::Usage("pages before the file header"));
        };
        let nr_pages = match validate_runs(runs, page_size) {
            Ok(nr_pages) => nr_pages,
            Err(kind) => return fail(kind),
        };

        let lengths = || {
            let before = before_pages(runs.len() as u64)?;
            let start = at
                .checked_add(size_of::<cr_img_record>() as u64)?
                .checked_add(before)?;
            let gap = padding(start, page_size.bytes());
            let data_offset = before.checked_add(gap)?;
            let length = nr_pages
                .checked_mul(page_size.bytes())?
                .checked_add(data_offset)?;
            Some((gap, data_offset, length))
        };
        let (gap, data_offset, length) = lengths().unwrap_or((0, 0, u64::MAX));
        if length > u64::from(CR_IMG_MAX_PAGES_PAYLOAD) {
            return fail(FormatErrorKind::Length(length));
        }

        let kind = &cr_img_pages::KIND;
        let checksum = self.encoder.checksum;
        self.encoder.begin(head(kind, 0, length, checksum))?;
        let fixed = cr_img_pages {
            object,
            nr_runs: runs.len() as u32,
            data_offset: data_offset as u32,
        };
        self.encoder.payload(fixed.as_bytes())?;
        self.encoder.payload(runs.as_bytes())?;
        self.encoder.zeroes(gap)?;
        Ok(PagesWriter {
            remaining: nr_pages,
            nr_pages,
            writer: self,
        })
    }

    /// Writes the last record.
    pub fn end(&mut self) -> Result<(), S::Error> {
        let end = cr_img_end {
            nr_records: self.encoder.nr_records,
            nr_pages: self.nr_pages,
            length: self.encoder.offset,
        };
        self.record(0, &end, &[])
    }
}

/// Writes the pages of a record.
#[derive(Debug)]
#[must_use = "a record is complete only after `finish`"]
pub struct PagesWriter<'a, S> {
    writer: &'a mut Writer<S>,
    nr_pages: u64,
    remaining: u64,
}

impl<S: Sink> PagesWriter<'_, S> {
    /// Pages that are still to come.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Writes one page or several.
    pub fn page(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        self.pages(&[bytes])
    }

    /// Writes pages that are in several places, each with one page or several.
    pub fn pages(&mut self, parts: &[&[u8]]) -> Result<(), S::Error> {
        for part in parts {
            let page_size = self.writer.page_size;
            let pages = page_size.and_then(|page_size| page_size.pages_in(part.len() as u64));
            match pages.and_then(|pages| self.remaining.checked_sub(pages)) {
                Some(remaining) => self.remaining = remaining,
                None => return Err(self.misuse("more data than announced, or a part of a page")),
            }
        }
        self.writer.encoder.payload_parts(parts)
    }

    /// Ends the record.
    pub fn finish(self) -> Result<(), S::Error> {
        if self.remaining != 0 {
            return Err(self.misuse("fewer pages than announced"));
        }
        self.writer.encoder.tail()?;
        self.writer.nr_pages = self.writer.nr_pages.saturating_add(self.nr_pages);
        Ok(())
    }

    fn misuse(&self, what: &'static str) -> S::Error {
        FormatError::in_record(
            self.writer.encoder.offset,
            CR_TAG_PAGES,
            FormatErrorKind::Usage(what),
        )
        .into()
    }
}
