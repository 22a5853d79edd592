//! A stack of cards: the card files of one folder, from which all feeders draw.

use crate::card::Card;
use crate::error::Error;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Name extension of card files.
pub const EXTENSION: &str = "card";

/// A card that was drawn.
#[derive(Debug)]
pub struct Drawn {
    /// Its place on the stack, from 1.
    pub number: usize,
    /// Its file.
    pub path: PathBuf,
    /// The card, without power.
    pub card: Card,
}

/// The cards that wait, by file name.
#[derive(Debug)]
pub struct Stack {
    waiting: Mutex<VecDeque<(usize, PathBuf)>>,
}

impl Stack {
    /// The card files in a folder as it is now.
    ///
    /// # Errors
    /// [`Error::CardFile`] when the folder cannot be read.
    pub fn of_folder(folder: &Path) -> Result<Self, Error> {
        let failed = |source| Error::CardFile { path: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                paths.push(path);
            }
        }
        paths.sort();
        Ok(Self { waiting: Mutex::new((1..).zip(paths).collect()) })
    }

    /// Takes the next card; one that another process holds is passed over. `None` when the stack is empty.
    ///
    /// # Errors
    /// [`Error::CardFile`] or [`Error::CardDamaged`] for a card that cannot be read; it is off the stack.
    pub fn draw(&self) -> Result<Option<Drawn>, Error> {
        loop {
            let next = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((number, path)) = next else { return Ok(None) };
            match Card::open(&path) {
                Ok(card) => return Ok(Some(Drawn { number, path, card })),
                Err(Error::CardBusy { .. }) => {}
                Err(error) => return Err(error),
            }
        }
    }
}
