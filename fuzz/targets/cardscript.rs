//! See the module `cardscript` of the properties.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuda_fuzz_properties::cardscript::check(input));
