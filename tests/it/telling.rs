//! What a job tells to people: the live view while lines work, and the report after.

use fuda_tests::program::binary;
use fuda_tests::running::until;
use fuda_tests::{Order, Site};
use fuda_tests_cluster::{Engine, on_both_engines};
use serde_json::Value;
use std::path::Path;

fn watched(site: &Site) -> Value {
    site.factory(&["job", "watch", "T-1"]).done()
}

fn a_line_is_watched_from_another_process(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { spares: 2, ..Order::small(8) });
    site.blank("stack", 4);
    let _ = site.factory(&["job", "watch", "T-1"]).fails(5, "JOB_NOT_FOUND");
    let feeder = site.feeder("stack", 2, &["--latency", "20ms"]);
    let line = site.line(2, &[]);
    until("the line to show itself", || site.database().count("SELECT COUNT(*) FROM line_view") == 1);
    let mut seen = watched(&site);
    until("a card in an encoder", || {
        seen = watched(&site);
        seen["lines"][0]["encoders"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["step"] != "" && one["serial"] != ""))
    });
    let encoders = seen["lines"][0]["encoders"].as_array().unwrap();
    assert_eq!(encoders.len(), 2, "{seen}");
    let busy = encoders.iter().find(|encoder| encoder["serial"] != "").unwrap();
    assert_eq!(busy["state"], "works", "{seen}");
    assert!(busy["serial"].as_str().unwrap().starts_with("88104000"), "{seen}");
    assert_eq!(
        (&seen["job"], &seen["ordered"], &seen["lines"][0]["operator"]),
        (&"T-1".into(), &8.into(), &"tester".into())
    );
    // Nobody puts the other four in: both encoders wait, and have four good cards together.
    until("four good cards", || {
        seen = watched(&site);
        let encoders = seen["lines"][0]["encoders"].as_array().cloned().unwrap_or_default();
        encoders.iter().map(|encoder| encoder["good"].as_u64().unwrap()).sum::<u64>() == 4
    });
    assert_eq!((&seen["good"], &seen["unfilled"], &seen["state"]), (&4.into(), &4.into(), &"open".into()), "{seen}");
    assert!(seen["cards_per_hour"].as_f64().unwrap() > 0.0 && seen["seconds_left"].as_u64().is_some(), "{seen}");
    drop(feeder);
    line.signal(rustix::process::Signal::TERM);
    let _ = line.wait().exits(3);
    assert_eq!(watched(&site)["lines"], Value::Array(Vec::new()), "a line that ended takes its view away");
}

fn a_watcher_that_is_no_terminal_gets_lines_until_the_job_is_over(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { spares: 2, ..Order::small(2) });
    site.blank("stack", 1);
    let feeder = site.feeder("stack", 1, &["--latency", "5ms"]);
    let _ = site.line(1, &["--limit", "1"]).wait().exits(3);
    let _ = feeder.wait().done();
    let watcher = site.start(&binary("fuda-factory"), &["job", "watch", "T-1"]);
    // One chip that the line refuses, and one that becomes a card.
    site.blank("more", 1);
    let feeder = site.feeder("more", 1, &[]);
    let _ = site.line(1, &[]).wait().done();
    let _ = feeder.wait().done();
    let ended = watcher.wait().exits(0);
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].contains("open: 1 of 2 good"), "{ended}");
    assert!(lines.last().unwrap().contains("complete: 2 of 2 good"), "{ended}");
    assert!(!ended.stdout.contains('\x1B'), "{ended}");
}

#[test]
fn a_line_that_was_killed_is_silent_and_its_view_goes_with_the_next() {
    let site = Site::new();
    site.order(&Order::small(2));
    site.blank("stack", 2);
    let line = site.line(1, &[]);
    until("the line to show itself", || site.database().count("SELECT COUNT(*) FROM line_view") == 1);
    let _ = line.kill();
    let long_ago = "UPDATE line_view SET at = '2026-01-01T00:00:00.000Z'";
    assert_eq!(site.database().change(long_ago), 1);
    let seen = watched(&site);
    assert_eq!(seen["lines"][0]["is_silent"], true, "{seen}");
    assert_eq!((&seen["cards_per_hour"], &seen["seconds_left"]), (&0.0.into(), &Value::Null));
    let feeder = site.feeder("stack", 1, &[]);
    let _ = site.line(1, &[]).wait().done();
    let _ = feeder.wait().done();
    assert_eq!(site.database().count("SELECT COUNT(*) FROM line_view"), 0);
}

