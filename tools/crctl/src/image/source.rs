// SPDX-License-Identifier: GPL-2.0

//! Where images come from.

use std::{
    fs::File,
    io::{self, IsTerminal, Read},
    path::Path,
};

use anyhow::Context;
use cr_codec::{read::Source, FormatError};

use crate::error::Error;

/// Why an image could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not what it should be.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An image from a file or pipe; it can keep what has been read.
#[derive(Debug)]
pub struct Stream<R> {
    input: R,
    /// Bytes that were read before.
    first: Vec<u8>,
    kept: Option<Vec<u8>>,
}

impl<R: Read> Stream<R> {
    /// Reads.
    pub fn new(input: R) -> Self {
        Self {
            input,
            first: Vec::new(),
            kept: None,
        }
    }

    /// Reads, beginning with some bytes that were read before, and keeps what has been read. Not a
    /// byte more is taken from `input` than asked for.
    pub fn keeping(first: Vec<u8>, input: R) -> Self {
        Self {
            input,
            first,
            kept: Some(Vec::new()),
        }
    }

    /// Gives the input back, and what has been kept.
    pub fn into_parts(self) -> (R, Vec<u8>) {
        (self.input, self.kept.unwrap_or_default())
    }
}

impl<R: Read> Source for Stream<R> {
    type Error = ReadError;

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ReadError> {
        let got = loop {
            if !self.first.is_empty() {
                let some = self.first.len().min(buffer.len());
                buffer[..some].copy_from_slice(&self.first[..some]);
                self.first.drain(..some);
                break some;
            }
            match self.input.read(buffer) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&buffer[..got]);
        }
        Ok(got)
    }
}

/// Opens an image; none and "-" are standard input, which must not be a terminal.
pub fn open(path: Option<&Path>) -> anyhow::Result<File> {
    match path {
        Some(path) if path != Path::new("-") => {
            File::open(path).with_context(|| path.display().to_string())
        }
        _ if io::stdin().is_terminal() => Err(Error::Usage(
            "standard input is a terminal, not an image: use `< FILE`".into(),
        )
        .into()),
        _ => {
            use std::os::fd::AsFd;
            Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
        }
    }
}
