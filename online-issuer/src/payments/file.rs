//! A bank's file: CSV with the header `event,reference,amount,currency`, each row money that came in.

use super::{PaymentEvent, PaymentKind, Source};
use crate::table_file::{self, Row};
use fuda_cli::Failure;
use fuda_issuance::delivery::CsvEncoding;
use std::path::Path;

/// The header.
const COLUMNS: [&str; 4] = ["event", "reference", "amount", "currency"];

/// Reads a file: for each row its line, and the payment or what is wrong with it.
///
/// # Errors
/// `INPUT_UNREADABLE` and `INPUT_INVALID` (exit 5) for a file that is no such table.
pub fn read(path: &Path, encoding: CsvEncoding) -> Result<Vec<Row<PaymentEvent>>, Failure> {
    table_file::read(path, encoding, COLUMNS, |[event, reference, amount, currency]| {
        let amount = amount.parse().map_err(|_| "the amount is no whole number".to_owned())?;
        PaymentEvent::new(Source::File, event, (PaymentKind::Paid, reference), (amount, currency))
            .map_err(|error| error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8], encoding: CsvEncoding) -> Result<Vec<Row<PaymentEvent>>, Failure> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        read(file.path(), encoding)
    }

    #[test]
    fn rows_that_are_payments_are_read_and_the_others_named_by_line() {
        let rows = rows(
            b"event,reference,amount,currency\nB1, 123 ,1000,JPY\nB2,x,ten,JPY\nB3,x\n,x,1,JPY\n",
            CsvEncoding::Utf8,
        )
        .unwrap();
        assert_eq!(rows[0].1.as_ref().map(|event| (event.reference.as_str(), event.amount)), Ok(("123", 1000)));
        let wrong: Vec<_> = rows[1..].iter().map(|(line, row)| (*line, row.is_err())).collect();
        assert_eq!(wrong, [(3, true), (4, true), (5, true)]);
    }

    #[test]
    fn a_file_of_another_encoding_or_header_is_refused() {
        let kana = "event,reference,amount,currency\nB1,ﾔﾏﾀﾞ,1000,JPY\n";
        let cp932 = CsvEncoding::Cp932.encode(kana).unwrap();
        assert_eq!(rows(&cp932, CsvEncoding::Cp932).unwrap()[0].1.as_ref().unwrap().reference, "ﾔﾏﾀﾞ");
        assert_eq!(rows(&cp932, CsvEncoding::Utf8).unwrap_err().code, "INPUT_UNREADABLE");
        assert_eq!(rows(b"id,amount\n", CsvEncoding::Utf8).unwrap_err().code, "INPUT_INVALID");
    }
}
