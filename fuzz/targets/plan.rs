//! Feeds `tessera_hostile::documents::plan`; what it tests is said there.
#![no_main]

libfuzzer_sys::fuzz_target!(
    init: tessera_hostile::abort_on_panics_of_ours(),
    |data: &[u8]| tessera_hostile::documents::plan(data)
);
