//! Parallel batch issuance of cards and signed deliveries.
