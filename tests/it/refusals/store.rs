//! A store that is gone, damaged or of another time: exit 8, and the job goes on when it is back.

use super::site;
use fuda_tests::{Order, Site, agree};

#[test]
fn a_store_that_cannot_be_used_is_named() {
    let site = site();
    let good = site.database().bytes();
    site.edit("fuda.toml", "sqlite:factory.db", "sqlite:gone/factory.db");
    let failure = site.line(1, &[]).wait().fails(8, "STORE_GONE");
    assert!(failure.what.contains("gone"), "{failure:?}");
    site.edit("fuda.toml", "sqlite:gone/factory.db", "sqlite:factory.db");

    site.database().replace("no database ".repeat(1000).as_bytes());
    let _ = site.line(1, &[]).wait().fails(8, "STORE_DAMAGED");
    site.database().replace(&good);
    let newer = "INSERT INTO schema_migration SELECT 29991231235959, 'from the future', checksum, applied_at FROM schema_migration LIMIT 1";
    assert_eq!(site.database().change(newer), 1);
    let failure = site.line(1, &[]).wait().fails(8, "STORE_SCHEMA_NEWER");
    assert!(failure.what.contains("29991231235959"), "{failure:?}");
}

#[test]
fn a_store_that_vanishes_during_a_run_stops_it_and_the_job_goes_on_when_it_is_back() {
    let site = Site::new();
    std::fs::create_dir(site.path("disk")).unwrap();
    std::fs::rename(site.path("factory.db"), site.path("disk/factory.db")).unwrap();
    site.edit("fuda.toml", "sqlite:factory.db", "sqlite:disk/factory.db");
    site.order(&Order::small(4));
    site.blank("stack", 4);
    let feeder = site.feeder("stack", 1, &["--latency", "2ms"]);
    let line = site.line(1, &[]);
    site.until_ejected(1);
    std::fs::rename(site.path("disk"), site.path("unmounted")).unwrap();
    let ended = line.wait();
    assert_eq!(ended.status.code(), Some(8), "{ended}");
    std::fs::rename(site.path("unmounted"), site.path("disk")).unwrap();

    assert_eq!(site.line(1, &[]).wait().done()["good"], 4);
    let _ = feeder.wait().done();
    std::os::unix::fs::symlink(site.path("disk/factory.db"), site.path("factory.db")).unwrap();
    let _ = agree::everything(&site, "T-1", &site.deliver("T-1", "T-1"));
}
