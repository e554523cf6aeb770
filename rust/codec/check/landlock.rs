// SPDX-License-Identifier: GPL-2.0

//! Layers of Landlock domains, and sets of rules for them.

use super::{inotify::is_type, is_path, sockets, Placed, Rec, Result, State};
use crate::uapi::*;
use zerocopy::FromBytes;

const LAYER_FLAGS: u32 = CR_LANDLOCK_SAME_EXEC_OFF | CR_LANDLOCK_NEW_EXEC_ON | CR_LANDLOCK_UNLOGGED;
const RULE_FLAGS: u32 = CR_LANDLOCK_RULE_QUIET | CR_LANDLOCK_RULE_PORT;

pub(super) fn landlock(state: &State<'_>, rec: Placed<'_>) -> Result {
    let layer: cr_img_landlock = rec.fixed()?;
    rec.require(
        layer.flags == CR_LANDLOCK_RULESET || layer.flags & !LAYER_FLAGS == 0,
        "unknown flags",
    )?;
    let handled = [layer.fs, layer.net, layer.scoped];
    rec.require(handled != [0; 3], "a layer that denies nothing")?;
    let quiet = [layer.quiet_fs, layer.quiet_net, layer.quiet_scoped];
    let mut pairs = handled.into_iter().zip(quiet);
    rec.require(
        pairs.all(|(handled, quiet)| quiet & !handled == 0),
        "it is quiet about what it does not deny",
    )?;
    if layer.prev != 0 {
        rec.require(
            layer.flags != CR_LANDLOCK_RULESET,
            "a set of rules after a layer",
        )?;
        depth(state, rec, layer.prev, CR_MAX_LANDLOCK.saturating_sub(1))?;
    }
    let mut rest = rules(rec.variable::<cr_img_landlock>());
    let mut found = 0_u32;
    for (rule, path) in &mut rest {
        check_rule(rec.rec, &layer, &rule, path)?;
        found = found.saturating_add(1);
    }
    rec.require(
        found == layer.nr_rules && rest.bytes.is_empty(),
        "its length and its count disagree",
    )
}

fn check_rule(
    rec: &Rec<'_>,
    layer: &cr_img_landlock,
    rule: &cr_img_landlock_rule,
    path: &[u8],
) -> Result {
    let flags = u32::from(rule.flags);
    rec.require(flags & !RULE_FLAGS == 0, "unknown flags of a rule")?;
    let is_port = flags & CR_LANDLOCK_RULE_PORT != 0;
    let is_quiet = flags & CR_LANDLOCK_RULE_QUIET != 0;
    let (handled, quiet) = match is_port {
        true => (layer.net, layer.quiet_net),
        false => (layer.fs, layer.quiet_fs),
    };
    rec.require(
        rule.access & !handled == 0 && (rule.access != 0 || is_quiet),
        "a rule that allows what is not denied, or nothing",
    )?;
    rec.require(
        !is_quiet || quiet != 0,
        "a rule that is quiet about nothing",
    )?;
    match is_port {
        true => rec.require(
            rule.mode == 0 && path.is_empty(),
            "a port that is a file as well",
        ),
        false => {
            rec.require(is_path(path), "not an absolute path")?;
            rec.require(
                is_type(rule.mode) && rule.port == 0,
                "impossible type of file",
            )
        }
    }
}

/// How many layers a domain has, at most so many.
fn depth(state: &State<'_>, rec: Placed<'_>, newest: u64, most: u32) -> Result<u32> {
    let (mut id, mut depth) = (newest, 0_u32);
    while id != 0 {
        rec.require(depth < most, "too many layers")?;
        let layer = state.refers::<cr_img_landlock>(rec, id, "no layer of a Landlock domain")?;
        let layer: cr_img_landlock = layer.fixed()?;
        rec.require(
            layer.flags & CR_LANDLOCK_RULESET == 0,
            "no layer of a Landlock domain",
        )?;
        id = layer.prev;
        depth = depth.saturating_add(1);
    }
    Ok(depth)
}

/// What credentials say.
pub(super) fn domain(state: &State<'_>, rec: Placed<'_>, cred: &cr_img_cred) -> Result {
    let layers = depth(state, rec, cred.landlock, CR_MAX_LANDLOCK)?;
    let enforced = cred.landlock_log & !CR_LANDLOCK_LOG_OFF;
    rec.require(
        enforced.checked_shr(layers).unwrap_or(0) == 0,
        "it logs what no layer denies",
    )
}

pub(super) fn file(state: &State<'_>, rec: Placed<'_>, file: &cr_img_file) -> Result {
    let rules = state.refers::<cr_img_landlock>(rec, file.target, "no rules behind it")?;
    rec.require(
        rules.fixed::<cr_img_landlock>()?.flags == CR_LANDLOCK_RULESET,
        "no rules behind it",
    )?;
    sockets::nothing_else(&rec, file)
}

/// Rules of a layer, with their paths.
#[derive(Clone, Debug)]
pub struct Rules<'a> {
    bytes: &'a [u8],
}

/// The rules in the variable part of a `CR_TAG_LANDLOCK`.
pub fn rules(bytes: &[u8]) -> Rules<'_> {
    Rules { bytes }
}

impl<'a> Iterator for Rules<'a> {
    type Item = (cr_img_landlock_rule, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (rule, rest) = cr_img_landlock_rule::read_from_prefix(self.bytes).ok()?;
        let (path, rest) = rest.split_at_checked(rule.path_len as usize)?;
        self.bytes = rest;
        Some((rule, path))
    }
}
