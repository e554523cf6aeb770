// SPDX-License-Identifier: GPL-2.0

//! The framing of images: what is written is read back, what is damaged is refused.

use cr_codec::{
    crc,
    error::{FormatError, FormatErrorKind},
    read::Reader,
    record::{self, KINDS},
    uapi::*,
    write::{Sink, Writer},
    Record,
};
use proptest::prelude::*;
use zerocopy::{FromBytes, IntoBytes};

const PAGE: usize = 4096;

#[derive(Debug, Default)]
struct Memory(Vec<u8>);

impl Sink for Memory {
    type Error = FormatError;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), FormatError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

fn header() -> cr_img_header {
    cr_img_header {
        arch: 62,
        page_size: PAGE as u32,
        xstate_size: 576,
        ..Default::default()
    }
}

fn writer() -> Writer<Memory> {
    let mut writer = Writer::new(Memory::default(), crc::update);
    writer.header(&header()).unwrap();
    writer
}

/// Content of an image: (tag, id, payload), and pages as (tag, object, runs and data).
type Content = Vec<(u32, u64, Vec<u8>)>;

fn read(image: &[u8]) -> Result<(cr_img_header, Content), FormatError> {
    let (header, mut reader) = Reader::new(image, crc::update)?;
    let mut content = Content::new();
    loop {
        let head = reader.next()?;
        if head.tag == CR_TAG_END {
            reader.end(&head)?;
            reader.nothing_follows()?;
            return Ok((header, content));
        }
        if !head.is_known() {
            reader.skip(&head)?;
        } else if head.tag == CR_TAG_PAGES {
            // As many as there can be: the module has no room for more.
            let mut runs = vec![cr_img_run::default(); head.length as usize / PAGE];
            let mut pages = reader.pages(&head, &mut runs)?;
            let object = pages.object();
            let mut bytes = pages.runs().as_bytes().to_vec();
            let at = bytes.len();
            bytes.resize(
                at + pages.nr_pages() as usize * header.page_size as usize,
                0,
            );
            for page in bytes[at..].chunks_mut(header.page_size as usize) {
                pages.read(page)?;
            }
            pages.finish()?;
            content.push((head.tag, object, bytes));
        } else {
            let mut payload = vec![0; head.length as usize];
            reader.payload(&head, &mut payload)?;
            content.push((head.tag, head.id, payload));
        }
    }
}

