// SPDX-License-Identifier: GPL-2.0

//! Sorting, and searching in what is sorted.
//!
//! The standard library's functions can panic: sorting when it finds out that the order is not
//! total, searching because the kernel builds the library with overflow checks; and nothing tells the
//! compiler that this cannot happen here. In the kernel it would be an oops. What is here has no panic
//! in it, needs no memory and no recursion, and has no worst case that the author of an image could
//! look for.

use core::mem;

/// Sorts by a key, by means of a heap. Elements with the same key come out in any order.
pub fn sort_by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    // As most of what is sorted has been before.
    if items.is_sorted_by_key(&key) {
        return;
    }
    let length = items.len();
    let mut root = length / 2;
    while let Some(next) = root.checked_sub(1) {
        root = next;
        sift_down(items, root, &key);
    }
    let mut rest = items;
    while let Some(last) = rest.len().checked_sub(1) {
        // The largest of the rest goes behind it.
        swap(rest, 0, last);
        rest = rest.get_mut(..last).unwrap_or_default();
        sift_down(rest, 0, &key);
    }
}

/// Moves an element down in a heap, until none below it is larger.
fn sift_down<T, K: Ord>(heap: &mut [T], mut at: usize, key: &impl Fn(&T) -> K) {
    let Some(moving) = heap.get(at).map(key) else {
        return;
    };
    loop {
        let left = at.saturating_mul(2).saturating_add(1);
        let right = left.saturating_add(1);
        // Nothing is less than anything.
        let (key_left, key_right) = (heap.get(left).map(key), heap.get(right).map(key));
        let (largest, child) = match key_left < key_right {
            true => (key_right, right),
            false => (key_left, left),
        };
        if largest.is_none_or(|largest| largest <= moving) {
            return;
        }
        swap(heap, at, child);
        at = child;
    }
}

fn swap<T>(items: &mut [T], a: usize, b: usize) {
    let Some((before, from)) = items.split_at_mut_checked(a.max(b)) else {
        return;
    };
    // Where both are the same, there is nothing to do.
    if let (Some(low), Some(high)) = (before.get_mut(a.min(b)), from.first_mut()) {
        mem::swap(low, high);
    }
}

/// The items after those that are before something, which all come first.
pub fn after<T>(items: &[T], is_before: impl Fn(&T) -> bool) -> &[T] {
    let mut end = items.len();
    let mut rest = items;
    while let Some((left, [middle, right @ ..])) = rest.split_at_checked(rest.len() / 2) {
        if is_before(middle) {
            rest = right;
        } else {
            end = end.saturating_sub(right.len()).saturating_sub(1);
            rest = left;
        }
    }
    items.get(end..).unwrap_or_default()
}

/// The item with this key, among items that ascend.
pub fn find_by_key<T, K: Ord>(items: &[T], wanted: K, key: impl Fn(&T) -> K) -> Option<&T> {
    let first = after(items, |item| key(item) < wanted).first()?;
    (key(first) == wanted).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The same numbers each time, and good enough.
    fn numbers() -> impl FnMut() -> u32 {
        let mut state = 1u32;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        }
    }

    #[test]
    fn sorts() {
        let mut random = numbers();
        for length in (0..70).chain([1000]) {
            for spread in [1, 3, 100, 65536] {
                let keys: Vec<_> = (0..length).map(|_| random() % spread).collect();
                let mut indices: Vec<u32> = (0..length).collect();
                let mut expected = indices.clone();
                let key = |index: &u32| (keys[*index as usize], *index);
                expected.sort_by_key(key);
                sort_by_key(&mut indices, key);
                assert_eq!(indices, expected);
            }
        }
    }

    #[test]
    fn finds() {
        let mut random = numbers();
        for length in (0..40).chain([500]) {
            let mut items: Vec<_> = (0..length).map(|_| random() % (2 * length)).collect();
            items.sort_unstable();
            for wanted in 0..=2 * length {
                let expected = items.partition_point(|item| *item < wanted);
                assert_eq!(after(&items, |item| *item < wanted), &items[expected..]);
                let found = find_by_key(&items, wanted, |item| *item);
                assert_eq!(found, items.contains(&wanted).then_some(&wanted));
            }
        }
    }
}
