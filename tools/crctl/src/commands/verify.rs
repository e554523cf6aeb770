// SPDX-License-Identifier: GPL-2.0

//! `crctl verify`.

use std::io::BufReader;

use anyhow::{Context, Result};
use cr_codec::uapi::{CR_TAG_PROCESS, CR_TAG_THREAD};

use super::print_to_stdout;
use crate::{
    cli::Verify,
    image::{self, Image},
};

pub(super) fn verify(args: &Verify) -> Result<u8> {
    let file = args.file.display().to_string();
    let input = BufReader::with_capacity(1 << 18, image::open(Some(&args.file))?);
    let image = Image::load(input).with_context(|| file.clone())?;
    let line = format!(
        "{file}: good: {} processes, {} threads, {} records, {} pages, {} bytes",
        image.records(CR_TAG_PROCESS).count(),
        image.records(CR_TAG_THREAD).count(),
        image.end.nr_records,
        image.end.nr_pages,
        image.length
    );
    print_to_stdout(|out| writeln!(out, "{line}"))?;
    Ok(0)
}
