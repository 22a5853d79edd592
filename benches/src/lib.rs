//! Benchmarks of the house and the report of their figures.
//!
//! `cargo xtask bench --quick` builds everything for release and runs the report ([`report`]); `cargo bench -p fuda-benches` asks
//! criterion the small questions one by one (`benches/benches/`, one file each). Every figure stands beside a bound that was measured in
//! the same run on the same machine: the ratio travels, the figure does not.
//!
//! | entry | value | bound |
//! |---|---|---|
//! | `hsm.softhsm.card` | whole cards a second through [`fuda_kms::Hsm`], one worker | the same PKCS#11 calls made bare ([`bare`]) |
//! | `pipeline.softhsm.w1`, `.w2` | cards a second of the real line: 8 encoders, 1 or 2 workers, synchronous=FULL | the smaller of as many bare processes and cores ÷ CPU time of all stages alone |
//! | `cpu.*` | CPU time of one stage of one card, alone | none: they make the second term above |
//! | `hsm.softhsm.keys_10000` | whole cards a second with ten thousand keys in the token (only `--full`) | the same with the few that a card needs |
//! | `rss.cards_10000`, `rss.cards_100000` | megabytes of the largest process of the line after so many cards (only `--full`) | 32 MB: what is allowed |
//! | `store.commits` | commits a second of one caller | `fdatasync`s a second of a bare file beside it |
//! | `store.begin_seal` | cards a second through the journal, 8 callers | callers × commits ÷ transactions of a card |
//! | `scp03.exchange` | µs for one command and its response, both sides | AES and CMAC of the same bytes with expanded keys |
//! | `card_sim.apdu` | APDUs a second of one simulated card behind a socket | none |

pub mod bare;
pub mod cpu;
pub mod dialogue;
pub mod doing;
pub mod hsm;
pub mod journal;
pub mod line;
pub mod machine;
pub mod many_keys;
pub mod memory;
pub mod pipeline;
pub mod ports;
pub mod product;
pub mod report;
pub mod request;
pub mod rounds;
pub mod scp03;
pub mod site;
pub mod stages;
pub mod store;
pub mod vpcd;
