//! How long does a command through an open SCP03 channel take, both sides, and how much of it is cryptography?

#![allow(missing_docs, reason = "criterion's macros make a public function without words")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has nothing to say")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fuda_benches::scp03::{Bare, Pair};

fn exchange(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scp03.exchange");
    group.throughput(Throughput::Elements(2));
    let mut pair = Pair::open().unwrap();
    group.bench_function("host and card", |bencher| bencher.iter(|| pair.both().unwrap()));
    let mut bare = Bare::default();
    group.bench_function("bare AES and CMAC", |bencher| bencher.iter(|| bare.both()));
    group.finish();
}

criterion_group!(benches, exchange);
criterion_main!(benches);
