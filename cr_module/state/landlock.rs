// SPDX-License-Identifier: GPL-2.0

//! Landlock: domains of tasks, and rulesets that are open files.
//!
//! Domains form a tree: each layer restricts whom the layers before it have restricted, tasks have
//! them in common by fork(2), and who may signal or trace whom goes by that. So a layer is an object.
//! The first task that needs it enforces its rules on itself, and the others get the same domain.
//!
//! A rule holds an inode, so the checkpoint looks for a name that leads to it; one that nobody can
//! get to any more says nothing, and is left out. Rulesets are made by the caller of restart together
//! with the files: by then, nothing is forbidden.
//!
//! Refused: rules for what has no name below the container's root; files whose further use is
//! decided by the domain that they were opened in.

use crate::{
    build::Build,
    files::Files,
    objects::Kind,
    report::{fail, failure, words_for, Context, Name, Result},
    save::Save,
    state::name,
};
use cr_codec::{check::landlock_rules, check::Rec, uapi::*, Record};
use cr_sys::{
    build::with_fd,
    cred::CredRef,
    errno::EOPNOTSUPP,
    file::FileRef,
    inotify::InodeRef,
    landlock::{self, Rules, *},
    task::TaskRef,
};
use kernel::{prelude::*, rbtree::RBTree};
use zerocopy::IntoBytes;

/// Saves the domain of a task, and returns the id of its newest layer, or 0.
pub(crate) fn save(save: &mut Save<'_>, task: &TaskRef) -> Result<u64> {
    let (nr_layers, _) = task.read_landlock();
    let cred = CredRef::of(task);
    let Some(domain) = cred.domain() else {
        return Ok(0);
    };
    save.has_domains = true;
    let mut prev = 0;
    for level in 1..=nr_layers {
        let (identity, layer) = domain.layer(level);
        prev = match save.objects.find(Kind::Landlock, identity) {
            Some(id) => id,
            None => {
                let rules =
                    save_rules(save, &domain, level).context(format_args!("a Landlock domain"))?;
                let id = save.objects.add(Kind::Landlock, identity)?;
                write(save, id, cr_img_landlock { prev, ..layer }, &rules)?;
                id
            }
        };
    }
    Ok(prev)
}

/// Saves what is behind an open file, and returns its id.
pub(crate) fn save_ruleset(save: &mut Save<'_>, file: &FileRef, flags: u32) -> Result<u64> {
    if flags & !(O_RDWR | O_NONBLOCK) != 0 {
        fail!(EOPNOTSUPP(), "has unknown flags {flags:#o}");
    }
    let rules = file.rules()?;
    let (_, layer) = rules.layer(0);
    let bytes = save_rules(save, &rules, 0)?;
    let id = save.objects.add_private()?;
    write(save, id, layer, &bytes)?;
    Ok(id)
}

const O_RDWR: u32 = 0o2;
const O_NONBLOCK: u32 = 0o4000;

/// Rules as they are in an image, and how many.
#[derive(Default)]
struct Saved {
    bytes: KVVec<u8>,
    nr: u32,
}

fn write(save: &mut Save<'_>, id: u64, layer: cr_img_landlock, rules: &Saved) -> Result {
    let record = cr_img_landlock {
        nr_rules: rules.nr,
        ..layer
    };
    save.object(id, &record, &[&rules.bytes])
}

fn save_rules(save: &mut Save<'_>, rules: &Rules<'_>, level: u32) -> Result<Saved> {
    let mut buffer = KVVec::from_elem(0, CR_IMG_PATH_MAX as usize, GFP_KERNEL)?;
    let mut saved = Saved::default();
    for ports in [false, true] {
        for (mut rule, inode) in rules.of_layer(level, ports) {
            let path = match &inode {
                Some(inode) => name_of(save, inode, &mut rule, &mut buffer)?,
                None => &[],
            };
            saved.bytes.extend_from_slice(rule.as_bytes(), GFP_KERNEL)?;
            saved.bytes.extend_from_slice(path, GFP_KERNEL)?;
            saved.nr += 1;
        }
    }
    let length = size_of::<cr_img_landlock>() + saved.bytes.len();
    if !cr_img_landlock::KIND.length_fits(length as u64) {
        fail!(
            EOPNOTSUPP(),
            "has more rules than an image has room for, which is not supported yet"
        );
    }
    Ok(saved)
}

/// The name of what a rule is about, and its type.
fn name_of<'a>(
    save: &Save<'_>,
    inode: &InodeRef,
    rule: &mut cr_img_landlock_rule,
    buffer: &'a mut [u8],
) -> Result<&'a [u8]> {
    (rule.mode, _) = inode.read_type();
    let name = name::of_inode(
        save.container.root(),
        inode,
        inode.is_place(),
        buffer,
        ["has a rule for", "use it"],
    )?;
    rule.path_len = name.len() as u32;
    Ok(name)
}

