// SPDX-License-Identifier: GPL-2.0

//! Segments that programs make for themselves: by modify_ldt(2) in the local descriptor table of a
//! process, by set_thread_area(2) in three entries of the global one.
//!
//! The kernel makes a descriptor of a `struct user_desc`, with a type that a program may have. See
//! `arch/x86/include/asm/desc.h`, `fill_ldt()`.

/// What each of them has: it is not for the system (S), is accessed, and is for all (DPL 3).
const ALWAYS: u64 = (1 << 40) | (1 << 44) | (3 << 45);
/// 64-bit code, which none of them has.
const NEVER: u64 = 1 << 53;
const CAN_BE_WRITTEN: u64 = 1 << 41;
/// The direction in which data grow; or that code conforms.
const CONFORMING: u64 = 1 << 42;
const CODE: u64 = 1 << 43;
const PRESENT: u64 = 1 << 47;
const AVAILABLE: u64 = 1 << 52;
const IS_32BIT: u64 = 1 << 54;
const IN_PAGES: u64 = 1 << 55;

/// Whether a local descriptor table can have this descriptor.
pub fn fits_ldt(descriptor: u64) -> bool {
    let can_be_entered = descriptor & (PRESENT | CODE | CONFORMING) == PRESENT | CODE | CONFORMING;
    // With nothing but what all of them have, it would have been taken for none.
    descriptor == 0
        || (descriptor & (ALWAYS | NEVER) == ALWAYS && descriptor != ALWAYS && !can_be_entered)
}

/// Whether set_thread_area(2) can have made it: data only, which can be used.
pub fn fits_tls(descriptor: u64) -> bool {
    let needed = PRESENT | IS_32BIT;
    descriptor == 0 || (fits_ldt(descriptor) && descriptor & (needed | CODE) == needed)
}

/// The `struct user_desc` of which the kernel makes this descriptor.
pub fn user_desc(entry: u32, descriptor: u64) -> [u32; 4] {
    let has = |bit: u64| u32::from(descriptor & bit != 0);
    let base = ((descriptor >> 16) & 0xff_ffff) | ((descriptor >> 56) << 24);
    let limit = (descriptor & 0xffff) | (((descriptor >> 48) & 0xf) << 16);
    // In the order of its bits, from the lowest one; two of them say the opposite.
    let bits = [
        has(IS_32BIT),
        has(CONFORMING),
        has(CODE),
        has(CAN_BE_WRITTEN) ^ 1,
        has(IN_PAGES),
        has(PRESENT) ^ 1,
        has(AVAILABLE),
    ];
    let flags = bits.iter().rev().fold(0, |flags, bit| (flags << 1) | bit);
    [entry, base as u32, limit as u32, flags]
}

/// Whether a selector names an entry that programs can make: of the local table, or one of three in
/// the global one.
pub(crate) fn is_own(selector: u64) -> bool {
    is_local(selector) || matches!(selector, 0x63 | 0x6b | 0x73)
}

/// Whether a selector names an entry of the local table.
pub(crate) fn is_local(selector: u64) -> bool {
    selector <= 0xffff && selector & 7 == 7
}
