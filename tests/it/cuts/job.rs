//! The jobs that are cut, and the cards that they begin with.

use super::UNCUT_CONTACTS_MAX;
use super::host::{Contact, Ended, KDD};
use super::plan::Cut;
use super::reader::{Sight, look};
use fuda_card::id::Kvn;
use fuda_card::personalisation::update::{ContentDigest, JobId, UpdateJob};
use fuda_card::personalisation::{ChannelId, Plan, Stage};
use fuda_card::profile::{Application, Profile};
use fuda_card_sim::crypto::AesKey;
use fuda_card_sim::state::Protocol;
use fuda_card_sim::{Blank, Card};

/// What a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Journey {
    /// 2nd issuance of a card from the shelf.
    First,
    /// The same, with a key set that no shop's stock ever had.
    FirstWithKeys,
    /// New content for a card in use.
    Update,
    /// New content and a new key set for a card in use.
    UpdateWithKeys,
}

/// Contents of the application's WEFs: `member`, `person`, and `visits` when the application is new.
pub(crate) type Contents = Vec<(String, Vec<u8>)>;

impl Journey {
    pub(crate) const ALL: [Self; 4] = [Self::First, Self::FirstWithKeys, Self::Update, Self::UpdateWithKeys];

    fn begins_in_use(self) -> bool {
        matches!(self, Self::Update | Self::UpdateWithKeys)
    }

    fn has_new_keys(self) -> bool {
        matches!(self, Self::FirstWithKeys | Self::UpdateWithKeys)
    }

    pub(crate) fn new_contents(self) -> Contents {
        let mut contents = contents(0xA0);
        if !self.begins_in_use() {
            contents.push(("visits".to_owned(), vec![0, 0, 0, 7]));
        }
        contents
    }
}

fn contents(fill: u8) -> Contents {
    vec![("member".to_owned(), (fill..fill + 9).collect()), ("person".to_owned(), (fill..fill + 41).collect())]
}

const PROFILE: &str = include_str!("../../../profiles/membership-1ap.toml");

/// Where cards come from.
pub(crate) struct Cards {
    profile: Profile,
    protocol: Protocol,
}

impl Cards {
    pub(crate) fn new() -> Self {
        Self::of(Protocol::T1)
    }

    pub(crate) fn of(protocol: Protocol) -> Self {
        Self { profile: Profile::parse(PROFILE).unwrap(), protocol }
    }

    /// Cards whose personal data take more than one command.
    pub(crate) fn with_long_files() -> Self {
        let profile = Profile::parse(&PROFILE.replace("size = 48", "size = 600")).unwrap();
        Self { profile, ..Self::new() }
    }

    pub(crate) fn application(&self) -> &Application {
        &self.profile.applications()[0]
    }

    pub(crate) fn set(&self, kvn: u8) -> ChannelId {
        let application = self.application();
        ChannelId { df: application.df_name.clone(), kvn: Kvn::new(kvn), key: application.key.to_string() }
    }

    /// A card from the line, in use already when the journey begins so.
    pub(crate) fn card(&self, journey: Journey) -> Card {
        let initial = AesKey::from_bytes(b"@ABCDEFGHIJKLMNO").unwrap();
        let blank = Blank { protocol: self.protocol, ..Blank::derived(KDD, &initial).unwrap() };
        let mut contact = Contact::begin(Card::new(blank), None);
        contact.walk(Plan::issue(&self.profile, Stage::Zeroth..=Stage::First, "L1")).unwrap();
        if journey.begins_in_use() {
            contact = Contact::begin(contact.end(), None);
            let before = self.job_of(1, contents(0x10), None);
            contact.update(self.application(), &before).unwrap();
        }
        contact.end()
    }

    pub(crate) fn job(&self, journey: Journey) -> UpdateJob {
        let new_set = journey.has_new_keys().then(|| self.set(0x31));
        self.job_of(2, journey.new_contents(), new_set)
    }

    fn job_of(&self, number: u8, contents: Contents, new_set: Option<ChannelId>) -> UpdateJob {
        let name = (JobId::new([number; 8]), ContentDigest::new([0xD0 + number; 8]));
        UpdateJob::new(self.application(), name, contents, self.set(0x30), new_set).unwrap()
    }

    /// Commands of a contact that nothing cuts.
    pub(crate) fn commands(&self, journey: Journey) -> usize {
        let mut contact = Contact::begin(self.card(journey), None);
        contact.update(self.application(), &self.job(journey)).unwrap();
        contact.commands
    }

    /// Cuts one contact after the other, then lets the job end; every reader between sees a whole card.
    pub(crate) fn survives(&self, journey: Journey, cuts: &[Cut]) -> Result<(), String> {
        let (mut card, job) = (self.card(journey), self.job(journey));
        let contacts = cuts.iter().copied().map(Some).chain([None; UNCUT_CONTACTS_MAX]);
        for (number, cut) in (1..).zip(contacts) {
            let mut contact = Contact::begin(card, cut);
            let ended = contact.update(self.application(), &job);
            card = contact.end();
            let whole = match look(&card, self.application()) {
                Sight::NotInUse => !journey.begins_in_use(),
                Sight::InUse(seen) => {
                    let is_new = is_all(&seen, &journey.new_contents());
                    is_new || (journey.begins_in_use() && is_all(&seen, &contents(0x10)))
                }
            };
            if !whole {
                return Err(format!("a mixed card after contact {number}"));
            }
            match ended {
                Ok(()) if number > cuts.len() => return self.is_complete(&card, journey),
                // A cut beyond the last command of a job that needs no more of them.
                Ok(()) | Err(Ended::Cut) => {}
                Err(Ended::Refused(what)) => return Err(format!("contact {number}: {what}")),
            }
        }
        Err("the job does not end".to_owned())
    }

    /// The card holds the job and nothing that was before it.
    pub(crate) fn is_complete(&self, card: &Card, journey: Journey) -> Result<(), String> {
        let Sight::InUse(seen) = look(card, self.application()) else { return Err("not in use".to_owned()) };
        let report = card.report(fuda_card_sim::report::Secrets::Hidden);
        let df = report.file("1001").unwrap();
        let sets: Vec<&str> = df.key_sets.iter().map(|set| set.kvn.as_str()).collect();
        let expected = if journey.has_new_keys() { "31" } else { "30" };
        if !is_all(&seen, &journey.new_contents()) || sets != [expected] {
            return Err(format!("at the end: {seen:02X?}, key sets {sets:?}"));
        }
        let erased = |fid: &str, half: usize| {
            let contents = &report.file(&format!("1001/{fid}")).unwrap().contents[0];
            [&contents[..half], &contents[half..]].into_iter().any(|slot| slot.bytes().all(|digit| digit == b'F'))
        };
        if erased("0011", 32) && erased("0012", 96) { Ok(()) } else { Err("old content is still there".to_owned()) }
    }
}

/// Whether a reader sees these contents, erased bytes after them.
fn is_all(seen: &[(String, Vec<u8>)], expected: &Contents) -> bool {
    expected.iter().all(|(name, content)| {
        let is_it =
            |slot: &Vec<u8>| slot.starts_with(content) && slot.iter().skip(content.len()).all(|byte| *byte == 0xFF);
        seen.iter().any(|(wef, slot)| wef == name && is_it(slot))
    })
}
