//! An order file as text, so that a test can say what it differs in.

/// An order with counters for serials and the newest keys.
#[derive(Debug, Clone)]
pub struct Order {
    /// Order number.
    pub id: String,
    /// Product profile.
    pub profile: String,
    /// Stages, as in the file.
    pub stages: String,
    /// Good cards ordered.
    pub quantity: u32,
    /// Serials beyond them.
    pub spares: u32,
    /// First serial, 13 digits without the check digit.
    pub first: u64,
    /// Keys by name, each by its own name.
    pub keys: Vec<String>,
    /// Lines below `[line]`.
    pub line: String,
}

/// The AP keys of `membership-4ap`, in the order of their names.
pub const AP_KEYS: [&str; 4] = ["ap/library", "ap/parking", "ap/points", "ap/ticket"];

impl Order {
    /// `quantity` cards of `membership-4ap`, both stages, with as many spares.
    #[must_use]
    pub fn of(quantity: u32) -> Self {
        let keys = ["transport", "issuer"].iter().chain(&AP_KEYS).map(|&key| key.to_owned()).collect();
        Self {
            id: "T-1".to_owned(),
            profile: "membership-4ap".to_owned(),
            stages: "[0, 1]".to_owned(),
            quantity,
            spares: quantity,
            first: 8_810_400_000_001,
            keys,
            line: "audit_every = 4\nstop_after = 5\nquarantine_after = 3".to_owned(),
        }
    }

    /// The same of `membership-1ap`, which is quicker.
    #[must_use]
    pub fn small(quantity: u32) -> Self {
        let keys = ["transport", "issuer", "ap/ticket"].map(str::to_owned).to_vec();
        Self { profile: "membership-1ap".to_owned(), keys, ..Self::of(quantity) }
    }

    /// `quantity` cards of a profile with keys only, both stages, with as many spares.
    #[must_use]
    pub fn domain(quantity: u32) -> Self {
        let keys = ["transport", "issuer"].map(str::to_owned).to_vec();
        Self { profile: "gp-isd".to_owned(), keys, ..Self::of(quantity) }
    }

    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { id, profile, stages, quantity, spares, first, keys, line } = self;
        let keys: String = keys.iter().map(|key| format!("\"{key}\" = \"{key}\"\n")).collect();
        format!(
            "order = \"{id}\"\nprofile = \"{profile}\"\nstages = {stages}\nquantity = {quantity}\nspares = {spares}\nlot = \"T\"\n\
             [serial]\nsource = \"counter\"\nfirst = \"{first:013}\"\ncheck = \"luhn\"\n[keys]\n{keys}[line]\n{line}\n"
        )
    }
}
