// SPDX-License-Identifier: GPL-2.0

//! The parents of an image that has only what changed since another one.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use cr_codec::read::ImageId;

use super::section::{self, Section};
use crate::{
    error::Error,
    image::{hex, Decoded, Prefix},
};

/// What an image says about itself and its parent.
pub struct About {
    /// Its id.
    pub id: ImageId,
    /// Its parent's id, and where that one was, unless it is complete.
    parent: Option<(ImageId, Option<PathBuf>)>,
}

impl About {
    /// From the beginning of an image.
    pub fn of<R>(prefix: &Prefix<R>) -> Result<Self>
    where
        R: std::io::Read,
    {
        let container = &prefix.container;
        let parent = match container.is_increment() {
            true => {
                let section = prefix.section(section::NAME);
                let section = section.map(Section::from_bytes).transpose()?;
                Some((container.parent, section.and_then(|section| section.parent)))
            }
            false => None,
        };
        Ok(Self {
            id: container.id,
            parent,
        })
    }

    /// From a file.
    pub fn of_file(path: &Path) -> Result<Self> {
        let name = || path.display().to_string();
        let file = File::open(path).and_then(Decoded::new).with_context(name)?;
        let prefix = Prefix::read(file).with_context(name)?;
        Self::of(&prefix).with_context(name)
    }
}

/// Finds the parents of an image, the complete one first: beside each image, or where they were.
pub fn find(path: &Path, about: &About) -> Result<Vec<PathBuf>> {
    let mut parents = Vec::new();
    let mut last = path.to_path_buf();
    let mut wanted = about.parent.clone();
    while let Some((id, recorded)) = wanted {
        let directory = last.parent().unwrap_or(Path::new(""));
        let beside = recorded
            .as_ref()
            .and_then(|recorded| Some(directory.join(recorded.file_name()?)));
        let mut candidates = beside.into_iter().chain(recorded.clone());
        let found = candidates.find_map(|candidate| {
            let about = About::of_file(&candidate).ok()?;
            // An image that is its own ancestor would not be found in time.
            let is_new = !parents.contains(&candidate) && candidate != path;
            (about.id == id && is_new).then_some((candidate, about))
        });
        let Some((parent, about)) = found else {
            let was = recorded.map_or_else(String::new, |path| format!(", was {}", path.display()));
            return Err(Error::Refused(format!(
                "{}: has only what changed since another image, which is not found: it has the id \
                 {}{was}",
                last.display(),
                hex(&id)
            ))
            .into());
        };
        wanted = about.parent;
        last.clone_from(&parent);
        parents.push(parent);
    }
    parents.reverse();
    Ok(parents)
}

/// Opens images, with names for messages.
pub fn open(paths: &[PathBuf]) -> Result<Vec<(String, File)>> {
    let open = |path: &PathBuf| {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| name.clone())?;
        Ok((name, file))
    };
    paths.iter().map(open).collect()
}
