//! Wrapped keys as files: one JSON object per key and KEK, durable before the key itself enters the token.

use crate::error::Error;
use crate::hex_text::AnyHex;
use crate::name::KeyVersion;
use crate::wire::Named;
use serde::Deserialize;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The format's name.
const FORMAT: &str = "fuda-kw-1";

/// What is read of a file.
#[derive(Deserialize)]
struct Written {
    format: String,
    key: Named,
    kek: Named,
    blob: AnyHex,
}

fn name(key: &KeyVersion, kek: &KeyVersion) -> String {
    format!("{key}.{kek}.kw.json").replace('/', "-")
}

/// Reads the blob of `key` under `kek`; none when there is no such file.
pub(crate) fn read(folder: &Path, key: &KeyVersion, kek: &KeyVersion) -> Result<Option<Vec<u8>>, Error> {
    let path = folder.join(name(key, kek));
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { path, source }),
    };
    let written = serde_json::from_slice::<Written>(&bytes).ok();
    let fits = |written: &Written| written.format == FORMAT && written.key.0 == *key && written.kek.0 == *kek;
    match written.filter(fits) {
        Some(written) => Ok(Some(written.blob.0)),
        None => Err(Error::File {
            path,
            source: std::io::Error::new(ErrorKind::InvalidData, "it is not the blob of its name"),
        }),
    }
}

/// Writes `blob`, which is `key` under `kek` by AES key wrap (RFC 3394), and says where. An earlier file of an unfinished birth is replaced.
pub(crate) fn write(folder: &Path, key: &KeyVersion, kek: &KeyVersion, blob: &[u8]) -> Result<PathBuf, Error> {
    let name = name(key, kek);
    let (path, fresh) = (folder.join(&name), folder.join(format!("{name}.new")));
    let object = json!({
        "format": FORMAT,
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
