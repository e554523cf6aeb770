// SPDX-License-Identifier: GPL-2.0

//! The beginning of an image, as far as `crctl restart` reads it itself.

use std::io::Read;

use anyhow::Result;
use cr_codec::{check::Rec, read::Reader, record, uapi::*, FormatError, FormatErrorKind};

use super::{
    load::{read_record, EM_X86_64, PAGE_SIZE},
    Record, Stream,
};

/// File header, sections of user space and the first record of the kernel.
#[derive(Debug)]
pub struct Prefix<R> {
    /// File header.
    pub header: cr_img_header,
    /// The container as a whole.
    pub container: cr_img_container,
    /// The rest of the image.
    pub rest: R,
    /// What has been read, for the kernel.
    pub bytes: Vec<u8>,
    sections: Vec<Record>,
}

impl<R: Read> Prefix<R> {
    /// Reads up to the record that describes the container as a whole. That much is bounded.
    pub fn read(input: R) -> Result<Self> {
        Self::read_on(Vec::new(), input)
    }

    /// The same, when the first bytes have been read already.
    pub fn read_on(first: Vec<u8>, input: R) -> Result<Self> {
        let input = Stream::keeping(first, input);
        let (header, mut reader) = Reader::new(input, crc32c::crc32c_append)?;
        header.check_machine(EM_X86_64, PAGE_SIZE)?;
        let mut sections = Vec::new();
        loop {
            let head = reader.next()?;
            if reader.offset() + head.length > u64::from(CR_MAX_PREFIX_LEN)
                || sections.len() > CR_MAX_SECTIONS as usize
            {
                let kind = FormatErrorKind::Order;
                return Err(FormatError::in_record(head.offset, head.tag, kind).into());
            }
            match head.tag {
                CR_TAG_SECTION => sections.push(read_record(&mut reader, &head)?),
                CR_TAG_CONTAINER => {
                    let record = read_record(&mut reader, &head)?;
                    let container = record.rec().fixed()?;
                    let (rest, bytes) = reader.into_source().into_parts();
                    return Ok(Self {
                        header,
                        container,
                        rest,
                        bytes,
                        sections,
                    });
                }
                _ if !head.is_known() => reader.skip(&head)?,
                tag => {
                    let kind = FormatErrorKind::Order;
                    return Err(FormatError::in_record(head.offset, tag, kind).into());
                }
            }
        }
    }

    /// Contents of the section with this name.
    pub fn section(&self, name: &str) -> Option<&[u8]> {
        self.sections
            .iter()
            .map(Record::rec)
            .find_map(|rec| section_named(&rec, name))
    }
}

/// Contents of a section if it has this name.
fn section_named<'a>(rec: &Rec<'a>, name: &str) -> Option<&'a [u8]> {
    let section: cr_img_section = rec.fixed().ok()?;
    (record::text(&section.name) == name.as_bytes()).then(|| rec.variable::<cr_img_section>())
}
