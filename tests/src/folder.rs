//! Folders as a whole.

use std::path::Path;

/// Copies what is in a folder into another, which must exist.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            if !target.exists() {
                std::fs::create_dir(&target).unwrap();
            }
            copy_folder(&entry.path(), &target);
        } else {
            // Takes the mode along: PIN and database are for their owner only.
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
