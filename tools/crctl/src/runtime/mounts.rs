// SPDX-License-Identifier: GPL-2.0

//! Mount tables: what the container saw at checkpoint has to be there at restart.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};

/// A mount, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where, seen from the root directory of the process.
    pub mount_point: String,
    /// What part of the file system.
    pub root: String,
    /// Type of the file system.
    pub fstype: String,
    /// Device or whatever the type takes for it.
    pub source: String,
    /// Nothing can be written through it.
    pub read_only: bool,
}

/// The mounts of a process, from `/proc/PID/mountinfo`.
pub fn of_process(pid: &str) -> io::Result<Vec<Mount>> {
    read(File::open(Path::new("/proc").join(pid).join("mountinfo"))?)
}

/// Reads a `mountinfo` that is open.
pub fn read(mut mountinfo: File) -> io::Result<Vec<Mount>> {
    // The file says nothing of its length, and to guess it in small steps takes long.
    let mut text = Vec::with_capacity(1 << 12);
    mountinfo.read_to_end(&mut text)?;
    Ok(parse(&text))
}

/// Parses `/proc/PID/mountinfo`. Lines that are not understood are left out.
pub fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    mountinfo
        .split(|&b| b == b'\n')
        .filter_map(parse_line)
        .collect()
}

/// One line: `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`.
fn parse_line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&b| b == b' ');
    let root = fields.nth(3)?;
    let mount_point = fields.next()?;
    let options = fields.next()?;
    let mut fields = fields.skip_while(|&field| field != b"-").skip(1);
    let fstype = fields.next()?;
    let source = fields.next().unwrap_or_default();
    let read_only = options.split(|&b| b == b',').any(|option| option == b"ro");
    Some(Mount {
        mount_point: unescape(mount_point),
        root: unescape(root),
        fstype: unescape(fstype),
        source: unescape(source),
        read_only,
    })
}

/// Spaces and the like are `\040` there.
fn unescape(field: &[u8]) -> String {
    if !field.contains(&b'\\') {
        return String::from_utf8_lossy(field).into_owned();
    }
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let octal = after.get(..3).filter(|_| first == b'\\');
        let octal = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What is missing or different now, in words: one line for each mount point of `then`.
///
/// Where several are mounted over each other, only the uppermost is in sight.
pub fn missing(then: &[Mount], now: &[Mount]) -> Vec<String> {
    let mut complaints = Vec::new();
    for mount in then {
        let at = &mount.mount_point;
        // Only once for each mount point.
        if top(then, at) != Some(mount) {
            continue;
        }
        match top(now, at) {
            None => complaints.push(format!("{at} ({}) is not mounted", mount.fstype)),
            // The root is what the caller says it is.
            Some(_) if at == "/" => {}
            Some(found) if found.fstype != mount.fstype => complaints.push(format!(
                "{at} is {} now; it was {}",
                found.fstype, mount.fstype
            )),
            Some(found) if found.read_only && !mount.read_only => {
                complaints.push(format!("{at} is read-only now"));
            }
            Some(_) => {}
        }
    }
    complaints
}

fn top<'a>(mounts: &'a [Mount], at: &str) -> Option<&'a Mount> {
    mounts.iter().rev().find(|mount| mount.mount_point == at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTINFO: &[u8] = b"\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
23 22 0:21 / /proc rw,nosuid shared:2 master:3 - proc proc rw
24 22 0:22 /a\\040b /mnt/with\\040space ro - tmpfs tmpfs rw,size=1k
nonsense
25 22 0:23 / /tmp rw - tmpfs  rw
";

    #[test]
    fn parses() {
        let mounts = parse(MOUNTINFO);
        assert_eq!(mounts.len(), 4);
        assert_eq!(mounts[0].mount_point, "/");
        assert_eq!(mounts[1].fstype, "proc");
        assert_eq!(mounts[2].mount_point, "/mnt/with space");
        assert_eq!(mounts[2].root, "/a b");
        assert!(mounts[2].read_only);
        assert_eq!(mounts[3].source, "");
    }

    #[test]
    fn compares() {
        let then = parse(MOUNTINFO);
        assert_eq!(missing(&then, &then), Vec::<String>::new());
        let mut now = then.clone();
        now.remove(3);
        assert_eq!(missing(&then, &now), ["/tmp (tmpfs) is not mounted"]);
        now = then.clone();
        now[1].fstype = "tmpfs".into();
        now[0].fstype = "overlay".into();
        assert_eq!(missing(&then, &now), ["/proc is tmpfs now; it was proc"]);
        now = then.clone();
        now[3].read_only = true;
        assert_eq!(missing(&then, &now), ["/tmp is read-only now"]);
        // Mounted over: what is below is not in sight.
        now = then.clone();
        now.push(then[0].clone());
        now.last_mut().unwrap().mount_point = "/tmp".into();
        assert_eq!(missing(&then, &now), ["/tmp is ext4 now; it was tmpfs"]);
        assert_eq!(missing(&now, &now), Vec::<String>::new());
    }
}
