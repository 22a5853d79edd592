//! Two processes on one file: the second waits, and is told clearly when it waited too long.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fuda_store::{Error, Options, Store};

use crate::{Fixture, ids, insert, url};

const CHILD_URL: &str = "FUDA_STORE_TEST_HOLDER_URL";

/// The child: holds the write lock until its standard input ends. Does nothing as an ordinary test.
#[test]
fn child_holds_the_write_lock() {
    let Ok(url) = std::env::var(CHILD_URL) else { return };
    let store = Store::open(&url).unwrap();
    let held = store.run_tx_blocking("test.hold", async |tx| {
        sqlx::query("INSERT INTO note (id, body) VALUES (1, 'child')").execute(tx).await?;
        println!("\nholding");
        let _ = std::io::stdin().lines().count();
        Ok::<_, Error>(())
    });
    held.unwrap();
}

#[test]
fn a_new_file_that_another_keeps_to_itself_is_waited_for_then_busy_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let other = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
    other.execute_batch("CREATE TABLE theirs (id BIGINT); BEGIN EXCLUSIVE").unwrap();
    let wait = Duration::from_millis(300);
    let impatient = Options { busy_timeout: wait, ..Options::default() };
    let began = Instant::now();
    let error = Store::open_with(&url(&dir), &impatient).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("STORE_BUSY", 8), "{error}");
    assert!(began.elapsed() >= wait, "{:?}", began.elapsed());
    other.execute_batch("COMMIT").unwrap();
    drop(other);
    let _ = Store::open_with(&url(&dir), &impatient).unwrap();
}

#[test]
fn the_second_process_waits_then_says_busy() {
    let fixture = Fixture::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["contention::child_holds_the_write_lock", "--exact", "--nocapture"])
        .env(CHILD_URL, url(&fixture.place.dir))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "holding"));

    let impatient = Options { busy_timeout: Duration::from_millis(100), ..Options::default() };
    // Opening needs the lock too, to look at the schema: it says the same.
    let error = Store::open_with(&url(&fixture.place.dir), &impatient).unwrap_err();
    assert_eq!((error.code(), error.exit()), ("STORE_BUSY", 8), "{error}");
    // Reading does not wait for the writer.
    assert!(ids(&fixture.store).is_empty());

    let patient = std::thread::spawn({
        let store = fixture.store.clone();
        move || insert(&store, 2, "parent")
    });
    std::thread::sleep(Duration::from_millis(150));
    assert!(!patient.is_finished());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"\n").unwrap();
    drop(stdin);
    patient.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(ids(&fixture.store), [1, 2]);
    // The child has closed the file meanwhile; ours is still the same one, log included.
    insert(&fixture.store, 3, "parent").unwrap();
    assert_eq!(ids(&Store::open(&url(&fixture.place.dir)).unwrap()), [1, 2, 3]);
}
