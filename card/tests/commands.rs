//! Typed commands: the bytes they make and what they read in an answer.

#[cfg(test)]
mod tests {
    use fuda_card::Error;
    use fuda_card::apdu::{Command, Response};
    use fuda_card::command::{
        BeginRMacSession, ComponentForm, DeleteKey, EfTarget, Exchange, GetCplc, GetSequenceCounter, KeyComponent, Pin,
        PinReference, PinStatus, Placement, PutKey, ReadBinary, ReadRecord, RecordNumber, Select, SelectAnswer,
        UpdateBinary, UpdateRecord, Verify, store_data_blocks,
    };
    use fuda_card::crypto::{AesKey, Kcv, KeyLength};
    use fuda_card::id::{DfName, Fid, Kvn, Sfi};
    use fuda_card::scp03::{Authenticated, Challenge, InitializeUpdate, Proved, SecurityLevel, StaticKeys};
    use fuda_card::status::StatusWord;

    fn bytes(text: &str) -> Vec<u8> {
        hex::decode(text.replace(' ', "")).unwrap()
    }

    /// The card of session `syn-perso-aes128-s8-33`, which proves itself.
    fn proved(level: SecurityLevel) -> (Proved, Command) {
        let key =
            |first: u8| AesKey::new(&std::array::from_fn::<u8, 16, _>(|n| first + u8::try_from(n).unwrap())).unwrap();
        let keys = StaticKeys::new(key(0x10), key(0x30), key(0x50));
        let host_challenge = Challenge::S8(bytes("1122334455667788").try_into().unwrap());
        let update = InitializeUpdate { kvn: Kvn::new(0x30), host_challenge };
        let answer = "00112233445566778899 300370 9b1fce535580192e d9e36087e3ca9234 000001";
        let initiated = update.answered(&Response::success(bytes(answer))).unwrap();
        let session_keys = keys.session_keys(&initiated.context());
        initiated.prove(session_keys, level).unwrap()
    }

    fn channel(level: SecurityLevel) -> Authenticated {
        proved(level).0.authenticated(&Response::status(StatusWord::SUCCESS)).unwrap()
    }

    fn encoded(exchange: &impl Exchange) -> String {
        hex::encode(exchange.command().encode().unwrap())
    }

    #[test]
    fn select_in_all_its_forms() {
        let name = DfName::mf();
        let cases = [
            (Select::mf(), "00a4000402 3f00 00"),
            (Select::ef(Fid::WEF_ATR).answering(SelectAnswer::Nothing), "00a4020c02 2f01"),
            (Select::parent().answering(SelectAnswer::Fci), "00a4030000"),
            (Select::df_name(&name).answering(SelectAnswer::Fci), "00a4040008 a000000151000000 00"),
            (Select::df_name(&name).next_occurrence(), "00a4040608 a000000151000000 00"),
            (Select::path_from_mf(&[Fid::new(0x1001), Fid::new(0x0011)]), "00a4080404 10010011 00"),
        ];
        for (select, expected) in cases {
            assert_eq!(encoded(&select), expected.replace(' ', ""));
        }
    }

    #[test]
    fn a_deactivated_file_is_selected_with_a_warning() {
        let response = Response { data: bytes("6203 8a0104"), sw: StatusWord::FILE_DEACTIVATED_WARNING };
        assert!(Select::mf().answer(&response).unwrap().is_some());
        let refused = Select::mf().answer(&Response::status(StatusWord::FILE_NOT_FOUND)).unwrap_err();
        assert_eq!(refused.status(), Some(StatusWord::FILE_NOT_FOUND));
    }

