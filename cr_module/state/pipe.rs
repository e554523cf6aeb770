// SPDX-License-Identifier: GPL-2.0

//! Pipes, with what waits in them.
//!
//! A pipe is an object of its own; its ends are open files that refer to it. A pipe with an end
//! outside of the container cannot be saved: its files are external, or refused.
//!
//! A fifo is a pipe with a name: it is found again by that, and must not be in use by then.
//!
//! Of what waits in it, parts may be packets (O_DIRECT): one of them is all that a read gets.
//!
//! Refused: notification pipes.

use crate::{
    files::Files,
    objects::Kind,
    report::{fail, Context, Name, Result},
    save::Save,
    state::name::{self, CName},
};
use core::mem::replace;
use cr_codec::{
    check::{Elements, Rec},
    uapi::*,
};
use cr_sys::{
    errno::{EOPNOTSUPP, ESTALE},
    file::{FileRef, FileType, PipeInfo},
    path::PathRef,
    vec,
};
use kernel::prelude::*;
use zerocopy::IntoBytes;

/// Whether somebody outside of the container has an end of it.
pub(crate) fn leaves(save: &Save<'_>, pipe: &PipeInfo) -> bool {
    let (readers, writers) = save.references.ends_of(pipe.inode);
    pipe.readers > readers || pipe.writers > writers
}

/// Saves the pipe behind an open file; `path` is the name of a fifo.
pub(crate) fn save(
    save: &mut Save<'_>,
    file: &FileRef,
    pipe: &PipeInfo,
    path: &[u8],
) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Pipe, pipe.inode) {
        return Ok(id);
    }
    if pipe.special {
        fail!(EOPNOTSUPP(), "a notification pipe is not supported yet");
    }
    let mut packets = vec::zeroed::<cr_img_packet>(pipe.nr_packets as usize, GFP_KERNEL)?;
    let nr_packets = file.pipe_packets(&mut packets);
    packets.truncate(nr_packets);
    let mut content = vec::zeroed(pipe.length as usize, GFP_KERNEL)?;
    file.copy_pipe(&mut content)
        .context(format_args!("reading a pipe"))?;
    let record = cr_img_pipe {
        ring_size: pipe.ring_size,
        length: pipe.length,
        path_len: path.len() as u32,
        uid: pipe.uid,
        gid: pipe.gid,
        nr_packets: nr_packets as u32,
    };
    let id = save.objects.add(Kind::Pipe, pipe.inode)?;
    save.object(id, &record, &[packets.as_bytes(), path, &content])?;
    Ok(id)
}

/// A pipe that was made again, until all of its files are open.
pub(crate) enum Made {
    /// Its first two open files, until somebody takes them.
    Nameless {
        read: FileRef,
        write: FileRef,
        read_taken: bool,
        write_taken: bool,
    },
    /// A name. The file keeps what is in the pipe, and lets others open it without waiting.
    Fifo { path: PathRef, _file: FileRef },
}

const O_ACCMODE: u32 = 0o3;
const O_RDONLY: u32 = 0;
const O_WRONLY: u32 = 1;
const O_RDWR: u32 = 2;
const O_NONBLOCK: u32 = 0o4000;
const O_DIRECT: u32 = 0o40000;

/// Makes a pipe with the same contents.
pub(crate) fn restore(files: &Files<'_>, rec: &Rec<'_>) -> Result<Made> {
    let pipe: cr_img_pipe = rec.fixed()?;
    let packets = size_of::<cr_img_packet>().saturating_mul(pipe.nr_packets as usize);
    let (path, bytes) = (rec.variable::<cr_img_pipe>().get(packets..))
        .and_then(|rest| rest.split_at_checked(pipe.path_len as usize))
        .ok_or(EINVAL)?;
    let content = Content {
        bytes,
        packets: rec.array(size_of::<cr_img_pipe>()).first(pipe.nr_packets),
    };
    if path.is_empty() {
        let (read, write) =
            FileRef::make_pipe(pipe.ring_size).context(format_args!("making a pipe"))?;
        write
            .chown_pipe(pipe.uid, pipe.gid)
            .context(format_args!("owner of a pipe"))?;
        content.put(&write)?;
        return Ok(Made::Nameless {
            read,
            write,
            read_taken: false,
            write_taken: false,
        });
    }
    open_fifo(files, CName::new(path)?.as_cstr()?, &pipe, content)
        .context(format_args!("fifo {}", Name(path)))
}

