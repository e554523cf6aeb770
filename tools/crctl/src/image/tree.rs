// SPDX-License-Identifier: GPL-2.0

//! An image for people.

use std::io::{self, Write};

use super::model::{Memory, Model, Process};

/// Prints it. Names come from the container and are escaped: they must not play with the terminal.
pub fn print(model: &Model, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "image      format {}, {}, {} records, {} in {} pages",
        model.format_version,
        size(model.length),
        model.records,
        size(model.pages * u64::from(model.page_size)),
        model.pages
    )?;
    writeln!(
        out,
        "taken      {} on Linux {}",
        date(model.time_ns),
        plain(&model.kernel_release)
    )?;
    writeln!(out, "id         {}", model.id)?;
    if let Some(parent) = &model.parent {
        writeln!(
            out,
            "parent     {parent}, which has what did not change since"
        )?;
    }
    write!(
        out,
        "container  own namespaces: {}",
        model.namespaces.join(" ")
    )?;
    if let Some(hostname) = &model.hostname {
        write!(out, "; host name {}", plain(hostname))?;
    }
    writeln!(out)?;

    writeln!(out, "\nprocesses")?;
    for process in model.processes.iter().filter(|process| process.ppid == 0) {
        tree(model, process, &mut Vec::new(), out)?;
    }

    writeln!(out, "\nmemory")?;
    for (id, memory) in &model.memory {
        memory_line(
            *id,
            memory,
            &users(model, |process| process.memory == *id),
            out,
        )?;
    }
    for (id, shared) in &model.shared_memory {
        let mapped = |memory: &Memory| memory.mappings.iter().any(|mapping| mapping.object == *id);
        let in_use = |process: &Process| model.memory.get(&process.memory).is_some_and(mapped);
        writeln!(
            out,
            "  #{id} shared memory: {}, {} saved; {}",
            size(shared.bytes),
            size(shared.saved_bytes),
            users(model, in_use)
        )?;
    }

    writeln!(out, "\nfiles")?;
    for (id, fds) in &model.descriptors {
        writeln!(
            out,
            "  #{id} descriptors; {}",
            users(model, |process| process.descriptors == *id)
        )?;
        for fd in fds {
            let Some(file) = model.files.get(&fd.file) else {
                continue;
            };
            let access = ["read", "write", "read and write", "?"][(file.flags & 3) as usize];
            write!(
                out,
                "    {:>3}  {:<9} {} ({access}",
                fd.fd,
                file.kind,
                plain(&file.name)
            )?;
            if file.offset != 0 {
                write!(out, ", at {}", file.offset)?;
            }
            if fd.close_on_exec {
                write!(out, ", close-on-exec")?;
            }
            writeln!(out, ")")?;
        }
    }
    for (id, inode) in &model.inodes {
        writeln!(
            out,
            "  {} {id}: {}; {}, {} saved; mode {:o}, owner {}:{}, seals {:#x}",
            inode.kind,
            plain(&inode.name),
            size(inode.bytes),
            size(inode.saved_bytes),
            inode.mode,
            inode.uid,
            inode.gid,
            inode.seals
        )?;
    }
    for (id, pipe) in &model.pipes {
        writeln!(
            out,
            "  pipe {id}: {} bytes of {}",
            pipe.bytes, pipe.capacity
        )?;
    }
    if model.locks != 0 {
        writeln!(out, "  {} locks", model.locks)?;
    }
    sections(model, out)
}

fn sections(model: &Model, out: &mut dyn Write) -> io::Result<()> {
    if !model.sections.is_empty() {
        let names: Vec<_> = model.sections.keys().map(|name| plain(name)).collect();
        writeln!(out, "\nsections   {}", names.join(" "))?;
    }
    Ok(())
}

/// Prints a process and its descendants. Not by recursion: the tree may be as deep as it likes.
fn tree<'a>(
    model: &'a Model,
    init: &'a Process,
    stack: &mut Vec<(&'a Process, usize)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut children = std::collections::BTreeMap::<u32, Vec<&Process>>::new();
    for process in &model.processes {
        children.entry(process.ppid).or_default().push(process);
    }
    stack.push((init, 0));
    while let Some((process, depth)) = stack.pop() {
        process_lines(process, depth, out)?;
        for child in children.get(&process.pid).into_iter().flatten().rev() {
            stack.push((child, depth + 1));
        }
    }
    Ok(())
}

