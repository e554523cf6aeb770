// SPDX-License-Identifier: GPL-2.0

//! Images on their way to and from a descriptor, and records in memory.

use crate::report::{fail, failure, Context, Failure, Result};
use core::ops::RangeInclusive;
use cr_codec::{check::Rec, order, read::Source, record::NR_TAGS, write::Sink};
use cr_sys::{
    file::{FileRef, FileType},
    misc,
    mm::{PAGE_BATCH, PAGE_SIZE},
    vec,
};
use kernel::{alloc::flags::GFP_KERNEL_ACCOUNT, prelude::*};

/// The descriptor that an image is written to.
pub(crate) struct FileSink {
    file: FileRef,
    buffer: KVVec<u8>,
    written: u64,
}

const BUFFER: usize = 64 << 10;

impl FileSink {
    /// Writes to `file` from where it is.
    pub(crate) fn new(file: FileRef) -> Result<Self> {
        Ok(Self {
            file,
            buffer: KVVec::with_capacity(BUFFER, GFP_KERNEL_ACCOUNT)?,
            written: 0,
        })
    }

    fn push(&mut self, parts: &[&[u8]]) -> Result {
        for parts in parts.chunks(PAGE_BATCH) {
            let written = self
                .file
                .write_parts(parts)
                .context(format_args!("writing the image"))?;
            self.written += written as u64;
            if misc::is_being_killed() {
                fail!(EINTR, "the caller is being killed");
            }
            if written != parts.iter().map(|part| part.len()).sum() {
                fail!(EIO, "writing the image: the file takes no more");
            }
        }
        Ok(())
    }

    /// Writes what is left in the buffer.
    pub(crate) fn flush(&mut self) -> Result {
        let buffer = core::mem::take(&mut self.buffer);
        let result = self.push(&[&buffer]);
        self.buffer = buffer;
        self.buffer.clear();
        result
    }

    /// Bytes that the file has taken.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// Waits until all of it is on the disk.
    pub(crate) fn sync(&mut self) -> Result {
        self.flush()?;
        self.file
            .sync()
            .context(format_args!("writing the image to the disk"))
    }
}

impl Sink for FileSink {
    type Error = Failure;

    fn write_all(&mut self, bytes: &[u8]) -> Result {
        let large = bytes.len() >= BUFFER / 2;
        if large || self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if large {
            return self.push(&[bytes]);
        }
        Ok(vec::extend(&mut self.buffer, bytes)?)
    }

    fn write_parts(&mut self, parts: &[&[u8]]) -> Result {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length < BUFFER / 2 {
            return parts.iter().try_for_each(|part| self.write_all(part));
        }
        self.flush()?;
        self.push(parts)
    }
}

/// Where an image comes from: first the bytes that the caller has read already.
pub(crate) struct FileSource {
    prefix: KVVec<u8>,
    used: usize,
    file: FileRef,
    /// Where in the file the byte is that comes first from there, if all bytes can be read at any time.
    first: Option<u64>,
    /// Read ahead of small requests.
    buffer: KVVec<u8>,
    start: usize,
    /// Bytes that have come from `prefix` and `file`.
    offset: u64,
    /// The last request was for pages, and was not read ahead of.
    after_pages: bool,
}

/// Bytes read ahead of small requests. Kernels clear what they allocate, so this is not too much.
const READ_AHEAD: usize = 16 << 10;

impl FileSource {
    /// Reads `prefix`, then `file` from where it is.
    pub(crate) fn new(prefix: KVVec<u8>, file: FileRef) -> Result<Self> {
        let (kind, _, info) = file.read_info();
        Ok(Self {
            prefix,
            used: 0,
            first: (kind == FileType::Regular).then_some(info.pos),
            file,
            buffer: KVVec::with_capacity(READ_AHEAD, GFP_KERNEL_ACCOUNT)?,
            start: 0,
            offset: 0,
            after_pages: false,
        })
    }
}

impl Source for FileSource {
    type Error = Failure;

    fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        let prefix = &self.prefix[self.used..];
        if !prefix.is_empty() {
            let some = prefix.len().min(out.len());
            out[..some].copy_from_slice(&prefix[..some]);
            self.used += some;
            self.offset += some as u64;
            return Ok(some);
        }
        if misc::is_being_killed() {
            fail!(EINTR, "the caller is being killed");
        }
        if self.start == self.buffer.len() {
            if out.len() >= PAGE_SIZE {
                // Straight to their place.
                let some = self
                    .file
                    .read(out)
                    .context(format_args!("reading the image"))?;
                self.offset += some as u64;
                self.after_pages = true;
                return Ok(some);
            }
            self.refill()?;
        }
        let some = (self.buffer.len() - self.start).min(out.len());
        out[..some].copy_from_slice(&self.buffer[self.start..self.start + some]);
        self.start += some;
        Ok(some)
    }

    fn pass(&mut self, count: u64) -> Result<u64> {
        let read = (self.prefix.len() - self.used) + (self.buffer.len() - self.start);
        let rest = count.saturating_sub(read as u64);
        let mut remaining = count - rest;
        let mut bytes = [0; 256];
        while remaining > 0 {
            let most = remaining.min(bytes.len() as u64) as usize;
            remaining -= self.read(&mut bytes[..most])? as u64;
        }
        self.file
            .skip(rest)
            .context(format_args!("passing over a part of the image"))?;
        self.offset += rest;
        self.after_pages = true;
        Ok(count)
    }
}

