//! The words of a report in both languages.

use fuda_cli::globals::Lang;

/// Declares every word once, in English and Japanese.
macro_rules! words {
    ($($word:ident = $en:literal / $ja:literal,)*) => {
        /// A word of the report.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Word { $($word,)* }

        impl Word {
            /// In a language.
            pub(super) const fn in_lang(self, lang: Lang) -> &'static str {
                match lang {
                    Lang::En => match self { $(Self::$word => $en,)* },
                    Lang::Ja => match self { $(Self::$word => $ja,)* },
                }
            }
        }
    };
}

words! {
    Report = "Job report" / "製造報告書",
    WrittenAt = "Written" / "作成日時",
    Order = "Order" / "発注",
    Number = "Number" / "番号",
    State = "State" / "状態",
    Profile = "Profile" / "製品仕様",
    ProfileHash = "Its SHA-256" / "その SHA-256",
    Stages = "Stages" / "発行段階",
    Lot = "Lot" / "ロット",
    Begun = "Begun" / "開始",
    Approved = "First articles approved by" / "初品承認者",
    StopReason = "Last stop" / "直近の停止理由",
    Keys = "Key versions" / "鍵の世代",
    Accounts = "Where every chip has gone" / "全チップの員数",
    Ordered = "ordered" / "発注",
    Good = "good" / "良品",
    Unfilled = "still to come" / "未製造",
    Fed = "fed" / "投入",
    Rejected = "rejected" / "不良",
    Samples = "samples" / "抜取",
    Unknown = "unknown" / "不明",
    Unfinished = "unfinished" / "未完了",
    LiveKeys = "Key sets of ours on rejected chips" / "不良チップに残る当方の鍵セット",
    Times = "Time per card" / "1枚あたりの時間",
    TimesNote = "From first contact to seal, in the contact in which the card became good." / "良品となった投入での、最初の接触から封印まで。",
    Median = "median" / "中央値",
    Quantile95 = "95 of 100 below" / "95%点",
    Longest = "longest" / "最長",
    Cards = "cards" / "枚",
    Second = "s" / "秒",
    Seconds = "seconds" / "秒",
    Above = "above the scale" / "目盛より上",
    RejectReasons = "Rejects by reason" / "理由別の不良",
    NoRejects = "No chip was rejected." / "不良チップはない。",
    Class = "Class" / "区分",
    Code = "Code" / "コード",
    Step = "Step" / "工程",
    Chips = "Chips" / "枚数",
    OverTime = "Rate over time" / "生産速度の推移",
    PerHour = "cards an hour" / "枚/時",
    Average = "on average while the line ran" / "稼働中の平均",
    NoCards = "No card is good yet." / "良品はまだない。",
    Stations = "Encoders and operators" / "発行機と作業者",
    Encoder = "Encoder" / "発行機",
    Operator = "Operator" / "作業者",
    HandedOver = "Print files, cartons and deliveries" / "印刷データ・箱・納品",
    PrintCopy = "Print file, copy" / "印刷データ 写し",
    Carton = "Carton" / "箱",
    Delivery = "Delivery" / "納品",
    What = "What" / "項目",
    Matched = "matched with their chips" / "チップ照合済み",
    Nothing = "Nothing has left yet." / "出荷したものはまだない。",
    Journal = "Journal" / "記録",
    Entries = "entries, each with the hash of the one before; recomputed for this report. Last hash:" / "件。各件は直前の件のハッシュを含み、本書の作成時に再計算した。最終ハッシュ:",
    At = "At" / "日時",
    Event = "Event" / "事象",
    Detail = "Detail" / "詳細",
    More = "more entries about the job in the journal" / "件が他に記録にある",
}
