//! Why a session does not go on: a stable code, who can help, whether the same order may be tried again, and what a person is told.
//!
//! The texts say what to do and whether the money is safe. They never quote what was sent.

/// A reason that ends a session, or refuses a message of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The body is no message of the protocol.
    MessageInvalid,
    /// Another body was answered under the same session and number.
    MessageConflict,
    /// The number is not the next one, or nothing of the kind is expected now.
    MessageOutOfTurn,
    /// There is no such session.
    SessionUnknown,
    /// The session has ended.
    SessionEnded,
    /// The script that was the answer is resolved and was deleted.
    AnswerDeleted,
    /// The result names a script that its session was not given, or another than its last.
    ScriptForeign,
    /// The script was overtaken by another contact with the card.
    ScriptOvertaken,
    /// The purpose is not served.
    PurposeNotServed,
    /// No order has this token.
    OrderUnknown,
    /// The order claimed no card yet.
    OrderUnclaimed,
    /// The fee is not confirmed.
    OrderUnpaid,
    /// The order is cancelled, refunded or expired.
    OrderClosed,
    /// Sessions for the order were opened again and again, and no card proved itself in them.
    OrderTries,
    /// The order's content is not what its job was made from.
    OrderChanged,
    /// The card is on hold.
    CardOnHold,
    /// The card is blocked.
    CardBlocked,
    /// The application on the card is in use already.
    ApplicationInUse,
    /// Another card than the order's was in the reader.
    CardOther,
    /// The card's cryptogram is wrong.
    CardUnproved,
    /// The card's counter is one that the true card has passed.
    CardCopied,
    /// The card refuses what a card of this kind must do.
    CardUnfit,
    /// The card has no key set that the centre has the key of.
    CardKeyless,
    /// The card proved itself so often for one job that something is wrong.
    CardTries,
    /// The card was lost in the middle; the next contact asks it how far it came.
    ContactLost,
    /// The person stopped it.
    ContactCancelled,
    /// More requests than the node takes.
    CentreBusy,
    /// The node stops.
    CentreStopping,
    /// The HSM cannot be worked with.
    CentreHsm,
    /// The store cannot be worked with.
    CentreStore,
    /// The centre's own fault.
    CentreFault,
}

/// Who can do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The person with the card.
    Member,
    /// The terminal's program.
    Terminal,
    /// Nobody: the card must be exchanged.
    Card,
    /// The service centre.
    Centre,
}

/// Whether the same order may be tried again in a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// At once, or when the cause is gone.
    Yes,
    /// It would end the same way.
    No,
}

/// What a refusal means to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Stable code.
    pub code: &'static str,
    /// Status of an HTTP answer.
    pub http: u16,
    /// Who can help.
    pub who: Who,
    /// Whether to try again.
    pub again: Again,
    /// What a person is told, in English.
    pub en: &'static str,
    /// The same in Japanese.
    pub ja: &'static str,
}

impl Who {
    /// The word in a message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Terminal => "terminal",
            Self::Card => "card",
            Self::Centre => "centre",
        }
    }
}

impl Refusal {
    /// Every one.
    pub const ALL: [Self; 31] = [
        Self::MessageInvalid,
        Self::MessageConflict,
        Self::MessageOutOfTurn,
        Self::SessionUnknown,
        Self::SessionEnded,
        Self::AnswerDeleted,
        Self::ScriptForeign,
        Self::ScriptOvertaken,
        Self::PurposeNotServed,
        Self::OrderUnknown,
        Self::OrderUnclaimed,
        Self::OrderUnpaid,
        Self::OrderClosed,
        Self::OrderTries,
        Self::OrderChanged,
        Self::CardOnHold,
        Self::CardBlocked,
        Self::ApplicationInUse,
        Self::CardOther,
        Self::CardUnproved,
        Self::CardCopied,
        Self::CardUnfit,
        Self::CardKeyless,
        Self::CardTries,
        Self::ContactLost,
        Self::ContactCancelled,
        Self::CentreBusy,
        Self::CentreStopping,
        Self::CentreHsm,
        Self::CentreStore,
        Self::CentreFault,
    ];

