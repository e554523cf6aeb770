// SPDX-License-Identifier: GPL-2.0

//! `crctl show` and `crctl verify`, on images that a codec test makes.

use std::{
    fs,
    io::Write,
    process::{Command, Output, Stdio},
};

use cr_codec::uapi::*;
use crctl::image::{fuzz_one, Image, Model};

#[path = "../../../rust/codec/tests/sample/mod.rs"]
mod sample;
use sample::Sample;

fn crctl(args: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_crctl"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may be gone before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

#[track_caller]
fn refused(image: &[u8], words: &str) {
    let output = crctl(&["verify", "-"], image);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(4), "{error}");
    assert_eq!(error, format!("crctl: verify: -: {words}\n"));
    assert!(output.stdout.is_empty());
}

#[test]
fn a_good_image() {
    let sample = Sample::new();
    let image = sample.image();
    let output = crctl(&["verify", "-"], &image);
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    let records = sample.state.len() + sample.pages.len();
    let expected = format!("-: good: 3 processes, 4 threads, {records} records, 7 pages, ");
    assert!(words.starts_with(&expected), "{words}");

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("img");
    fs::write(&path, &image).unwrap();
    let output = crctl(&["verify", path.to_str().unwrap()], b"");
    assert!(output.status.success());
}

#[test]
fn bad_images() {
    let image = Sample::new().image();
    refused(b"", "the image is empty");
    refused(b"What is this?", "not a checkpoint image");
    refused(&image[..100], "image ends in the middle of the file header");
    refused(
        &image[..128],
        "image ends at byte 128 without its last record",
    );
    refused(
        &[&image[..], b"x"].concat(),
        &format!("bytes after the end of the image, at byte {}", image.len()),
    );
    let mut sample = Sample::new();
    sample.header.arch = 183;
    refused(
        &sample.image(),
        "architecture 183 (arm64); this is 62 (x86-64)",
    );

    // Right in form, wrong in content.
    let mut sample = Sample::new();
    sample.pages[2].1[0].start += 0x10_0000;
    let error = Image::load(&sample.image()[..]).unwrap_err().to_string();
    assert!(
        error.ends_with("pages where no private memory is mapped"),
        "{error}"
    );
    let mut sample = Sample::new();
    sample.pages.pop();
    let error = Image::load(&sample.image()[..]).unwrap_err().to_string();
    assert!(
        error.ends_with("another number of pages than announced"),
        "{error}"
    );

    let output = crctl(&["verify", "/does/not/exist"], b"");
    assert_eq!(output.status.code(), Some(1));
    let output = crctl(&["show", "-"], b"");
    assert_eq!(output.status.code(), Some(4));
}

#[test]
fn show() {
    let image = Sample::new().image();
    let output = crctl(&["show", "-"], &image);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "own namespaces: pid mnt uts ipc time; host name sample\n",
        "taken      2023-11-14T22:13:20Z on Linux 7.2.12+deb13-cloud-amd64\n",
        "\n  1 init  group 1 session 1 uid 0 in /tmp; memory #46, descriptors #30\n",
        "\n    thread 1 init  pending 10 34\n",
        "\n    5 child (1 in pid namespace #70)  group 5 session 1",
        "\n      9 gone (4 in pid namespace #70)  zombie, exit status 3\n",
        "#46 /usr/bin/sample: 108.0 KiB in 7 mappings, 12.0 KiB saved; of 1\n",
        "#33 shared memory: 12.0 KiB, 8.0 KiB saved; of 1\n",
        "      2  external  external 2 (read)\n",
        "  memfd 12: name; 4.0 KiB, 4.0 KiB saved; mode 600, owner 0:0, seals 0x1\n",
        "      9  contents  memfd name (read and write, at 100)\n",
        "      7  pipe      pipe 11 (read, close-on-exec)\n",
        "  pipe 11: 5 bytes of 65536\n",
        "sections   test\n",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }

    let output = crctl(&["show", "--json", "-"], &image);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["processes"][1]["threads"][0]["name"], "child");
    assert_eq!(json["sections"]["test"]["version"], 1);
    assert_eq!(json["memory"]["50"]["saved_bytes"], 4096);
    assert_eq!(json["files"]["23"]["name"], "/dev/null");
}

