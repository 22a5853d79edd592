//! What the programs say about themselves: every `--help`, completions, and the shape of every error for a program.

use fuda_tests::program::binary;
use fuda_tests::{Ended, Site};
use std::fmt::Write;

const PROGRAMS: [&str; 5] = ["fuda-factory", "fuda-kms", "fuda-issuer", "fuda-card-sim", "fuda-terminal"];

fn run(site: &Site, program: &str, arguments: &[&str]) -> Ended {
    site.start(&binary(program), arguments).wait()
}

/// The help of a command and of all below it, as a tree walk finds them.
fn help(site: &Site, program: &str, path: &[&str], out: &mut String) {
    let ended = run(site, program, &[path, &["--help"]].concat()).exits(0);
    assert!(ended.stderr.is_empty(), "{ended}");
    let widest = ended.stdout.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    assert!(widest <= 120, "{program} {path:?}: a line of {widest} characters");
    writeln!(out, "━━ {program} {}\n{}", path.join(" "), ended.stdout).unwrap();
    for command in commands(&ended.stdout) {
        help(site, program, &[path, &[command]].concat(), out);
    }
}

fn commands(help: &str) -> Vec<&str> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect()
}

fn snapshot(program: &str) {
    let site = Site::bare();
    let mut text = String::new();
    help(&site, program, &[], &mut text);
    insta::assert_snapshot!(program, text);
}

#[test]
fn the_factorys_help_is_what_was_reviewed() {
    snapshot("fuda-factory");
}

#[test]
fn the_key_managers_help_is_what_was_reviewed() {
    snapshot("fuda-kms");
}

#[test]
fn the_issuers_help_is_what_was_reviewed() {
    snapshot("fuda-issuer");
}

#[test]
fn the_simulators_help_is_what_was_reviewed() {
    snapshot("fuda-card-sim");
}

#[test]
fn the_terminals_help_is_what_was_reviewed() {
    snapshot("fuda-terminal");
}

#[test]
fn completions_are_written_for_every_shell() {
    let site = Site::bare();
    for program in PROGRAMS {
        for shell in ["bash", "zsh", "fish"] {
            let ended = run(&site, program, &["completions", shell]).exits(0);
            assert!(ended.stdout.contains(program) && ended.stdout.lines().count() > 20, "{ended}");
        }
        let _ = run(&site, program, &["completions", "cobol"]).exits(2);
    }
}

#[test]
fn versions_name_the_program() {
    let site = Site::bare();
    for program in PROGRAMS {
        let ended = run(&site, program, &["--version"]).exits(0);
        assert!(ended.stdout.starts_with(&format!("{program} {}", env!("CARGO_PKG_VERSION"))), "{ended}");
    }
}

#[test]
fn usage_errors_exit_2_and_are_objects_for_a_program() {
    let site = Site::bare();
    for program in PROGRAMS {
        for wrong in [&["no-such-command"][..], &["--no-such-option"], &[]] {
            let ended = run(&site, program, &[wrong, &["--json"]].concat()).exits(2);
            let error = &ended.json()["error"];
            assert_eq!((&error["code"], &error["exit"]), (&"USAGE".into(), &2.into()), "{ended}");
            assert!(error["what"].as_str().is_some_and(|what| !what.is_empty()), "{ended}");
            assert!(!ended.stderr.is_empty(), "{ended}");
        }
        // Without --json nothing is printed for a program.
        assert!(run(&site, program, &["no-such-command"]).exits(2).stdout.is_empty());
    }
}

#[test]
fn failures_come_in_the_operators_language_with_the_same_code() {
    let site = Site::bare();
    let english = run(&site, "fuda-factory", &["job", "show", "T-1"]).exits(5);
    let japanese = run(&site, "fuda-factory", &["job", "show", "T-1", "--lang", "ja"]).exits(5);
    assert!(english.stderr.starts_with("error[JOB_NOT_FOUND]"), "{english}");
    assert!(japanese.stderr.starts_with("エラー[JOB_NOT_FOUND]") && japanese.stderr.contains("対処"), "{japanese}");
    let object = site.factory(&["job", "show", "T-1", "--lang", "ja"]).exits(5).json();
    assert_eq!(object["error"]["code"], "JOB_NOT_FOUND");
}

#[test]
fn an_empty_site_lists_no_job() {
    let site = Site::bare();
    assert_eq!(site.factory(&["job", "list"]).done()["jobs"], serde_json::json!([]));
}
