// SPDX-License-Identifier: GPL-2.0

//! Compressed images: one frame of Zstandard around the whole.

use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write},
    thread,
};

use anyhow::{Context, Result};

/// How a frame begins.
const MAGIC: [u8; 4] = zstd::zstd_safe::MAGICNUMBER.to_le_bytes();

/// An input with its first bytes put back.
pub(super) type Peeked<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// Says whether an image is compressed. Not a byte more is taken from `input` than that takes.
pub fn peek<R: Read>(mut input: R) -> io::Result<(bool, Vec<u8>, R)> {
    let mut first = Vec::new();
    (&mut input)
        .take(MAGIC.len() as u64)
        .read_to_end(&mut first)?;
    Ok((first == MAGIC, first, input))
}

/// An image, whether it is compressed or not.
#[allow(missing_debug_implementations)]
pub enum Decoded<R: Read> {
    /// It is not.
    Plain(Peeked<R>),
    /// It is.
    Compressed(zstd::Decoder<'static, BufReader<Peeked<R>>>),
}

impl<R: Read> Decoded<R> {
    /// Finds out which.
    pub fn new(input: R) -> io::Result<Self> {
        let (compressed, first, input) = peek(input)?;
        let input = Cursor::new(first).chain(input);
        Ok(match compressed {
            true => Self::Compressed(zstd::Decoder::new(input)?),
            false => Self::Plain(input),
        })
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(input) => input.read(buffer),
            Self::Compressed(decoder) => decoder.read(buffer).map_err(|err| {
                // What is no error of the file is one of the data.
                match err.raw_os_error() {
                    Some(_) => err,
                    None => {
                        let what = format!("the compressed image is damaged: {err}");
                        io::Error::new(io::ErrorKind::InvalidData, what)
                    }
                }
            }),
        }
    }
}

/// A file that an image can be looked up in: itself, or an unpacked copy that nobody else sees.
pub fn unpacked(mut file: File) -> Result<File> {
    let pipe = "a pipe will not do: the image has to be a file";
    file.seek(SeekFrom::Start(0)).context(pipe)?;
    let (compressed, _, mut file) = peek(file)?;
    file.seek(SeekFrom::Start(0))?;
    if !compressed {
        return Ok(file);
    }
    let mut copy = tempfile::tempfile().context("a temporary file")?;
    io::copy(&mut Decoded::new(file)?, &mut copy).context("unpacking")?;
    Ok(copy)
}

/// Compresses what is written to it, on all processors.
pub fn encoder<W: Write>(out: W, level: i32) -> io::Result<zstd::Encoder<'static, W>> {
    let mut encoder = zstd::Encoder::new(out, level)?;
    let workers = thread::available_parallelism().map_or(1, |number| number.get() as u32);
    encoder.multithread(workers)?;
    Ok(encoder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let words = b"Not much of an image, but long enough to be told from none.".repeat(100);
        let mut encoder = encoder(Vec::new(), 3).unwrap();
        encoder.write_all(&words).unwrap();
        let packed = encoder.finish().unwrap();
        assert!(packed.len() < words.len());
        for input in [&packed, &words] {
            let mut read = Vec::new();
            Decoded::new(&input[..])
                .unwrap()
                .read_to_end(&mut read)
                .unwrap();
            assert_eq!(read, words);
        }
        for length in [5, packed.len() - 1] {
            let mut decoded = Decoded::new(&packed[..length]).unwrap();
            let err = decoded.read_to_end(&mut Vec::new()).unwrap_err();
            assert_eq!(err.kind(), io::ErrorKind::InvalidData, "{err}");
        }
        for short in [&b""[..], b"CR"] {
            let mut read = Vec::new();
            Decoded::new(short).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, short);
        }
    }
}
