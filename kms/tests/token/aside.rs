//! Copies aside: what a kill in C_Login destroys is found again, as it was before.

use crate::site::{Site, site_test};
use std::path::PathBuf;

/// The one token's folder and its copies aside, oldest first: the one of the last login, and those before a change.
fn folders(site: &Site) -> (PathBuf, PathBuf, Vec<PathBuf>) {
    let token = std::fs::read_dir(site.path("tokens")).unwrap().next().unwrap().unwrap().path();
    let name = token.file_name().unwrap().to_str().unwrap();
    let entries = std::fs::read_dir(site.path("aside")).unwrap().map(|entry| entry.unwrap().path());
    let login = site.path("aside").join(format!("{name}.login"));
    let mut whole: Vec<_> = entries.filter(|path| *path != login).collect();
    whole.sort();
    (token, login, whole)
}

site_test! {
    fn a_token_object_that_a_kill_destroyed_is_in_the_copy_aside_and_nothing_overwrites_it(site) {
        site.init(&["issuer"]);
        assert!(site.fuda_kms(&["check"]).status.success());
        let (token, login, _) = folders(site);
        // SoftHSM truncates the file and writes it again; this is what a kill between the two leaves.
        std::fs::write(token.join("token.object"), "").unwrap();
        for _ in 0..2 {
            let output = site.fuda_kms(&["check", "--json"]);
            assert_eq!(output.status.code(), Some(7), "{output:?}");
        }
        std::fs::copy(login.join("token.object"), token.join("token.object")).unwrap();
        let output = site.fuda_kms(&["check"]);
        assert!(output.status.success(), "{output:?}");
    }
}

site_test! {
    fn before_every_change_the_whole_token_is_kept_and_the_last_three_stay(site) {
        for keys in [&["issuer"][..], &["issuer", "transport"], &["receipt"], &["ap/a"], &["ap/b"]] {
            site.init(keys);
        }
        let (token, _, whole) = folders(site);
        let objects = |folder: &PathBuf| std::fs::read_dir(folder).unwrap().filter(|entry| {
            entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".object")
        }).count();
        let counts: Vec<_> = whole.iter().map(objects).collect();
        // token.object and: two secret keys; these and a pair; these and ap/a.
        assert_eq!((counts, objects(&token)), (vec![3, 5, 6], 7));
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&whole[0]).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o700);
    }
}
