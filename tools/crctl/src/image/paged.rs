// SPDX-License-Identifier: GPL-2.0

//! Pages of an image in a file, record by record, in whatever order they are wanted.

use std::{
    fs::File,
    io::{self, Seek},
    os::unix::fs::FileExt,
};

use anyhow::Result;
use cr_codec::{
    read::{PassedPages, Reader, Source, MAX_RUNS},
    uapi::*,
};

use super::{ReadError, PAGE_SIZE};
use crate::error::Error;

/// A record of pages.
#[derive(Clone, Debug)]
pub struct PagesRecord {
    /// Object that they belong to.
    pub object: u64,
    /// Where they belong there.
    pub runs: Vec<cr_img_run>,
    nr_pages: u64,
    passed: PassedPages,
}

/// An image in a file, of which only pages are of interest.
#[derive(Debug)]
pub struct Paged {
    file: File,
    base: u64,
    /// All records of pages.
    pub records: Vec<PagesRecord>,
}

impl Paged {
    /// Finds out where pages are in the image that begins at `base`. They are not read.
    pub fn index(file: File, base: u64) -> Result<Self> {
        let mut records = Vec::new();
        let source = Seeking {
            file: &file,
            at: base,
        };
        let (_, mut reader) = Reader::new(source, crc32c::crc32c_append)?;
        let mut scratch = vec![cr_img_run::default(); MAX_RUNS as usize];
        loop {
            let head = reader.next()?;
            match head.tag {
                CR_TAG_END => {
                    reader.end(&head)?;
                    break;
                }
                CR_TAG_PAGES => {
                    let pages = reader.pages(&head, &mut scratch)?;
                    records.push(PagesRecord {
                        object: pages.object(),
                        runs: pages.runs().to_vec(),
                        nr_pages: pages.nr_pages(),
                        passed: pages.pass_over()?,
                    });
                }
                _ => reader.skip(&head)?,
            }
        }
        Ok(Self {
            file,
            base,
            records,
        })
    }

    /// Reads the pages of a record, whose checksum is right, into `bytes`.
    pub fn read(&self, record: usize, bytes: &mut Vec<u8>) -> Result<()> {
        let record = &self.records[record];
        let mut passed = record.passed;
        bytes.resize((record.nr_pages * u64::from(PAGE_SIZE)) as usize, 0);
        self.file
            .read_exact_at(bytes, self.base + passed.offset())?;
        passed.add(bytes);
        Ok(passed.finish().map_err(ReadError::from)?)
    }
}

/// A file that is read from some place on, whatever its position is.
struct Seeking<'a> {
    file: &'a File,
    at: u64,
}

impl Source for Seeking<'_> {
    type Error = ReadError;

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        loop {
            match self.file.read_at(buffer, self.at) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    let some = result?;
                    self.at += some as u64;
                    return Ok(some);
                }
            }
        }
    }

    fn pass(&mut self, count: u64) -> Result<u64, ReadError> {
        self.at += count;
        Ok(count)
    }
}

/// Where an image begins that is about to be read from a file, if its pages can be read later.
pub fn base_of(mut file: &File) -> Result<u64> {
    if !file.metadata()?.is_file() {
        let what = "--lazy: pages can be read later from a file only, and not from a pipe";
        return Err(Error::Usage(what.into()).into());
    }
    Ok(file.stream_position()?)
}
