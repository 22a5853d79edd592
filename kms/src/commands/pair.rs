//! `fuda-kms exchange pair offer | accept | finish | confirm`.

use super::Site;
use super::key::check_value;
use clap::{Args, Subcommand};
use fuda_cli::{Exit, Failure};
use fuda_kms::KeyVersion;
use fuda_kms::check_value::CheckValue;
use fuda_kms::exchange::pair::file::{Fingerprint, Offer, Reply};
use fuda_kms::exchange::pair::{Paired, accept, confirm, finish, offer};
use serde_json::json;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
#[command(after_help = "\
Four steps, two files, two people who hear each other:
  where keys come to     fuda-kms exchange pair offer kek/custody@1 --out offer.json
  where keys are born    fuda-kms exchange pair accept offer.json --as kek/factory@1 \
                           --fingerprint F --out reply.json
  where keys come to     fuda-kms exchange pair finish reply.json --fingerprint R
  where keys are born    fuda-kms exchange pair confirm kek/factory@1 --check cmac:V
F is what `offer` printed, R what `accept` printed, V what `finish` printed: each told by another way than the files go.")]
pub(crate) enum PairCommand {
    /// Offer, where keys come to: make an RSA pair in the token, for one KEK
    Offer(OfferArgs),
    /// Accept a peer's offer, where keys are born: make the KEK and seal it
    Accept(AcceptArgs),
    /// Let the sealed KEK in, where the offer was made
    Finish(FinishArgs),
    /// Use the KEK, where it was made: the other side has the same one
    Confirm(ConfirmArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
A new offer of the same version makes the earlier one void.

Example:
  fuda-kms exchange pair offer kek/custody@1 --out offer.json")]
pub(crate) struct OfferArgs {
    /// The KEK: kek/PEER, vault-kek/PEER (for the key `vault`) or card-kek/NAME (for sealed sets), and its number
    #[arg(value_name = "K@N")]
    version: KeyVersion,
    /// The file to be made; it must not be there
    #[arg(long, value_name = "F")]
    out: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The KEK is born in this token and leaves it sealed for the offered key (RSA-OAEP), once. It wraps nothing before `confirm`.

Example:
  fuda-kms exchange pair accept offer.json --as kek/factory@1 --fingerprint 0A1B-2C3D-4E5F-6071-8293-A4B5-C6D7-E8F9 \\
    --out reply.json")]
pub(crate) struct AcceptArgs {
    /// The peer's offer
    #[arg(value_name = "F")]
    file: PathBuf,
    /// The KEK's name here; its number is the offer's
    #[arg(long = "as", value_name = "K@N")]
    version: KeyVersion,
    /// The offer's fingerprint, as the peer's officer says it
    #[arg(long, value_name = "F", value_parser = fingerprint)]
    fingerprint: Fingerprint,
    /// The file to be made; it must not be there
    #[arg(long, value_name = "R")]
    out: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Whether the KEK keeps what it lets in is tried, with a key that everybody knows. Then the RSA pair is destroyed.

Example:
  fuda-kms exchange pair finish reply.json --fingerprint 9F8E-7D6C-5B4A-3928-1706-F5E4-D3C2-B1A0")]
pub(crate) struct FinishArgs {
    /// The peer's reply
    #[arg(value_name = "R")]
    file: PathBuf,
    /// The reply's fingerprint, as the peer's officer says it
    #[arg(long, value_name = "F", value_parser = fingerprint)]
    fingerprint: Fingerprint,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  fuda-kms exchange pair confirm kek/factory@1 --check cmac:6DFD5BD2F0")]
pub(crate) struct ConfirmArgs {
    /// The KEK's name here
    #[arg(value_name = "K@N")]
    version: KeyVersion,
    /// Check value of the KEK at the peer, as its officer says it
    #[arg(long, value_name = "VALUE", value_parser = check_value)]
    check: CheckValue,
}

fn fingerprint(text: &str) -> Result<Fingerprint, String> {
    text.parse().map_err(|_| "give eight groups of four hex digits".to_owned())
}

pub(crate) fn run(site: &Site, command: &PairCommand) -> Result<Exit, Failure> {
    match command {
        PairCommand::Offer(args) => offer(site, args),
        PairCommand::Accept(args) => accept(site, args),
        PairCommand::Finish(args) => finish(site, args),
        PairCommand::Confirm(args) => {
            let paired = confirm::run(&site.token, &site.registry()?, &args.version, &args.check)?;
            Ok(done(site, &args.version, &paired))
        }
    }
}

fn offer(site: &Site, args: &OfferArgs) -> Result<Exit, Failure> {
    let order = offer::Order { version: &args.version, from: &site.config.site.name, out: &args.out };
    let fingerprint = offer::run(&site.token, &site.registry()?, order)?;
    let object = json!({ "file": args.out, "key": args.version.to_string(), "fingerprint": fingerprint.to_string() });
    site.print(&format!("{}: offer of {}, fingerprint {fingerprint}", args.out.display(), args.version), &object);
    Ok(Exit::Done)
}

fn accept(site: &Site, args: &AcceptArgs) -> Result<Exit, Failure> {
    let offer = Offer::read(&args.file)?;
    let (said, version) = (args.fingerprint, &args.version);
    let order = accept::Order { offer: &offer, said, version, from: &site.config.site.name, out: &args.out };
    let report = accept::run(&site.token, &site.registry()?, order)?;
    let object = json!({
        "file": args.out,
        "key": version.to_string(),
        "for": offer.says.kek.to_string(),
        "from": offer.says.from,
        "fingerprint": report.fingerprint.to_string(),
        "check_value": report.check_value.to_string(),
    });
    let text = format!(
        "{}: {version} for {} of {}, fingerprint {}\nThe other side must come to check value {}; then: fuda-kms exchange pair confirm {version}",
        args.out.display(),
        offer.says.kek,
        offer.says.from,
        report.fingerprint,
        report.check_value,
    );
    site.print(&text, &object);
    Ok(Exit::Done)
}

fn finish(site: &Site, args: &FinishArgs) -> Result<Exit, Failure> {
    let reply = Reply::read(&args.file)?;
    let order = finish::Order { reply: &reply, said: args.fingerprint, from: &site.config.site.name };
    let paired = finish::run(&site.token, &site.registry()?, order)?;
    Ok(done(site, &reply.says.asked, &paired))
}

fn done(site: &Site, version: &KeyVersion, paired: &Paired) -> Exit {
    let object = json!({
        "key": version.to_string(),
        "state": paired.state.as_str(),
        "check_value": paired.check_value.to_string(),
    });
    site.print(&format!("{version} paired: {}, check value {}", paired.state, paired.check_value), &object);
    Exit::Done
}
