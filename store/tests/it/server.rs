//! A server as it is found: its settings, its databases, who may do what; and what of it is told.

use fuda_store::{DurabilityPolicy, Error, Keeps, Options, SchemaPolicy, Store};
use fuda_tests_cluster::{Cluster, Engine, Syncs, engine_here};

use crate::{Fixture, options};

#[test]
fn a_server_that_does_not_sync_is_refused_by_name_unless_it_is_to_be_thrown_away() {
    if engine_here(Engine::Postgres, "server::a_server_that_does_not_sync_is_refused_by_name").is_none() {
        return;
    }
    let fixture = Fixture::on(Engine::Postgres);
    let refused = Store::open(&fixture.place.url).unwrap_err();
    assert!(matches!(&refused, Error::NotDurable { setting: "fsync", found, wanted: "on" } if found == "off"));
    assert_eq!((refused.code(), refused.exit()), ("STORE_NOT_DURABLE", 8), "{refused}");
    let told = fixture.store.durability();
    assert_eq!(told.keeps, Keeps::Nothing);
    assert!(told.to_string().starts_with("PostgreSQL 1"), "{told}");
    assert!(told.to_string().contains("fsync=off") && told.to_string().contains("THROW-AWAY"), "{told}");
}

#[test]
fn a_server_that_syncs_is_taken_and_asynchronous_commits_of_a_role_are_overruled() {
    if engine_here(Engine::Postgres, "server::a_server_that_syncs_is_taken").is_none() {
        return;
    }
    let cluster = Cluster::start(Syncs::Yes).unwrap();
    let database = cluster.database();
    cluster.administer("ALTER ROLE fuda SET synchronous_commit = off");
    let migrate = Options { schema: SchemaPolicy::Migrate, ..Options::default() };
    let store = Store::open_with(&database.url(), &migrate).unwrap();
    let told = store.durability().to_string();
    assert!(told.contains(", fsync=on, synchronous_commit=on, full_page_writes=on, wal_sync_method="), "{told}");
    assert_eq!(store.durability().keeps, Keeps::WhatItAcknowledged);
    assert!(store.file().is_none() && store.place().starts_with("postgres://fuda@/"), "{}", store.place());
}

#[test]
fn what_is_not_there_or_not_permitted_is_named_without_a_password() {
    if engine_here(Engine::Postgres, "server::what_is_not_there_or_not_permitted").is_none() {
        return;
    }
    let cluster = Cluster::of_this_binary().unwrap();
    let url = cluster.database().url();
    let socket = cluster.folder().display().to_string();
    let with_password = url.replace("fuda@", "fuda:s3cret@");
    for (url, code) in [
        (with_password.replace(&socket, "/nowhere"), "STORE_UNREACHABLE"),
        (format!("postgres://fuda:s3cret@/nobody_made_it?host={socket}&port=5432"), "STORE_GONE"),
        (with_password.replace("fuda:", "stranger:"), "STORE_DENIED"),
        (with_password.replace("port=5432", "prot=5432"), "STORE_URL"),
    ] {
        let error = Store::open_with(&url, &options()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    assert!(!format!("{:?}", Store::open_with(&with_password, &options()).unwrap()).contains("s3cret"));
}

#[test]
fn a_role_that_may_only_read_is_denied_by_name() {
    if engine_here(Engine::Postgres, "server::a_role_that_may_only_read").is_none() {
        return;
    }
    let fixture = Fixture::on(Engine::Postgres);
    let cluster = Cluster::of_this_binary().unwrap();
    cluster.administer("CREATE ROLE reader LOGIN");
    let theirs = fixture.place.url.replace("fuda@", "reader@");
    let strict = Options { durability: DurabilityPolicy::ThrowAway, ..Options::default() };
    let error = Store::open_with(&theirs, &strict).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("STORE_DENIED", 8), "{error}");
}
