// SPDX-License-Identifier: GPL-2.0

//! Images that have only what changed since another one, and the complete image that they make
//! together.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufReader, BufWriter, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
};

use anyhow::{bail, Context, Result};
use cr_codec::{
    read::ImageId,
    record,
    uapi::*,
    write::{Sink, Writer, RECORD_PAGES},
};

use super::{unpacked, Image, ReadError, PAGE_SIZE};
use crate::error::Error;

/// An id as text.
pub fn hex(id: &ImageId) -> String {
    format!("{:032x}", u128::from_be_bytes(*id))
}

/// Who has pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    /// The image itself, from this offset on.
    Here(u64),
    /// The image's parent, with an object there.
    Parent(u64),
    /// The memory of the parent process, in the same image.
    Inherited(u64),
}

/// Consecutive pages of an object: first and last address, and who has them.
#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    end: u64,
    holder: Holder,
}

/// An image in a file.
#[derive(Debug)]
struct Link {
    name: String,
    file: File,
    image: Image,
    /// By object, then by address.
    segments: BTreeMap<u64, Vec<Segment>>,
}

/// Images, each the parent of the next one. The first one is complete.
#[derive(Debug)]
pub struct Chain {
    links: Vec<Link>,
}

/// Pages that are stored in one piece: image, offset, and how many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    link: usize,
    at: u64,
    length: u64,
}

impl Chain {
    /// Reads and checks images, the complete one first.
    pub fn load(files: Vec<(String, File)>) -> Result<Self> {
        let mut links: Vec<Link> = Vec::new();
        for (name, file) in files {
            let link = Link::load(name, file)?;
            let parent = &link.image.container.parent;
            match links.last() {
                None if link.image.container.is_increment() => {
                    return Err(refused(format!(
                        "{}: has only what changed since another image, {}, which is missing",
                        link.name,
                        hex(parent)
                    )))
                }
                Some(last) if last.image.container.id != *parent => {
                    return Err(refused(format!(
                        "{}: {} is not the image that it was made from: that is {}",
                        link.name,
                        last.name,
                        match link.image.container.is_increment() {
                            true => hex(parent),
                            false => "none, it is complete".into(),
                        }
                    )))
                }
                _ => links.push(link),
            }
        }
        match links.is_empty() {
            true => bail!("no image"),
            false => Ok(Self { links }),
        }
    }

    /// Writes the complete image.
    pub fn merge(&self, out: impl Write) -> Result<()> {
        let newest = self.links.len() - 1;
        let link = &self.links[newest];
        let mut objects = Vec::new();
        for (object, segments) in &link.segments {
            let mut pieces = Vec::new();
            for segment in segments {
                if !matches!(segment.holder, Holder::Inherited(_)) {
                    self.find(newest, *object, (segment.start, segment.end), &mut pieces)?;
                }
            }
            objects.push((*object, pieces));
        }
        // Contents of files come before those of processes.
        let mms: BTreeSet<_> = link.image.records(CR_TAG_MM).map(|mm| mm.id).collect();
        objects.sort_by_key(|(object, _)| (mms.contains(object), *object));
        let bytes: u64 = objects
            .iter()
            .flat_map(|(_, pieces)| pieces.iter().map(|(_, piece)| piece.length))
            .sum();

        let out = ToWriter(BufWriter::with_capacity(1 << 18, out));
        let mut writer = Writer::new(out, crc32c::crc32c_append);
        writer.header(&link.image.header)?;
        for record in &link.image.state {
            match record.tag {
                CR_TAG_UNCHANGED => {}
                CR_TAG_CONTAINER => {
                    let mut container = link.image.container;
                    container.parent = ImageId::default();
                    container.nr_pages = bytes / u64::from(PAGE_SIZE);
                    writer.record(0, &container, &[])?;
                }
                tag => {
                    let kind = record::kind(tag).context("a record that is not known")?;
                    writer.raw(kind, record.id, &record.payload)?;
                }
            }
        }
        let mut buffer = vec![0; (RECORD_PAGES * u64::from(PAGE_SIZE)) as usize];
        for (object, pieces) in &objects {
            self.write_pages(&mut writer, *object, pieces, &mut buffer)?;
        }
        writer.end()?;
        writer.into_sink().0.flush()?;
        Ok(())
    }

    /// Finds out where pages of an object of an image are stored, by ascending address.
    fn find(
        &self,
        link: usize,
        object: u64,
        (mut start, end): (u64, u64),
        pieces: &mut Vec<(u64, Piece)>,
    ) -> Result<()> {
        while start < end {
            let (mut link, mut object, mut until) = (link, object, end);
            let at = loop {
                let found = self.links[link].segment(object, start);
                let Some(segment) = found else {
                    return Err(Error::BadImage(format!(
                        "{}: has no page {start:#x} of object {object}, which a later image needs",
                        self.links[link].name
                    ))
                    .into());
                };
                until = until.min(segment.end);
                match segment.holder {
                    Holder::Here(at) => break at + (start - segment.start),
                    Holder::Inherited(parent) => object = parent,
                    Holder::Parent(there) => {
                        // The first image has no parent: that has been checked.
                        link = link.checked_sub(1).context("no parent")?;
                        object = there;
                    }
                }
            };
            let length = until - start;
            pieces.push((start, Piece { link, at, length }));
            start = until;
        }
        Ok(())
    }

