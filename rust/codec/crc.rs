// SPDX-License-Identifier: GPL-2.0

//! CRC32C (Castagnoli) in software, eight bytes at a time.

/// The polynomial 0x1edc6f41, bit-reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// `TABLES[k][b]`: the effect of byte `b` with `k` more bytes after it.
static TABLES: [[u32; 256]; 8] = tables();

// For the compiler, which stops where it is wrong.
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL * (crc & 1));
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut k = 1;
    while k < 8 {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[k - 1][byte];
            tables[k][byte] = (crc >> 8) ^ tables[0][(crc & 0xff) as usize];
            byte += 1;
        }
        k += 1;
    }
    tables
}

/// Continues the checksum `seed` over `bytes`; a seed of 0 starts one.
///
/// `update(update(0, a), b)` is the checksum of `a` followed by `b`.
pub fn update(seed: u32, bytes: &[u8]) -> u32 {
    // Eight bits as an index into 256: the compiler sees that nothing can go wrong.
    #[allow(clippy::indexing_slicing)]
    let effect = |table: &[u32; 256], byte: u8| table[usize::from(byte)];
    let [t0, t1, t2, t3, t4, t5, t6, t7] = &TABLES;
    let mut crc = !seed;
    let mut rest = bytes;
    while let Some((&[a, b, c, d, e, f, g, h], tail)) = rest.split_first_chunk() {
        let [low, second, third, high] = crc.to_le_bytes();
        crc = effect(t7, a ^ low)
            ^ effect(t6, b ^ second)
            ^ effect(t5, c ^ third)
            ^ effect(t4, d ^ high)
            ^ effect(t3, e)
            ^ effect(t2, f)
            ^ effect(t1, g)
            ^ effect(t0, h);
        rest = tail;
    }
    for byte in rest {
        let [low, ..] = crc.to_le_bytes();
        crc = (crc >> 8) ^ effect(t0, byte ^ low);
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::update;

    #[test]
    fn known_values() {
        assert_eq!(update(0, b""), 0);
        assert_eq!(update(0, b"123456789"), 0xe306_9283);
        assert_eq!(update(0, &[0; 32]), 0x8a91_36aa);
        assert_eq!(update(0, &[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn continues() {
        let bytes: std::vec::Vec<u8> = (0..255).collect();
        for at in 0..bytes.len() {
            let (a, b) = bytes.split_at(at);
            assert_eq!(update(update(0, a), b), update(0, &bytes));
        }
    }
}
