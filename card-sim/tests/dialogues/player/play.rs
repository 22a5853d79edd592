//! Playing a dialogue.

use super::line::{ChipForm, Line, Put, line};
use super::pattern::matches;
use super::{Bench, Unable};
use fuda_card::apdu::{Command, Response};
use fuda_card::crypto::{AesKey, Kcv};
use fuda_card::id::{Kdd, Kvn};
use fuda_card::scp03::{Authenticated, Challenge, InitializeUpdate, Mode, SecurityLevel, StaticKeys};
use std::collections::BTreeMap;
use std::path::Path;

/// Includes within includes.
const DEPTH_MAX: usize = 4;

/// How it went, if every answer was the expected one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Played {
    /// To the end; so many answers were compared.
    Whole(usize),
    /// Not here: the bench lacks what a line asks for.
    LeftOut(&'static str),
}

/// Plays the dialogue `name` of a folder; the error names file, line, what was expected and what came.
pub(crate) fn play<B: Bench>(folder: &Path, name: &str, bench: &mut B) -> Result<Played, String> {
    let mut player = Player {
        bench,
        form: ChipForm::default(),
        keys: BTreeMap::new(),
        kdd: None,
        channel: None,
        answer: None,
        compared: 0,
    };
    match player.file(folder, name, 0) {
        Ok(()) => Ok(Played::Whole(player.compared)),
        Err(Stop::LeftOut(what)) => Ok(Played::LeftOut(what)),
        Err(Stop::Wrong(what)) => Err(what),
    }
}

enum Stop {
    LeftOut(&'static str),
    Wrong(String),
}

impl From<Unable> for Stop {
    fn from(Unable(what): Unable) -> Self {
        Self::LeftOut(what)
    }
}

impl From<String> for Stop {
    fn from(what: String) -> Self {
        Self::Wrong(what)
    }
}

struct Channel {
    /// `None` while a command is on its way.
    host: Option<Authenticated>,
    keys: String,
}

struct Player<'a, B> {
    bench: &'a mut B,
    form: ChipForm,
    /// Key-derivation keys by name.
    keys: BTreeMap<String, Vec<u8>>,
    kdd: Option<Kdd>,
    channel: Option<Channel>,
    /// The last answer in hex, until a `<` has seen it.
    answer: Option<String>,
    compared: usize,
}

