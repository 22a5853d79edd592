//! PC/SC readers and what a card in them is.
