//! Wrapped keys as files: one JSON object per key and KEK, durable before the key itself enters the token.

use crate::error::Error;
use crate::name::KeyVersion;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes `blob`, which is `key` under `kek` by AES key wrap (RFC 3394), and says where. An earlier file of an unfinished birth is replaced.
pub(crate) fn write(folder: &Path, key: &KeyVersion, kek: &KeyVersion, blob: &[u8]) -> Result<PathBuf, Error> {
    let name = format!("{key}.{kek}.kw.json").replace('/', "-");
    let (path, fresh) = (folder.join(&name), folder.join(format!("{name}.new")));
    let object = json!({
        "format": "fuda-kw-1",
        "key": key.to_string(),
        "kek": kek.to_string(),
        "algorithm": "AES-KW (RFC 3394)",
        "blob": hex::encode(blob),
    });
    let written = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        writeln!(file, "{object}")?;
        file.sync_all()?;
        std::fs::rename(&fresh, &path)?;
        // The name must survive a power cut as the content does.
        File::open(folder)?.sync_all()
    };
    written().map_err(|source| Error::File { path: path.clone(), source })?;
    Ok(path)
}
