// SPDX-License-Identifier: GPL-2.0

//! Reading and checking a whole image.

use std::io::Read;

use anyhow::Result;
use cr_codec::{
    check::{check_state, CheckError, Rec},
    read::{Head, Reader, MAX_RUNS},
    uapi::*,
};
use zerocopy::IntoBytes;

use super::{Decoded, Stream};

pub use cr_codec::check::EM_X86_64;

/// Bytes in a page of the machines that images are for.
pub const PAGE_SIZE: u32 = 4096;

/// Pages that are read at a time.
const CHUNK: usize = 64;

/// A record of the state.
#[derive(Clone, Debug)]
pub struct Record {
    /// `CR_TAG_*`.
    pub tag: u32,
    /// Object id, or 0.
    pub id: u64,
    /// Where it begins in the image.
    pub offset: u64,
    /// Payload.
    pub payload: Vec<u8>,
}

impl Record {
    /// As the codec's checks want it.
    pub fn rec(&self) -> Rec<'_> {
        Rec {
            tag: self.tag,
            id: self.id,
            offset: self.offset,
            payload: &self.payload,
        }
    }
}

/// Pages that are stored in an image.
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    /// Object that they belong to.
    pub object: u64,
    /// Where they belong there.
    pub run: cr_img_run,
    /// Where their contents begin in the image.
    pub at: u64,
}

/// A valid image, without the contents of its pages.
#[derive(Clone, Debug)]
pub struct Image {
    /// File header.
    pub header: cr_img_header,
    /// The container as a whole.
    pub container: cr_img_container,
    /// Everything before the pages.
    pub state: Vec<Record>,
    /// Runs of pages that are stored.
    pub runs: Vec<Stored>,
    /// What the last record says.
    pub end: cr_img_end,
    /// Bytes in the image.
    pub length: u64,
    /// Records that this program does not know and has skipped.
    pub skipped: u64,
}

impl Image {
    /// Reads an image, which may be compressed, to its end, and checks everything about it.
    pub fn load<R: Read>(input: R) -> Result<Self> {
        let input = Stream::new(Decoded::new(input)?);
        let (header, mut reader) = Reader::new(input, crc32c::crc32c_append)?;
        header.check_machine(EM_X86_64, PAGE_SIZE)?;
        let mut state = Vec::new();
        let mut skipped = 0;
        let mut head = loop {
            let head = reader.next()?;
            if matches!(head.tag, CR_TAG_PAGES | CR_TAG_END) {
                break head;
            }
            if !head.is_known() {
                tracing::info!(tag = head.tag, "skipping a record");
                reader.skip(&head)?;
                skipped += 1;
                continue;
            }
            state.push(read_record(&mut reader, &head)?);
        };

        let recs: Vec<_> = state.iter().map(Record::rec).collect();
        let mut scratch = vec![0; recs.len()];
        let checked = check_state(&header, &recs, &mut scratch)?;

        let mut runs = Vec::new();
        let mut scratch = vec![cr_img_run::default(); MAX_RUNS as usize];
        let mut buffer = vec![0; CHUNK * PAGE_SIZE as usize];
        while head.tag != CR_TAG_END {
            let mut pages = reader.pages(&head, &mut scratch)?;
            let object = pages.object();
            let length = pages.nr_pages() * u64::from(PAGE_SIZE);
            let payload = head.offset + size_of::<cr_img_record>() as u64;
            let mut at = payload + head.length - length;
            for run in pages.runs() {
                checked.check_run(head.offset, object, run)?;
                let run = *run;
                runs.push(Stored { object, run, at });
                at += run.nr_pages * u64::from(PAGE_SIZE);
            }
            let mut left = pages.nr_pages() as usize;
            while left > 0 {
                let some = left.min(CHUNK);
                pages.read(&mut buffer[..some * PAGE_SIZE as usize])?;
                left -= some;
            }
            pages.finish()?;
            head = reader.next()?;
        }
        let end = reader.end(&head)?;
        reader.nothing_follows()?;

        let mut container = cr_img_container::default();
        // There is one: that has been checked.
        for rec in recs.iter().filter(|rec| rec.tag == CR_TAG_CONTAINER) {
            container = rec.fixed()?;
            if container.nr_pages != end.nr_pages {
                return Err(CheckError {
                    offset: rec.offset,
                    tag: Some(rec.tag),
                    message: "another number of pages than announced",
                }
                .into());
            }
        }
        let length = reader.offset();
        Ok(Self {
            header,
            container,
            state,
            runs,
            end,
            length,
            skipped,
        })
    }
}

/// Reads the payload of a known record; its header has been checked, so its length is bounded.
pub(super) fn read_record<R: Read>(reader: &mut Reader<Stream<R>>, head: &Head) -> Result<Record> {
    let mut payload = vec![0; head.length as usize];
    reader.payload(head, &mut payload)?;
    Ok(Record {
        tag: head.tag,
        id: head.id,
        offset: head.offset,
        payload,
    })
}

/// Entry point for fuzzers: whatever the bytes are, nothing happens.
pub fn fuzz_one(bytes: &[u8]) {
    if let Ok(image) = Image::load(bytes) {
        let model = super::Model::new(&image).expect("a valid image can be shown");
        serde_json::to_string(&model).expect("everything has a name");
    }
    let _ = super::Prefix::read(bytes);
    // With all checksums put right, more of the image is reached.
    let mut bytes = bytes.to_vec();
    if repair(&mut bytes).is_some() {
        let _ = Image::load(&bytes[..]);
    }
}

/// Puts the checksums of an image right, as far as it looks like one.
fn repair(image: &mut [u8]) -> Option<()> {
    let put = |image: &mut [u8], from: usize, at: usize| {
        let crc = crc32c::crc32c(image.get(from..at)?);
        image.get_mut(at..at + 4)?.copy_from_slice(crc.as_bytes());
        Some(())
    };
    put(image, 0, 124)?;
    let mut at = size_of::<cr_img_header>();
    while at < image.len() {
        put(image, at, at + 28)?;
        let length = image.get(at + 8..at + 16)?;
        let length = u64::from_le_bytes(length.try_into().ok()?);
        let payload = at + size_of::<cr_img_record>();
        let end =
            payload.checked_add(usize::try_from(length).ok()?.checked_next_multiple_of(8)?)?;
        put(image, payload, end)?;
        at = end + size_of::<cr_img_tail>();
    }
    Some(())
}