    /// The refusal of a code.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.terms().code == code)
    }

    /// What it means, in one place.
    #[must_use]
    #[rustfmt::skip]
    pub const fn terms(self) -> Terms {
        use Again::{No, Yes};
        use Who::{Card, Centre, Member, Terminal};
        let (code, http, who, again, en, ja) = match self {
            Self::MessageInvalid => ("MESSAGE_INVALID", 400, Terminal, No,
                "The reader's program sent something that the service does not understand. Update it. Nothing was changed.",
                "端末プログラムの要求が正しくありません。更新してください。何も変更されていません。"),
            Self::MessageConflict => ("MESSAGE_CONFLICT", 409, Terminal, No,
                "The reader's program sent two different messages under one number. Start again.",
                "同じ番号で異なる要求が届きました。最初からやり直してください。"),
            Self::MessageOutOfTurn => ("MESSAGE_OUT_OF_TURN", 409, Terminal, No,
                "The reader's program sent a message that is not its turn. Start again.",
                "要求の順序が正しくありません。最初からやり直してください。"),
            Self::SessionUnknown => ("SESSION_UNKNOWN", 404, Terminal, Yes,
                "The service does not know the session. Start again; what was paid stays paid.",
                "このセッションは見つかりません。最初からやり直してください。お支払いは有効です。"),
            Self::SessionEnded => ("SESSION_ENDED", 409, Terminal, Yes,
                "The session has ended. Start again; what was paid stays paid.",
                "このセッションは終了しています。最初からやり直してください。お支払いは有効です。"),
            Self::AnswerDeleted => ("ANSWER_DELETED", 410, Terminal, Yes,
                "The answer was deleted after its work was done. Start again to see the result.",
                "処理が完了したため応答は削除されました。結果は再度接続して確認してください。"),
            Self::ScriptForeign => ("SCRIPT_FOREIGN", 409, Terminal, No,
                "The result is not of the commands that the session was given. Start again.",
                "このセッションの処理結果ではありません。最初からやり直してください。"),
            Self::ScriptOvertaken => ("SCRIPT_OVERTAKEN", 409, Member, Yes,
                "The card was used elsewhere in the meantime. Start again; what was paid stays paid.",
                "カードが他の端末で使用されました。最初からやり直してください。お支払いは有効です。"),
            Self::PurposeNotServed => ("PURPOSE_NOT_SERVED", 422, Terminal, No,
                "The service does not do this yet. Nothing was changed.",
                "この手続きにはまだ対応していません。何も変更されていません。"),
            Self::OrderUnknown => ("ORDER_NOT_FOUND", 404, Member, No,
                "There is no such order. Check the number that you were given.",
                "ご注文が見つかりません。番号をご確認ください。"),
            Self::OrderUnclaimed => ("ORDER_NOT_CLAIMED", 409, Member, Yes,
                "No card belongs to this order yet. Enter the activation code of your card first.",
                "ご注文にカードが登録されていません。先に有効化コードを入力してください。"),
            Self::OrderUnpaid => ("ORDER_UNPAID", 402, Member, Yes,
                "The fee is not confirmed yet. Try again when it is.",
                "お支払いが確認できていません。確認後に再度お試しください。"),
            Self::OrderClosed => ("ORDER_CLOSED", 410, Member, No,
                "This order is closed. Ask the inquiry desk.",
                "このご注文は終了しています。お問い合わせください。"),
            Self::OrderTries => ("ORDER_TRIES", 429, Member, Yes,
                "This order was tried too often without its card. Try again in an hour; what was paid stays paid.",
                "カードのないまま試行回数が上限に達しました。一時間後に再度お試しください。お支払いは有効です。"),
            Self::OrderChanged => ("ORDER_CONTENT_CHANGED", 409, Centre, No,
                "The order was changed after its work began. Ask the inquiry desk; what was paid stays paid.",
                "手続きの開始後にご注文が変更されました。お問い合わせください。お支払いは有効です。"),
            Self::CardOnHold => ("CARD_ON_HOLD", 403, Centre, Yes,
                "This card is on hold. Ask the inquiry desk; what was paid stays paid.",
                "このカードは利用停止中です。お問い合わせください。お支払いは有効です。"),
            Self::CardBlocked => ("CARD_BLOCKED", 403, Card, No,
                "This card is blocked. Ask the inquiry desk; what was paid stays paid.",
                "このカードは使用できません。お問い合わせください。お支払いは有効です。"),
            Self::ApplicationInUse => ("APPLICATION_IN_USE", 409, Card, No,
                "This service is in use on the card already. Nothing was written; ask the inquiry desk.",
                "このサービスは既にカードで利用中です。書き込みは行われていません。"),
            Self::CardOther => ("CARD_OTHER", 409, Member, Yes,
                "This is not the card of the order. Put the right one in; nothing was written.",
                "ご注文のカードではありません。正しいカードを置いてください。書き込みは行われていません。"),
            Self::CardUnproved => ("CARD_UNPROVED", 403, Card, No,
                "The card could not prove that it is genuine. Nothing was written; what was paid stays paid.",
                "カードの認証に失敗しました。書き込みは行われていません。お支払いは有効です。"),
            Self::CardCopied => ("CARD_COPIED", 403, Card, No,
                "This card is not the one that the service knows. It is blocked; ask the inquiry desk.",
                "このカードは登録されたものと異なるため停止しました。お問い合わせください。"),
            Self::CardUnfit => ("CARD_UNFIT", 409, Card, No,
                "The card does not do what it must. Ask for another one; what was paid stays paid.",
                "カードが正しく動作しません。交換をお申し出ください。お支払いは有効です。"),
            Self::CardKeyless => ("CARD_KEYLESS", 409, Centre, No,
                "The service has no key of this card. Ask the inquiry desk; what was paid stays paid.",
                "このカードの鍵がありません。お問い合わせください。お支払いは有効です。"),
            Self::CardTries => ("CARD_TRIES", 429, Centre, No,
                "The card was tried too often. Ask the inquiry desk; what was paid stays paid.",
                "試行回数が上限に達しました。お問い合わせください。お支払いは有効です。"),
            Self::ContactLost => ("CONTACT_LOST", 409, Member, Yes,
                "The card was lost in the middle. Put it in again; the work goes on where it stopped, and what was paid stays paid.",
                "カードとの通信が途切れました。もう一度置くと続きから再開します。お支払いは有効です。"),
            Self::ContactCancelled => ("CONTACT_CANCELLED", 409, Member, Yes,
                "It was stopped. Put the card in again to go on; what was paid stays paid.",
                "中止されました。カードを置くと続きから再開します。お支払いは有効です。"),
            Self::CentreBusy => ("CENTRE_BUSY", 503, Centre, Yes,
                "The service is busy. Try again in a minute; what was paid stays paid.",
                "混み合っています。しばらくしてから再度お試しください。お支払いは有効です。"),
            Self::CentreStopping => ("CENTRE_STOPPING", 503, Centre, Yes,
                "The service is being restarted. Try again in a minute; what was paid stays paid.",
                "サービスを再起動しています。しばらくしてから再度お試しください。お支払いは有効です。"),
            Self::CentreHsm => ("CENTRE_HSM", 503, Centre, Yes,
                "The service has a fault. Try again later; what was paid stays paid.",
                "サービスに障害が発生しています。後ほど再度お試しください。お支払いは有効です。"),
            Self::CentreStore => ("CENTRE_STORE", 503, Centre, Yes,
                "The service has a fault. Try again later; what was paid stays paid.",
                "サービスに障害が発生しています。後ほど再度お試しください。お支払いは有効です。"),
            Self::CentreFault => ("CENTRE_FAULT", 500, Centre, No,
                "The service made a mistake. Ask the inquiry desk; what was paid stays paid.",
                "サービスに問題が発生しました。お問い合わせください。お支払いは有効です。"),
        };
        Terms { code, http, who, again, en, ja }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_refusal_has_a_code_of_its_own_and_texts_that_fit() {
        let codes: BTreeSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.terms().code).collect();
        assert_eq!(codes.len(), Refusal::ALL.len());
        for refusal in Refusal::ALL {
            let Terms { en, ja, http, .. } = refusal.terms();
            assert!(
                en.chars().count() <= 400 && ja.chars().count() <= 400 && (400..600).contains(&http),
                "{refusal:?}"
            );
        }
    }
}