fn a_report_tells_a_job_in_both_languages(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order { spares: 3, ..Order::small(4) });
    site.blank("stack", 5);
    let feeder = site.feeder("stack", 2, &["--fault", "2/ins=D8#2:mac"]);
    let _ = site.line(2, &[]).wait().done();
    drop(feeder);
    let numbers = site.database().column("SELECT printed FROM card WHERE state = 'sealed' ORDER BY position");
    site.write("scanned.txt", &(numbers[..2].join("\n") + "\n"));
    let _ = site.factory(&["pack", "T-1", "--carton", "C-1", "--size", "2", "--from", "scanned.txt"]).done();
    let delivery = site.deliver("T-1", "out");
    let told = site.factory(&["job", "report", "T-1", "--out", "report"]).done();
    let names = ["report.md", "report.html", "time-per-card.svg", "rejects.svg", "rate.svg"];
    assert_eq!(told["files"], serde_json::json!(names));
    let read = |folder: &str, name: &str| std::fs::read_to_string(site.path(folder).join(name)).unwrap();
    let (text, page) = (read("report", "report.md"), read("report", "report.html"));
    let chain = site.database().column("SELECT chain_sha256 FROM job").remove(0).to_lowercase();
    let code = site.database().column("SELECT code FROM reject").remove(0);
    for expected in
        ["4 ordered = 4 good + 0 still to come", "5 fed = 4 good + 1 rejected + 0 samples + 0 unknown", &chain, "C-1"]
    {
        assert!(text.contains(expected) && page.contains(expected), "{expected}\n{text}");
    }
    assert!(page.contains(&code) && text.contains(&code.replace('_', "\\_")), "{text}");
    let manifest = std::fs::read(delivery.folder.join("manifest.json")).unwrap();
    let manifest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(manifest));
    assert!(page.contains(&manifest), "the delivery is named by its manifest");
    // The page stands alone, and its charts have the numbers of the job.
    assert_eq!(page.matches("<svg ").count(), 3);
    for outside in ["http://", "https://", "<script", "<link", "url("] {
        assert!(!page.replace("http://www.w3.org/2000/svg", "").contains(outside), "{outside}");
    }
    for name in &names[2..] {
        well_formed(&site.path("report").join(name));
    }
    assert!(text.contains("![Time per card](time-per-card.svg)"), "{text}");
    // Again, over the old one, in Japanese.
    let _ = site.factory(&["job", "report", "T-1", "--out", "report", "--lang", "ja"]).done();
    let page = read("report", "report.html");
    for expected in ["<html lang=\"ja\">", "製造報告書 T-1", "発注 4 = 良品 4 + 未製造 0", "理由別の不良", &chain]
    {
        assert!(page.contains(expected), "{expected}");
    }
    assert!(!page.contains("Time per card") && !page.contains("Rejects by reason"));
    // A journal that other hands changed is not reported.
    assert_eq!(site.database().change("UPDATE journal SET detail = 'x' WHERE seq = 1"), 1);
    let _ = site.factory(&["job", "report", "T-1", "--out", "other"]).fails(6, "JOURNAL_CHAIN_BROKEN");
    assert!(!site.path("other").exists());
    let _ = site.factory(&["job", "report", "T-9", "--out", "other"]).fails(5, "JOB_NOT_FOUND");
}

fn a_job_without_cards_has_a_report_too(engine: Engine) {
    let site = Site::on(engine);
    site.order(&Order::small(1));
    let spec = format!("vpcd:{}", site.address(1));
    let _ = site.factory(&["run", "order.toml", "--encoders", &spec, "--no-progress", "--idle", "1s"]).exits(3);
    let _ = site.factory(&["job", "report", "T-1", "--out", "report"]).done();
    let text = std::fs::read_to_string(site.path("report/report.md")).unwrap();
    assert!(text.contains("No card is good yet.") && text.contains("No chip was rejected."), "{text}");
    site.write("file", "");
    let _ = site.factory(&["job", "report", "T-1", "--out", "file"]).fails(8, "REPORT_IO");
}

/// Every element of a picture is closed, and nothing in it is no number where one must be.
fn well_formed(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut open = Vec::new();
    for tag in text.split('<').skip(1) {
        let inside = tag.split('>').next().unwrap();
        let name: String = inside.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if inside.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "{}", path.display());
        } else if !inside.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty() && !text.contains("NaN") && !text.contains("inf"), "{}", path.display());
}

on_both_engines!(
    a_line_is_watched_from_another_process,
    a_watcher_that_is_no_terminal_gets_lines_until_the_job_is_over,
    a_report_tells_a_job_in_both_languages,
    a_job_without_cards_has_a_report_too,
);
