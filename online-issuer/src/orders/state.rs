//! The right to one activation, and what may happen to it, as one table.
//!
//! A refund leaves from `granted` and from what expired; what is reserved may be on the card already, and only the card can say.

use fuda_issuance::state_table;

state_table! {
    /// State of an entitlement.
    states EntitlementState {
        /// The fee is not confirmed.
        Pending = "pending",
        /// The fee is confirmed; a job may take it.
        Granted = "granted",
        /// A job has it.
        Reserved = "reserved",
        /// The card carries what was paid for.
        Consumed = "consumed",
        /// The money went back.
        Reversed = "reversed",
        /// Nobody paid it, or nobody used it, in its time.
        Expired = "expired",
    }
    /// What happens to an entitlement.
    events EntitlementEvent {
        /// The fee is confirmed.
        Confirm = "confirm" (Pending => Granted),
        /// A job takes it.
        Reserve = "reserve" (Granted => Reserved),
        /// The card proved that it carries it.
        Consume = "consume" (Reserved => Consumed),
        /// The card proved that it does not.
        Release = "release" (Reserved => Granted),
        /// The fee is paid back.
        Refund = "refund" (Granted => Reversed, Expired => Reversed),
        /// The payer's bank took the fee back.
        ChargeBack = "charge-back" (Granted => Reversed, Consumed => Reversed, Expired => Reversed),
        /// Its time is over.
        Expire = "expire" (Pending => Expired, Granted => Expired),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_matrix_of_state_and_event() {
        insta::assert_snapshot!(EntitlementState::matrix());
    }
}
