// SPDX-License-Identifier: GPL-2.0

//! The command line.

use std::{ffi::OsString, path::PathBuf, str::FromStr};

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

mod quick;

use crate::{error::Code, OWN_FAILURE};

const EXIT_STATUS: &str = "\
Exit status:
  0  success
  1  failure
  2  usage
  3  refused: the container has state that cannot be saved or restored, or shares
     something with the outside
  4  the image is damaged, incomplete or not for this machine
  5  not permitted, or the module is missing
With `run` and `restart`, unless detached: the status of the container, 128+n if
signal n ended it; 125 if crctl itself fails, 126 and 127 if the command of `run`
cannot be executed or found.";

/// Checkpoints and restarts containers.
///
/// A container here is the tree of processes in a pid namespace. It is named by its init, the first
/// process in it, by the pid that the caller sees.
#[derive(Debug, Parser)]
#[command(name = "crctl", version, after_help = EXIT_STATUS, after_long_help = EXIT_STATUS)]
#[command(arg_required_else_help = true)]
pub struct Cli {
    /// Say what is being done. RUST_LOG has the finer control.
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Subcommands. Only the one that is wanted gets its options: somebody waits for it.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// Start a simple container.
    Run(Run),
    /// Write the state of a container to an image.
    Checkpoint(Checkpoint),
    /// Start a container from an image.
    Restart(Restart),
    /// Show what is in an image.
    Show(Show),
    /// Check an image completely.
    Verify(Verify),
    /// Make one image of several.
    Merge(Merge),
    /// Say whether this kernel, module and caller can do it.
    Check(Check),
    /// Print completions for a shell.
    Completions(Completions),
    /// Write the manual pages.
    #[command(hide = true)]
    Man(Man),
}

impl Command {
    /// Name, as error messages have it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Checkpoint(_) => "checkpoint",
            Self::Restart(_) => "restart",
            Self::Show(_) => "show",
            Self::Verify(_) => "verify",
            Self::Merge(_) => "merge",
            Self::Check(_) => "check",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }

    /// Exit status of all failures of crctl itself, if it is one.
    pub fn own_failure(&self) -> Option<u8> {
        match self {
            Self::Run(Run { start, .. }) | Self::Restart(Restart { start, .. }) => {
                (!start.detach).then_some(OWN_FAILURE)
            }
            _ => None,
        }
    }
}

/// Understands a command line.
pub fn parse(args: Vec<OsString>) -> Result<Cli, clap::Error> {
    match quick::parse(args.iter().skip(1).cloned()) {
        Some(cli) => Ok(cli),
        None => Cli::try_parse_from(args),
    }
}

/// Exit status of a command line that was not understood.
pub fn usage_status(args: impl Iterator<Item = OsString>) -> u8 {
    let mut detached = false;
    let mut command = None;
    for arg in args.skip(1).map_while(|arg| arg.into_string().ok()) {
        match arg.as_str() {
            "--" => break,
            "-d" | "--detach" => detached = true,
            _ if command.is_none() && !arg.starts_with('-') => command = Some(arg),
            _ => {}
        }
    }
    match command.as_deref() {
        Some("run" | "restart") if !detached => OWN_FAILURE,
        _ => Code::Usage as u8,
    }
}

/// Options that `run` and `restart` share.
#[derive(Args, Debug)]
pub struct Start {
    /// Print the pid of the container's init and return.
    ///
    /// Standard descriptors that are anonymous pipes become /dev/null in the container, so that
    /// pid=$(crctl run --detach ...) does not wait for its end. Others are handed on.
    #[arg(short, long)]
    pub detach: bool,
    /// Write the pid of the container's init to this file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub pid_file: Option<PathBuf>,
    /// Root directory of the container.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
}

/// Format of statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatsFormat {
    /// Lines "name: value".
    Text,
    /// One JSON object.
    Json,
}

/// Starts a simple container.
///
/// It gets pid, mount, UTS and IPC namespaces and a cgroup of its own. Without --detach, crctl
/// forwards signals to it, waits for its end and exits with its status; when crctl is killed, the
/// container is as well. As in every pid namespace, init gets only those signals that it handles.
#[derive(Args, Debug)]
pub struct Run {
    /// See there.
    #[command(flatten)]
    pub start: Start,
    /// Host name of the container.
    #[arg(long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// Program that becomes the container's init, and its arguments.
    #[arg(required = true, trailing_var_arg = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub command: Vec<OsString>,
}

