// SPDX-License-Identifier: GPL-2.0

//! `crctl restart`.

use std::{
    fs::File,
    io::{self, Cursor, Read},
    os::fd::{AsFd, AsRawFd},
};

use anyhow::{Context, Result};
use cr_codec::uapi::*;
use nix::{errno::Errno, sched::CloneFlags, unistd::Pid};

use super::checkpoint::STANDARD_KEYS;
use crate::{
    cli::Restart,
    device::Device,
    error::{code_of_errno, Code, Error},
    image::{self, Chain, Decoded, Prefix},
    runtime::{
        log::Log,
        mounts,
        namespaces::{self, Processes},
        pager::Pager,
        parents::{self, About},
        relay::{self, FromProcess},
        section::{self, Section},
        start::{self, Starting},
        stats,
    },
    sys::{self, Lazy},
};

pub(super) fn restart(args: &Restart) -> Result<u8> {
    // Everything that paths and namespaces of the caller are needed for.
    let device = Device::open()?;
    let image = image::open(args.input.as_deref())?;
    let root = args
        .start
        .root
        .as_deref()
        .map(namespaces::find_root)
        .transpose()?
        .flatten();
    let pager = match args.lazy {
        true => Some(start_pager(args, &image)?),
        false => None,
    };
    let Opened { prefix, relays } = open(args, image)?;
    let section = prefix
        .section(section::NAME)
        .map(Section::from_bytes)
        .transpose()?;
    let own_mounts = prefix.container.namespaces & CR_NS_MNT != 0;
    if root.is_some() && !own_mounts {
        let what = "--root: the container has no mount namespace of its own";
        return Err(Error::Usage(what.into()).into());
    }

    let log = Log::start("restart")?;
    let mut mounts = mounts::of_process("self").context("/proc/self/mountinfo")?;
    let starting = Starting::prepare(&args.start, &mounts)?;
    // /dev/null is opened where it is sure to be.
    let (externals, _null) = externals(args)?;
    if own_mounts {
        namespaces::enter(root.as_deref(), Processes::OfChildren, &mut mounts)?;
        if let (Some(section), false) = (&section, args.ignore_mounts) {
            section.check_mounts(&mounts)?;
        }
    } else {
        namespaces::leave(CloneFlags::CLONE_NEWPID)?;
    }

    let result = issue(args, &device, &log, &starting, &prefix, &externals);
    drop(relays);
    let explained = log.finish();
    let (init, stats, lazy) = result.map_err(|errno| failure(errno, explained))?;
    if let (Some(pager), Some(lazy)) = (pager, lazy) {
        pager.provide(&lazy)?;
    }
    if let Some(format) = args.stats {
        stats::print(&stats, format);
    }
    starting.started(init)
}

/// Who is to provide the pages that are not there when the container runs.
fn start_pager(args: &Restart, image: &File) -> Result<Pager> {
    let name = name_of(args);
    let base = image::base_of(image).with_context(|| name.clone())?;
    let file = image.try_clone().with_context(|| name.clone())?;
    Pager::start(&file, base, &name, args.start.detach)
}

/// What the image is called.
fn name_of(args: &Restart) -> String {
    match &args.input {
        Some(path) => path.display().to_string(),
        None => "standard input".into(),
    }
}

/// An image as the kernel can read it.
struct Opened {
    prefix: Prefix<File>,
    /// Who stand in between, until it is read.
    relays: Vec<FromProcess>,
}

