//! Where contacts are cut, from text or from numbers.

/// How the power goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// Before the command.
    Before,
    /// After the command, before its answer.
    After,
    /// After this part of the command's write.
    Torn(f64),
}

impl Mode {
    pub(crate) const ALL: [Self; 7] = [
        Self::Before,
        Self::After,
        Self::Torn(0.0),
        Self::Torn(0.03),
        Self::Torn(0.5),
        Self::Torn(0.97),
        Self::Torn(1.0),
    ];
}

/// One contact is cut at its command numbered `command`, from 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cut {
    pub(crate) command: usize,
    pub(crate) mode: Mode,
}

/// A cut at a part of a contact whose length is not known yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CutAt {
    fraction: f64,
    mode: Mode,
}

impl CutAt {
    /// In a contact of so many commands.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "small numbers"
    )]
    pub(crate) fn of(self, commands: usize) -> Cut {
        Cut { command: (self.fraction * commands as f64) as usize, mode: self.mode }
    }
}

/// Reads a file of plans: a name and its cuts on each line.
pub(crate) fn read(text: &str) -> Vec<(String, Vec<CutAt>)> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let plan = |line: &str| {
        let mut words = line.split_whitespace();
        (words.next().unwrap().to_owned(), words.map(cut).collect())
    };
    lines.map(plan).collect()
}

fn cut(word: &str) -> CutAt {
    let (fraction, mode) = word.split_once(':').unwrap();
    let mode = match mode.split_once('=') {
        None if mode == "before" => Mode::Before,
        None if mode == "after" => Mode::After,
        Some(("torn", part)) => Mode::Torn(part.parse().unwrap()),
        _ => panic!("no mode `{mode}`"),
    };
    CutAt { fraction: fraction.parse().unwrap(), mode }
}
