//! What batch and network issuance share: life cycle, journal, key plan, driving one card.
