// SPDX-License-Identifier: GPL-2.0

//! Understands the command lines that somebody waits for, without clap.
//!
//! clap needs a description of the program before it looks at the first word, and to put that
//! together takes longer than many a restart. Here are `checkpoint` and `restart` with all their
//! options, plainly spelled. Help, mistakes and everything unusual are left to clap, and what is
//! understood here, clap understands alike: that is tested.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

use super::{Checkpoint, Cli, Command, External, Restart, Start, StatsFormat, Supply};

/// Understands the words after the name of the program, or leaves them to clap.
pub(super) fn parse(mut words: impl Iterator<Item = OsString>) -> Option<Cli> {
    let command = words.next()?;
    let mut words = Words {
        words,
        verbose: false,
    };
    let command = match command.to_str()? {
        "checkpoint" => Command::Checkpoint(checkpoint(&mut words)?),
        "restart" => Command::Restart(restart(&mut words)?),
        _ => return None,
    };
    Some(Cli {
        verbose: words.verbose,
        command,
    })
}

fn checkpoint(words: &mut Words<impl Iterator<Item = OsString>>) -> Option<Checkpoint> {
    let mut output = None;
    let mut kill = false;
    let mut compress = None;
    let mut parent = None;
    let mut no_track = false;
    let mut exclude_dontdump = false;
    let mut externals = Vec::new();
    let mut timeout_ms = None;
    let mut stats = None;
    let mut pid = None;
    while let Some(word) = words.next() {
        match word?.as_str() {
            "-o" | "--output" => once(&mut output, words.path()?)?,
            "--kill" => flag(&mut kill)?,
            "--compress" => once(&mut compress, 3)?,
            "--parent" => once(&mut parent, words.path()?)?,
            "--no-track" => flag(&mut no_track)?,
            "--exclude-dontdump" => flag(&mut exclude_dontdump)?,
            "--external" => externals.push(words.value::<External>()?),
            "--timeout-ms" => once(&mut timeout_ms, words.value()?)?,
            "--stats" | "--stats=text" => once(&mut stats, StatsFormat::Text)?,
            "--stats=json" => once(&mut stats, StatsFormat::Json)?,
            word => once(&mut pid, word.parse().ok().filter(|pid| *pid > 0)?)?,
        }
    }
    Some(Checkpoint {
        output,
        kill,
        compress,
        parent,
        no_track,
        exclude_dontdump,
        externals,
        timeout_ms: timeout_ms.unwrap_or(0),
        stats,
        pid: pid?,
    })
}

fn restart(words: &mut Words<impl Iterator<Item = OsString>>) -> Option<Restart> {
    let mut detach = false;
    let mut pid_file = None;
    let mut root = None;
    let mut input = None;
    let mut parents = Vec::new();
    let mut externals = Vec::new();
    let mut allow_changed_files = false;
    let mut lazy = false;
    let mut ignore_mounts = false;
    let mut stats = None;
    while let Some(word) = words.next() {
        match word?.as_str() {
            "-d" | "--detach" => flag(&mut detach)?,
            "--pid-file" => once(&mut pid_file, words.path()?)?,
            "--root" => once(&mut root, words.path()?)?,
            "-i" | "--input" => once(&mut input, words.path()?)?,
            "--parent" => parents.push(words.path()?),
            "--external" => externals.push(words.value::<Supply>()?),
            "--allow-changed-files" => flag(&mut allow_changed_files)?,
            "--lazy" => flag(&mut lazy)?,
            "--ignore-mounts" => flag(&mut ignore_mounts)?,
            "--stats" | "--stats=text" => once(&mut stats, StatsFormat::Text)?,
            "--stats=json" => once(&mut stats, StatsFormat::Json)?,
            _ => return None,
        }
    }
    Some(Restart {
        start: Start {
            detach,
            pid_file,
            root,
        },
        input,
        parents,
        externals,
        allow_changed_files,
        lazy,
        ignore_mounts,
        stats,
    })
}

/// The words that are left.
struct Words<I> {
    words: I,
    verbose: bool,
}

impl<I: Iterator<Item = OsString>> Words<I> {
    /// The next option; `Some(None)` if it is not readable.
    fn next(&mut self) -> Option<Option<String>> {
        let word = self.words.next()?;
        if word == "-v" || word == "--verbose" {
            return match flag(&mut self.verbose) {
                Some(()) => self.next(),
                None => Some(None),
            };
        }
        Some(word.into_string().ok())
    }

    /// The value that belongs to an option.
    fn path(&mut self) -> Option<PathBuf> {
        let word = self.words.next()?;
        let plain = !word.is_empty() && !word.as_encoded_bytes().starts_with(b"-");
        plain.then(|| word.into())
    }

    fn value<T: FromStr>(&mut self) -> Option<T> {
        self.path()?.to_str()?.parse().ok()
    }
}

/// Only once.
fn flag(flag: &mut bool) -> Option<()> {
    (!std::mem::replace(flag, true)).then_some(())
}

/// Only once.
fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    /// Words of which command lines are made, good ones and bad ones.
    const WORDS: &[&str] = &[
        "-v",
        "--verbose",
        "-d",
        "--detach",
        "-dv",
        "--pid-file",
        "--root",
        "-i",
        "-iimg",
        "--input",
        "--input=img",
        "--external",
        "1:2=3",
        "3=2",
        "--allow-changed-files",
        "--lazy",
        "--ignore-mounts",
        "--stats",
        "--stats=text",
        "--stats=json",
        "--stats=xml",
        "-o",
        "--output",
        "--kill",
        "--timeout-ms",
        "17",
        "+17",
        "0",
        "-1",
        "99999999999",
        "img",
        "",
        "-",
        "--",
        "--help",
    ];

    #[track_caller]
    fn check(words: &[&str]) -> bool {
        let Some(quick) = parse(words.iter().map(OsString::from)) else {
            return false;
        };
        let words = ["crctl"].iter().chain(words);
        let slow = Cli::try_parse_from(words.clone()).unwrap_or_else(|err| {
            panic!("{words:?} is understood here, but: {err}");
        });
        assert_eq!(format!("{quick:?}"), format!("{slow:?}"));
        true
    }

    #[test]
    fn understands_what_clap_understands() {
        for command in ["checkpoint", "restart", "run", "-v"] {
            check(&[command]);
            for a in WORDS {
                check(&[command, a]);
                for b in WORDS {
                    check(&[command, a, b]);
                    for c in WORDS {
                        check(&[command, a, b, c]);
                    }
                }
            }
        }
    }

    #[test]
    fn understands_all_options() {
        let checkpoint = "checkpoint -v -o img --kill --external 1:2=3 --external 1:7=4 \
                          --timeout-ms 5 --stats=json 17";
        let restart = "restart -v -d --pid-file pid --root / -i img --external 3=2 --external 4=0 \
                       --allow-changed-files --ignore-mounts --stats";
        for line in [checkpoint, restart, "checkpoint 17", "restart"] {
            let words: Vec<_> = line.split_whitespace().collect();
            assert!(check(&words), "{line}");
        }
    }
}
