//! Properties: whatever a card sends, the parsers answer or refuse, and what they take they give back.

#[cfg(test)]
mod tests {
    use fuda_card::apdu::{Command, Response};
    use fuda_card::atr::Atr;
    use fuda_card::command::{CardData, Exchange, GetKeyInformation, Select};
    use fuda_card::fcp::Fcp;
    use fuda_card::personalisation::StageRecord;
    use fuda_card::profile::Profile;
    use fuda_card::scp03::InitializeUpdateResponse;
    use fuda_card::tlv::{Reader, Tlv};
    use proptest::collection::vec;
    use proptest::prelude::{any, proptest};

    fn walk(object: &Tlv<'_>) {
        if let Ok(children) = object.children() {
            children.filter_map(Result::ok).for_each(|child| walk(&child));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_a_parser(bytes in vec(any::<u8>(), 0..80)) {
            let _ = InitializeUpdateResponse::parse(&bytes);
            let _ = StageRecord::parse(&bytes);
            let _ = Atr::inspect(&bytes);
            Reader::new(&bytes).filter_map(Result::ok).for_each(|object| walk(&object));
            let response = Response::success(bytes);
            let _ = GetKeyInformation.answer(&response);
            let _ = CardData.answer(&response);
            let _ = Select::mf().answer(&response);
        }

        #[test]
        fn a_command_that_is_read_is_written_as_it_was(bytes in vec(any::<u8>(), 4..300)) {
            if let Ok(command) = Command::decode(&bytes) {
                assert_eq!(command.encode().unwrap(), bytes);
            }
        }

        #[test]
        fn control_parameters_survive_writing_and_reading(body in vec(any::<u8>(), 0..60)) {
            let template = [&[0x62, u8::try_from(body.len()).unwrap()], body.as_slice()].concat();
            if let Ok(fcp) = Fcp::parse(&template) {
                assert_eq!(Fcp::parse(&fcp.encode()).unwrap(), fcp);
            }
        }

        #[test]
        fn no_text_breaks_the_profile_parser(cut in 0usize..4000, junk in "[ -~\n]{0,12}") {
            let text = include_str!("../../profiles/membership-1ap.toml");
            let at = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
            let changed = [&text[..at], &junk, &text[at..]].concat();
            if let Err(error) = Profile::parse(&changed) {
                assert!(error.offset + error.length <= changed.len(), "{error:?}");
                assert!(!error.what.is_empty() && !error.remedy.is_empty());
            }
        }
    }
}
