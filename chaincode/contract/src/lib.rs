//! The rules: entries, Merkle trees, registry and batches, over a Ledger trait.
