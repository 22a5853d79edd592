//! A report as headings, paragraphs, tables and charts, before anybody decides how to write it.

use super::chart::{ABOVE, Lying, Standing, grouped};
use super::facts::JobFacts;
use super::scale::{classes, over_time, quantile};
use super::words::Word;
use fuda_cli::globals::Lang;
use fuda_issuance::Accounts;
use fuda_store::clock;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Bars of the distribution and of the curve: one is some ten pixels wide.
const BARS_MAX: usize = 60;
/// Reasons in the chart; the table below has all.
const REASONS_MAX: usize = 12;
/// A pause of the line, in seconds, that does not count as running.
const PAUSE_S: i64 = 300;

/// A part of a report.
#[derive(Debug, Clone)]
pub(crate) enum Block {
    /// A heading below the title.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// A table, with the columns that hold numbers.
    Table { head: Vec<String>, numbers: Vec<usize>, rows: Vec<Vec<String>> },
    /// A chart, with the name of its file.
    Chart { file: &'static str, title: String, svg: String },
}

/// A report.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) lang: Lang,
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
}

impl Document {
    /// Says the facts in a language, with times in a zone.
    pub(crate) fn new(facts: &JobFacts, lang: Lang, zone: &TimeZone, now: Timestamp) -> Self {
        let writer = Writer { facts, lang, zone };
        let title = format!("{} {}", writer.word(Word::Report), facts.job.order.id);
        let written = format!("{}: {}", writer.word(Word::WrittenAt), clock::written(now, zone));
        let parts = [
            vec![Block::Text(written)],
            writer.order(),
            writer.accounts(),
            writer.times(),
            writer.rejects(),
            writer.rate(),
            writer.stations(),
            writer.handed_over(),
            writer.journal(),
        ];
        Self { lang, title, blocks: parts.concat() }
    }
}

struct Writer<'a> {
    facts: &'a JobFacts,
    lang: Lang,
    zone: &'a TimeZone,
}

