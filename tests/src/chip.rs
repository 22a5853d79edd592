//! The memory of a simulated card, as the card's own program shows it.

use crate::site::Site;
use serde_json::Value;
use std::path::Path;

/// What is on a card, keys included.
#[derive(Debug)]
pub struct Chip {
    /// Chip identity, hex.
    pub kdd: String,
    /// `blank`, or the life cycle of the MF.
    pub state: String,
    object: Value,
}

/// A key set: version number and its three keys, hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySet {
    /// Key version number.
    pub kvn: String,
    /// ENC, MAC, DEK.
    pub keys: [String; 3],
}

impl Chip {
    /// Reads a card file.
    #[must_use]
    pub fn read(site: &Site, file: &Path) -> Self {
        let object = site.sim(&["show", file.to_str().unwrap(), "--with-keys"]).done();
        let text = |name: &str| object[name].as_str().unwrap().to_owned();
        Self { kdd: text("kdd"), state: text("state"), object }
    }

    /// The card in `ejected` with this identity.
    #[must_use]
    pub fn ejected(site: &Site, kdd: &str) -> Self {
        let chip = Self::read(site, &site.path("ejected").join(format!("{kdd}.card")));
        assert_eq!(chip.kdd, kdd);
        chip
    }

    /// The file at a path of FIDs from the MF, such as `1001/0011`; the empty path is the MF.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&Value> {
        let steps = path.split('/').filter(|step| !step.is_empty());
        let mf = Some(&self.object["mf"]).filter(|mf| mf.is_object());
        steps.fold(mf, |folder, fid| folder?["files"].as_array()?.iter().find(|file| file["fid"] == fid))
    }

    /// The key sets of the MF (empty path) or of the DF with this FID.
    #[must_use]
    pub fn key_sets(&self, df: &str) -> Vec<KeySet> {
        let folder = if df.is_empty() { &self.object } else { self.file(df).unwrap_or(&Value::Null) };
        let sets = folder["key_sets"].as_array().map(Vec::as_slice).unwrap_or_default();
        sets.iter().map(KeySet::read).collect()
    }

    /// FIDs of the DFs below the MF, oldest first.
    #[must_use]
    pub fn folders(&self) -> Vec<&str> {
        let files = self.file("").and_then(|mf| mf["files"].as_array()).map(Vec::as_slice).unwrap_or_default();
        files.iter().filter(|file| file["kind"] == "df").map(|file| file["fid"].as_str().unwrap()).collect()
    }

    /// Every static key on the card.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let folders = std::iter::once("").chain(self.folders());
        folders.flat_map(|folder| self.key_sets(folder)).flat_map(|set| set.keys).collect()
    }
}

impl KeySet {
    fn read(set: &Value) -> Self {
        let keys = set["keys"].as_array().unwrap();
        let keys: Vec<String> = keys.iter().map(|key| key.as_str().unwrap().to_owned()).collect();
        Self { kvn: set["kvn"].as_str().unwrap().to_owned(), keys: keys.try_into().unwrap() }
    }
}
