//! What each failure of a session means to the person: cause, what to do, and whether the money is safe.
//!
//! `docs/TERMINAL.md` has the same table; a test holds them together.

use fuda_cli::Exit;
use fuda_cli::globals::Lang;

/// What became of what was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Money {
    /// Nothing was sent to a card: the order is as it was.
    Untouched,
    /// The card was asked, and the centre has not said what came of it. It asks the card itself at the next contact, and does nothing twice.
    Kept,
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Advice {
    pub(super) code: &'static str,
    pub(super) exit: Exit,
    pub(super) money: Money,
    /// Cause and what to do, in English.
    pub(super) en: (&'static str, &'static str),
    /// The same in Japanese.
    pub(super) ja: (&'static str, &'static str),
}

impl Money {
    /// The sentence for the person.
    #[must_use]
    pub const fn said(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Self::Untouched, Lang::En) => "Your payment is safe: no card was touched and the order is as it was.",
            (Self::Untouched, Lang::Ja) => "お支払いは安全です。カードには何も行われず、ご注文は元のままです。",
            (Self::Kept, Lang::En) => {
                "Your payment is safe: the centre asks the card what is on it and does nothing twice."
            }
            (Self::Kept, Lang::Ja) => {
                "お支払いは安全です。センターがカードの状態を確認し、二重に処理されることはありません。"
            }
        }
    }
}

impl Advice {
    pub(super) const fn said(&self, lang: Lang) -> (&'static str, &'static str) {
        match lang {
            Lang::En => self.en,
            Lang::Ja => self.ja,
        }
    }
}

const fn row(
    code: &'static str,
    exit: Exit,
    money: Money,
    en: (&'static str, &'static str),
    ja: (&'static str, &'static str),
) -> Advice {
    Advice { code, exit, money, en, ja }
}

/// Every failure that a session can end with, but for those that the centre names itself.
pub(super) const TABLE: [Advice; 13] = [
    row(
        "ORDER_TOKEN",
        Exit::Usage,
        Money::Untouched,
        (
            "no token of an order was given",
            "give --order TOKEN as the member's page shows it, or --order - to read it from standard input",
        ),
        (
            "注文トークンが指定されていません",
            "会員ページの注文トークンを --order で指定してください(標準入力からは --order -)",
        ),
    ),
    row(
        "CENTRE_PLAIN",
        Exit::Usage,
        Money::Untouched,
        (
            "the address is one without TLS",
            "write https://, or say --dev for a centre that is being developed on this machine",
        ),
        (
            "TLSを使用しない接続先です",
            "https:// で指定するか、この端末上の開発用センターであれば --dev を付けてください",
        ),
    ),
    row(
        "CENTRE_CA",
        Exit::Input,
        Money::Untouched,
        ("there is no root certificate to trust", "name a PEM file with the centre's root in --ca"),
        ("信頼するルート証明書がありません", "センターのルート証明書(PEM)を --ca で指定してください"),
    ),
    row(
        "CENTRE_UNREACHABLE",
        Exit::Network,
        Money::Untouched,
        ("the service centre cannot be reached", "check the network and the address, and try again"),
        ("サービスセンターに接続できません", "ネットワークと接続先を確認し、再度お試しください"),
    ),
    row(
        "CENTRE_CERTIFICATE",
        Exit::Network,
        Money::Untouched,
        (
            "what answers cannot prove that it is the service centre",
            "do not go on; check the address, this machine's clock and --ca",
        ),
        (
            "接続先がサービスセンターであることを確認できません",
            "処理を中止し、接続先・端末の時計・--ca を確認してください",
        ),
    ),
    row(
        "CENTRE_FOREIGN",
        Exit::Network,
        Money::Untouched,
        ("what answers there is no service centre", "check the address"),
        ("接続先はサービスセンターではありません", "接続先を確認してください"),
    ),
    row(
        "CENTRE_PROTOCOL",
        Exit::Network,
        Money::Untouched,
        ("the answer is not one of a service centre", "update this program; if it stays, tell the inquiry desk"),
        ("応答がプロトコルに従っていません", "プログラムを更新してください。解決しない場合はお問い合わせください"),
    ),
    row(
        "CENTRE_REFUSED",
        Exit::Refused,
        Money::Untouched,
        (
            "the service centre refuses, for a reason that this program does not know",
            "update this program, or tell the inquiry desk the number above",
        ),
        (
            "サービスセンターが処理を拒否しました",
            "プログラムを更新するか、上記の番号をお問い合わせ窓口にお伝えください",
        ),
    ),
    row(
        "CARD_AWAITED",
        Exit::Stopped,
        Money::Untouched,
        ("no card was put in", "put the card of the order in and try again"),
        ("カードが置かれませんでした", "ご注文のカードを置いて、再度お試しください"),
    ),
    row(
        "SCRIPT_EXPIRED",
        Exit::Stopped,
        Money::Untouched,
        (
            "the commands for the card are too old to be begun",
            "check the clock of this machine, put the card in sooner and try again",
        ),
        ("カードへの処理の有効期限が切れました", "端末の時計を確認し、早めにカードを置いて再度お試しください"),
    ),
    row(
        "SESSION_STOPPED",
        Exit::Stopped,
        Money::Untouched,
        ("it was stopped", "start again when you like, with the same order"),
        ("中止されました", "同じ注文でいつでも再開できます"),
    ),
    row(
        "SESSION_ENDLESS",
        Exit::Network,
        Money::Kept,
        (
            "the service centre comes to no end",
            "try again later with the same order; if it stays, tell the inquiry desk",
        ),
        ("サービスセンターの処理が終わりません", "しばらくしてから同じ注文で再度お試しください"),
    ),
    row(
        "RESULT_UNCONFIRMED",
        Exit::Network,
        Money::Kept,
        (
            "the card was worked on, and the service centre has not confirmed it",
            "put the same card in again with the same order as soon as the network is back",
        ),
        (
            "カードへの処理は行われましたが、センターの確認が取れていません",
            "ネットワークの復旧後、同じカードと同じ注文で再度実行してください",
        ),
    ),
];

/// The row of a code.
pub(super) fn advice(code: &str) -> Option<&'static Advice> {
    TABLE.iter().find(|row| row.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_documentation_has_this_table() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/TERMINAL.md");
        let text = std::fs::read_to_string(file).unwrap();
        let rows = TABLE.iter().map(|row| {
            let Advice { code, exit, money, en: (cause, remedy), .. } = row;
            let money = match money {
                Money::Untouched => "safe, order as it was",
                Money::Kept => "safe, the card decides",
            };
            format!("| `{code}` | {} | {cause} | {remedy} | {money} |\n", exit.number())
        });
        let table: String = rows.collect();
        assert!(text.contains(&table), "docs/TERMINAL.md lacks:\n{table}");
    }

    #[test]
    fn every_code_stands_once_and_speaks_both_languages() {
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.code == row.code).count(), 1, "{}", row.code);
            let ((en, en_do), (ja, ja_do)) = (row.en, row.ja);
            assert!(en.is_ascii() && en_do.is_ascii() && !ja.is_ascii() && !ja_do.is_ascii(), "{}", row.code);
        }
    }
}