#[test]
fn show_stopped() {
    for (flags, expected) in [
        (CR_PROCESS_STOPPED, "\n      stopped by signal 19\n"),
        (0, "\n      being stopped by signal 19\n"),
    ] {
        let mut sample = Sample::new();
        sample.change::<cr_img_process>(1, |process| {
            (process.flags, process.stop_signal) = (flags, 19);
        });
        sample.change::<cr_img_thread>(2, |thread| {
            thread.flags = if flags == 0 { CR_THREAD_STOPPING } else { 0 };
        });
        let output = crctl(&["show", "-"], &sample.image());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
}

#[test]
fn merge() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, image: &[u8]| {
        let path = dir.path().join(name).to_str().unwrap().to_owned();
        fs::write(&path, image).unwrap();
        path
    };
    let base = file("base", &Sample::new().image());
    let next = file("next", &Sample::increment().image());

    // What the sample and its increment are together.
    let mut both = Sample::new();
    let second = Sample::increment().pages[2].1[0].start + 4096;
    both.pages[2] = (
        sample::MM,
        vec![cr_img_run {
            start: second - 4096,
            nr_pages: 1,
        }],
        0x77,
    );
    both.pages.insert(
        3,
        (
            sample::MM,
            vec![cr_img_run {
                start: second,
                nr_pages: 1,
            }],
            0x22,
        ),
    );
    let output = crctl(&["merge", &base, &next], b"");
    assert!(output.status.success(), "{output:?}");
    let merged = Image::load(&output.stdout[..]).unwrap();
    assert_eq!(merged.container.id, [2; 16]);
    assert_eq!(merged.container.parent, [0; 16]);
    assert_eq!(merged.container.nr_pages, 6);
    let contents = |image: &Image, bytes: &[u8]| {
        let mut pages = Vec::new();
        for stored in &image.runs {
            for page in 0..stored.run.nr_pages {
                let at = (stored.at + page * 4096) as usize;
                pages.push((stored.object, stored.run.start + page * 4096, bytes[at]));
            }
        }
        pages
    };
    both.change::<cr_img_container>(0, |container| container.nr_pages = 6);
    let both = both.image();
    let expected = contents(&Image::load(&both[..]).unwrap(), &both);
    assert_eq!(contents(&merged, &output.stdout), expected);

    // It can take the place of the two.
    let merged = file("merged", &output.stdout);
    let output = crctl(&["merge", &merged], b"");
    assert_eq!(output.stdout, fs::read(&merged).unwrap());

    let refused = |args: &[&str], code, words: &str| {
        let output = crctl(args, b"");
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(words), "{error:?} is not {words:?}");
    };
    refused(&["merge", &next, &base], 3, "which is missing");
    refused(&["merge", &base, &merged], 3, "none, it is complete");
    refused(
        &["merge", &base, &next, &next],
        3,
        "is not the image that it was made from",
    );
    // The sample has no word of where its parent was.
    refused(&["merge", &next], 3, "which is not found");
    let mut damaged = fs::read(&base).unwrap();
    let at = damaged.len() - 200;
    damaged[at] ^= 1;
    let damaged = file("damaged", &damaged);
    refused(&["merge", &damaged, &next], 4, "checksum");
    let mut twice = Sample::increment();
    twice.pages[2].1[0].nr_pages = 2;
    twice.change::<cr_img_container>(0, |container| container.nr_pages = 6);
    let twice = file("twice", &twice.image());
    refused(&["merge", &base, &twice], 4, "are there twice");
    let mut lost = Sample::increment();
    lost.change::<cr_img_unchanged>(0, |unchanged| unchanged.object = 1234);
    let lost = file("lost", &lost.image());
    refused(&["merge", &base, &lost], 4, "which a later image needs");

    let output = crctl(&["show", &next], b"");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("4.0 KiB saved, 4.0 KiB in the parent; of 1\n"),
        "{text}"
    );
    assert!(text.contains("parent     01010101"), "{text}");
}

#[test]
fn names_cannot_play_with_the_terminal() {
    let mut sample = Sample::new();
    for owned in &mut sample.state {
        if owned.tag == cr_codec::uapi::CR_TAG_THREAD {
            owned.payload[8..12].copy_from_slice(b"\x1b[2J");
        }
    }
    let output = crctl(&["show", "-"], &sample.image());
    assert!(output.status.success());
    assert!(!output.stdout.contains(&0x1b));
}

#[test]
fn fuzzing_has_an_entry() {
    let image = Sample::new().image();
    fuzz_one(&image);
    for at in (0..image.len()).step_by(37) {
        let mut image = image.clone();
        image[at] ^= 0xff;
        fuzz_one(&image);
        fuzz_one(&image[..at]);
    }
    let model = Model::new(&Image::load(&image[..]).unwrap()).unwrap();
    assert_eq!(model.processes.len(), 3);
}

#[test]
fn pages_are_for_commands() {
    let dir = tempfile::tempdir().unwrap();
    let output = crctl(&["man", "--output", dir.path().to_str().unwrap()], b"");
    assert!(output.status.success());
    for page in [
        "crctl.1",
        "crctl-run.1",
        "crctl-checkpoint.1",
        "crctl-restart.1",
        "crctl-show.1",
        "crctl-merge.1",
    ] {
        assert!(dir.path().join(page).exists(), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let output = crctl(&["completions", shell], b"");
        assert!(String::from_utf8(output.stdout)
            .unwrap()
            .contains("checkpoint"));
    }
}

#[test]
fn exit_codes() {
    let code = |args: &[&str]| crctl(args, b"").status.code().unwrap();
    assert_eq!(code(&["--version"]), 0);
    assert_eq!(code(&["verify"]), 2);
    assert_eq!(code(&["what"]), 2);
    assert_eq!(code(&["run"]), 125);
    assert_eq!(code(&["restart", "--what"]), 125);
}