impl FileSource {
    /// The file, and what is to be added to an offset in the image for the one there, if what is left of
    /// the image can be read from it at any time.
    pub(crate) fn in_file(&self) -> Option<(FileRef, u64)> {
        let first = self.first.filter(|_| self.used == self.prefix.len())?;
        let base = first.wrapping_sub(self.prefix.len() as u64);
        Some((self.file.clone(), base))
    }

    /// Reads ahead, up to a multiple of the page size: there pages begin, which are not to go through
    /// the buffer. After pages comes little before the next ones.
    fn refill(&mut self) -> Result {
        let most = match core::mem::replace(&mut self.after_pages, false) {
            true => PAGE_SIZE,
            false => READ_AHEAD,
        };
        let some = most - (self.offset % PAGE_SIZE as u64) as usize;
        self.start = 0;
        self.buffer.clear();
        let some = self
            .file
            .read_to(&mut self.buffer, some)
            .context(format_args!("reading the image"))?;
        self.offset += some as u64;
        Ok(())
    }
}

/// A record in memory.
pub(crate) struct Stored {
    tag: u32,
    /// The one of the same kind that comes next: its number, and one more; 0 if it is the last.
    next: u32,
    id: u64,
    offset: u64,
    piece: usize,
    start: usize,
    len: usize,
}

/// All records before the pages, in memory: what has been read, or waits until the container runs on.
pub(crate) struct Records {
    /// Payloads, each within one piece. What is there stays where it is.
    pieces: KVVec<KVVec<u8>>,
    /// Bytes in use in the last piece, and in all of them.
    used: usize,
    total: usize,
    index: KVVec<Stored>,
    /// Places in `index` of those with an id.
    objects: KVVec<u32>,
    /// Numbers of the first and the last record of each kind, and one more.
    kinds: KVVec<[u32; 2]>,
}

/// The most that the records before the pages may take. A thread takes 4 KiB, a mapping 100 bytes.
const MAX_STATE: usize = 512 << 20;

/// Bytes of a piece: more where there are more already. Kernels clear what they allocate.
const PIECES: RangeInclusive<usize> = 16 << 10..=256 << 10;

