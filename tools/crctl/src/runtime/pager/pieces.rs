// SPDX-License-Identifier: GPL-2.0

//! Which pages of somebody's memory are still to come, and where they are in the image.

use std::collections::BTreeMap;

/// Consecutive pages of one record of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// First address.
    pub(super) start: u64,
    /// First address after it.
    pub(super) end: u64,
    /// Which record.
    pub(super) record: usize,
    /// Offset of the first page among the pages of the record.
    pub(super) at: u64,
}

impl Piece {
    /// Some of it, between two addresses in it.
    pub(super) fn part(&self, start: u64, end: u64) -> Self {
        Self {
            start,
            end,
            record: self.record,
            at: self.at + (start - self.start),
        }
    }
}

/// Pieces that do not overlap.
#[derive(Clone, Debug, Default)]
pub(super) struct Pieces(BTreeMap<u64, Piece>);

impl Pieces {
    /// Adds one where there is none.
    pub(super) fn add(&mut self, piece: Piece) {
        self.0.insert(piece.start, piece);
    }

    /// The piece that an address is in.
    pub(super) fn find(&self, addr: u64) -> Option<Piece> {
        let (_, piece) = self.0.range(..=addr).next_back()?;
        (addr < piece.end).then_some(*piece)
    }

    /// The first one.
    pub(super) fn first(&self) -> Option<Piece> {
        self.0.values().next().copied()
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Takes out what is between two addresses.
    pub(super) fn take(&mut self, start: u64, end: u64) -> Vec<Piece> {
        let mut taken = Vec::new();
        // It may begin in the middle of one.
        let first = self.find(start).map_or(start, |piece| piece.start);
        let keys: Vec<u64> = self
            .0
            .range(first..end.max(first))
            .map(|(at, _)| *at)
            .collect();
        for key in keys {
            let Some(piece) = self.0.remove(&key) else {
                continue;
            };
            if piece.start < start {
                self.add(piece.part(piece.start, start));
            }
            if piece.end > end {
                self.add(piece.part(end, piece.end));
            }
            taken.push(piece.part(piece.start.max(start), piece.end.min(end)));
        }
        taken
    }

    /// Moves what is between two addresses.
    pub(super) fn shift(&mut self, from: u64, to: u64, length: u64) {
        let moved = self.take(from, from + length);
        // Whatever was there has been unmapped.
        self.take(to, to + length);
        for piece in moved {
            self.add(Piece {
                start: piece.start - from + to,
                end: piece.end - from + to,
                ..piece
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: u64, end: u64, record: usize, at: u64) -> Piece {
        Piece {
            start,
            end,
            record,
            at,
        }
    }

    fn pieces() -> Pieces {
        let mut pieces = Pieces::default();
        pieces.add(piece(10, 20, 1, 0));
        pieces.add(piece(20, 30, 2, 100));
        pieces.add(piece(50, 60, 3, 0));
        pieces
    }

    fn all(pieces: &Pieces) -> Vec<Piece> {
        pieces.0.values().copied().collect()
    }

    #[test]
    fn finds() {
        let pieces = pieces();
        assert_eq!(pieces.find(9), None);
        assert_eq!(pieces.find(10), Some(piece(10, 20, 1, 0)));
        assert_eq!(pieces.find(29), Some(piece(20, 30, 2, 100)));
        assert_eq!(pieces.find(30), None);
        assert_eq!(pieces.first(), Some(piece(10, 20, 1, 0)));
    }

    #[test]
    fn takes() {
        let mut pieces = pieces();
        assert_eq!(pieces.take(30, 50), []);
        assert_eq!(
            pieces.take(15, 55),
            [
                piece(15, 20, 1, 5),
                piece(20, 30, 2, 100),
                piece(50, 55, 3, 0)
            ]
        );
        assert_eq!(all(&pieces), [piece(10, 15, 1, 0), piece(55, 60, 3, 5)]);
        assert_eq!(pieces.take(11, 12), [piece(11, 12, 1, 1)]);
        assert_eq!(
            all(&pieces),
            [
                piece(10, 11, 1, 0),
                piece(12, 15, 1, 2),
                piece(55, 60, 3, 5)
            ]
        );
        pieces.clear();
        assert_eq!(pieces.first(), None);
    }

    #[test]
    fn shifts() {
        let mut pieces = pieces();
        pieces.shift(15, 45, 10);
        assert_eq!(
            all(&pieces),
            [
                piece(10, 15, 1, 0),
                piece(25, 30, 2, 105),
                piece(45, 50, 1, 5),
                piece(50, 55, 2, 100),
                piece(55, 60, 3, 5)
            ]
        );
    }
}
