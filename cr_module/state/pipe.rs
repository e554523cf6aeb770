// SPDX-License-Identifier: GPL-2.0

//! Pipes, with what waits in them.
//!
//! A pipe is an object of its own; its ends are open files that refer to it. A pipe with an end
//! outside of the container cannot be saved: its files are external, or refused.
//!
//! Refused: fifos with a name, packets (O_DIRECT), notification pipes, SIGIO.

use crate::{
    checkpoint::Save,
    objects::Kind,
    report::{fail, Context, Result},
};
use cr_codec::{check::Rec, uapi::*};
use cr_sys::{
    errno::EOPNOTSUPP,
    file::{FileRef, PipeInfo},
};
use kernel::prelude::*;

/// Whether somebody outside of the container has an end of it.
pub(crate) fn leaves(save: &Save<'_>, pipe: &PipeInfo) -> bool {
    let (readers, writers) = save.references.ends_of(pipe.inode);
    pipe.readers > readers || pipe.writers > writers
}

/// Saves the pipe behind an open file.
pub(crate) fn save(save: &mut Save<'_>, file: &FileRef, pipe: &PipeInfo) -> Result<u64> {
    if let Some(id) = save.objects.find(Kind::Pipe, pipe.inode) {
        return Ok(id);
    }
    for (is, what) in [
        (pipe.named, "a fifo (named pipe)"),
        (pipe.packets, "a pipe in packet mode"),
        (pipe.special, "a notification pipe"),
        (pipe.fasync, "a pipe that sends signals (O_ASYNC)"),
    ] {
        if is {
            fail!(EOPNOTSUPP(), "{what} is not supported yet");
        }
    }
    let mut content = KVVec::from_elem(0, pipe.length as usize, GFP_KERNEL)?;
    file.copy_pipe(&mut content).context(format_args!("reading a pipe"))?;
    let record = cr_img_pipe {
        ring_size: pipe.ring_size,
        length: pipe.length,
    };
    let id = save.objects.add(Kind::Pipe, pipe.inode)?;
    save.object(id, &record, &[&content])?;
    Ok(id)
}

/// A pipe that was made again: its first two open files, until somebody takes them.
pub(crate) struct Made {
    read: FileRef,
    write: FileRef,
    read_taken: bool,
    write_taken: bool,
}

const O_ACCMODE: u32 = 0o3;
const O_RDONLY: u32 = 0;
const O_WRONLY: u32 = 1;
const O_NONBLOCK: u32 = 0o4000;

/// Makes a pipe with the same contents.
pub(crate) fn restore(rec: &Rec<'_>) -> Result<Made> {
    let pipe: cr_img_pipe = rec.fixed()?;
    let (read, write) =
        FileRef::make_pipe(pipe.ring_size).context(format_args!("making a pipe"))?;
    let mut content = rec.variable::<cr_img_pipe>();
    while !content.is_empty() {
        // There is room for all of it, or the image is wrong: never wait for a reader.
        let room = read.pipe()?;
        if u64::from(room.length) + content.len() as u64
            > u64::from(room.ring_size) * cr_sys::mm::PAGE_SIZE as u64
        {
            fail!(EINVAL, "a pipe with more in it than fits");
        }
        let written = write.write(content).context(format_args!("filling a pipe"))?;
        content = &content[written..];
    }
    Ok(Made {
        read,
        write,
        read_taken: false,
        write_taken: false,
    })
}

impl Made {
    /// An open file of the pipe, for one record. Each record gets its own.
    pub(crate) fn open(&mut self, flags: u32) -> Result<FileRef> {
        let plain = flags & !O_NONBLOCK & !O_ACCMODE == 0;
        let (file, taken) = match flags & O_ACCMODE {
            O_RDONLY if plain => (&self.read, &mut self.read_taken),
            O_WRONLY if plain => (&self.write, &mut self.write_taken),
            _ => return Ok(self.write.reopen_pipe(flags)?),
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
