//! `member …`: joining, changing, looking, exporting, erasing.

use crate::api::registered;
use crate::cli::member::{Erase, MemberCommand, Show};
use crate::error::Error;
use crate::id::MemberId;
use crate::members::{MemberFields, Registered};
use crate::site::Site;
use fuda_cli::table::Table;
use fuda_cli::{Exit, Failure, Globals, output};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use zeroize::Zeroizing;

/// Most bytes that are read from standard input: a member's 32 fields of 256 characters.
const INPUT_BYTES_MAX: u64 = 48 * 1024;

/// Runs a command about members.
///
/// # Errors
/// What the command says.
pub fn member(globals: &Globals, command: &MemberCommand) -> Result<Exit, Failure> {
    let site = Site::open(globals)?;
    let members = registered(&site.config, &site.store, &site.start_hsm()?);
    match command {
        MemberCommand::Join { locale } => join(globals, &members, locale),
        MemberCommand::Update { member } => {
            members.change(member, &fields()?)?;
            output::line(&format!("member {member} is changed"));
            done(globals, &json!({ "changed": member.as_str() }))
        }
        MemberCommand::Show(args) => show(globals, &members, args),
        MemberCommand::Export { member, out } => export(&members, member, out.as_deref()),
        MemberCommand::Erase(args) => erase(globals, &members, args),
    }
}

fn done(globals: &Globals, object: &serde_json::Value) -> Result<Exit, Failure> {
    if globals.json {
        output::json(object);
    }
    Ok(Exit::Done)
}

/// Standard input, which holds personal data.
fn input() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    let unreadable = |what: String| Failure::new("INPUT_UNREADABLE", Exit::Input, what).at("standard input");
    let read = std::io::stdin().take(INPUT_BYTES_MAX).read_to_string(&mut text);
    read.map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    Ok(text)
}

/// Standard input as a member's fields.
fn fields() -> Result<MemberFields, Failure> {
    let text = input()?;
    let fields: BTreeMap<String, String> = serde_json::from_str(&text).map_err(|error| {
        let place = format!("standard input:{}:{}", error.line(), error.column());
        Failure::new("INPUT_INVALID", Exit::Input, "not a JSON object of texts").at(place)
    })?;
    Ok(MemberFields::new(fields).map_err(Error::from)?)
}

fn join(globals: &Globals, members: &Registered, locale: &str) -> Result<Exit, Failure> {
    let member = members.join(locale, &fields()?)?;
    output::line(&format!("member {member}"));
    done(globals, &json!({ "member": member.as_str() }))
}

fn show(globals: &Globals, members: &Registered, args: &Show) -> Result<Exit, Failure> {
    let member = match (&args.member, &args.by) {
        (Some(member), _) => member.clone(),
        (None, field) => {
            let value = input()?;
            let found = members.find(field.as_deref().unwrap_or_default(), value.trim())?;
            output::line(&if found.is_empty() { "no member has this value".to_owned() } else { found.join("\n") });
            return done(globals, &json!({ "members": found }));
        }
    };
    let member = members.show(&member)?;
    let mut table = Table::new(["member", member.member.as_str()]);
    table.row(["locale", &member.locale]);
    table.row(["joined", &member.created_at]);
    if let Some(erased) = &member.erased_at {
        table.row(["erased", erased]);
    }
    for order in &member.orders {
        let number = order.number.as_deref().unwrap_or("no member number yet");
        table.row(["order", &format!("{} {} {} {number}", order.order_id, order.service, order.state)]);
    }
    output::line(&table.within(80).to_string());
    done(globals, &json!({ "member": member }))
}

/// The export is the result: it is printed whether or not `--json` is given.
fn export(members: &Registered, member: &MemberId, out: Option<&Path>) -> Result<Exit, Failure> {
    let export = members.export(member)?;
    let object = serde_json::to_value(&export).map_err(|_| Error::StoreContent { what: "a member".to_owned() })?;
    let Some(path) = out else {
        output::json(&object);
        return Ok(Exit::Done);
    };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(Error::file(path))?;
    writeln!(file, "{object}").and_then(|()| file.sync_all()).map_err(Error::file(path))?;
    output::line(&format!("everything about member {member}: {}", path.display()));
    Ok(Exit::Done)
}

fn erase(globals: &Globals, members: &Registered, args: &Erase) -> Result<Exit, Failure> {
    let Some(member) = &args.member else {
        let again = members.erasures.replay(&members.store)?;
        output::line(&format!("{again} members were erased again"));
        return done(globals, &json!({ "erased": again }));
    };
    members.erase(member)?;
    output::line(&format!("member {member} is erased"));
    done(globals, &json!({ "erased": 1 }))
}