impl<B: Bench> Player<'_, B> {
    fn file(&mut self, folder: &Path, name: &str, depth: usize) -> Result<(), Stop> {
        if depth > DEPTH_MAX {
            return Err(format!("{name}: included too deep").into());
        }
        let path = folder.join(format!("{name}.dialogue"));
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        for (number, text) in (1..).zip(text.lines()) {
            let placed = |what: String| Stop::Wrong(format!("{name}.dialogue:{number}: {what}"));
            let Some(line) = line(text).map_err(placed)? else { continue };
            if let Line::Include(other) = &line {
                self.file(folder, other, depth + 1)?;
                continue;
            }
            self.line(&line).map_err(|stop| match stop {
                Stop::Wrong(what) => placed(format!("{what}\n    {}", text.trim())),
                left_out @ Stop::LeftOut(_) => left_out,
            })?;
        }
        self.answered().map_err(|what| Stop::Wrong(format!("{name}.dialogue: at its end {what}")))
    }

    /// Every answer has been looked at.
    fn answered(&self) -> Result<(), String> {
        self.answer.as_ref().map_or(Ok(()), |answer| Err(format!("the answer {answer} has no `<`")))
    }

    fn line(&mut self, line: &Line) -> Result<(), Stop> {
        if !matches!(line, Line::Expect(_) | Line::Delay(_)) {
            self.answered()?;
        }
        match line {
            Line::Include(_) => {}
            Line::Blank(form) => {
                (self.form, self.channel, self.kdd) = (*form, None, None);
                self.bench.blank(*form)?;
            }
            Line::Reset => {
                self.channel = None;
                self.bench.reset()?;
            }
            Line::Power => {
                self.channel = None;
                self.bench.power()?;
            }
            Line::Keys { name, kdk } => {
                self.keys.insert(name.clone(), kdk.clone());
            }
            Line::Channel { keys, kvn, level, refused } => self.channel(keys, *kvn, *level, refused.as_deref())?,
            Line::Send(command) => self.send(command)?,
            Line::SendRaw(command) => self.answer = Some(self.raw(command)),
            Line::Put(put) => self.put(put)?,
            Line::Expect(pattern) => self.expect(pattern)?,
            Line::Delay(time) => match self.bench.took() {
                Some(took) if took == *time => {}
                Some(took) => return Err(format!("the answer took {took:?}").into()),
                None => return Err(Stop::LeftOut("an exact clock")),
            },
            Line::Fault(kind) => self.bench.fault(kind)?,
        }
        Ok(())
    }

    /// Bytes to the card and back, in hex; a card that does not answer answers nothing.
    fn raw(&mut self, command: &[u8]) -> String {
        self.bench.transmit(command).map(hex::encode_upper).unwrap_or_default()
    }

    /// One command and, at T=0, the pieces of its answer.
    fn whole(&mut self, command: &Command) -> Result<Option<Response>, Stop> {
        let encoded = command.encode().map_err(|error| error.to_string())?;
        let Ok(answer) = self.bench.transmit(&encoded) else { return Ok(None) };
        if answer.is_empty() {
            return Ok(None);
        }
        let mut response = Response::decode(&answer).map_err(|error| error.to_string())?;
        while let Some(ne) = response.sw.bytes_available() {
            let more = Command::new(0x00, 0xC0, 0x00, 0x00).with_ne(ne).encode().map_err(|error| error.to_string())?;
            let more = self.bench.transmit(&more).map_err(|_| "no answer to GET RESPONSE".to_owned())?;
            let more = Response::decode(&more).map_err(|error| error.to_string())?;
            response.data.extend(more.data);
            response.sw = more.sw;
        }
        Ok(Some(response))
    }

    fn send(&mut self, command: &[u8]) -> Result<(), Stop> {
        let Some(mut channel) = self.channel.take() else {
            self.answer = Some(self.raw(command));
            return Ok(());
        };
        let command = Command::decode(command).map_err(|error| error.to_string())?;
        let host =
            channel.host.take().ok_or_else(|| "the channel is gone: its last answer was not the card's".to_owned())?;
        let (sent, wrapped) = host.wrap(&command).map_err(|error| error.to_string())?;
        self.answer = Some(match self.whole(&wrapped)? {
            None => String::new(),
            Some(response) => match sent.response(&response) {
                Ok((host, plain)) => {
                    channel.host = Some(host);
                    hex::encode_upper(plain.encode())
                }
                Err(error) => error.code().to_owned(),
            },
        });
        self.channel = Some(channel);
        Ok(())
    }

    fn set(&self, name: &str, kdd: &Kdd) -> Result<StaticKeys, String> {
        let kdk = self.keys.get(name).ok_or_else(|| format!("no `keys {name}` above"))?;
        Ok(StaticKeys::kdf3(&AesKey::new(kdk).map_err(|error| error.to_string())?, kdd))
    }

    fn channel(&mut self, keys: &str, kvn: u8, level: SecurityLevel, refused: Option<&str>) -> Result<(), Stop> {
        self.channel = None;
        let ended = self.open(keys, kvn, level)?;
        match (ended, refused) {
            (Ok(host), None) => {
                self.channel = Some(Channel { host: Some(host), keys: keys.to_owned() });
                Ok(())
            }
            (Err(how), Some(refused)) if how == refused => Ok(()),
            (Err(how), _) => Err(format!("the channel was refused: {how}").into()),
            (Ok(_), Some(_)) => Err("the channel was opened".to_owned().into()),
        }
    }

    /// The open channel, or how it was refused: a status word, or `cryptogram`.
    fn open(&mut self, keys: &str, kvn: u8, level: SecurityLevel) -> Result<Result<Authenticated, String>, Stop> {
        let host_challenge = match self.form.mode {
            Mode::S8 => Challenge::S8([0x5A; 8]),
            Mode::S16 => Challenge::S16([0x5A; 16]),
        };
        let update = InitializeUpdate { kvn: Kvn::new(kvn), host_challenge };
        let answer = self.whole(&update.command())?.ok_or_else(|| "no answer to INITIALIZE UPDATE".to_owned())?;
        if !answer.sw.is_success() {
            return Ok(Err(answer.sw.to_string()));
        }
        let initiated = update.answered(&answer).map_err(|error| error.to_string())?;
        let kdd = initiated.answer().kdd;
        self.kdd = Some(kdd);
        let session_keys = self.set(keys, &kdd)?.session_keys(&initiated.context());
        let Ok((proved, authenticate)) = initiated.prove(session_keys, level) else {
            return Ok(Err("cryptogram".to_owned()));
        };
        let answer = self.whole(&authenticate)?.ok_or_else(|| "no answer to EXTERNAL AUTHENTICATE".to_owned())?;
        let sw = answer.sw.to_string();
        Ok(proved.authenticated(&answer).map_err(|_| sw))
    }

    fn put(&mut self, put: &Put) -> Result<(), Stop> {
        let kdd = self.kdd.ok_or_else(|| "PUT KEY needs a chip that has named itself".to_owned())?;
        let channel = self.channel.as_ref().map(|channel| channel.keys.clone());
        let under = put.under.clone().or(channel).ok_or_else(|| "no channel: say `under NAME`".to_owned())?;
        let (set, under) = (self.set(&put.keys, &kdd)?, self.set(&under, &kdd)?);
        let mut data = vec![put.kvn];
        for key in [set.enc(), set.mac(), set.dek()] {
            let cipher = under.dek().wrap_key(key);
            let size = u8::try_from(cipher.len()).map_err(|error| error.to_string())?;
            data.extend(if put.bare { vec![0x88, size] } else { vec![0x88, size + 1, size] });
            data.extend(cipher);
            data.push(0x03);
            let [a, b, c] = *Kcv::of(key).as_bytes();
            data.extend([a, b, if put.wrong_kcv { !c } else { c }]);
        }
        let command = Command::new(0x80, 0xD8, put.replacing, 0x81).with_data(data).with_ne(256);
        self.send(&command.encode().map_err(|error| error.to_string())?)
    }

    fn expect(&mut self, pattern: &str) -> Result<(), Stop> {
        let answer = self.answer.take().ok_or_else(|| "no command above".to_owned())?;
        let pattern = self.check_values(pattern)?;
        self.compared += 1;
        let is_expected = if pattern == "nothing" { answer.is_empty() } else { matches(&pattern, &answer) };
        if is_expected {
            Ok(())
        } else {
            Err(format!("the card answered {}", if answer.is_empty() { "nothing" } else { &answer }).into())
        }
    }

    /// Replaces `kcv(NAME)` by the three check values of the set.
    fn check_values(&self, pattern: &str) -> Result<String, String> {
        let Some((before, rest)) = pattern.split_once("kcv(") else { return Ok(pattern.to_owned()) };
        let (name, after) = rest.split_once(')').ok_or_else(|| "`kcv(` without its `)`".to_owned())?;
        let kdd = self.kdd.ok_or_else(|| "kcv() needs a chip that has named itself".to_owned())?;
        let set = self.set(name, &kdd)?;
        let values = [set.enc(), set.mac(), set.dek()].map(|key| hex::encode_upper(Kcv::of(key).as_bytes()));
        Ok(format!("{before}{}{}", values.concat(), self.check_values(after)?))
    }
}