const REFUSED: &[(u32, &str)] = &[
    (
        CR_LANDLOCK_X_TRUNCATE,
        "was opened in a Landlock domain that forbids to truncate it",
    ),
    (
        CR_LANDLOCK_X_IOCTL,
        "was opened in a Landlock domain that forbids requests to the device (ioctl)",
    ),
    (
        CR_LANDLOCK_X_SCOPED,
        "was made in a Landlock domain that says who may connect to it",
    ),
    (
        CR_LANDLOCK_X_OWNER,
        "got its owner (F_SETOWN) in a Landlock domain",
    ),
];

/// Refuses a file that it matters of in which domain it was opened.
pub(crate) fn check_file(file: &FileRef) -> Result {
    match words_for(REFUSED, file.forbidden()) {
        Some(why) => fail!(EOPNOTSUPP(), "{why}, which is not supported yet"),
        None => Ok(()),
    }
}

/// Makes a ruleset with its rules.
pub(crate) fn restore(files: &Files<'_>, rec: &Rec<'_>) -> Result<FileRef> {
    let layer: cr_img_landlock = rec.fixed()?;
    let file = FileRef::make_ruleset(&layer).map_err(|error| match error {
        error if error == EOPNOTSUPP() => failure!(
            EOPNOTSUPP(),
            "a Landlock ruleset: this kernel has no Landlock, or cannot deny as much"
        ),
        error => error.into(),
    })?;
    for (rule, path) in landlock_rules(rec.variable::<cr_img_landlock>()) {
        if rule.flags & CR_LANDLOCK_RULE_PORT as u16 != 0 {
            file.add_rule(None, &rule)?;
            continue;
        }
        name::find(files.root(), path, rule.mode)
            .and_then(|place| Ok(file.add_rule(Some(&place), &rule)?))
            .context(format_args!("a Landlock rule for {}", Name(path)))?;
    }
    Ok(file)
}

/// The layers that have been enforced by now, each with credentials of whom it is the newest one of.
pub(crate) type Enforced = RBTree<u64, CredRef>;

const SYS_LANDLOCK_RESTRICT_SELF: u32 = 446;
/// Flags that are as in `CR_LANDLOCK_SAME_EXEC_OFF` and `CR_LANDLOCK_NEW_EXEC_ON`.
const RESTRICT_FLAGS: u32 = CR_LANDLOCK_SAME_EXEC_OFF | CR_LANDLOCK_NEW_EXEC_ON;
const LOG_SUBDOMAINS_OFF: u64 = 4;
const NO_RULESET: u64 = u32::MAX as u64;

/// Puts the current task, which is in no domain, into that of a record.
pub(crate) fn restore_domain(build: &Build<'_>, cred: &cr_img_cred) -> Result {
    if cred.landlock == 0 && cred.landlock_log == 0 {
        return Ok(());
    }
    let mut chain = KVVec::new();
    let mut id = cred.landlock;
    while id != 0 {
        chain.push(id, GFP_KERNEL)?;
        id = build.object(id)?.fixed::<cr_img_landlock>()?.prev;
    }
    chain.reverse();
    // Nobody else enforces the same one meanwhile.
    let mut enforced = build.plan.domains.lock();
    let mut depth = chain.len();
    while depth > 0 {
        if let Some(domain) = enforced.get(&chain[depth - 1]) {
            landlock::enter(Some(domain), 0)?;
            break;
        }
        depth -= 1;
    }
    for id in &chain[depth..] {
        enforce(build, *id)?;
        enforced.try_create_and_insert(*id, CredRef::current(), GFP_KERNEL)?;
    }
    Ok(landlock::enter(None, cred.landlock_log)?)
}

fn enforce(build: &Build<'_>, id: u64) -> Result {
    let layer: cr_img_landlock = build.object(id)?.fixed()?;
    if layer.flags & CR_LANDLOCK_UNLOGGED != 0 {
        let args = [NO_RULESET, LOG_SUBDOMAINS_OFF, 0];
        build.syscall(SYS_LANDLOCK_RESTRICT_SELF, args)?;
    }
    let _spare = build.spare_descriptors();
    let flags = u64::from(layer.flags & RESTRICT_FLAGS);
    with_fd(build.file(id)?, |fd| {
        build.syscall(SYS_LANDLOCK_RESTRICT_SELF, [fd.into(), flags, 0])
    })?;
    Ok(())
}
