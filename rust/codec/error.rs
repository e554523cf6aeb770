// SPDX-License-Identifier: GPL-2.0

//! What can be wrong with the framing of an image.

use core::fmt;

use crate::record;

/// An image, or a call of the codec, that is not what it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// Where in the image: the first byte of the record concerned.
    pub offset: u64,
    /// Kind of that record, if it is known.
    pub tag: Option<u32>,
    /// What is wrong.
    pub kind: FormatErrorKind,
}

/// Kinds of [`FormatError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormatErrorKind {
    /// There is not a single byte.
    Empty,
    /// The magic number is another one.
    NotAnImage,
    /// The format has this version, which is not ours.
    Version(u32),
    /// The header has another length than this format's.
    HeaderLength(u32),
    /// The checksum of the file header does not match.
    FileHeaderChecksum,
    /// The file header holds a value that format 1 does not allow.
    FileHeader(&'static str),
    /// The image is from another architecture.
    Architecture {
        /// ELF machine in the image.
        found: u32,
        /// ELF machine of the reader.
        expected: u32,
    },
    /// The image has pages of another size.
    PageSize {
        /// Bytes in a page of the image.
        found: u32,
        /// Bytes in a page of the reader.
        expected: u32,
    },
    /// The image ends in the middle of the file header or of a record.
    Truncated,
    /// The image ends at the end of a record, but without the one that says so.
    NoEnd,
    /// The checksum of a record's header does not match.
    HeaderChecksum,
    /// The checksum of a record's payload does not match.
    PayloadChecksum,
    /// A reserved member is not zero.
    Reserved,
    /// The padding between payload and tail, or before pages, is not zero.
    Padding,
    /// A record of an unknown kind that may not be skipped.
    UnknownTag(u32),
    /// A known record in a version that is not known.
    RecordVersion {
        /// Version in the image.
        found: u16,
        /// Version that the reader knows.
        expected: u16,
    },
    /// Flags that are not known, or do not fit the record.
    Flags(u16),
    /// The payload cannot have this length.
    Length(u64),
    /// An object without an id, or an id where there is no object.
    Id(u64),
    /// This record may not come here.
    Order,
    /// A list of pages that contradicts itself.
    Runs(&'static str),
    /// The last record counts something else than what was there.
    Count {
        /// What is counted.
        what: &'static str,
        /// Number in the image.
        found: u64,
        /// Number that the reader has seen.
        expected: u64,
    },
    /// There are bytes after the last record.
    Trailing,
    /// The codec was called in a way that makes no sense.
    Usage(&'static str),
}

impl FormatError {
    /// An error that has nothing to do with one record.
    pub fn new(offset: u64, kind: FormatErrorKind) -> Self {
        Self {
            offset,
            tag: None,
            kind,
        }
    }

    /// An error in a record.
    pub fn in_record(offset: u64, tag: u32, kind: FormatErrorKind) -> Self {
        Self {
            offset,
            tag: Some(tag),
            kind,
        }
    }
}

/// Display of a kind of record.
pub(crate) struct TagName(pub(crate) u32);

impl fmt::Display for TagName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match record::tag_name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "of kind {:#x}", self.0),
        }
    }
}

fn machine_name(machine: u32) -> &'static str {
    match machine {
        62 => "x86-64",
        183 => "arm64",
        243 => "RISC-V",
        22 => "s390",
        21 => "ppc64",
        258 => "LoongArch",
        _ => "unknown",
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use FormatErrorKind as Kind;

        let at = self.offset;
        // These say where by themselves.
        match self.kind {
            Kind::Empty => return f.write_str("the image is empty"),
            Kind::NotAnImage => return f.write_str("not a checkpoint image"),
            Kind::Version(version) => {
                return write!(
                    f,
                    "format version {version}, this reader knows {}",
                    crate::uapi::CR_IMG_VERSION
                )
            }
            Kind::HeaderLength(length) => {
                return write!(f, "damaged file header: length {length}");
            }
            Kind::FileHeaderChecksum => {
                return f.write_str("damaged file header: checksum mismatch");
            }
            Kind::FileHeader(what) => return write!(f, "damaged file header: {what}"),
            Kind::Architecture { found, expected } => {
                return write!(
                    f,
                    "architecture {found} ({}); this is {expected} ({})",
                    machine_name(found),
                    machine_name(expected)
                )
            }
            Kind::PageSize { found, expected } => {
                return write!(f, "pages of {found} bytes; here they have {expected}");
            }
            Kind::Truncated => {
                return match self.tag {
                    Some(tag) => write!(
                        f,
                        "image ends in the middle of the record {} at byte {at}",
                        TagName(tag)
                    ),
                    None if at == 0 => f.write_str("image ends in the middle of the file header"),
                    None => write!(f, "image ends in the middle of a record at byte {at}"),
                };
            }
            Kind::NoEnd => {
                return write!(f, "image ends at byte {at} without its last record");
            }
            Kind::Trailing => return write!(f, "bytes after the end of the image, at byte {at}"),
            _ => {}
        }

        match self.tag {
            Some(tag) => write!(f, "record {} at byte {at}: ", TagName(tag))?,
            None => write!(f, "record at byte {at}: ")?,
        }
        match self.kind {
            Kind::HeaderChecksum => f.write_str("header checksum mismatch"),
            Kind::PayloadChecksum => f.write_str("checksum mismatch"),
            Kind::Reserved => f.write_str("a reserved member is not zero"),
            Kind::Padding => f.write_str("the padding is not zero"),
            Kind::UnknownTag(_) => f.write_str("unknown, and may not be skipped"),
            Kind::RecordVersion { found, expected } => {
                write!(f, "version {found}, this reader knows {expected}")
            }
            Kind::Flags(flags) => write!(f, "unexpected flags {flags:#x}"),
            Kind::Length(length) => write!(f, "impossible length {length}"),
            Kind::Id(0) => f.write_str("an object without an id"),
            Kind::Id(id) => write!(f, "id {id}, but it is no object"),
            Kind::Order => f.write_str("may not come here"),
            Kind::Runs(what) | Kind::Usage(what) => f.write_str(what),
            Kind::Count {
                what,
                found,
                expected,
            } => write!(f, "it counts {found} {what}, there are {expected}"),
            // Above.
            _ => Ok(()),
        }
    }
}

impl core::error::Error for FormatError {}