/// An image with one record of every kind, and what should be read from it.
fn one_of_each() -> (Vec<u8>, Content) {
    fn put<R: Record>(writer: &mut Writer<Memory>, content: &mut Content) {
        let kind = R::KIND;
        let id = if kind.object {
            content.len() as u64 + 1
        } else {
            0
        };
        let fixed: Vec<u8> = (0..kind.fixed).map(|i| (i * 7 + kind.tag) as u8).collect();
        let variable: Vec<u8> = (0..kind.element * 3).map(|i| (i * 5) as u8).collect();
        let (a, b) = variable.split_at(variable.len() / 2);
        let value = R::read_from_bytes(&fixed).unwrap();
        writer.record(id, &value, &[a, b]).unwrap();
        content.push((kind.tag, id, [fixed, variable].concat()));
    }

    let mut content = Content::new();
    let mut writer = writer();
    put::<cr_img_section>(&mut writer, &mut content);
    put::<cr_img_container>(&mut writer, &mut content);
    put::<cr_img_uts>(&mut writer, &mut content);
    put::<cr_img_unchanged>(&mut writer, &mut content);
    put::<cr_img_huge>(&mut writer, &mut content);
    put::<cr_img_reserve>(&mut writer, &mut content);
    put::<cr_img_shared_policy>(&mut writer, &mut content);
    put::<cr_img_sem>(&mut writer, &mut content);
    put::<cr_img_msgq>(&mut writer, &mut content);
    put::<cr_img_mqueue>(&mut writer, &mut content);
    put::<cr_img_shm>(&mut writer, &mut content);
    put::<cr_img_semadj>(&mut writer, &mut content);
    put::<cr_img_cred>(&mut writer, &mut content);
    put::<cr_img_pipe>(&mut writer, &mut content);
    put::<cr_img_shmem>(&mut writer, &mut content);
    put::<cr_img_tty>(&mut writer, &mut content);
    put::<cr_img_file>(&mut writer, &mut content);
    put::<cr_img_fdtable>(&mut writer, &mut content);
    put::<cr_img_fs>(&mut writer, &mut content);
    put::<cr_img_sighand>(&mut writer, &mut content);
    put::<cr_img_policy>(&mut writer, &mut content);
    put::<cr_img_mm>(&mut writer, &mut content);
    put::<cr_img_vma>(&mut writer, &mut content);
    put::<cr_img_guards>(&mut writer, &mut content);
    put::<cr_img_ldt>(&mut writer, &mut content);
    put::<cr_img_aio>(&mut writer, &mut content);
    put::<cr_img_uring>(&mut writer, &mut content);
    put::<cr_img_uring_table>(&mut writer, &mut content);
    put::<cr_img_uring_group>(&mut writer, &mut content);
    put::<cr_img_uring_task>(&mut writer, &mut content);
    put::<cr_img_uring_request>(&mut writer, &mut content);
    put::<cr_img_waiting>(&mut writer, &mut content);
    put::<cr_img_datagram>(&mut writer, &mut content);
    put::<cr_img_sockerr>(&mut writer, &mut content);
    put::<cr_img_cork>(&mut writer, &mut content);
    put::<cr_img_netlink>(&mut writer, &mut content);
    put::<cr_img_netlink_message>(&mut writer, &mut content);
    put::<cr_img_sockfilter>(&mut writer, &mut content);
    put::<cr_img_link>(&mut writer, &mut content);
    put::<cr_img_frame>(&mut writer, &mut content);
    put::<cr_img_lock>(&mut writer, &mut content);
    put::<cr_img_dnotify>(&mut writer, &mut content);
    put::<cr_img_landlock>(&mut writer, &mut content);
    put::<cr_img_bpf_map>(&mut writer, &mut content);
    put::<cr_img_seccomp>(&mut writer, &mut content);
    put::<cr_img_process>(&mut writer, &mut content);
    put::<cr_img_thread>(&mut writer, &mut content);
    put::<cr_img_regs>(&mut writer, &mut content);
    put::<cr_img_xstate>(&mut writer, &mut content);
    put::<cr_img_sigqueue>(&mut writer, &mut content);
    put::<cr_img_sched>(&mut writer, &mut content);
    put::<cr_img_controls>(&mut writer, &mut content);
    put::<cr_img_trace>(&mut writer, &mut content);
    put::<cr_img_debugregs>(&mut writer, &mut content);
    put::<cr_img_tls>(&mut writer, &mut content);

    for object in [3, 4] {
        let runs = [
            cr_img_run {
                start: 0x10000,
                nr_pages: 2,
            },
            cr_img_run {
                start: 0x20000 * object,
                nr_pages: 1,
            },
        ];
        let data: Vec<u8> = (0..3 * PAGE).map(|i| (i / 16) as u8 ^ 0x5a).collect();
        let mut pages = writer.pages(object, &runs).unwrap();
        pages.page(&data[..PAGE]).unwrap();
        pages.page(&data[PAGE..]).unwrap();
        pages.finish().unwrap();
        let bytes = [runs.as_bytes(), &data].concat();
        content.push((CR_TAG_PAGES, object, bytes));
    }
    writer.end().unwrap();
    (writer.into_sink().0, content)
}

fn kind_of(image: &[u8]) -> FormatErrorKind {
    read(image).unwrap_err().kind
}

/// A record with a right checksum, whatever is in it.
fn raw(mut head: cr_img_record, payload: &[u8]) -> Vec<u8> {
    head.crc = crc::update(0, &head.as_bytes()[..28]);
    let mut padded = payload.to_vec();
    padded.resize(payload.len().next_multiple_of(8), 0);
    let tail = cr_img_tail {
        crc: crc::update(0, &padded),
        reserved: 0,
    };
    [head.as_bytes(), &padded, tail.as_bytes()].concat()
}

fn with_record(head: cr_img_record, payload: &[u8]) -> Vec<u8> {
    let mut image = writer().into_sink().0;
    image.extend(raw(head, payload));
    let end = cr_img_end {
        nr_records: 1,
        nr_pages: 0,
        length: image.len() as u64,
    };
    let head = cr_img_record {
        tag: CR_TAG_END,
        version: 1,
        length: 24,
        ..Default::default()
    };
    image.extend(raw(head, end.as_bytes()));
    image
}

