// SPDX-License-Identifier: GPL-2.0

//! Extended registers: what is packed is unpacked again.

use cr_codec::{check::Rec, uapi::*, xstate};
use proptest::prelude::*;
use zerocopy::IntoBytes;

/// Areas of some blocks, most of them zero.
fn area() -> impl Strategy<Value = Vec<u8>> {
    let block = prop_oneof![
        2 => Just(vec![0; 64]),
        1 => proptest::collection::vec(any::<u8>(), 64),
    ];
    proptest::collection::vec(block, 0..256).prop_map(|blocks| blocks.concat())
}

proptest! {
    #[test]
    fn round_trip(area in area()) {
        let mut packed = area.clone();
        let (fixed, blocks) = xstate::pack(&mut packed);
        prop_assert!(blocks.chunks(64).all(|block| block != [0; 64]));
        let payload = [fixed.as_bytes(), blocks].concat();
        let rec = Rec { tag: CR_TAG_XSTATE, id: 0, offset: 0, payload: &payload };
        let mut unpacked = vec![0xff; area.len()];
        prop_assert_eq!(xstate::unpack(&rec, &mut unpacked), Ok(()));
        prop_assert_eq!(unpacked, area);
    }
}

#[test]
fn whole_blocks() {
    assert_eq!(xstate::buffer_len(832), 832);
    assert_eq!(xstate::buffer_len(2696), 2752);
}