    #[test]
    fn binary_and_record_addresses() {
        let (proved, _) = proved(SecurityLevel::CMac);
        let sfi = EfTarget::Sfi(Sfi::new(0x1E).unwrap());
        assert_eq!(encoded(&ReadBinary::new(EfTarget::Current, 0x7FFF, 256).unwrap()), "00b07fff00");
        assert_eq!(encoded(&ReadBinary::new(sfi, 0x10, 12).unwrap()), "00b09e100c");
        assert!(matches!(ReadBinary::new(EfTarget::Current, 0x8000, 1), Err(Error::Parameter { .. })));
        assert!(matches!(ReadBinary::new(sfi, 0x100, 1), Err(Error::Parameter { .. })));
        let read = ReadBinary::new(EfTarget::Current, 0, 2).unwrap();
        assert_eq!(read.answer(&Response::success([1, 2, 3])), Ok(vec![1, 2]), "a card at T=0 does not see Le");
        let update = UpdateBinary::new(proved.proof(), sfi, 0, &[0xAA]).unwrap();
        assert_eq!(encoded(&update), "00d69e0001aa");
        let second = RecordNumber::new(2).unwrap();
        assert_eq!(encoded(&ReadRecord::new(sfi, second)), "00b202f400");
        let update = UpdateRecord::new(proved.proof(), EfTarget::Current, second, &[0xAA]);
        assert_eq!(encoded(&update), "00dc020401aa");
        assert!(RecordNumber::new(0).is_err() && RecordNumber::new(255).is_err());
    }

    fn keys() -> [KeyComponent; 3] {
        let wrapped = [
            ("fbf1414983a85217e5b144cdcc060e28", [0xEE, 0x72, 0xCB]),
            ("3ead8e975d02066a25593d281971209c", [0x49, 0xB6, 0xD5]),
            ("f9adb20a6d16fc9988e8343d19c974d6", [0xFB, 0x92, 0x92]),
        ];
        wrapped.map(|(ct, kcv)| KeyComponent::new(&bytes(ct), KeyLength::Aes128, Kcv::new(kcv)).unwrap())
    }

    #[test]
    fn put_key_in_both_spellings() {
        let (proved, _) = proved(SecurityLevel::CMac);
        let put = PutKey::new(proved.proof(), Placement::Replace(Kvn::new(0x30)), Kvn::new(0x31), keys());
        let long = "80d8308146 31 881110fbf1414983a85217e5b144cdcc060e28 03ee72cb 8811103ead8e975d02066a25593d281971209c \
                    0349b6d5 881110f9adb20a6d16fc9988e8343d19c974d6 03fb9292 00";
        assert_eq!(encoded(&put), long.replace(' ', ""));
        let short = put.in_form(ComponentForm::CiphertextOnly);
        assert!(encoded(&short).starts_with("80d8308143318810fbf1"));
    }

    #[test]
    fn put_key_compares_what_the_card_loaded() {
        let (proved, _) = proved(SecurityLevel::CMac);
        let put = PutKey::new(proved.proof(), Placement::Add, Kvn::new(0x31), keys());
        let answer = |text: &str| put.answer(&Response::success(bytes(text)));
        assert_eq!(answer("31 ee72cb 49b6d5 fb9292"), Ok(()));
        assert!(matches!(answer("31 ee72cb 49b6d4 fb9292"), Err(Error::KcvMismatch { kid: 2, .. })));
        assert!(matches!(answer("30 ee72cb 49b6d5 fb9292"), Err(Error::KvnMismatch { .. })));
        assert!(matches!(answer("31 ee72cb 49b6d5"), Err(Error::Answer { .. })));
        assert!(matches!(answer(""), Err(Error::Answer { .. })));
    }

    #[test]
    fn wrapped_keys_have_the_length_of_their_key() {
        let kcv = Kcv::new([0; 3]);
        assert!(KeyComponent::new(&[0; 32], KeyLength::Aes192, kcv).is_ok());
        assert!(KeyComponent::new(&[0; 24], KeyLength::Aes192, kcv).is_err());
        assert!(KeyComponent::new(&[0; 32], KeyLength::Aes128, kcv).is_err());
    }