impl Writer<'_> {
    const fn word(&self, word: Word) -> &'static str {
        word.in_lang(self.lang)
    }

    fn heading(&self, word: Word) -> Block {
        Block::Heading(self.word(word).to_owned())
    }

    fn head<const N: usize>(&self, words: [Word; N]) -> Vec<String> {
        words.iter().map(|word| self.word(*word).to_owned()).collect()
    }

    fn time(&self, stored: &str) -> String {
        stored.parse().map_or_else(|_| stored.to_owned(), |time| clock::written(time, self.zone))
    }

    fn order(&self) -> Vec<Block> {
        let job = &self.facts.job;
        let order = &job.order;
        let keys = order.keys.values().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let mut rows = vec![
            (Word::Number, order.id.clone()),
            (Word::State, job.word().to_owned()),
            (Word::Profile, order.profile.clone()),
            (Word::ProfileHash, order.profile_sha256.to_lowercase()),
            (Word::Stages, format!("{}–{}", order.first_stage.number(), order.last_stage.number())),
            (Word::Lot, order.lot.clone()),
            (Word::Begun, self.time(&job.created_at)),
            (Word::Keys, keys),
        ];
        let more = [(Word::Approved, &job.approved_by), (Word::StopReason, &job.stop_reason)];
        rows.extend(more.into_iter().filter(|(_, text)| !text.is_empty()).map(|(word, text)| (word, text.clone())));
        let rows = rows.into_iter().map(|(word, text)| vec![self.word(word).to_owned(), text]).collect();
        vec![self.heading(Word::Order), Block::Table { head: Vec::new(), numbers: Vec::new(), rows }]
    }

    fn accounts(&self) -> Vec<Block> {
        let Accounts { ordered, fed, good, rejected, samples, unknown, unfilled, .. } = self.facts.accounts;
        // English puts the number before the noun, Japanese behind it.
        let count = |number: u64, word: Word| match self.lang {
            Lang::En => format!("{} {}", grouped(number), self.word(word)),
            Lang::Ja => format!("{} {}", self.word(word), grouped(number)),
        };
        let balance = format!(
            "{} = {} + {}",
            count(ordered, Word::Ordered),
            count(good, Word::Good),
            count(unfilled, Word::Unfilled)
        );
        let fed = format!(
            "{} = {} + {} + {} + {}",
            count(fed, Word::Fed),
            count(good, Word::Good),
            count(rejected, Word::Rejected),
            count(samples, Word::Samples),
            count(unknown, Word::Unknown)
        );
        let mut blocks = vec![self.heading(Word::Accounts), Block::Text(balance), Block::Text(fed)];
        if self.facts.live_keys > 0 {
            blocks.push(Block::Text(format!("{}: {}", self.word(Word::LiveKeys), grouped(self.facts.live_keys))));
        }
        blocks
    }

    fn times(&self) -> Vec<Block> {
        let times = &self.facts.times_ms;
        let heading = self.heading(Word::Times);
        let (Some(median), Some(most), Some(longest)) =
            (quantile(times, 50), quantile(times, 95), times.last().copied())
        else {
            return vec![heading, Block::Text(self.word(Word::NoCards).to_owned())];
        };
        let told = [(Word::Median, median), (Word::Quantile95, most), (Word::Longest, longest)];
        let told = told.map(|(word, ms)| format!("{} {} {}", self.word(word), seconds(ms), self.word(Word::Second)));
        let told = told.join(" · ");
        let classes = classes(times, BARS_MAX);
        let mut bars: Vec<(String, u64)> =
            (0..).zip(&classes.counts).map(|(class, count)| (seconds(class * classes.width), *count)).collect();
        if classes.above > 0 {
            bars.push((ABOVE.to_owned(), classes.above));
        }
        let scale = if classes.above > 0 {
            format!("{} (… {})", self.word(Word::Seconds), self.word(Word::Above))
        } else {
            self.word(Word::Seconds).to_owned()
        };
        let title = self.word(Word::Times).to_owned();
        let chart = Standing { title: title.clone(), unit: self.word(Word::Cards).to_owned(), scale, bars };
        vec![
            heading,
            Block::Text(format!("{} {told}", self.word(Word::TimesNote))),
            Block::Chart { file: "time-per-card.svg", title, svg: chart.svg() },
        ]
    }

    fn rejects(&self) -> Vec<Block> {
        let heading = self.heading(Word::RejectReasons);
        if self.facts.rejects.is_empty() {
            return vec![heading, Block::Text(self.word(Word::NoRejects).to_owned())];
        }
        let mut reasons: Vec<_> = self.facts.rejects.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let name = |(_, code, step): &(String, String, String)| {
            if step.is_empty() { code.clone() } else { format!("{code} · {step}") }
        };
        let bars = reasons.iter().take(REASONS_MAX).map(|(reason, count)| (name(reason), **count)).collect();
        let title = self.word(Word::RejectReasons).to_owned();
        let rows = reasons
            .iter()
            .map(|((class, code, step), count)| vec![class.clone(), code.clone(), step.clone(), grouped(**count)]);
        let table = Block::Table {
            head: self.head([Word::Class, Word::Code, Word::Step, Word::Chips]),
            numbers: vec![3],
            rows: rows.collect(),
        };
        let chart = Lying { title: title.clone(), bars };
        vec![heading, Block::Chart { file: "rejects.svg", title, svg: chart.svg() }, table]
    }

    fn rate(&self) -> Vec<Block> {
        let heading = self.heading(Word::OverTime);
        let Some((begin, length, counts)) = over_time(&self.facts.sealed_s, BARS_MAX) else {
            return vec![heading, Block::Text(self.word(Word::NoCards).to_owned())];
        };
        let label = |number: usize| {
            let second = begin + length * i64::try_from(number).unwrap_or_default();
            let format = if length >= 86_400 {
                "%m-%d"
            } else if length >= 60 {
                "%m-%d %H:%M"
            } else {
                "%H:%M:%S"
            };
            Timestamp::from_second(second)
                .map(|time| time.to_zoned_datetime(self.zone.clone()).strftime(format).to_string())
                .unwrap_or_default()
        };
        let per_hour = |count: u64| count.saturating_mul(3_600) / length.unsigned_abs().max(1);
        let bars = counts.iter().enumerate().map(|(number, count)| (label(number), per_hour(*count))).collect();
        let title = self.word(Word::OverTime).to_owned();
        let zone = clock::written(Timestamp::from_second(begin).unwrap_or_default(), self.zone);
        let unit = self.word(Word::PerHour).to_owned();
        let chart =
            Standing { title: title.clone(), unit, scale: format!("UTC{}", zone.get(19..).unwrap_or_default()), bars };
        let mut blocks = vec![heading];
        if let Some(average) = average(&self.facts.sealed_s) {
            let text = format!("{} {} {}", grouped(average), self.word(Word::PerHour), self.word(Word::Average));
            blocks.push(Block::Text(text));
        }
        blocks.push(Block::Chart { file: "rate.svg", title, svg: chart.svg() });
        blocks
    }

    fn stations(&self) -> Vec<Block> {
        let rows = self.facts.stations.iter().map(|station| {
            let counts =
                [station.good, station.rejected, station.unfinished].map(|count| grouped(count.unsigned_abs()));
            [vec![station.encoder.clone(), station.operator.clone()], counts.to_vec()].concat()
        });
        let table = Block::Table {
            head: self.head([Word::Encoder, Word::Operator, Word::Good, Word::Rejected, Word::Unfinished]),
            numbers: vec![2, 3, 4],
            rows: rows.collect(),
        };
        if self.facts.stations.is_empty() { Vec::new() } else { vec![self.heading(Word::Stations), table] }
    }

    fn handed_over(&self) -> Vec<Block> {
        let heading = self.heading(Word::HandedOver);
        let mut rows = Vec::new();
        for copy in &self.facts.prints {
            let detail = format!("{} · {} · SHA-256 {}", self.time(&copy.made_at), copy.activation, copy.file_sha256);
            rows.push(vec![format!("{} {}", self.word(Word::PrintCopy), copy.copy), grouped(copy.packages), detail]);
        }
        for carton in &self.facts.cartons {
            let of = format!("{}/{}", carton.cards, carton.size);
            let detail = format!("{} {}", carton.matched, self.word(Word::Matched));
            rows.push(vec![format!("{} {}", self.word(Word::Carton), carton.label), of, detail]);
        }
        for part in &self.facts.parts {
            let detail = format!("{} · manifest SHA-256 {}", part.state, part.manifest_sha256);
            let name = format!("{} {}", self.word(Word::Delivery), part.number);
            rows.push(vec![name, grouped(part.cards.unsigned_abs()), detail]);
        }
        if rows.is_empty() {
            return vec![heading, Block::Text(self.word(Word::Nothing).to_owned())];
        }
        let head = self.head([Word::What, Word::Cards, Word::Detail]);
        vec![heading, Block::Table { head, numbers: vec![1], rows }]
    }

    fn journal(&self) -> Vec<Block> {
        let job = &self.facts.job;
        let chain =
            format!("{} {} {}", grouped(job.entries), self.word(Word::Entries), job.chain_sha256.to_lowercase());
        let rows = self.facts.events.iter();
        let rows = rows.map(|entry| vec![self.time(&entry.at), entry.event.clone(), entry.detail.clone()]).collect();
        let head = self.head([Word::At, Word::Event, Word::Detail]);
        let mut blocks =
            vec![self.heading(Word::Journal), Block::Text(chain), Block::Table { head, numbers: Vec::new(), rows }];
        if self.facts.events_more > 0 {
            blocks.push(Block::Text(format!("{} {}", grouped(self.facts.events_more), self.word(Word::More))));
        }
        blocks
    }
}

/// Milliseconds as seconds: `0.94`, `12.3`.
fn seconds(ms: u64) -> String {
    let (whole, rest) = (ms / 1_000, ms % 1_000);
    let text = format!("{whole}.{rest:03}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Cards an hour, pauses of the line left out.
fn average(ascending_s: &[i64]) -> Option<u64> {
    let gaps = ascending_s.iter().zip(ascending_s.iter().skip(1)).map(|(before, after)| after - before);
    let running: i64 = gaps.clone().filter(|gap| *gap < PAUSE_S).sum();
    let cards = u64::try_from(gaps.filter(|gap| *gap < PAUSE_S).count()).ok()?;
    (running > 0).then(|| cards.saturating_mul(3_600) / running.unsigned_abs())
}