/// Writes the state of a container to an image.
///
/// The image goes to standard output, which may be a pipe. The container goes on as if nothing had
/// happened, also if anything fails. Its files are not in the image.
///
/// What the container shares with the outside is refused, unless it is declared external and
/// supplied at restart. The standard descriptors of init are declared automatically.
///
/// Unless it is told otherwise, the kernel notes from now on which private memory changes, so that
/// the next image can name this one as its --parent.
#[derive(Args, Debug)]
pub struct Checkpoint {
    /// Write the image to this file; it appears when it is complete.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Kill the container once the image is complete, and synced if it is a file.
    #[arg(long)]
    pub kill: bool,
    /// Compress the image (Zstandard), on all processors; level 1 to 19, or 3.
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "3",
          value_parser = clap::value_parser!(i32).range(1..=19))]
    pub compress: Option<i32>,
    /// Save only the private memory that has changed since this image, which has to be the one made
    /// last. A restart needs both.
    #[arg(long, value_name = "IMAGE", value_hint = ValueHint::FilePath)]
    pub parent: Option<PathBuf>,
    /// Do not note what changes from now on: the image cannot be a parent, and what is noted since an
    /// earlier one stays.
    #[arg(long)]
    pub no_track: bool,
    /// Leave out private memory that the application does not want in core dumps, by
    /// madvise(MADV_DONTDUMP). After a restart it is as if it had never been written to.
    #[arg(long)]
    pub exclude_dontdump: bool,
    /// The open file behind descriptor FD of process PID, a pid in the container, comes from
    /// outside; at restart it is supplied under the number KEY.
    #[arg(long = "external", value_name = "PID:FD=KEY")]
    pub externals: Vec<External>,
    /// Give up when the container does not stand still in this time.
    #[arg(
        long,
        value_name = "MILLISECONDS",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub timeout_ms: u32,
    /// Print statistics to standard error.
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub stats: Option<StatsFormat>,
    /// The container's init.
    #[arg(value_name = "PID", value_parser = clap::value_parser!(i32).range(1..))]
    pub pid: i32,
}

/// Starts a container from an image.
///
/// The image comes from standard input, which may be a pipe. The processes get their old pids, in a
/// new pid namespace; standard descriptors that came from outside are those of crctl.
#[derive(Args, Debug)]
pub struct Restart {
    /// See there.
    #[command(flatten)]
    pub start: Start,
    /// Read the image from this file.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub input: Option<PathBuf>,
    /// The images that the image was made from, the complete one first. They are looked for beside
    /// it, and where they were, if this is not given.
    #[arg(long = "parent", value_name = "IMAGE", value_hint = ValueHint::FilePath)]
    pub parents: Vec<PathBuf>,
    /// Supply descriptor FD of crctl for what was declared external under the number KEY.
    #[arg(long = "external", value_name = "KEY=FD")]
    pub externals: Vec<Supply>,
    /// Accept files whose size or time of modification is not what it was.
    #[arg(long)]
    pub allow_changed_files: bool,
    /// Let the container run before all of its memory is there.
    ///
    /// Pages come from the image when somebody touches them, and all others meanwhile. They are
    /// checked as usual; if one is damaged, or the process that reads them is killed, the container is
    /// killed. A line on standard error says when all are in. Until then the image must stay where it
    /// is, and the container cannot be checkpointed. The image is a file, complete and not compressed.
    #[arg(long)]
    pub lazy: bool,
    /// Accept that file systems which the container saw are not mounted.
    #[arg(long)]
    pub ignore_mounts: bool,
    /// Print statistics to standard error.
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "text")]
    pub stats: Option<StatsFormat>,
}

