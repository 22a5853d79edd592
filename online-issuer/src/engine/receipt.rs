//! The receipt of a job: canonical JSON (RFC 8785) without personal data, signed inside the HSM.

use super::job::Job;
use crate::error::Error;
use fuda_card::cardscript::{HexBytes, Receipt};
use fuda_kms::{Hsm, KeyVersion, Question};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// What is signed. The digest lets the centre prove later which content it was, and tells nobody else.
#[derive(Debug, Serialize)]
struct Body<'a> {
    format: &'static str,
    site: &'a str,
    job: &'a str,
    order: &'a str,
    purpose: &'a str,
    card: String,
    df: String,
    digest: String,
    at: &'a str,
}

/// Makes the receipt of a job whose card proved that it has it all.
pub(crate) async fn sign(hsm: &Hsm, key: KeyVersion, site: &str, job: &Job, now: &str) -> Result<Receipt, Error> {
    let body = Body {
        format: "fuda-receipt/1",
        site,
        job: &job.id,
        order: &job.order,
        purpose: &job.purpose,
        card: job.card.to_string(),
        df: job.df.to_string(),
        digest: hex::encode_upper(job.digest),
        at: now,
    };
    let body = serde_json_canonicalizer::to_string(&body).map_err(|_| Error::Fault { what: "a receipt is no JSON" })?;
    let signature = hsm.ask(Question::sign(key.clone(), Sha256::digest(body.as_bytes()).into())).await?;
    Ok(Receipt { body, key: key.to_string(), signature: HexBytes::new(signature) })
}
