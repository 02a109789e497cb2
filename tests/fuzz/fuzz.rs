//! The fuzzer: libFuzzer's arguments; the target's name is in `SILLOK_FUZZ_TARGET`. See `run`.
#![no_main]

use std::{env, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use sillok_fuzz::Check;

static TARGET: LazyLock<Check> = LazyLock::new(|| {
    let name = env::var("SILLOK_FUZZ_TARGET").expect("SILLOK_FUZZ_TARGET names the target");
    sillok_fuzz::target(&name).expect("there is a target of this name")
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
