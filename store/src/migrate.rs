//! Migrations: one list of timestamped files for the whole house, applied in order inside one transaction.
//!
//! The files of `store/migrations/` are embedded at build time (`sqlx::migrate!`); this module runs them itself, because two processes that
//! open a new database at the same moment must not both apply a migration, and one from the future must be refused by name. A file of the
//! same name in `store/migrations/postgres/` takes the place of the other on that engine.

use std::fmt;

use sqlx::migrate::Migration;
use sqlx::{Row, query, query_scalar, raw_sql};

use crate::clock::{Clock, stored};
use crate::engine::Engine;
use crate::scope::Scope;
use crate::{Conn, Error, Options};

static EMBEDDED: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");
static FOR_POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("./migrations/postgres");

/// The timestamp of a migration, `YYYYMMDDHHMMSS`; the newest one names the schema. 0 is the empty schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaVersion(pub i64);

impl SchemaVersion {
    /// The schema that this program carries.
    #[must_use]
    pub fn known() -> Self {
        newest(&EMBEDDED.migrations)
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// A row of the table of applied migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedMigration {
    /// Its timestamp.
    pub version: SchemaVersion,
    /// The rest of its file name.
    pub subject: String,
    /// When it was applied, as [`crate::clock::stored`] writes it.
    pub applied_at: String,
    checksum: String,
}

/// Brings the connected database to the schema of this program, or says why not.
pub(crate) async fn migrate(conn: &mut Conn, engine: &Engine, options: &Options) -> Result<(), Error> {
    let list = texts(engine);
    if engine.may_migrate(options.schema) {
        apply(conn, engine, &list, &*options.clock).await
    } else {
        compare(conn, engine, &list).await
    }
}

/// The migrations as an engine reads them.
fn texts(engine: &Engine) -> Vec<Migration> {
    let other = |version| FOR_POSTGRES.migrations.iter().find(|own| own.version == version);
    let choose = |common: &Migration| match engine {
        Engine::Sqlite(_) => common.clone(),
        Engine::Postgres(_) => other(common.version).unwrap_or(common).clone(),
    };
    EMBEDDED.migrations.iter().map(choose).collect()
}

/// What was applied to the connected database, oldest first.
pub(crate) async fn applied(conn: &mut Conn) -> Result<Vec<AppliedMigration>, Error> {
    let rows = query(
        "/* schema.applied */ SELECT version, subject, checksum, applied_at FROM schema_migration ORDER BY version",
    )
    .fetch_all(&mut *conn)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(AppliedMigration {
                version: SchemaVersion(row.try_get(0)?),
                subject: row.try_get(1)?,
                checksum: row.try_get(2)?,
                applied_at: row.try_get(3)?,
            })
        })
        .collect()
}

async fn apply(conn: &mut Conn, engine: &Engine, list: &[Migration], clock: &dyn Clock) -> Result<(), Error> {
    // The store's lock is taken before looking, so a second process waits here and then finds everything done.
    let begun = engine.begin(conn, &Scope::Store, None).await;
    let done = match begun {
        Ok(()) => apply_locked(conn, list, clock).await,
        Err(error) => Err(error),
    };
    let end = if done.is_ok() { "COMMIT" } else { "ROLLBACK" };
    let ended = raw_sql(end).execute(&mut *conn).await;
    done?;
    ended?;
    Ok(())
}

async fn apply_locked(conn: &mut Conn, list: &[Migration], clock: &dyn Clock) -> Result<(), Error> {
    raw_sql(
        "CREATE TABLE IF NOT EXISTS schema_migration (
            version    BIGINT PRIMARY KEY,  -- YYYYMMDDHHMMSS of the file name
            subject    TEXT NOT NULL,       -- rest of the file name
            checksum   TEXT NOT NULL,       -- SHA-384 of the file, hex
            applied_at TEXT NOT NULL        -- UTC
        )",
    )
    .execute(&mut *conn)
    .await?;
    for migration in missing(&applied(conn).await?, list)? {
        let version = SchemaVersion(migration.version);
        let failed = |error: sqlx::Error| Error::Migration { version, source: Box::new(error.into()) };
        raw_sql(migration.sql.clone()).execute(&mut *conn).await.map_err(failed)?;
        query("/* schema.record */ INSERT INTO schema_migration (version, subject, checksum, applied_at) VALUES ($1, $2, $3, $4)")
            .bind(migration.version)
            .bind(migration.description.to_string())
            .bind(hex(&migration.checksum))
            .bind(stored(clock.now()))
            .execute(&mut *conn)
            .await
            .map_err(failed)?;
        tracing::info!(schema = migration.version, subject = %migration.description, "store migrated");
    }
    Ok(())
}

