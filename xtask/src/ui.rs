//! What a person sees: plain lines in a log, one live line in a terminal, and one JSON object last where asked for.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::fail::Failure;
use crate::json;

/// How often a terminal's live line is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// How often a log hears from a step that takes long.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Who reads standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// A person, or a log that a person reads.
    Person,
    /// A program: standard output carries one object, words go to standard error.
    Program,
}

/// The way out for words and results.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ui {
    reader: Reader,
    live: bool,
}

impl Ui {
    /// Takes `--json` from the command line and looks at where the words go.
    pub(crate) fn from_args(args: &mut Args) -> Ui {
        let (reader, terminal) = match args.flag("--json") {
            true => (Reader::Program, std::io::stderr().is_terminal()),
            false => (Reader::Person, std::io::stdout().is_terminal()),
        };
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        Ui { reader, live: terminal && !dumb }
    }

    /// One line, or several, for the person.
    pub(crate) fn say(self, text: &str) {
        self.write(&format!("{text}\n"));
    }

    /// The result for a program; a person has been told already.
    pub(crate) fn result(self, object: &str) {
        if self.reader == Reader::Program {
            // A closed pipe is the reader's choice and no failure of ours.
            let _ = writeln!(std::io::stdout(), "{object}");
        }
    }

    /// A failure, for whoever reads.
    pub(crate) fn failure(self, failure: &Failure) {
        let _ = writeln!(std::io::stderr(), "{failure}");
        self.result(&failure.to_json());
    }

    /// Starts a step of a longer command.
    pub(crate) fn step(self, name: &'static str) -> Step {
        let step = Step { ui: self, name, began: Instant::now(), spoke: Instant::now() };
        step.draw("…");
        step
    }

    /// `text` in `colour` where colours are seen.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.live && std::env::var_os("NO_COLOR").is_none() {
            format!("\x1b[{}m{text}\x1b[0m", colour.code())
        } else {
            text.to_owned()
        }
    }

    fn write(self, text: &str) {
        let _ = match self.reader {
            Reader::Person => std::io::stdout().write_all(text.as_bytes()),
            Reader::Program => std::io::stderr().write_all(text.as_bytes()),
        };
        let _ = std::io::stdout().flush();
    }
}

/// The three colours of a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Green,
    Yellow,
    Red,
}

impl Colour {
    fn code(self) -> u8 {
        match self {
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Red => 31,
        }
    }
}

/// A step under way: its name, its time and what it says about itself.
#[derive(Debug)]
pub(crate) struct Step {
    ui: Ui,
    name: &'static str,
    began: Instant,
    spoke: Instant,
}

impl Step {
    /// Says how far it is: at once in a terminal, now and then in a log.
    pub(crate) fn progress(&mut self, text: &str) {
        if self.spoke.elapsed() < if self.ui.live { DRAW_EVERY } else { LOG_EVERY } {
            return;
        }
        self.spoke = Instant::now();
        if self.ui.live {
            self.draw(text);
        } else {
            self.ui.say(&self.line(" ", text));
        }
    }

    /// Ends the step well.
    pub(crate) fn done(self, text: &str) {
        let mark = self.ui.paint(Colour::Green, "✓");
        self.close(&mark, text);
    }

    /// Ends the step with something to say about it.
    pub(crate) fn short_of(self, text: &str) {
        let mark = self.ui.paint(Colour::Yellow, "!");
        self.close(&mark, text);
    }

    fn close(&self, mark: &str, text: &str) {
        let clear = if self.ui.live { "\r\x1b[K" } else { "" };
        self.ui.write(&format!("{clear}{}\n", self.line(mark, text)));
    }

    fn draw(&self, text: &str) {
        if self.ui.live {
            // One line only: a long text is cut where the narrowest usual terminal ends.
            let line: String = self.line(" ", text).chars().take(79).collect();
            self.ui.write(&format!("\r\x1b[K{line}"));
        }
    }

    fn line(&self, mark: &str, text: &str) -> String {
        format!("{mark} {:<9} {:>7.1} s  {text}", self.name, self.began.elapsed().as_secs_f64())
    }
}

impl Failure {
    /// The error object that the binaries print too.
    pub(crate) fn to_json(&self) -> String {
        format!(
            r#"{{"error":{{"code":{},"exit":{},"what":{},"where":{},"do":{}}}}}"#,
            json::quote(self.code),
            self.exit.number(),
            json::quote(&self.what),
            json::quote(&self.place),
            json::quote(&self.remedy)
        )
    }
}
