//! File control parameters: one byte string for one meaning, and the card understands what the host writes.

use fuda_card::fcp::{Fcp, FileDescriptor};
use fuda_card_sim::fcp as card;

/// `parse ∘ encode` is the identity on what parses, `encode` is canonical, and host and card agree.
pub fn check(input: &[u8]) {
    let host = Fcp::parse(input);
    if let Ok(fcp) = &host {
        let canonical = fcp.encode();
        assert_eq!(Fcp::parse(&canonical).as_ref(), Ok(fcp));
        assert_eq!(Fcp::parse(&canonical).unwrap().encode(), canonical);
    }
    match card::Fcp::parse(input) {
        Ok(understood) => agree(&host.expect("the host reads what the card takes"), &understood),
        Err(error) => assert!(error.offset <= input.len(), "{error} of {} bytes", input.len()),
    }
}

fn agree(host: &Fcp, card: &card::Fcp) {
    assert_eq!(host.fid, Some(card.fid));
    assert_eq!(host.df_name, card.name);
    assert!(host.other.is_empty(), "the card takes no tag that the host does not know");
    let is_kept_whole =
        !matches!(host.descriptor, Some(FileDescriptor::Other { .. } | FileDescriptor::IefLinearVariable) | None);
    if is_kept_whole {
        assert_eq!(card::Fcp::parse(&host.encode()).as_ref(), Ok(card), "the canonical form means the same file");
    }
}