/// Shows what is in an image.
#[derive(Args, Debug)]
pub struct Show {
    /// For programs.
    #[arg(long)]
    pub json: bool,
    /// Image, or - for standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

/// Checks an image completely: checksums, all values, and that nothing is missing. No kernel is
/// needed.
#[derive(Args, Debug)]
pub struct Verify {
    /// Image, or - for standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
}

/// Makes one complete image of an image and those that it was made from.
///
/// The result is what a checkpoint without --parent would have written. It has the id of the newest
/// image, so it can take its place as a parent.
#[derive(Args, Debug)]
pub struct Merge {
    /// Write the image to this file instead of standard output; it appears when it is complete.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Compress the image (Zstandard), on all processors; level 1 to 19, or 3.
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, require_equals = true, default_missing_value = "3",
          value_parser = clap::value_parser!(i32).range(1..=19))]
    pub compress: Option<i32>,
    /// Images: the complete one first, then each that was made from the one before. A single one is
    /// enough if the others are beside it, or where they were.
    #[arg(required = true, value_name = "IMAGE", value_hint = ValueHint::FilePath)]
    pub files: Vec<PathBuf>,
}

/// Says whether this kernel, module and caller can checkpoint and restart, and what is missing.
#[derive(Args, Debug)]
pub struct Check {
    /// For programs.
    #[arg(long)]
    pub json: bool,
}

/// Prints completions for a shell.
#[derive(Args, Debug)]
pub struct Completions {
    /// Shell.
    pub shell: clap_complete::Shell,
}

/// Writes the manual pages, one for each subcommand.
#[derive(Args, Debug)]
pub struct Man {
    /// Directory to write to.
    #[arg(short, long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub output: PathBuf,
}

/// An object that comes from outside, at checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct External {
    /// Pid in the container.
    pub pid: i32,
    /// Descriptor there.
    pub fd: i32,
    /// Number to supply it under.
    pub key: u32,
}

impl FromStr for External {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (object, key) = text.split_once('=')?;
            let (pid, fd) = object.split_once(':')?;
            Some(Self {
                pid: pid.parse().ok().filter(|pid| *pid > 0)?,
                fd: fd.parse().ok().filter(|fd| *fd >= 0)?,
                key: key.parse().ok()?,
            })
        };
        parse().ok_or_else(|| "it should look like PID:FD=KEY".into())
    }
}

/// An object from outside, at restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// Number it was declared under.
    pub key: u32,
    /// Descriptor of crctl.
    pub fd: i32,
}

impl FromStr for Supply {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (key, fd) = text.split_once('=')?;
            Some(Self {
                key: key.parse().ok()?,
                fd: fd.parse().ok().filter(|fd| *fd >= 0)?,
            })
        };
        parse().ok_or_else(|| "it should look like KEY=FD".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn clap_agrees() {
        Cli::command().debug_assert();
    }

    #[test]
    fn externals() {
        let external = External {
            pid: 1,
            fd: 7,
            key: 3,
        };
        assert_eq!("1:7=3".parse(), Ok(external));
        for bad in ["", "1:7", "7=3", "0:7=3", "1:-7=3", "1:7=-3", "1:7=x"] {
            assert!(bad.parse::<External>().is_err(), "{bad}");
        }
        assert_eq!("3=9".parse(), Ok(Supply { key: 3, fd: 9 }));
        assert!("3=".parse::<Supply>().is_err());
    }

    #[test]
    fn usage() {
        let status = |line: &str| usage_status(line.split(' ').map(OsString::from));
        assert_eq!(status("crctl run --what"), 125);
        assert_eq!(status("crctl run --detach --what"), 2);
        assert_eq!(status("crctl show"), 2);
        assert_eq!(status("crctl run -- x --detach"), 125);
        assert_eq!(status("crctl"), 2);
    }

    #[test]
    fn command_of_run() {
        let cli = Cli::try_parse_from(["crctl", "run", "--detach", "--", "ls", "--detach", "-l"]);
        let Command::Run(run) = cli.unwrap().command else {
            panic!("not run");
        };
        assert!(run.start.detach);
        assert_eq!(run.command, ["ls", "--detach", "-l"]);
    }

    #[test]
    fn stats() {
        let stats = |args: &[&str]| match Cli::try_parse_from(args).unwrap().command {
            Command::Checkpoint(checkpoint) => checkpoint.stats,
            _ => panic!("not checkpoint"),
        };
        assert_eq!(stats(&["crctl", "checkpoint", "1"]), None);
        assert_eq!(
            stats(&["crctl", "checkpoint", "--stats", "1"]),
            Some(StatsFormat::Text)
        );
        assert_eq!(
            stats(&["crctl", "checkpoint", "--stats=json", "1"]),
            Some(StatsFormat::Json)
        );
    }
}
