// SPDX-License-Identifier: GPL-2.0

//! `crctl merge`.

use std::fs::File;

use anyhow::Result;

use crate::{
    cli::Merge,
    image::Chain,
    runtime::{
        output::Output,
        parents::{self, About},
    },
};

pub(super) fn merge(args: &Merge) -> Result<u8> {
    let mut paths = args.files.clone();
    if let [path] = &args.files[..] {
        paths = parents::find(path, &About::of_file(path)?)?;
        paths.push(path.clone());
    }
    let chain = Chain::load(parents::open(&paths)?)?;
    let output = Output::open(args.output.as_deref(), false)?.start(args.compress)?;
    let out = File::from(output.fd().try_clone_to_owned()?);
    // At its end, somebody who compresses is to see that there is no more.
    let merged = chain.merge(out);
    let output = output.settle()?;
    merged?;
    output.commit()?;
    Ok(0)
}
