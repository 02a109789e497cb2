//! Merkle trees and inclusion proofs as in RFC 6962, section 2.1 (RFC 9162 keeps them), over SHA-256.

use crate::digest::sha256;

const LEAF: u8 = 0x00;
const NODE: u8 = 0x01;

fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[NODE], left, right])
}

/// The largest power of two smaller than `size`, which is at least 2: where a tree is divided.
fn split(size: usize) -> usize {
    1 << (size - 1).ilog2()
}

/// The hash of a leaf: SHA-256 of 0x00 and its bytes.
pub fn leaf_hash(bytes: &[u8]) -> [u8; 32] {
    sha256(&[&[LEAF], bytes])
}

/// The root of the tree over these leaf hashes; of no leaves, the SHA-256 of nothing.
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// The inclusion proof of the leaf at `index`, from the leaf's sibling up to the root's child; empty where there is no
/// such leaf.
pub fn path(leaves: &[[u8; 32]], index: usize) -> Vec<[u8; 32]> {
    if index >= leaves.len() || leaves.len() < 2 {
        return Vec::new();
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut nodes, sibling) = if index < middle {
        (path(left, index), root(right))
    } else {
        (path(right, index - middle), root(left))
    };
    nodes.push(sibling);
    nodes
}

/// Whether `path` leads from the leaf hash `leaf` at `index` of a tree of `size` leaves to `root`, by the algorithm of
/// RFC 9162, section 2.1.3.2.
pub fn verify(leaf: &[u8; 32], index: u64, size: u64, path: &[[u8; 32]], root: &[u8; 32]) -> bool {
    if index >= size {
        return false;
    }
    let (mut position, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            hash = node_hash(sibling, &hash);
            while position & 1 == 0 && position != 0 {
                position >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        position >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use proptest::prelude::*;

    use super::*;

    /// The leaves of the test tree that Certificate Transparency's implementations share.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    /// The roots of that tree's first 0 to 8 leaves.
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn known_leaves() -> Vec<[u8; 32]> {
        LEAVES.iter().map(|leaf| leaf_hash(&hex::decode(leaf).unwrap())).collect()
    }

    #[test]
    fn known_roots() {
        let leaves = known_leaves();
        for (size, expected) in ROOTS.iter().enumerate() {
            assert_eq!(hex::encode(root(&leaves[..size])), *expected, "{size} leaves");
        }
    }

    #[test]
    fn known_path() {
        let nodes: Vec<_> = path(&known_leaves(), 5).iter().map(hex::encode).collect();
        assert_eq!(
            nodes,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        );
    }

    #[test]
    fn there_is_no_path_beyond_the_tree() {
        assert!(path(&[], 0).is_empty());
        assert!(path(&known_leaves(), 8).is_empty());
        assert!(!verify(&[0; 32], 0, 0, &[], &root(&[])));
    }

    proptest! {
        #[test]
        fn every_path_verifies_and_no_changed_one_does(
            leaves in proptest::collection::vec(any::<[u8; 32]>(), 1..70),
            pick in any::<proptest::sample::Index>(),
            bit in 0usize..256,
        ) {
            let (size, index) = (leaves.len() as u64, pick.index(leaves.len()));
            let (top, nodes, leaf) = (root(&leaves), path(&leaves, index), leaves[index]);
            prop_assert!(verify(&leaf, index as u64, size, &nodes, &top));

            let flipped = |mut hash: [u8; 32]| { hash[bit / 8] ^= 1 << (bit % 8); hash };
            prop_assert!(!verify(&flipped(leaf), index as u64, size, &nodes, &top));
            prop_assert!(!verify(&leaf, index as u64, size, &nodes, &flipped(top)));
            prop_assert!(!verify(&leaf, size + index as u64, size, &nodes, &top));
            for place in 0..nodes.len() {
                let mut changed = nodes.clone();
                changed[place] = flipped(changed[place]);
                prop_assert!(!verify(&leaf, index as u64, size, &changed, &top));
            }
            let mut longer = nodes.clone();
            longer.push([0; 32]);
            prop_assert!(!verify(&leaf, index as u64, size, &longer, &top));
            prop_assert!(nodes.is_empty() || !verify(&leaf, index as u64, size, &nodes[1..], &top));
        }

        #[test]
        fn verify_never_panics(
            index in any::<u64>(), size in any::<u64>(),
            nodes in proptest::collection::vec(any::<[u8; 32]>(), 0..80),
        ) {
            prop_assert!(!verify(&[1; 32], index, size, &nodes, &[2; 32]) );
        }
    }
}