    #[test]
    fn delete_key_takes_both_confirmations() {
        let (proved, _) = proved(SecurityLevel::CMac);
        let delete = DeleteKey::set(proved.proof(), Kvn::TRANSPORT);
        assert_eq!(encoded(&delete), "80e4000003d2013d");
        assert_eq!(delete.answer(&Response::success([])), Ok(()));
        assert_eq!(delete.answer(&Response::success([0x00])), Ok(()));
        assert!(delete.answer(&Response::success([0x01])).is_err());
    }

    #[test]
    fn store_data_numbers_its_blocks_and_marks_the_last() {
        let (proved, _) = proved(SecurityLevel::CMac);
        let blocks = store_data_blocks(proved.proof(), 0x08, &[0xAA; 5], 2).unwrap();
        let heads: Vec<String> = blocks.iter().map(|block| encoded(block)[..8].to_string()).collect();
        assert_eq!(heads, ["80e20800", "80e20801", "80e28802"]);
        assert!(store_data_blocks(proved.proof(), 0x08, &[0; 257], 1).is_err());
        assert!(store_data_blocks(proved.proof(), 0x08, &[0; 1], 0).is_err());
    }

    #[test]
    fn a_pin_tells_its_tries_and_nothing_else() {
        let verify = Verify::new(PinReference::OF_DF, Pin::new(b"1234").unwrap());
        assert_eq!(encoded(&verify), "002000810431323334");
        assert!(!format!("{verify:?}").contains("31"));
        let answer = |sw| verify.answer(&Response::status(StatusWord::from_u16(sw)));
        assert_eq!(answer(0x9000), Ok(PinStatus::Verified));
        assert_eq!(answer(0x63C2), Ok(PinStatus::TriesLeft(2)));
        assert_eq!((answer(0x63C0), answer(0x6983)), (Ok(PinStatus::Blocked), Ok(PinStatus::Blocked)));
        assert!(answer(0x6A88).is_err());
        assert!(Pin::new(b"123").is_err());
    }

    #[test]
    fn data_objects_are_read_with_and_without_their_tag() {
        let counter = |data: &str| GetSequenceCounter.answer(&Response::success(bytes(data))).unwrap().to_u32();
        assert_eq!((counter("c103000102"), counter("000102"), counter("0102")), (0x102, 0x102, 0x102));
        let cplc = [&[0x9F, 0x7F, 0x2A][..], &[0x11; 42]].concat();
        assert_eq!(GetCplc.answer(&Response::success(cplc)).unwrap().as_bytes(), &[0x11; 42]);
        assert!(GetCplc.answer(&Response::success([0x11; 41])).is_err());
    }

    #[test]
    fn a_channel_refuses_what_does_not_fit() {
        let level = SecurityLevel::CMacCEncRMacREnc;
        let command = |len| Command::new(0x00, 0xD6, 0, 0).with_data(vec![0; len]);
        let (_, wrapped) = channel(level).wrap(&command(239)).unwrap();
        assert_eq!(wrapped.data.len(), 248);
        assert!(matches!(channel(level).wrap(&command(240)), Err(Error::CommandTooLong { len: 240, max: 239 })));
        let (_, wrapped) = channel(level).wrap(&command(240).extended()).unwrap();
        assert_eq!(wrapped.encode().unwrap()[4..7], [0x00, 0x01, 0x08], "256 bytes of ciphertext and 8 of MAC");
        let far = Command::new(0x40, 0xD6, 0, 0);
        assert!(matches!(channel(level).wrap(&far), Err(Error::ClassNotSupported { cla: 0x40 })));
        let begin = BeginRMacSession::with_r_enc(&[]).command();
        assert!(matches!(channel(SecurityLevel::CMac).wrap(&begin), Err(Error::SecurityLevel { byte: 0x31 })));
    }

    #[test]
    fn without_secure_messaging_commands_go_as_they_are() {
        let command = Command::new(0x00, 0xB0, 0, 0).with_ne(16);
        let (sent, wrapped) = channel(SecurityLevel::None).wrap(&command).unwrap();
        assert_eq!(wrapped, command);
        let (_, plain) = sent.response(&Response::success([1, 2])).unwrap();
        assert_eq!(plain.data, [1, 2]);
    }
}