#[test]
fn sizes() {
    assert_eq!(size_of::<cr_img_header>(), 128);
    assert_eq!(size_of::<cr_img_record>(), 32);
    assert_eq!(size_of::<cr_img_tail>(), 8);
    for kind in KINDS {
        let most = u64::from(kind.fixed) + u64::from(kind.element) * u64::from(kind.max_elements);
        assert!(most <= u64::from(CR_IMG_MAX_PAYLOAD), "{kind:?}");
        assert!(kind.length_fits(most), "{kind:?}");
        assert!(
            !kind.length_fits(most + u64::from(kind.element.max(1))),
            "{kind:?}"
        );
        assert_eq!(record::kind(kind.tag).unwrap().name, kind.name);
    }
}

#[test]
fn round_trip() {
    let (image, content) = one_of_each();
    let (header, read) = read(&image).unwrap();
    assert_eq!(read, content);
    assert_eq!({ header.magic }, CR_IMG_MAGIC);
    assert_eq!(&image[..8], b"CR-IMAGE");
}

/// Passes over all pages, in which nothing is looked at.
/// Reads pages only when it has passed over them.
fn pass_over(image: &[u8], read_one: bool) -> Result<u64, FormatError> {
    let (_, mut reader) = Reader::new(image, crc::update)?;
    let mut runs = [cr_img_run::default(); 2];
    loop {
        let head = reader.next()?;
        match head.tag {
            CR_TAG_END => {
                reader.end(&head)?;
                reader.nothing_follows()?;
                return Ok(reader.nr_pages());
            }
            CR_TAG_PAGES => {
                let mut pages = reader.pages(&head, &mut runs)?;
                if read_one {
                    pages.read(&mut [0; PAGE])?;
                }
                let nr_pages = pages.nr_pages() as usize;
                let mut passed = pages.pass_over()?;
                let at = passed.offset() as usize;
                for page in image[at..at + nr_pages * PAGE].chunks(PAGE) {
                    passed.add(page);
                }
                passed.finish()?;
            }
            _ => reader.skip(&head)?,
        }
    }
}

#[test]
fn pages_that_nobody_reads() {
    let (mut image, _) = one_of_each();
    assert_eq!(pass_over(&image, false), Ok(6));
    let error = pass_over(&image, true).unwrap_err();
    assert!(matches!(error.kind, FormatErrorKind::Usage(_)));
    let end = image.len();
    assert_eq!(
        pass_over(&image[..end - PAGE], false).unwrap_err().kind,
        FormatErrorKind::Truncated
    );
    // The last record before the end has 48 bytes of its own, as that has.
    image[end - PAGE] ^= 1;
    assert_eq!(kind_of(&image), FormatErrorKind::PayloadChecksum);
    assert_eq!(
        pass_over(&image, false).unwrap_err().kind,
        FormatErrorKind::PayloadChecksum
    );
}

#[test]
fn pages_are_aligned() {
    let (image, _) = one_of_each();
    let (_, mut reader) = Reader::new(&image[..], crc::update).unwrap();
    let mut runs = [cr_img_run::default(); 2];
    let mut seen = 0;
    loop {
        let head = reader.next().unwrap();
        match head.tag {
            CR_TAG_END => break,
            CR_TAG_PAGES => {
                let mut pages = reader.pages(&head, &mut runs).unwrap();
                let mut data = [0; 3 * PAGE];
                pages.read(&mut data).unwrap();
                pages.finish().unwrap();
                let at = head.offset as usize + 32;
                let fixed = cr_img_pages::read_from_bytes(&image[at..at + 16]).unwrap();
                let at = at + fixed.data_offset as usize;
                assert_eq!(at % PAGE, 0);
                assert_eq!(image[at..at + data.len()], data);
                seen += 1;
            }
            _ => reader.skip(&head).unwrap(),
        }
    }
    assert_eq!(seen, 2);
}

#[test]
fn every_truncation_is_an_error() {
    let (image, _) = one_of_each();
    for length in 0..image.len() {
        let error = read(&image[..length]).unwrap_err();
        let expected = match length {
            0 => FormatErrorKind::Empty,
            1..8 => FormatErrorKind::NotAnImage,
            _ if error.kind == FormatErrorKind::NoEnd => FormatErrorKind::NoEnd,
            _ => FormatErrorKind::Truncated,
        };
        assert_eq!(error.kind, expected, "at {length}");
    }
}

