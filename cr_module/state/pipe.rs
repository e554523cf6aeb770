// SPDX-License-Identifier: GPL-2.0

//! Pipes, with what waits in them.
//!
//! A pipe is an object of its own; its ends are open files that refer to it. A pipe with an end
//! outside of the container cannot be saved: its files are external, or refused.
//!
//! A fifo is a pipe with a name: it is found again by that, and must not be in use by then.
//!
//! Refused: packets (O_DIRECT), notification pipes, SIGIO.

use crate::{
    checkpoint::Save,
    objects::Kind,
    report::{fail, Context, Name, Result},
    restart::Files,
    state::file::{self, CName},
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    errno::{EOPNOTSUPP, ESTALE},
    file::{FileRef, FileType, PathRef, PipeInfo},
    vec,
};
use kernel::prelude::*;

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
    for (is, what) in [
        (pipe.packets, "a pipe in packet mode"),
        (pipe.special, "a notification pipe"),
    ] {
        if is {
            fail!(EOPNOTSUPP(), "{what} is not supported yet");
        }
    }
    let mut content = vec::zeroed(pipe.length as usize, GFP_KERNEL)?;
    file.copy_pipe(&mut content)
        .context(format_args!("reading a pipe"))?;
    let record = cr_img_pipe {
        ring_size: pipe.ring_size,
        length: pipe.length,
        path_len: path.len() as u32,
        uid: pipe.uid,
        gid: pipe.gid,
        reserved: 0,
    };
    let id = save.objects.add(Kind::Pipe, pipe.inode)?;
    save.object(id, &record, &[path, &content])?;
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
    Fifo { name: CName, _file: FileRef },
}

const O_ACCMODE: u32 = 0o3;
const O_RDONLY: u32 = 0;
const O_WRONLY: u32 = 1;
const O_RDWR: u32 = 2;
const O_NONBLOCK: u32 = 0o4000;

/// Makes a pipe with the same contents.
pub(crate) fn restore(files: &Files<'_>, rec: &Rec<'_>) -> Result<Made> {
    let pipe: cr_img_pipe = rec.fixed()?;
    let variable = rec.variable::<cr_img_pipe>();
    let (path, content) = variable
        .split_at_checked(pipe.path_len as usize)
        .ok_or(EINVAL)?;
    if path.is_empty() {
        let (read, write) =
            FileRef::make_pipe(pipe.ring_size).context(format_args!("making a pipe"))?;
        write
            .chown_pipe(pipe.uid, pipe.gid)
            .context(format_args!("owner of a pipe"))?;
        fill(&write, content)?;
        return Ok(Made::Nameless {
            read,
            write,
            read_taken: false,
            write_taken: false,
        });
    }
    let name = CName::new(path)?;
    let fifo = open_fifo(files, name.as_cstr()?, &pipe, content)
        .context(format_args!("fifo {}", Name(path)))?;
    Ok(Made::Fifo { name, _file: fifo })
}

fn open_fifo(
    files: &Files<'_>,
    name: &CStr,
    pipe: &cr_img_pipe,
    content: &[u8],
) -> Result<FileRef> {
    if file::probe(files, name)?.0 != FileType::Pipe {
        fail!(ESTALE(), "is not a fifo any more");
    }
    // Such a file is both ends, so that nobody waits for the other one.
    let fifo = file::open(files, name, O_RDWR | O_NONBLOCK)?;
    let found = fifo.pipe()?;
    if (found.readers, found.writers, found.length) != (1, 1, 0) {
        fail!(EBUSY, "is in use");
    }
    fifo.resize_pipe(pipe.ring_size)?;
    fill(&fifo, content)?;
    Ok(fifo)
}

/// Puts bytes into an empty pipe. There is room for all of it, or the image is wrong: nobody would
/// read what is too much.
fn fill(pipe: &FileRef, mut content: &[u8]) -> Result {
    while !content.is_empty() {
        let room = pipe.pipe()?;
        if u64::from(room.length) + content.len() as u64
            > u64::from(room.ring_size) * cr_sys::mm::PAGE_SIZE as u64
        {
            fail!(EINVAL, "a pipe with more in it than fits");
        }
        let written = pipe
            .write(content)
            .context(format_args!("filling a pipe"))?;
        content = &content[written..];
    }
    Ok(())
}

impl Made {
    /// An open file of the pipe, for one record. Each record gets its own.
    pub(crate) fn open(&mut self, root: &PathRef, flags: u32) -> Result<FileRef> {
        let (read, write, read_taken, write_taken) = match self {
            Self::Fifo { name, .. } => return Ok(FileRef::open(root, name.as_cstr()?, flags)?),
            Self::Nameless {
                read,
                write,
                read_taken,
                write_taken,
            } => (read, write, read_taken, write_taken),
        };
        let plain = flags & !O_NONBLOCK & !O_ACCMODE == 0;
        let (file, taken) = match flags & O_ACCMODE {
            O_RDONLY if plain => (read, read_taken),
            O_WRONLY if plain => (write, write_taken),
            _ => return Ok(write.reopen_pipe(flags)?),
        };
        if core::mem::replace(taken, true) {
            return Ok(file.reopen_pipe(flags)?);
        }
        if flags & O_NONBLOCK != 0 {
            file.set_nonblocking();
        }
        Ok(file.clone())
    }
}
