//! What the person at the reader sees: a bar on a terminal, the next thing to do everywhere.

use fuda_cli::globals::Lang;
use fuda_cli::{Globals, output};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, BufRead, IsTerminal, Write};

/// What is said beside the bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Note<'a> {
    /// The card is wanted.
    PutCardIn,
    /// What was put in does not answer.
    PutCardInAgain,
    /// The card is done with.
    TakeCardOut,
    /// The centre does not answer just now.
    Again,
    /// What the centre says.
    Said(&'a str),
}

/// Whether the person agrees to what the centre asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// It was given beforehand.
    Given,
    /// The person is asked.
    Asked,
    /// Nobody is there to be asked.
    Withheld,
}

/// The screen.
#[derive(Debug)]
pub(super) struct Screen {
    lang: Lang,
    bar: Option<ProgressBar>,
    consent: Consent,
    /// What was said last is not said twice in a row.
    last: String,
    /// Only results and questions.
    silent: Option<()>,
}

impl Screen {
    pub(super) fn new(globals: &Globals, consent: Consent) -> Self {
        let silent = globals.quiet.then_some(());
        let bar = (silent.is_none() && io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{bar:32.green/dim} {percent:>3} % {msg}");
            ProgressBar::new(100).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { lang: globals.lang, bar, consent, last: String::new(), silent }
    }

    pub(super) fn note(&mut self, note: Note<'_>) {
        let text = note.text(self.lang);
        if self.silent.is_some() || text.is_empty() || text == self.last {
            return;
        }
        text.clone_into(&mut self.last);
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(text)),
            None => output::note(text),
        }
    }

    /// How far the work on the card is.
    pub(super) fn progress(&mut self, key: &str, percent: u8) {
        if let Some(bar) = &self.bar {
            if !key.is_empty() {
                bar.set_message(working(key, self.lang));
            }
            bar.set_position(percent.into());
        }
    }

    /// Asks the person to agree.
    pub(super) fn confirm(&mut self, text: &str) -> bool {
        match self.consent {
            Consent::Given => true,
            Consent::Withheld => false,
            Consent::Asked => {
                let ask = || {
                    let mut err = io::stderr().lock();
                    let _ = write!(err, "{text} [y/N] ").and_then(|()| err.flush());
                    let mut line = String::new();
                    let _ = io::stdin().lock().read_line(&mut line);
                    matches!(line.trim(), "y" | "Y" | "yes" | "はい")
                };
                self.bar.as_ref().map_or_else(ask, |bar| bar.suspend(ask))
            }
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl<'a> Note<'a> {
    fn text(self, lang: Lang) -> &'a str {
        match (self, lang) {
            (Self::PutCardIn, Lang::En) => "Put the card in, and leave it there.",
            (Self::PutCardIn, Lang::Ja) => "カードを置いて、そのままお待ちください。",
            (Self::PutCardInAgain, Lang::En) => "The card does not answer. Put it in again, the right way round.",
            (Self::PutCardInAgain, Lang::Ja) => "カードが応答しません。向きを確認して置き直してください。",
            (Self::TakeCardOut, Lang::En) => "You may take the card out.",
            (Self::TakeCardOut, Lang::Ja) => "カードを取り出せます。",
            (Self::Again, Lang::En) => "The service centre does not answer. Trying again; leave the card where it is.",
            (Self::Again, Lang::Ja) => {
                "センターから応答がありません。再試行しています。カードはそのままにしてください。"
            }
            (Self::Said(text), _) => text,
        }
    }
}

/// What is being done with the card. Keys that a newer centre may have are simply work.
fn working(key: &str, lang: Lang) -> &'static str {
    let (en, ja) = match key {
        "meeting" => ("getting to know the card", "カードを確認しています"),
        "reading" => ("reading", "読み取っています"),
        "writing" => ("writing: leave the card where it is", "書き込み中です。カードを動かさないでください"),
        "finishing" => ("finishing", "仕上げています"),
        _ => ("working", "処理しています"),
    };
    match lang {
        Lang::En => en,
        Lang::Ja => ja,
    }
}
