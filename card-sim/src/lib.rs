//! A simulated smart card, written from the standards.