#[test]
fn trailing_bytes() {
    let (mut image, _) = one_of_each();
    image.push(0);
    assert_eq!(kind_of(&image), FormatErrorKind::Trailing);
}

#[test]
fn file_header() {
    let (image, _) = one_of_each();
    let change = |f: &dyn Fn(&mut cr_img_header)| {
        let mut image = image.clone();
        let mut header = cr_img_header::read_from_bytes(&image[..128]).unwrap();
        f(&mut header);
        header.crc = crc::update(0, &header.as_bytes()[..124]);
        image[..128].copy_from_slice(header.as_bytes());
        read(&image).map(|_| ()).map_err(|err| err.to_string())
    };
    assert_eq!(change(&|_| ()), Ok(()));
    let fails = |expected: &str, f: &dyn Fn(&mut cr_img_header)| {
        assert_eq!(change(f), Err(expected.to_string()));
    };
    fails("not a checkpoint image", &|h| h.magic = 1);
    fails("format version 7, this reader knows 1", &|h| h.version = 7);
    fails("damaged file header: length 120", &|h| h.header_len = 120);
    fails("damaged file header: unknown flags", &|h| h.flags = 1);
    fails("damaged file header: impossible page size", &|h| {
        h.page_size = 0
    });
    fails("damaged file header: impossible page size", &|h| {
        h.page_size = 4097
    });

    let other = cr_img_header {
        arch: 183,
        ..header()
    };
    assert_eq!(
        other.check_machine(62, 4096).unwrap_err().to_string(),
        "architecture 183 (arm64); this is 62 (x86-64)"
    );
}

#[test]
fn record_headers() {
    let good = cr_img_record {
        tag: CR_TAG_SHMEM,
        version: 1,
        flags: 0,
        length: 16,
        id: 1,
        reserved: 0,
        crc: 0,
    };
    assert!(read(&with_record(good, &[0; 16])).is_ok());
    let fails =
        |kind, head, length| assert_eq!(kind_of(&with_record(head, &vec![0; length])), kind);
    fails(
        FormatErrorKind::Length(8),
        cr_img_record { length: 8, ..good },
        8,
    );
    fails(
        FormatErrorKind::Length(24),
        cr_img_record { length: 24, ..good },
        24,
    );
    fails(
        FormatErrorKind::Length(u64::MAX),
        cr_img_record {
            length: u64::MAX,
            ..good
        },
        24,
    );
    fails(FormatErrorKind::Id(0), cr_img_record { id: 0, ..good }, 16);
    fails(
        FormatErrorKind::Reserved,
        cr_img_record {
            reserved: 1,
            ..good
        },
        16,
    );
    fails(
        FormatErrorKind::Flags(1),
        cr_img_record { flags: 1, ..good },
        16,
    );
    fails(
        FormatErrorKind::Flags(0x8000),
        cr_img_record {
            flags: 0x8000,
            ..good
        },
        16,
    );
    let version = FormatErrorKind::RecordVersion {
        found: 2,
        expected: 1,
    };
    fails(version, cr_img_record { version: 2, ..good }, 16);
    fails(
        FormatErrorKind::UnknownTag(0x99),
        cr_img_record { tag: 0x99, ..good },
        16,
    );

    let unknown = cr_img_record {
        tag: 0x99,
        flags: 1,
        version: 9,
        ..good
    };
    assert_eq!(read(&with_record(unknown, &[7; 16])).unwrap().1, []);
    let long = u64::from(CR_IMG_MAX_PAYLOAD) + 1;
    fails(
        FormatErrorKind::Length(long),
        cr_img_record {
            length: long,
            ..unknown
        },
        0,
    );
    fails(
        FormatErrorKind::Flags(3),
        cr_img_record {
            flags: 3,
            ..unknown
        },
        16,
    );
}

#[test]
fn runs() {
    let fails = |runs: &[(u64, u64)]| {
        let runs: Vec<_> = runs
            .iter()
            .map(|&(start, nr_pages)| cr_img_run { start, nr_pages })
            .collect();
        let error = writer().pages(1, &runs).map(|_| ()).unwrap_err();
        assert!(
            matches!(
                error.kind,
                FormatErrorKind::Runs(_) | FormatErrorKind::Length(_)
            ),
            "{error}"
        );
    };
    fails(&[]);
    fails(&[(0, 0)]);
    fails(&[(1, 1)]);
    fails(&[(0, 2), (4096, 1)]);
    fails(&[(8192, 1), (4096, 1)]);
    fails(&[(0, u64::MAX)]);
    fails(&[(u64::MAX - 4095, 1)]);
    fails(&[(1 << 62, 1)]);
    fails(&[(0, 1 << 52)]);
    fails(&[(0, 1024)]);
}

