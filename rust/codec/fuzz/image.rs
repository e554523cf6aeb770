// SPDX-License-Identifier: GPL-2.0

//! Reads any bytes as an image, as the module does before and while it restarts a container.
//!
//! Checksums are all zero: a fuzzer that has to guess them finds nothing else.

#![no_main]

use std::fmt::Write;

use cr_codec::{
    check::{check_state, Rec},
    read::{Head, Reader, MAX_RUNS},
    uapi::*,
    FormatError,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|image: &[u8]| {
    let mut words = String::new();
    if let Err(err) = read(image, &mut words) {
        // The words for it are a part of what is tested.
        let _ = write!(words, "{err}");
    }
});

fn read(image: &[u8], words: &mut String) -> Result<(), FormatError> {
    let (header, mut reader) = Reader::new(image, |_, _| 0)?;
    header.check_machine(62, 4096)?;
    let mut records: Vec<(Head, Vec<u8>)> = Vec::new();
    let mut head = loop {
        let head = reader.next()?;
        match head.tag {
            CR_TAG_PAGES | CR_TAG_END => break head,
            CR_TAG_SECTION => reader.skip(&head)?,
            _ if !head.is_known() => reader.skip(&head)?,
            _ => {
                // Memory for what is not there would only slow it down.
                let mut payload = vec![0; (head.length as usize).min(image.len() + 1)];
                reader.payload(&head, &mut payload)?;
                records.push((head, payload));
            }
        }
    };

    let recs: Vec<_> = records
        .iter()
        .map(|(head, payload)| Rec {
            tag: head.tag,
            id: head.id,
            offset: head.offset,
            payload,
        })
        .collect();
    let mut scratch = vec![0; recs.len()];
    let state = match check_state(&header, &recs, &mut scratch) {
        Ok(state) => state,
        Err(err) => {
            let _ = write!(words, "{err}");
            return Ok(());
        }
    };
    let mut runs = vec![cr_img_run::default(); MAX_RUNS as usize];
    while head.tag == CR_TAG_PAGES {
        let mut pages = reader.pages(&head, &mut runs)?;
        for run in pages.runs() {
            if let Err(err) = state.check_run(head.offset, pages.object(), run) {
                let _ = write!(words, "{err}");
                return Ok(());
            }
        }
        let mut page = [0; 4096];
        for _ in 0..pages.nr_pages() {
            pages.read(&mut page)?;
        }
        pages.finish()?;
        head = reader.next()?;
    }
    reader.end(&head)?;
    reader.nothing_follows()
}
