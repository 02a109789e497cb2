//! The program `sillok`.

fn main() {}
