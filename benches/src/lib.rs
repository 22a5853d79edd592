//! Benchmarks of the house and the report of their figures.
//!
//! `cargo xtask bench --quick` builds everything for release and runs the report ([`report`]); `cargo bench -p fuda-benches` asks
//! criterion the small questions one by one (`benches/benches/`, one file each). Every figure stands beside a bound that was measured in
//! the same run on the same machine: the ratio travels, the figure does not.
//!
//! | entry | value | bound |
//! |---|---|---|
//! | `hsm.softhsm.card`, `hsm.kryoptic.card` | whole cards a second through [`fuda_kms::Hsm`], one worker | the same PKCS#11 calls made bare ([`bare`]) |
//! | `pipeline.softhsm.w1`, `.w2`, `pipeline.kryoptic.w1`, `pipeline.postgres.w1` | cards a second of the real line: 8 encoders, 1 or 2 workers, synchronous=FULL | the smaller of as many bare processes and cores ÷ CPU time of all stages alone |
//! | `cpu.*` | CPU time of one stage of one card, alone | none: they make the second term above |
//! | `hsm.softhsm.keys_10000` | whole cards a second with ten thousand keys in the token (only `--full`) | the same with the few that a card needs |
//! | `rss.cards_10000`, `rss.cards_100000` | megabytes of the largest process of the line after so many cards (only `--full`) | 32 MB: what is allowed |
//! | `store.sqlite.commits`, `store.postgres.commits` | commits a second of one caller | `fdatasync`s a second of a bare file beside it |
//! | `store.begin_seal` | cards a second through the journal, 8 callers | callers × commits ÷ transactions of a card |
//! | `online.wss.sqlite`, `online.wss.postgres`, `online.post.sqlite` | activations a second of the real centre, 64 terminals in a closed loop | the smallest of commits ÷ commits of one, the workers alone, and cores ÷ CPU time of the parts alone |
//! | `online.p99_ms` | what 99 of 100 members wait for the centre at most, at 70 % of that | 50 ms: what is aimed at |
//! | `online.held_growth_ms` | how much longer a card is held with 200 ms each way to the centre (only `--full`) | 20 ms: what is allowed |
//! | `online.idle_session_bytes` | memory of a session that waits (only `--full`) | 30 KB: what is aimed at |
//! | `scp03.exchange` | µs for one command and its response, both sides | AES and CMAC of the same bytes with expanded keys |
//! | `card_sim.apdu` | APDUs a second of one simulated card behind a socket | none |

pub mod bare;
pub mod cpu;
pub mod dialogue;
pub mod doing;
pub mod hsm;
pub mod journal;
pub mod line;
pub mod long;
pub mod machine;
pub mod maker;
pub mod many_keys;
pub mod memory;
pub mod online;
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
