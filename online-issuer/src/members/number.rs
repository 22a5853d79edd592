//! Member numbers: each is assigned once, in the transaction that confirms the fee.

use super::{MemberError, Service};
use crate::error::Error;
use fuda_store::Conn;

/// Assigns the next number of a service.
///
/// # Errors
/// [`MemberError::NumbersUsedUp`], [`Error::Store`].
pub async fn assign(tx: &mut Conn, service: &Service) -> Result<String, Error> {
    // A range that was moved on in fuda.toml counts from its own beginning.
    let next: i64 = sqlx::query_scalar(
        "/* number.assign */ INSERT INTO member_number (service, next) VALUES ($1, $2 + 1) ON CONFLICT (service) DO UPDATE SET \
         next = CASE WHEN member_number.next < $2 THEN $2 + 1 ELSE member_number.next + 1 END RETURNING next - 1",
    )
    .bind(service.name.as_str())
    .bind(service.first_number())
    .fetch_one(&mut *tx)
    .await?;
    service.number(next).ok_or_else(|| MemberError::NumbersUsedUp { service: service.name.clone() }.into())
}