fn process_lines(process: &Process, depth: usize, out: &mut dyn Write) -> io::Result<()> {
    // Deeper than that, only the numbers tell.
    let indent = "  ".repeat(depth.min(30) + 1);
    let name = process.threads.first().map_or("?", |thread| &thread.name);
    write!(out, "{indent}{} {}", process.pid, plain(name))?;
    if !process.nested_pids.is_empty() {
        let nested: Vec<_> = process.nested_pids.iter().map(u32::to_string).collect();
        write!(
            out,
            " ({} in pid namespace #{})",
            nested.join(" "),
            process.pid_ns
        )?;
    }
    if process.zombie {
        return writeln!(out, "  zombie, {}", ending(process.exit_code));
    }
    write!(out, "  group {} session {}", process.pgid, process.sid)?;
    if let Some(uid) = process.uid {
        write!(out, " uid {uid}")?;
    }
    if let Some(cwd) = &process.working_directory {
        write!(out, " in {}", plain(cwd))?;
    }
    writeln!(
        out,
        "; memory #{}, descriptors #{}",
        process.memory, process.descriptors
    )?;

    match (process.stop_signal, process.stopped) {
        (0, _) => {}
        (signal, true) => writeln!(out, "{indent}  stopped by signal {signal}")?,
        (signal, false) => writeln!(out, "{indent}  being stopped by signal {signal}")?,
    }
    let mut signals = Vec::new();
    for (what, set) in [
        ("pending", &process.pending),
        ("handled", &process.handled),
        ("ignored", &process.ignored),
    ] {
        if !set.is_empty() {
            signals.push(format!("{what} {}", list(set)));
        }
    }
    if !signals.is_empty() {
        writeln!(out, "{indent}  signals: {}", signals.join(", "))?;
    }
    for (name, left) in ["real", "virtual", "profiling"]
        .iter()
        .zip(process.timers_ns)
    {
        if left != 0 {
            writeln!(out, "{indent}  {name} timer: fires in {}", seconds(left))?;
        }
    }
    if process.posix_timers != 0 {
        writeln!(out, "{indent}  POSIX timers: {}", process.posix_timers)?;
    }
    for thread in &process.threads {
        let mut notes = Vec::new();
        if let Some(call) = thread.restarts {
            notes.push(match thread.restart_ns {
                0 => format!("in {call}"),
                left => format!("in {call}, {} left", seconds(left)),
            });
        }
        for (what, set) in [("pending", &thread.pending), ("blocked", &thread.blocked)] {
            if !set.is_empty() {
                notes.push(format!("{what} {}", list(set)));
            }
        }
        if let Some(seccomp) = thread.seccomp {
            notes.push(format!("seccomp: {seccomp}"));
        }
        if thread.policy != "SCHED_OTHER" {
            notes.push(match thread.priority {
                0 => thread.policy.to_owned(),
                priority => format!("{} {priority}", thread.policy),
            });
        }
        if thread.nice != 0 {
            notes.push(format!("nice {}", thread.nice));
        }
        if process.leader_dead && thread.tid == process.pid {
            notes.push(format!("dead, {}", ending(process.exit_code)));
        }
        if thread.tracer != 0 {
            let stopped = if thread.tracing_stop { "stopped, " } else { "" };
            notes.push(format!("{stopped}traced by {}", thread.tracer));
        }
        if process.threads.len() > 1 || !notes.is_empty() {
            let line = format!(
                "{indent}  thread {} {}  {}",
                thread.tid,
                plain(&thread.name),
                notes.join(", ")
            );
            writeln!(out, "{}", line.trim_end())?;
        }
    }
    Ok(())
}

/// How a task has ended.
fn ending(code: u32) -> String {
    match (code & 0x7f, code >> 8) {
        (0, status) => format!("exit status {status}"),
        (signal, _) => format!("killed by signal {signal}"),
    }
}

fn memory_line(id: u64, memory: &Memory, users: &str, out: &mut dyn Write) -> io::Result<()> {
    let elsewhere = match memory.unchanged_bytes {
        0 => String::new(),
        bytes => format!(", {} in the parent", size(bytes)),
    };
    writeln!(
        out,
        "  #{id} {}: {} in {} mappings, {} saved{elsewhere}; {users}",
        plain(&memory.program),
        size(memory.mapped_bytes),
        memory.mappings.len(),
        size(memory.saved_bytes)
    )
}

fn users(model: &Model, uses: impl Fn(&Process) -> bool) -> String {
    let pids: Vec<_> = model
        .processes
        .iter()
        .filter(|process| uses(process))
        .map(|process| process.pid)
        .collect();
    format!("of {}", list(&pids))
}

/// Numbers, with runs of them as ranges.
fn list(numbers: &[u32]) -> String {
    let mut text = String::new();
    let mut at = 0;
    while at < numbers.len() {
        let first = numbers[at];
        let mut last = first;
        while numbers.get(at + 1) == Some(&(last + 1)) {
            at += 1;
            last += 1;
        }
        at += 1;
        if !text.is_empty() {
            text.push(' ');
        }
        text += &match last - first {
            0 => first.to_string(),
            1 => format!("{first} {last}"),
            _ => format!("{first}-{last}"),
        };
    }
    text
}

fn plain(name: &str) -> String {
    name.chars()
        .flat_map(|c| match c.is_control() {
            true => c.escape_default().collect::<Vec<_>>(),
            false => vec![c],
        })
        .collect()
}

/// A number of bytes.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let mut unit = 0;
    let mut value = bytes as f64;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    match unit {
        0 => format!("{bytes} {}", UNITS[0]),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

fn seconds(ns: u64) -> String {
    format!("{:.3} s", ns as f64 / 1e9)
}

/// A time as in RFC 3339, to the second, in UTC.
fn date(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    let (days, time) = (seconds / 86400, seconds % 86400);
    // Years of 365.2425 days that begin in March: the leap day comes last.
    let days = days + 719_468;
    let era = days / 146_097;
    let day = days % 146_097;
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + 400 * era + u64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date(0), "1970-01-01T00:00:00Z");
        assert_eq!(date(951_782_400 * 1_000_000_000), "2000-02-29T00:00:00Z");
        assert_eq!(date(1_700_000_000_999_999_999), "2023-11-14T22:13:20Z");
    }

    #[test]
    fn lists() {
        assert_eq!(list(&[]), "");
        assert_eq!(list(&[1, 2, 4, 5, 6, 9]), "1 2 4-6 9");
    }

    #[test]
    fn sizes() {
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(u64::MAX), "16777216.0 TiB");
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(plain("a\x1b[2J\n"), "a\\u{1b}[2J\\n");
    }
}
