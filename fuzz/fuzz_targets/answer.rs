#![no_main]

#[allow(dead_code, unreachable_pub, missing_docs)]
#[path = "../../tests/it/fuzzing/targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::answer(bytes));
