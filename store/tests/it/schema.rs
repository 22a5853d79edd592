//! Schemas: the future is refused, the past is migrated, changed migrations are found.

use fuda_store::{Error, Options, SchemaPolicy, SchemaVersion, Store};
use fuda_tests_cluster::{Engine, engine_here, on_both_engines};

use crate::{Fixture, Place, options};

fn doctor(store: &Store, sql: &'static str) {
    let done = store.run_tx_blocking("test.doctor", async move |tx| {
        sqlx::raw_sql(sql).execute(tx).await?;
        Ok::<_, Error>(())
    });
    done.unwrap();
}

fn the_applied_list_is_the_embedded_list(engine: Engine) {
    let fixture = Fixture::on(engine);
    let applied = fixture.store.applied_migrations().unwrap();
    let last = applied.last().map_or(SchemaVersion(0), |migration| migration.version);
    assert_eq!(last, SchemaVersion::known());
    assert!(applied.iter().all(|migration| (20_000_000_000_000..30_000_000_000_000).contains(&migration.version.0)));
}

fn a_newer_schema_is_refused_and_left_alone(engine: Engine) {
    let Fixture { place, store } = Fixture::on(engine);
    doctor(&store, "INSERT INTO schema_migration VALUES (29991231235959, 'future', '00', '2999-12-31T23:59:59.000Z')");
    drop(store);
    let error = Store::open_with(&place.url, &options()).unwrap_err();
    assert!(matches!(error, Error::NewerSchema { found: SchemaVersion(29_991_231_235_959), .. }), "{error}");
    assert_eq!((error.code(), error.exit()), ("STORE_SCHEMA_NEWER", 8));
}

fn a_changed_migration_is_refused(engine: Engine) {
    let Fixture { place, store } = Fixture::on(engine);
    doctor(&store, "UPDATE schema_migration SET checksum = 'ff'");
    drop(store);
    assert_eq!(Store::open_with(&place.url, &options()).unwrap_err().code(), "STORE_SCHEMA_CHANGED");
}

fn must_match_refuses_an_empty_database(engine: Engine) {
    let place = Place::on(engine);
    let strict = Options { schema: SchemaPolicy::MustMatch, ..options() };
    let error = Store::open_with(&place.url, &strict).unwrap_err();
    assert_eq!(error.code(), "STORE_SCHEMA_OLDER");
    drop(place.open());
    drop(Store::open_with(&place.url, &strict).unwrap());
}

fn openers_of_a_new_database_all_succeed(engine: Engine) {
    // Ten times, because they must meet at the moment in which the file gets its log.
    for _ in 0..10 {
        let place = Place::on(engine);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| drop(place.open()));
            }
        });
    }
}

/// Tables and columns in the order of their names.
fn columns(engine: Engine) -> Vec<(String, String)> {
    let place = Place::on(engine);
    let query = match engine {
        Engine::Sqlite => {
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY 1, 2"
        }
        Engine::Postgres => {
            "SELECT table_name::text COLLATE \"C\", column_name::text COLLATE \"C\" FROM information_schema.columns \
             WHERE table_schema = 'public' ORDER BY 1, 2"
        }
    };
    let read = place
        .open()
        .read_blocking("test.columns", async move |tx| Ok::<_, Error>(sqlx::query_as(query).fetch_all(tx).await?));
    read.unwrap()
}

#[test]
fn both_engines_have_the_same_tables_and_columns() {
    if engine_here(Engine::Postgres, "schema::both_engines_have_the_same_tables_and_columns").is_none() {
        return;
    }
    let (sqlite, postgres) = (columns(Engine::Sqlite), columns(Engine::Postgres));
    assert!(sqlite.len() > 60, "{sqlite:?}");
    assert_eq!(sqlite, postgres);
}

on_both_engines!(
    the_applied_list_is_the_embedded_list,
    a_newer_schema_is_refused_and_left_alone,
    a_changed_migration_is_refused,
    must_match_refuses_an_empty_database,
    openers_of_a_new_database_all_succeed
);
