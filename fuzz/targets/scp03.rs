//! See the module `scp03` of the properties.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuda_fuzz_properties::scp03::check(input));
