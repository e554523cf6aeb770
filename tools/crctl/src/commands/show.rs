// SPDX-License-Identifier: GPL-2.0

//! `crctl show`.

use std::io::{self, BufReader, BufWriter, Write};

use anyhow::{Context, Result};

use crate::{
    cli::Show,
    image::{self, Image, Model},
};

pub(super) fn show(args: &Show) -> Result<u8> {
    let input = BufReader::with_capacity(1 << 18, image::open(Some(&args.file))?);
    let context = || args.file.display().to_string();
    let image = Image::load(input).with_context(context)?;
    let model = Model::new(&image).with_context(context)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let printed = match args.json {
        true => serde_json::to_writer_pretty(&mut out, &model)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out)),
        false => image::print(&model, &mut out),
    };
    match printed.and_then(|()| out.flush()) {
        // Who reads only the beginning, "crctl show img | head", has seen enough.
        Err(err) if err.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        result => result.context("standard output").map(|()| 0),
    }
}
