//! How long does one durable transaction take on this disk?

#![allow(missing_docs, reason = "criterion's macros make a public function without words")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

use criterion::{Criterion, criterion_group, criterion_main};
use fuda_benches::{site, store};

fn commits(criterion: &mut Criterion) {
    let folder = tempfile::tempdir_in(site::report_folder().unwrap()).unwrap();
    let opened = store::open(folder.path()).unwrap();
    let mut numbers = 0..;
    criterion.bench_function("store.sqlite.commits", |bencher| {
        bencher.iter(|| store::commit(&opened, numbers.next().unwrap()).unwrap());
    });
}

criterion_group!(benches, commits);
criterion_main!(benches);
