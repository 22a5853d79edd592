//! An order, key by key.
//!
//! ```toml
//! order = "2026-0417-A"       # number; names job and folders
//! profile = "membership-4ap"  # product profile
//! stages = [0, 1]             # [0], [1] or [0, 1]
//! quantity = 1000             # good cards, 1 to 1000000
//! spares = 30                 # serials for rejected cards, 0 to 1000000
//! lot = "L2604A"              # at most 16 characters
//! [serial]                    # counter: first, check; file: path, check; scan: check
//! source = "counter"
//! first = "8810400000001"
//! check = "luhn"
//! [keys]                      # "ap/ticket" = the ACTIVE version, "ap/ticket@1" = that one
//! transport = "transport"
//! "ap/ticket" = "ap/ticket@1"
//! [line]                      # all optional
//! stop_after = 5
//! ```

use std::path::{Component, Path};

use fuda_cli::{Failure, Source};
use toml::de::DeTable;

use super::fields::{Fields, Located};
use super::form::Form;
use super::serial::{COUNTER_DIGITS_MAX, enough, exhausted};
use super::{CheckDigit, KeyPlan, LineRules, Lot, Order, OrderId, ProfileName, SerialRule, Stages, list};

/// Most cards in one order (and most spares): more is several orders, because a job is accounted for as a whole.
pub const QUANTITY_MAX: u32 = 1_000_000;

const KEYS: [&str; 9] = ["order", "profile", "stages", "quantity", "spares", "lot", "serial", "keys", "line"];
const SERIAL_KEYS: [&str; 4] = ["source", "first", "path", "check"];
const SOURCES: &str = "\"counter\", \"file\" or \"scan\"";
const CHECKS: &str = "\"luhn\" or \"none\"";
const STAGES: &str = "[0], [1] or [0, 1]";

pub(super) fn parse(source: Source) -> Result<Order, Failure> {
    let form = Form::of(&source);
    let document = DeTable::parse(&form.toml).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let what = error.message().lines().collect::<Vec<_>>().join("; ");
        Failure::input(&source, offset, what, "see the commented example in `examples/`")
    })?;
    let fields = Fields::new(&source, document.get_ref(), 0, "", &KEYS)?;
    let id = fields.named("order", OrderId::ALLOWED, OrderId::new)?;
    let profile = fields.named("profile", ProfileName::ALLOWED, ProfileName::new)?;
    let (stages, stages_offset) = stages(&fields)?;
    let quantity = fields.required_integer("quantity", 1..=QUANTITY_MAX)?;
    let spares = fields.required_integer("spares", 0..=QUANTITY_MAX)?;
    let lot = fields.named("lot", Lot::ALLOWED, Lot::new)?;
    let serials = Serials { source: &source, form: &form, needed: quantity + spares };
    let serial = serials.parse(fields.table("serial")?)?;
    let keys = KeyPlan::parse(&source, fields.table("keys")?)?;
    let line = match fields.optional_table("line")? {
        None => LineRules::default(),
        Some(table) => LineRules::parse(&Fields::new(&source, table.value, table.offset, "line.", &LineRules::KEYS)?)?,
    };
    Ok(Order { id, profile, stages, quantity, spares, lot, serial, keys, line, stages_offset, source })
}

fn stages(fields: &Fields<'_>) -> Result<(Stages, usize), Failure> {
    let numbers = fields.numbers("stages", STAGES)?;
    let stages = match numbers.value.as_deref() {
        Some([0]) => Stages::Zeroth,
        Some([1]) => Stages::First,
        Some([0, 1]) => Stages::Both,
        _ => return Err(fields.wrong(numbers.offset, "stages", "is another list", STAGES)),
    };
    Ok((stages, numbers.offset))
}

/// `[serial]` and what it must be enough for.
struct Serials<'a> {
    source: &'a Source,
    form: &'a Form,
    needed: u32,
}

