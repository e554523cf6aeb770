// SPDX-License-Identifier: GPL-2.0

//! What a container needs around it: namespaces, a cgroup, somebody who waits for its end.

pub mod attached;
pub mod cgroup;
pub mod guardian;
pub mod keeper;
pub mod log;
pub mod mounts;
pub mod namespaces;
pub mod output;
pub mod pager;
pub mod parents;
pub mod relay;
pub mod section;
pub mod start;
pub mod stats;
