//! See the module `verdict` of the properties.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuda_fuzz_properties::verdict::check(input));