impl Records {
    /// None.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            pieces: KVVec::new(),
            used: 0,
            total: 0,
            index: KVVec::new(),
            objects: KVVec::new(),
            kinds: vec::zeroed(NR_TAGS, GFP_KERNEL)?,
        })
    }

    /// None, with room for what most containers with so many tasks have: while they stand still is no
    /// time to look for memory. In the heap, as the stack is small where it goes.
    pub(crate) fn for_tasks(nr_processes: usize, nr_threads: usize) -> Result<KBox<Self>> {
        // Bytes: more than they have who use no wide vector registers, and not many mappings.
        const PROCESS: usize = 12 << 10;
        const THREAD: usize = 2 << 10;
        const MOST: usize = 64 << 20;
        const RECORDS_OF_PROCESS: usize = 48;
        const RECORDS_OF_THREAD: usize = 8;
        const MOST_RECORDS: usize = 1 << 20;

        let room = |process, thread, most| {
            let processes = nr_processes.saturating_mul(process);
            processes
                .saturating_add(nr_threads.saturating_mul(thread))
                .min(most)
        };
        let mut records = KBox::new(Self::new()?, GFP_KERNEL)?;
        records.add_piece(room(PROCESS, THREAD, MOST))?;
        let index = room(RECORDS_OF_PROCESS, RECORDS_OF_THREAD, MOST_RECORDS);
        records.index.reserve(index, GFP_KERNEL_ACCOUNT)?;
        Ok(records)
    }

    fn add_piece(&mut self, size: usize) -> Result {
        let piece = vec::zeroed(size, GFP_KERNEL_ACCOUNT)?;
        self.pieces.push(piece, GFP_KERNEL)?;
        self.used = 0;
        Ok(())
    }

    /// Bytes of all payloads.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Adds a record, of a known kind, and returns where its payload is to be put.
    pub(crate) fn add(&mut self, tag: u32, id: u64, offset: u64, len: u64) -> Result<&mut [u8]> {
        let len = usize::try_from(len).map_err(|_| EINVAL)?;
        let total = self.total.checked_add(len);
        let Some(total) = total.filter(|total| *total <= MAX_STATE) else {
            fail!(
                E2BIG,
                "the image describes more state than {} MiB",
                MAX_STATE >> 20
            );
        };
        let room = self.pieces.last().map_or(0, |piece| piece.len()) - self.used;
        if room < len || self.pieces.is_empty() {
            let size = self.total.clamp(*PIECES.start(), *PIECES.end()).max(len);
            self.add_piece(size)?;
        }
        let (piece, start) = (self.pieces.len() - 1, self.used);
        self.note(Stored {
            tag,
            next: 0,
            id,
            offset,
            piece,
            start,
            len,
        })?;
        self.used += len;
        self.total = total;
        Ok(&mut self.pieces[piece][start..start + len])
    }

    fn note(&mut self, stored: Stored) -> Result {
        let [first, last] = self.kinds.get_mut(stored.tag as usize).ok_or(EINVAL)?;
        let number = self.index.len() as u32;
        if stored.id != 0 {
            self.objects.push(number, GFP_KERNEL_ACCOUNT)?;
        }
        self.index.push(stored, GFP_KERNEL_ACCOUNT)?;
        match *last {
            0 => *first = number + 1,
            before => self.index[before as usize - 1].next = number + 1,
        }
        *last = number + 1;
        Ok(())
    }

    /// All of them, in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Rec<'_>> {
        (0..self.index.len()).map(|at| self.get(at))
    }

    /// All of them behind others.
    pub(crate) fn list<'a>(&'a self, before: &[Rec<'a>]) -> Result<KVVec<Rec<'a>>> {
        let count = before.len() + self.index.len();
        let mut list = KVVec::with_capacity(count, GFP_KERNEL_ACCOUNT)?;
        list.extend_from_slice(before, GFP_KERNEL_ACCOUNT)?;
        for rec in self.iter() {
            list.push(rec, GFP_KERNEL_ACCOUNT)?;
        }
        Ok(list)
    }

    /// Those of one kind, in their order, each with its place.
    pub(crate) fn tagged(&self, tag: u32) -> impl Iterator<Item = (usize, Rec<'_>)> {
        let mut next = self.kinds.get(tag as usize).map_or(0, |kind| kind[0]);
        core::iter::from_fn(move || {
            let at = next.checked_sub(1)? as usize;
            next = self.index[at].next;
            Some((at, self.get(at)))
        })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// One of them, by number.
    pub(crate) fn get(&self, at: usize) -> Rec<'_> {
        let stored = &self.index[at];
        Rec {
            tag: stored.tag,
            id: stored.id,
            offset: stored.offset,
            payload: &self.pieces[stored.piece][stored.start..stored.start + stored.len],
        }
    }

    /// The number of the object with this id. Ids ascend.
    pub(crate) fn find(&self, id: u64) -> Result<usize> {
        self.objects
            .binary_search_by_key(&id, |at| self.index[*at as usize].id)
            .map(|at| self.objects[at] as usize)
            .map_err(|_| failure!(EINVAL, "no object {id}"))
    }
}

/// Records of one kind by the socket in which they wait, in their order.
pub(crate) struct Waiting<'a> {
    records: &'a Records,
    places: KVVec<(u64, usize)>,
}

impl<'a> Waiting<'a> {
    /// Those with this tag, which are in the order of their sockets.
    pub(crate) fn tagged(
        records: &'a Records,
        tag: u32,
        socket_of: impl Fn(&Rec<'_>) -> Result<u64>,
    ) -> Result<Self> {
        let places = places_by(records, tag, socket_of)?;
        Ok(Self { records, places })
    }

    /// Those of one socket.
    pub(crate) fn of(&self, id: u64) -> impl Iterator<Item = Rec<'a>> + '_ {
        places_of(&self.places, id).map(|at| self.records.get(at))
    }
}

/// Where the records with a tag are.
pub(crate) fn places(records: &Records, tag: u32) -> Result<KVVec<usize>> {
    let mut places = KVVec::new();
    for (at, _) in records.tagged(tag) {
        places.push(at, GFP_KERNEL)?;
    }
    Ok(places)
}

/// The same with what `key` says of each, which ascends.
pub(crate) fn places_by<K>(
    records: &Records,
    tag: u32,
    key: impl Fn(&Rec<'_>) -> Result<K>,
) -> Result<KVVec<(K, usize)>> {
    let mut places = KVVec::new();
    for (at, rec) in records.tagged(tag) {
        places.push((key(&rec)?, at), GFP_KERNEL)?;
    }
    Ok(places)
}

/// Those of one key.
pub(crate) fn places_of<K: Ord + Copy, P: Copy>(
    places: &[(K, P)],
    wanted: K,
) -> impl Iterator<Item = P> + '_ {
    let from = order::after(places, |(key, _)| *key < wanted).iter();
    let found = from.take_while(move |(key, _)| *key == wanted);
    found.map(|(_, place)| *place)
}