/// Opens the image: unpacked, and merged with those that it was made from.
fn open(args: &Restart, image: File) -> Result<Opened> {
    let name = name_of(args);
    let mut relays = Vec::new();
    let mut relay = |(file, relay): (File, FromProcess)| {
        relays.push(relay);
        file
    };
    let (compressed, first, image) = image::peek(image).with_context(|| name.clone())?;
    let prefix = match compressed {
        true => {
            let packed = Cursor::new(first).chain(image.try_clone()?);
            Prefix::read(relay(FromProcess::start("restart", |out| {
                io::copy(&mut Decoded::new(packed)?, out)?;
                Ok(())
            })?))
        }
        false => Prefix::read_on(first, image.try_clone()?),
    };
    let mut prefix = prefix.with_context(|| name.clone())?;
    if args.lazy && (compressed || prefix.container.is_increment()) {
        let what = "--lazy: the image is compressed, or needs others: use crctl merge -o FILE";
        return Err(Error::Usage(what.into()).into());
    }
    if prefix.container.is_increment() {
        let parents = match &args.input {
            Some(path) if args.parents.is_empty() => parents::find(path, &About::of(&prefix)?)?,
            _ => args.parents.clone(),
        };
        let mut files = parents::open(&parents)?;
        files.push((name, image));
        let chain = Chain::load(files)?;
        let merged = FromProcess::start("restart", |out| chain.merge(out))?;
        prefix = Prefix::read(relay(merged))?;
    } else if !args.parents.is_empty() {
        let what = format!("--parent: {name} is complete, and was made from no other image");
        return Err(Error::Usage(what).into());
    } else if relay::is_needed(&prefix.rest)? {
        let copied = FromProcess::start("restart", |out| {
            io::copy(&mut prefix.rest, out)?;
            Ok(())
        })?;
        prefix.rest = relay(copied);
    }
    Ok(Opened { prefix, relays })
}

fn issue(
    args: &Restart,
    device: &Device,
    log: &Log,
    starting: &Starting,
    prefix: &Prefix<File>,
    externals: &[cr_external_fd],
) -> nix::Result<(Pid, cr_stats, Option<Lazy>)> {
    let mut flags = 0;
    if args.lazy {
        flags |= CR_RESTART_LAZY;
    }
    if log.wants_progress() {
        flags |= CR_RESTART_PROGRESS;
    }
    if args.allow_changed_files {
        flags |= CR_RESTART_CHANGED_FILES;
    }
    let mut arg = cr_restart {
        flags,
        image_fd: prefix.rest.as_raw_fd(),
        log_fd: log.fd().as_raw_fd(),
        // Where this process is by now.
        root_fd: -1,
        cgroup_fd: starting.cgroup().map_or(-1, |cgroup| cgroup.as_raw_fd()),
        ..Default::default()
    };
    // No more memories than threads.
    let nr_lazy = match args.lazy {
        true => prefix.container.nr_threads as usize,
        false => 0,
    };
    let bytes = &prefix.bytes;
    let (init, _pidfd, lazy) = sys::restart(device.as_fd(), &mut arg, externals, bytes, nr_lazy)?;
    Ok((init, arg.stats, lazy))
}

/// What stands for the objects that came from outside: the standard descriptors, and what the user
/// supplies.
fn externals(args: &Restart) -> Result<(Vec<cr_external_fd>, File)> {
    let null = start::null()?;
    let withheld = start::withheld(args.start.detach);
    let mut externals: Vec<_> = args
        .externals
        .iter()
        .map(|supply| cr_external_fd {
            key: supply.key,
            fd: supply.fd,
        })
        .collect();
    for (fd, key) in (0..).zip(STANDARD_KEYS) {
        if externals.iter().any(|external| external.key == key) {
            continue;
        }
        let fd = match withheld.contains(&fd) || args.input.is_none() && fd == 0 {
            // Standard input is the image, or a pipe at whose end nobody means the container.
            true => null.as_raw_fd(),
            false => fd,
        };
        externals.push(cr_external_fd { key, fd });
    }
    Ok((externals, null))
}

/// What an error number means, if the kernel has not said so.
fn failure(errno: Errno, explained: bool) -> anyhow::Error {
    let code = code_of_errno(errno);
    if explained {
        return Error::Reported(code).into();
    }
    let text = match errno {
        Errno::EPERM | Errno::EACCES => {
            "not permitted: CAP_CHECKPOINT_RESTORE is needed, and all rights that the image has"
        }
        Errno::EBADMSG => "the image is damaged or incomplete",
        Errno::EPROTONOSUPPORT => "the image is not for this machine",
        Errno::ENXIO => "something that came from outside was not supplied (--external)",
        Errno::ESTALE => "a file is not what it was (--allow-changed-files)",
        errno => errno.desc(),
    };
    match code {
        Code::NotPermitted => Error::NotPermitted(text.into()).into(),
        Code::Refused => Error::Refused(text.into()).into(),
        Code::BadImage => Error::BadImage(text.into()).into(),
        _ => anyhow::anyhow!(text),
    }
}
