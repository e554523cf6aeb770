// SPDX-License-Identifier: GPL-2.0

//! `crctl run`, where the machine allows it: as root, with namespaces.

use std::{
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

fn crctl(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crctl"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Whether containers can be started here at all.
fn possible() -> bool {
    let able = crctl(&["run", "--", "true"]).status().unwrap().success();
    if !able {
        eprintln!("skipped: no namespaces here");
    }
    able
}

fn shell(script: &str) -> String {
    let output = crctl(&["run", "--", "sh", "-c", script]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{script}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn eventually(what: &str, mut happens: impl FnMut() -> bool) {
    let start = Instant::now();
    while !happens() {
        assert!(start.elapsed() < Duration::from_secs(10), "not so: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn is_alive(pid: &str) -> bool {
    // A zombie is not alive.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.rsplit(')').next().unwrap().starts_with(" Z"))
}

/// Sends a signal to a child of ours.
fn signal(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill")
        .args([signal, &pid])
        .status()
        .unwrap()
        .success());
}

#[test]
fn what_is_inside() {
    if !possible() {
        return;
    }
    assert_eq!(shell("echo $$"), "1\n");
    // Session and process group of its own.
    assert_eq!(shell("cut -d' ' -f5,6 /proc/1/stat"), "1 1\n");
    // Its own /proc: only this process in it, and those it has started.
    assert_eq!(shell("ls -d /proc/[0-9]* | head -n1"), "/proc/1\n");
    for name in ["pid", "mnt", "uts", "ipc"] {
        let link = format!("/proc/self/ns/{name}");
        let own = fs::read_link(&link).unwrap().to_string_lossy().into_owned();
        assert_ne!(shell(&format!("readlink {link}")).trim(), own, "{name}");
    }
    // Nothing is blocked or ignored. (A shell handles a few itself: look at its child.)
    let status = shell("exec cat /proc/self/status");
    for set in ["SigBlk", "SigIgn", "SigCgt"] {
        assert!(
            status.contains(&format!("{set}:\t0000000000000000\n")),
            "{set}: {status}"
        );
    }
    // No descriptor but 0, 1, 2, and the one that ls opens.
    assert_eq!(shell("ls /proc/self/fd"), "0\n1\n2\n3\n");
}

#[test]
fn stray_descriptors_stay_out() {
    if !possible() {
        return;
    }
    let script = format!(
        "exec 9</dev/null; exec {} run -- ls /proc/self/fd",
        env!("CARGO_BIN_EXE_crctl")
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "0\n1\n2\n3\n");
}

#[test]
fn host_name() {
    if !possible() {
        return;
    }
    let output = crctl(&["run", "--hostname", "inside", "--", "uname", "-n"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"inside\n");
}

#[test]
fn exit_status() {
    if !possible() {
        return;
    }
    let status = |args: &[&str]| crctl(args).stderr(Stdio::null()).status().unwrap().code();
    assert_eq!(status(&["run", "--", "sh", "-c", "exit 7"]), Some(7));
    assert_eq!(status(&["run", "--", "/does/not/exist"]), Some(127));
    assert_eq!(status(&["run", "--", "/"]), Some(126));
    assert_eq!(
        status(&["run", "--detach", "--", "/does/not/exist"]),
        Some(1)
    );
    assert_eq!(
        status(&["run", "--root", "/does/not/exist", "--", "true"]),
        Some(125)
    );
    assert_eq!(
        status(&["run", "--pid-file", "/does/not/exist/pid", "--", "true"]),
        Some(125)
    );
}

#[test]
fn signals_are_forwarded() {
    if !possible() {
        return;
    }
    for (name, expected) in [("-TERM", "caught TERM\n"), ("-USR1", "caught USR1\n")] {
        let word = &name[1..];
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready");
        let script = format!(
            "trap 'echo caught {word}; exit 5' {word}; : >{}; while :; do sleep 0.05; done",
            ready.display()
        );
        let child = crctl(&["run", "--", "sh", "-c", &script])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        eventually("the container is ready", || ready.exists());
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(5));
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}

#[test]
fn killed_from_outside() {
    if !possible() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let child = crctl(&[
        "run",
        "--pid-file",
        file.to_str().unwrap(),
        "--",
        "sleep",
        "1000",
    ]);
    let mut child = { child }.spawn().unwrap();
    eventually("there is a pid file", || file.exists());
    let pid = fs::read_to_string(&file).unwrap();
    assert!(Command::new("kill")
        .args(["-KILL", pid.trim()])
        .status()
        .unwrap()
        .success());
    assert_eq!(child.wait().unwrap().code(), Some(128 + 9));
}

#[test]
fn detached() {
    if !possible() {
        return;
    }
    // Output is a pipe: this returns only because the container has not got it.
    let output = crctl(&["run", "--detach", "--", "sleep", "1000"])
        .output()
        .unwrap();
    assert!(output.status.success());
    let pid = String::from_utf8(output.stdout).unwrap();
    let pid = pid.trim();
    assert!(is_alive(pid));
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    assert_eq!(command, b"sleep\x001000\x00");
    let stdin = fs::read_link(format!("/proc/{pid}/fd/1")).unwrap();
    assert_eq!(stdin, Path::new("/dev/null"));
    assert!(Command::new("kill")
        .args(["-KILL", pid])
        .status()
        .unwrap()
        .success());
    eventually("it is dead", || !is_alive(pid));
}

#[test]
fn killed_with_crctl() {
    if !possible() || !has_cgroup() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    for delay in [0, 1, 2, 5, 10, 20, 50, 100] {
        let _ = fs::remove_file(&file);
        let child = crctl(&[
            "run",
            "--pid-file",
            file.to_str().unwrap(),
            "--",
            "sleep",
            "4711",
        ]);
        let mut child = { child }.stderr(Stdio::null()).spawn().unwrap();
        let name = format!("crctl-{}-", child.id());
        thread::sleep(Duration::from_millis(delay));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9));
        eventually("the cgroup is gone", || {
            !cgroups().iter().any(|cgroup| cgroup.contains(&name))
        });
        if let Ok(pid) = fs::read_to_string(&file) {
            eventually("the container is gone", || !is_alive(pid.trim()));
        }
    }
}

fn own_cgroup() -> Option<std::path::PathBuf> {
    use crctl::runtime::{cgroup, mounts};
    cgroup::own(&mounts::of_process("self").ok()?)
}

fn cgroups() -> Vec<String> {
    let entries = fs::read_dir(own_cgroup().unwrap()).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

fn has_cgroup() -> bool {
    let probe = || {
        let dir = own_cgroup()?.join(format!("crctl-probe-{}", std::process::id()));
        fs::create_dir(&dir)
            .and_then(|()| fs::remove_dir(&dir))
            .ok()
    };
    let able = probe().is_some();
    if !able {
        eprintln!("skipped: no cgroup2 here");
    }
    able
}

#[test]
fn cgroups_below_are_removed() {
    if !possible() || !has_cgroup() {
        return;
    }
    let cgroup = own_cgroup().unwrap();
    let script = format!(
        "c={}/$(basename $(cut -d: -f3 /proc/self/cgroup)); mkdir $c/a $c/a/b $c/d; echo $c",
        cgroup.display()
    );
    let made = shell(&script);
    assert!(made.contains("/crctl-"), "{made}");
    assert!(!Path::new(made.trim()).exists());
}
