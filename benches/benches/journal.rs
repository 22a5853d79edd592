//! How long does one encoder wait for the journal of a card, from intent to seal, when it is alone?

#![allow(missing_docs, reason = "criterion's macros make a public function without words")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

use criterion::{Criterion, criterion_group, criterion_main};
use fuda_benches::{journal::Desk, site};

fn begin_to_seal(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(site::report_folder().unwrap()).unwrap();
    let desk = Desk::open(folder.path()).unwrap();
    criterion.bench_function("store.begin_seal", |bencher| bencher.iter(|| desk.card().unwrap()));
}

criterion_group!(benches, begin_to_seal);
criterion_main!(benches);