    fn write_pages<W: Write>(
        &self,
        writer: &mut Writer<ToWriter<W>>,
        object: u64,
        pieces: &[(u64, Piece)],
        buffer: &mut [u8],
    ) -> Result<()> {
        let mut record: Vec<(u64, Piece)> = Vec::new();
        let mut room = buffer.len() as u64;
        for (start, piece) in pieces {
            let mut done = 0;
            while done < piece.length {
                let length = room.min(piece.length - done);
                let part = Piece {
                    at: piece.at + done,
                    length,
                    ..*piece
                };
                record.push((start + done, part));
                done += length;
                room -= length;
                if room == 0 {
                    self.write_record(writer, object, &record, buffer)?;
                    record.clear();
                    room = buffer.len() as u64;
                }
            }
        }
        match record.is_empty() {
            true => Ok(()),
            false => self.write_record(writer, object, &record, buffer),
        }
    }

    fn write_record<W: Write>(
        &self,
        writer: &mut Writer<ToWriter<W>>,
        object: u64,
        pieces: &[(u64, Piece)],
        buffer: &mut [u8],
    ) -> Result<()> {
        let mut runs: Vec<cr_img_run> = Vec::new();
        for (start, piece) in pieces {
            let nr_pages = piece.length / u64::from(PAGE_SIZE);
            match runs.last_mut() {
                Some(run) if run.start + run.nr_pages * u64::from(PAGE_SIZE) == *start => {
                    run.nr_pages += nr_pages;
                }
                _ => runs.push(cr_img_run {
                    start: *start,
                    nr_pages,
                }),
            }
        }
        let mut pages = writer.pages(object, &runs)?;
        for (_, piece) in pieces {
            let link = &self.links[piece.link];
            let bytes = &mut buffer[..piece.length as usize];
            link.file
                .read_exact_at(bytes, piece.at)
                .with_context(|| link.name.clone())?;
            pages.page(bytes)?;
        }
        Ok(pages.finish()?)
    }
}

impl Link {
    fn load(name: String, file: File) -> Result<Self> {
        let mut file = unpacked(file).with_context(|| name.clone())?;
        let load = |file: &mut File| {
            file.seek(SeekFrom::Start(0))?;
            Image::load(BufReader::with_capacity(1 << 18, file))
        };
        let image = load(&mut file).with_context(|| name.clone())?;
        let segments = segments(&image).with_context(|| name.clone())?;
        Ok(Self {
            name,
            file,
            image,
            segments,
        })
    }

    /// The segment of an object with this address.
    fn segment(&self, object: u64, addr: u64) -> Option<&Segment> {
        let segments = self.segments.get(&object)?;
        let at = segments.partition_point(|segment| segment.end <= addr);
        segments.get(at).filter(|segment| segment.start <= addr)
    }
}

/// All pages of an image, by object and address.
fn segments(image: &Image) -> Result<BTreeMap<u64, Vec<Segment>>> {
    let mut segments: BTreeMap<u64, Vec<Segment>> = BTreeMap::new();
    let mut add = |object: u64, run: &cr_img_run, holder| {
        segments.entry(object).or_default().push(Segment {
            start: run.start,
            end: run.start + run.nr_pages * u64::from(PAGE_SIZE),
            holder,
        });
    };
    for stored in &image.runs {
        add(stored.object, &stored.run, Holder::Here(stored.at));
    }
    for record in image.records(CR_TAG_UNCHANGED) {
        let rec = record.rec();
        let unchanged: cr_img_unchanged = rec.fixed()?;
        for run in rec.array(size_of::<cr_img_unchanged>()) {
            add(unchanged.mm, &run, Holder::Parent(unchanged.object));
        }
    }
    for record in image.records(CR_TAG_INHERIT) {
        let rec = record.rec();
        let inherit: cr_img_inherit = rec.fixed()?;
        for run in rec.array(size_of::<cr_img_inherit>()) {
            add(inherit.mm, &run, Holder::Inherited(inherit.parent));
        }
    }
    for (object, segments) in &mut segments {
        segments.sort_by_key(|segment| segment.start);
        if segments.windows(2).any(|two| two[0].end > two[1].start) {
            return Err(
                Error::BadImage(format!("pages of object {object} are there twice")).into(),
            );
        }
    }
    Ok(segments)
}

fn refused(what: String) -> anyhow::Error {
    Error::Refused(what).into()
}

/// Takes an image to wherever one can write.
struct ToWriter<W>(W);

impl<W: Write> Sink for ToWriter<W> {
    type Error = ReadError;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), ReadError> {
        Ok(self.0.write_all(bytes)?)
    }
}