/// Refuses a database that is not of this program's schema; changes nothing and waits for nobody.
async fn compare(conn: &mut Conn, engine: &Engine, list: &[Migration]) -> Result<(), Error> {
    let tables: i64 = query_scalar(engine.count_schema_tables()).fetch_one(&mut *conn).await?;
    let applied = if tables == 0 { Vec::new() } else { applied(conn).await? };
    match missing(&applied, list)?.first() {
        None => Ok(()),
        Some(migration) => Err(Error::OlderSchema { missing: SchemaVersion(migration.version) }),
    }
}

/// What of the list is not applied; an error when something else is.
fn missing<'l>(applied: &[AppliedMigration], list: &'l [Migration]) -> Result<Vec<&'l Migration>, Error> {
    for row in applied {
        match list.iter().find(|migration| migration.version == row.version.0) {
            None => return Err(Error::NewerSchema { found: row.version, known: newest(list) }),
            Some(migration) if hex(&migration.checksum) != row.checksum => {
                return Err(Error::ChangedMigration { version: row.version });
            }
            Some(_) => {}
        }
    }
    Ok(list.iter().filter(|migration| applied.iter().all(|row| row.version.0 != migration.version)).collect())
}

fn newest(list: &[Migration]) -> SchemaVersion {
    SchemaVersion(list.iter().map(|migration| migration.version).max().unwrap_or(0))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use sqlx::SqlSafeStr;
    use sqlx::migrate::MigrationType;

    use super::*;
    use crate::SystemClock;
    use crate::engine::Role;
    use crate::location::Location;

    fn migration(version: i64, sql: &'static str) -> Migration {
        Migration::new(version, "test".into(), MigrationType::Simple, sql.into_sql_str(), false)
    }

    /// Applies each list in turn to one new file and returns the versions that are then applied, or the first error.
    fn apply_all(lists: &[Vec<Migration>]) -> Result<Vec<i64>, (Error, Vec<i64>)> {
        let dir = tempfile::tempdir().unwrap();
        let location = Location::parse(&format!("sqlite:{}/x.db", dir.path().display())).unwrap();
        let engine = Engine::new(location, &Options::default()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut conn = engine.connect(Role::Writer).await.unwrap().0;
            let mut outcome = Ok(());
            for list in lists {
                outcome = outcome.and(apply(&mut conn, &engine, list, &SystemClock).await);
            }
            let versions = applied(&mut conn).await.unwrap().iter().map(|row| row.version.0).collect::<Vec<_>>();
            outcome.map(|()| versions.clone()).map_err(|error| (error, versions))
        })
    }

    #[test]
    fn an_older_file_gets_what_it_lacks_and_late_comers_too() {
        let (a, b, c) =
            (migration(1, "CREATE TABLE a (x BIGINT)"), migration(2, "CREATE TABLE b (x BIGINT)"), migration(3, ""));
        let applied = apply_all(&[vec![b.clone()], vec![b.clone()], vec![a, b, c]]);
        assert_eq!(applied.unwrap(), [1, 2, 3]);
    }

    #[test]
    fn a_failing_migration_leaves_the_schema_as_it_was() {
        let good = migration(1, "CREATE TABLE a (x BIGINT)");
        let bad = migration(2, "CREATE TABLE b (x BIGINT); CREATE TABLE a (y BIGINT)");
        let (error, versions) = apply_all(&[vec![good.clone()], vec![good, bad]]).unwrap_err();
        assert!(matches!(error, Error::Migration { version: SchemaVersion(2), .. }), "{error}");
        assert_eq!(versions, [1]);
    }

    #[test]
    fn a_text_for_postgres_only_takes_the_place_of_a_common_one() {
        let common: Vec<i64> = EMBEDDED.migrations.iter().map(|migration| migration.version).collect();
        assert!(FOR_POSTGRES.migrations.iter().all(|own| common.contains(&own.version)));
    }
}
