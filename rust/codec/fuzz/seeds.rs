// SPDX-License-Identifier: GPL-2.0

//! Writes images to begin with: the sample of the tests, with and without pages, and each of its
//! records cut off.

use std::{env, fs, path::Path};

#[path = "../tests/sample/mod.rs"]
mod sample;

fn main() {
    let dir = env::args_os().nth(1).expect("usage: seeds DIR");
    let dir = Path::new(&dir);
    fs::create_dir_all(dir).expect("the directory can be made");
    let sample = sample::Sample::new();
    for pages in 0..=sample.pages.len() {
        let mut some = sample.clone();
        some.pages.truncate(pages);
        let image = some.image_with(|_, _| 0);
        fs::write(dir.join(format!("pages-{pages}")), image).expect("it can be written");
    }
    for records in 0..sample.state.len() {
        let mut some = sample.clone();
        some.pages.clear();
        some.state.truncate(records);
        let image = some.image_with(|_, _| 0);
        fs::write(dir.join(format!("records-{records}")), image).expect("it can be written");
    }
}