impl Serials<'_> {
    fn parse(&self, table: Located<&DeTable<'_>>) -> Result<SerialRule, Failure> {
        let fields = Fields::new(self.source, table.value, table.offset, "serial.", &SERIAL_KEYS)?;
        let kind = fields.required_text("source", SOURCES)?;
        let check = match fields.text("check", CHECKS)? {
            None => None,
            Some(text) => Some(match text.value {
                "luhn" => CheckDigit::Luhn,
                "none" => CheckDigit::None,
                other => return Err(fields.wrong(text.offset, "check", format_args!("is {other:?}"), CHECKS)),
            }),
        };
        match kind.value {
            "counter" => self.counter(&fields, check),
            "file" => self.file(&fields, check),
            "scan" => {
                self.refuse(&fields, &["first", "path"], "scan")?;
                self.refuse_rows("scan")?;
                Ok(SerialRule::Scan { check })
            }
            other => Err(fields.wrong(kind.offset, "source", format_args!("is {other:?}"), SOURCES)),
        }
    }

    fn counter(&self, fields: &Fields<'_>, check: Option<CheckDigit>) -> Result<SerialRule, Failure> {
        self.refuse(fields, &["path"], "counter")?;
        self.refuse_rows("counter")?;
        let allowed = format!("1 to {COUNTER_DIGITS_MAX} digits in quotes, without the check digit");
        let first = fields.required_text("first", allowed.as_str())?;
        let fits =
            (1..=COUNTER_DIGITS_MAX).contains(&first.value.len()) && first.value.bytes().all(|b| b.is_ascii_digit());
        let number = first.value.parse::<u128>().ok().filter(|_| fits);
        let number = number
            .ok_or_else(|| fields.wrong(first.offset, "first", format_args!("is {:?}", first.value), &allowed))?;
        let check = check.ok_or_else(|| fields.missing("check", CHECKS))?;
        let digits = first.value.len();
        let behind = 10_u128.pow(u32::try_from(digits).unwrap_or(u32::MAX));
        if number + u128::from(self.needed) > behind {
            let what = format!(
                "`serial.first` leaves {} numbers of {digits} digits, the order takes {} (quantity and spares)",
                behind - number,
                self.needed
            );
            return Err(exhausted(self.source, first.offset, what));
        }
        Ok(SerialRule::Counter { first: number, digits, check })
    }

    fn file(&self, fields: &Fields<'_>, check: Option<CheckDigit>) -> Result<SerialRule, Failure> {
        self.refuse(fields, &["first"], "file")?;
        if let Some(begin) = self.form.rows {
            self.refuse(fields, &["path"], "the rows of the order itself")?;
            let rows = list::read(self.source, begin, check)?;
            enough(self.source, self.source.text().len(), rows.len(), self.needed)?;
            return Ok(SerialRule::Rows(rows));
        }
        let allowed = "a file beside the order, such as \"serials.csv\"";
        let path = fields.required_text("path", allowed)?;
        let inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        if path.value.is_empty() || !inside(Path::new(path.value)) {
            return Err(fields.wrong(path.offset, "path", format_args!("is {:?}", path.value), allowed));
        }
        Ok(SerialRule::File { path: path.value.into(), check, offset: path.offset })
    }

    fn refuse(&self, fields: &Fields<'_>, keys: &[&str], with: &str) -> Result<(), Failure> {
        for key in keys {
            if let Some(text) = fields.text(key, "nothing here")? {
                let what = format!("`serial.{key}` has no meaning with {with}");
                return Err(Failure::input(self.source, text.offset, what, format!("remove {key}")));
            }
        }
        Ok(())
    }

    /// Rows below a header that does not ask for them would be ignored in silence.
    fn refuse_rows(&self, kind: &str) -> Result<(), Failure> {
        let Some(begin) = self.form.rows.filter(|begin| *begin < self.source.text().len()) else { return Ok(()) };
        let what = format!("there are rows, but the serials come from the {kind}");
        Err(Failure::input(self.source, begin, what, "remove the rows or say source = \"file\""))
    }
}
