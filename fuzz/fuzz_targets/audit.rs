#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| bot_bottle::egress::fuzzed::audit(data));
