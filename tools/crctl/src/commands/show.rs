// SPDX-License-Identifier: GPL-2.0

//! `crctl show`.

use std::io::BufReader;

use anyhow::{Context, Result};

use super::print_to_stdout;
use crate::{
    cli::Show,
    image::{self, Image, Model},
};

pub(super) fn show(args: &Show) -> Result<u8> {
    let input = BufReader::with_capacity(1 << 18, image::open(Some(&args.file))?);
    let context = || args.file.display().to_string();
    let image = Image::load(input).with_context(context)?;
    let model = Model::new(&image).with_context(context)?;
    print_to_stdout(|out| match args.json {
        true => {
            serde_json::to_writer_pretty(&mut *out, &model)?;
            writeln!(out)
        }
        false => image::print(&model, out),
    })?;
    Ok(0)
}