fn open_fifo(
    files: &Files<'_>,
    name: &CStr,
    pipe: &cr_img_pipe,
    content: Content<'_>,
) -> Result<Made> {
    let path = name::lookup(files.root(), name)?;
    if path.read().0 != FileType::Pipe {
        fail!(ESTALE(), "is not a fifo any more");
    }
    // Such a file is both ends, so that nobody waits for the other one.
    let fifo = path.open(O_RDWR | O_NONBLOCK)?;
    let found = fifo.pipe()?;
    if (found.readers, found.writers, found.length) != (1, 1, 0) {
        fail!(EBUSY, "is in use");
    }
    fifo.resize_pipe(pipe.ring_size)?;
    content.put(&fifo)?;
    Ok(Made::Fifo { path, _file: fifo })
}

/// What waits in a pipe.
struct Content<'a> {
    bytes: &'a [u8],
    packets: Elements<'a, cr_img_packet>,
}

impl Content<'_> {
    /// Puts it into an empty pipe. There is room for all of it, as the codec has made sure: nobody
    /// would read what is too much.
    fn put(self, pipe: &FileRef) -> Result {
        let part = |from: u32, to: u32| self.bytes.get(from as usize..to as usize).ok_or(EINVAL);
        let mut done = 0;
        let mut writer = None;
        for packet in self.packets {
            let end = packet.at.checked_add(packet.length).ok_or(EINVAL)?;
            fill(pipe, part(done, packet.at)?)?;
            let writer = match &mut writer {
                Some(writer) => writer,
                none => none.insert(packet_writer(pipe)?),
            };
            fill(writer, part(packet.at, end)?)?;
            done = end;
        }
        fill(pipe, self.bytes.get(done as usize..).ok_or(EINVAL)?)
    }
}

/// An open file that makes a packet of each page that is written to a pipe.
fn packet_writer(pipe: &FileRef) -> Result<FileRef> {
    let writer = pipe.reopen_pipe(O_WRONLY)?;
    writer.add_flags(O_DIRECT);
    Ok(writer)
}

fn fill(pipe: &FileRef, mut bytes: &[u8]) -> Result {
    while !bytes.is_empty() {
        let written = pipe.write(bytes).context(format_args!("filling a pipe"))?;
        bytes = &bytes[written..];
    }
    Ok(())
}

impl Made {
    /// An open file of the pipe, for one record. Each record gets its own.
    pub(crate) fn open(&mut self, flags: u32) -> Result<FileRef> {
        let (read, write, read_taken, write_taken) = match self {
            Self::Fifo { path, .. } => {
                let file = path.open(flags & !O_DIRECT)?;
                file.add_flags(flags & O_DIRECT);
                return Ok(file);
            }
            Self::Nameless {
                read,
                write,
                read_taken,
                write_taken,
            } => (read, write, read_taken, write_taken),
        };
        // What it can be given later as well.
        let later = flags & (O_NONBLOCK | O_DIRECT);
        let plain = flags & !later & !O_ACCMODE == 0;
        let file = match flags & O_ACCMODE {
            O_RDONLY if plain && !replace(read_taken, true) => read.clone(),
            O_WRONLY if plain && !replace(write_taken, true) => write.clone(),
            _ => write.reopen_pipe(flags & !O_DIRECT)?,
        };
        file.add_flags(later);
        Ok(file)
    }
}
