// SPDX-License-Identifier: GPL-2.0

//! `crctl check`.

use std::{
    fs,
    io::{self, Write},
    os::fd::AsFd,
    path::Path,
};

use anyhow::{Context, Result};
use cr_codec::{cpu::Components, record, uapi::*};
use serde::Serialize;

use super::print_to_stdout;
use crate::{
    cli::Check,
    device::Device,
    error::Code,
    runtime::{cgroup, mounts},
    sys,
};

/// Options of the kernel without which the module cannot be, and why.
const OPTIONS: &[(&str, &str)] = &[
    ("CONFIG_RUST", "the module is written in Rust"),
    (
        "CONFIG_LIVEPATCH",
        "symbols that are not exported are linked as those of a live patch",
    ),
    ("CONFIG_KALLSYMS_ALL", "the same"),
    ("CONFIG_PID_NS", "a container is a pid namespace"),
];

const NAMESPACES: &[&str] = &["pid", "mnt", "uts", "ipc"];

/// One thing that is needed.
#[derive(Debug, Serialize)]
struct Item {
    name: String,
    /// None: it could not be found out.
    ok: Option<bool>,
    /// Without it, nothing works.
    required: bool,
    detail: String,
}

#[derive(Debug, Serialize)]
struct Report {
    ok: bool,
    items: Vec<Item>,
}

impl Report {
    fn add(
        &mut self,
        name: &str,
        required: bool,
        ok: impl Into<Option<bool>>,
        detail: impl Into<String>,
    ) {
        let ok = ok.into();
        self.ok &= !required || ok != Some(false);
        self.items.push(Item {
            name: name.into(),
            ok,
            required,
            detail: detail.into(),
        });
    }
}

pub(super) fn check(args: &Check) -> Result<u8> {
    let mut report = Report {
        ok: true,
        items: Vec::new(),
    };
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").context("/proc")?;
    let release = release.trim_end();
    kernel(&mut report, release);
    module(&mut report, release);
    surroundings(&mut report);

    print_to_stdout(|out| match args.json {
        true => {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            writeln!(out)
        }
        false => print(&report, out),
    })?;
    Ok(match report.ok {
        true => 0,
        false => Code::NotPermitted as u8,
    })
}

fn kernel(report: &mut Report, release: &str) {
    report.add(
        "kernel",
        true,
        std::env::consts::ARCH == "x86_64",
        format!("Linux {release}"),
    );
    let config = [
        format!("/boot/config-{release}"),
        format!("/lib/modules/{release}/config"),
        format!("/lib/modules/{release}/build/.config"),
    ];
    let config = config.iter().find_map(|path| fs::read_to_string(path).ok());
    // With the module loaded, the configuration has proved to be right.
    let required = !Path::new("/sys/module/cr").exists();
    for (option, why) in OPTIONS {
        let set = config.as_deref().map(|config| {
            config
                .lines()
                .any(|line| line.strip_prefix(option) == Some("=y"))
        });
        let detail = match set {
            Some(true) => String::new(),
            Some(false) => format!("not set: {why}"),
            None => format!("/boot/config-{release} is not there"),
        };
        report.add(option, required, set, detail);
    }
}

fn module(report: &mut Report, release: &str) {
    let device = match Device::open() {
        Ok(device) => device,
        Err(err) => return report.add("module", true, false, err.to_string()),
    };
    let info = match sys::info(device.as_fd()) {
        Ok(info) => info,
        Err(err) => return report.add("module", true, false, format!("INFO: {}", err.desc())),
    };
    let built_for = String::from_utf8_lossy(record::text(&info.kernel_release)).into_owned();
    report.add(
        "module",
        true,
        built_for == release,
        format!("built for Linux {built_for}"),
    );
    report.add(
        "ABI version",
        true,
        info.abi_version == CR_ABI_VERSION,
        format!("{}; crctl knows {CR_ABI_VERSION}", info.abi_version),
    );
    report.add(
        "image format",
        true,
        info.format_version == CR_IMG_VERSION,
        format!("{}; crctl knows {CR_IMG_VERSION}", info.format_version),
    );
    report.add(
        "capability",
        true,
        info.flags & CR_INFO_CAPABLE != 0,
        "CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN",
    );
    report.add(
        "extended registers",
        false,
        None,
        format!(
            "{} bytes per thread: {}",
            info.xstate_size,
            Components(info.xfeatures)
        ),
    );
}

fn surroundings(report: &mut Report) {
    for name in NAMESPACES {
        let there = Path::new("/proc/self/ns").join(name).is_symlink();
        let detail = if there { "" } else { "the kernel has none" };
        report.add(&format!("namespace {name}"), true, there, detail);
    }
    let (ok, detail) = match mounts::of_process("self")
        .ok()
        .and_then(|mounts| cgroup::own(&mounts))
    {
        Some(path) if nix::unistd::access(&path, nix::unistd::AccessFlags::W_OK).is_ok() => {
            (true, path.display().to_string())
        }
        Some(path) => (false, format!("{} is not writable", path.display())),
        None => (
            false,
            "cgroup2 is not mounted: containers get no cgroup".into(),
        ),
    };
    report.add("cgroup", false, ok, detail);
}

fn print(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for item in &report.items {
        let word = match (item.ok, item.required) {
            (Some(true), _) => "ok",
            (Some(false), true) => "MISSING",
            (Some(false), false) => "without",
            (None, _) => "-",
        };
        let line = format!("{word:<8} {:<20} {}", item.name, item.detail);
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(
        out,
        "{}",
        match report.ok {
            true => "checkpoint and restart are possible here",
            false => "checkpoint and restart are not possible here",
        }
    )
}