#[test]
fn order() {
    let mut writer = writer();
    let runs = [cr_img_run {
        start: 0,
        nr_pages: 1,
    }];
    let mut pages = writer.pages(1, &runs).unwrap();
    pages.page(&[0; PAGE]).unwrap();
    pages.finish().unwrap();
    writer.record(2, &cr_img_shmem::default(), &[]).unwrap();
    writer.end().unwrap();
    assert_eq!(kind_of(&writer.into_sink().0), FormatErrorKind::Order);
}

#[test]
fn misuse() {
    let (image, _) = one_of_each();
    let (_, mut reader) = Reader::new(&image[..], crc::update).unwrap();
    let head = reader.next().unwrap();
    assert!(reader.next().is_err());
    assert!(reader.payload(&head, &mut []).is_err());
    assert!(reader.next().is_err());

    let mut writer = writer();
    assert!(writer.record(0, &cr_img_shmem::default(), &[]).is_err());
    assert!(writer.record(1, &cr_img_shmem::default(), &[b"x"]).is_err());
    assert!(writer.record(0, &cr_img_pages::default(), &[]).is_err());
    let runs = [cr_img_run {
        start: 0,
        nr_pages: 1,
    }];
    let mut pages = writer.pages(1, &runs).unwrap();
    assert!(pages.page(&[0; 100]).is_err());
    assert!(pages.page(&[0; 2 * PAGE]).is_err());
    assert!(pages.finish().is_err());
}

#[test]
fn counts() {
    let mut writer = writer();
    let end = cr_img_end {
        nr_records: 3,
        nr_pages: 0,
        length: writer.offset(),
    };
    writer.record(0, &end, &[]).unwrap();
    let error = read(&writer.into_sink().0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "record end at byte 128: it counts 3 records, there are 0"
    );
}

#[test]
fn words() {
    let (mut image, _) = one_of_each();
    let (_, mut reader) = Reader::new(&image[..], crc::update).unwrap();
    let at = loop {
        let head = reader.next().unwrap();
        if head.tag == CR_TAG_VMA {
            break head.offset;
        }
        reader.skip(&head).unwrap();
    };
    image[at as usize + 40] ^= 1;
    let expected = format!("record vma at byte {at}: checksum mismatch");
    assert_eq!(read(&image).unwrap_err().to_string(), expected);
    image.truncate(at as usize + 50);
    let expected = format!("image ends in the middle of the record vma at byte {at}");
    assert_eq!(read(&image).unwrap_err().to_string(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn a_flipped_bit_is_an_error(bit in any::<prop::sample::Index>()) {
        let (mut image, _) = one_of_each();
        let bit = bit.index(image.len() * 8);
        image[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(read(&image).is_err(), "bit {}", bit);
    }

    #[test]
    fn any_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..4096)) {
        prop_assert!(read(&bytes).is_err());
        let image = [&writer().into_sink().0[..], &bytes].concat();
        prop_assert!(read(&image).is_err());
    }

    /// Headers whose checksum is right, and else anything.
    #[test]
    fn any_record_does_no_harm(
        tag in prop_oneof![prop::sample::select(KINDS).prop_map(|kind| kind.tag), any::<u32>()],
        version in 0u16..3,
        flags in 0u16..3,
        id in 0u64..3,
        length in prop_oneof![0u64..9000, any::<u64>()],
        payload in prop::collection::vec(any::<u8>(), 0..9000),
    ) {
        let head = cr_img_record { tag, version, flags, length, id, reserved: 0, crc: 0 };
        let _ = read(&with_record(head, &payload));
    }
}

/// Every bit of the headers, of the padding and of the tails, and not only some of them. The image
/// is to blame, and not who reads it.
#[test]
fn every_bit_matters() {
    let (image, _) = one_of_each();
    for bit in 0..image.len() * 8 {
        let mut image = image.clone();
        image[bit / 8] ^= 1 << (bit % 8);
        let kind = kind_of(&image);
        assert!(
            !matches!(kind, FormatErrorKind::Usage(_)),
            "bit {bit}: {kind:?}"
        );
    }
}
