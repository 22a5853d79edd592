//! What is asked of the HSM, and how its answer is read: one piece of work, or a few that one worker does one after the other.

use crate::error::Error;
use crate::health::KeyHealth;
use crate::message::{CardAnswer, CardRequest, Epoch};
use crate::name::KeyVersion;
use crate::secret::Plain;
use crate::vault::{MAC_BYTES_MAX, VaultDeed, VaultReply, WrappedDataKey};
use crate::wire::FRAME_BYTES_MAX;
use crate::worker::{Reply, Task};
use std::fmt;
use std::sync::Arc;
use std::vec::IntoIter;

/// A question to [`Hsm::ask`](crate::Hsm::ask) and [`Hsm::ask_blocking`](crate::Hsm::ask_blocking).
pub struct Question<T> {
    tasks: Vec<Task>,
    read: Read<T>,
}

/// Takes its part of the replies; nothing when they are replies to something else.
type Read<T> = Box<dyn FnOnce(&mut IntoIter<Reply>) -> Option<T> + Send>;

/// How the replies to a [`Question`] are read.
pub(crate) struct Answer<T>(Read<T>);

impl<T: 'static> Question<T> {
    fn one(task: Task, read: fn(Reply) -> Option<T>) -> Self {
        Self { tasks: vec![task], read: Box::new(move |replies| replies.next().and_then(read)) }
    }

    /// Work for a `vault` key, if it fits into a message.
    fn vault(key: KeyVersion, deed: VaultDeed, read: fn(Reply) -> Option<T>) -> Result<Self, Error> {
        deed.check()?;
        Ok(Self::one(Task::Vault { epoch: Epoch::ANY, key, deed }, read))
    }

    /// Both, in one request of at most 64 KiB: it is answered when both are, in the time that one has, and fails when one does.
    #[must_use]
    pub fn and<U: 'static>(mut self, other: Question<U>) -> Question<(T, U)> {
        self.tasks.extend(other.tasks);
        let (first, second) = (self.read, other.read);
        Question { tasks: self.tasks, read: Box::new(move |replies| Some((first(replies)?, second(replies)?))) }
    }

    /// A question that there may not be; the answer to none is none.
    #[must_use]
    pub fn optional(question: Option<Self>) -> Question<Option<T>> {
        let Some(Self { tasks, read }) = question else {
            return Question { tasks: Vec::new(), read: Box::new(|_| Some(None)) };
        };
        Question { tasks, read: Box::new(move |replies| read(replies).map(Some)) }
    }

    /// The work, if there is any, and how its reply is read.
    pub(crate) fn split(self) -> Result<(Option<Task>, Answer<T>), Error> {
        let Self { mut tasks, read } = self;
        if tasks.len() < 2 {
            return Ok((tasks.pop(), Answer(read)));
        }
        let task = Task::Several(tasks);
        if task.wire_bytes_max() > FRAME_BYTES_MAX {
            return Err(Error::BadRequest { what: "together they have more than the 64 KiB of a request" });
        }
        Ok((Some(task), Answer(read)))
    }
}

impl<T> Answer<T> {
    /// Reads the reply to the work; to no work there is none.
    pub(crate) fn read(self, reply: Option<Reply>) -> Result<T, Error> {
        let replies = match reply {
            Some(Reply::Several(replies)) => replies,
            one => one.into_iter().collect(),
        };
        (self.0)(&mut replies.into_iter())
            .ok_or_else(|| Error::Message { text: "a reply to another question".to_owned() })
    }
}

impl Question<CardAnswer> {
    /// Everything that one card needs. Its epoch may be old: a caller that keeps one must not keep a suspended version alive.
    ///
    /// # Errors
    /// [`Error::BadRequest`].
    pub fn card(request: CardRequest) -> Result<Self, Error> {
        request.check()?;
        Ok(Self::one(Task::Card(request), |reply| if let Reply::Card(answer) = reply { Some(answer) } else { None }))
    }
}

impl Question<[u8; 64]> {
    /// A signature over a SHA-256 digest with a receipt, audit or identity key: ECDSA P-256, r ‖ s.
    #[must_use]
    pub fn sign(key: KeyVersion, digest: [u8; 32]) -> Self {
        let task = Task::Sign { epoch: Epoch::ANY, key, digest };
        Self::one(task, |reply| if let Reply::Signature(signature) = reply { Some(signature) } else { None })
    }
}

impl Question<p256::PublicKey> {
    /// The public half of a receipt, audit or identity key.
    #[must_use]
    pub fn public_key(key: KeyVersion) -> Self {
        let task = Task::PublicKey { epoch: Epoch::ANY, key };
        Self::one(task, |reply| if let Reply::PublicKey(key) = reply { Some(key) } else { None })
    }
}

impl Question<[u8; 16]> {
    /// AES-CMAC of at most [`MAC_BYTES_MAX`] bytes by an `index` or `activation` key that is ACTIVE or in GRACE.
    ///
    /// # Errors
    /// [`Error::BadRequest`].
    pub fn mac(key: KeyVersion, data: Vec<u8>) -> Result<Self, Error> {
        if data.len() > MAC_BYTES_MAX {
            return Err(Error::BadRequest { what: "a MAC is made over at most 4 KiB" });
        }
        let task = Task::Mac { epoch: Epoch::ANY, key, data };
        Ok(Self::one(task, |reply| if let Reply::Mac(mac) = reply { Some(mac) } else { None }))
    }
}

impl Question<WrappedDataKey> {
    /// A new AES-256 data key under the ACTIVE version of `vault`. To destroy what is returned is to destroy what is sealed with it.
    #[must_use]
    pub fn new_data_key(vault: KeyVersion) -> Self {
        let task = Task::Vault { epoch: Epoch::ANY, key: vault, deed: VaultDeed::NewDataKey };
        Self::one(task, |reply| if let Reply::Vault(VaultReply::DataKey(key)) = reply { Some(key) } else { None })
    }
}

impl Question<Vec<u8>> {
    /// Seals at most [`PLAIN_BYTES_MAX`] bytes by AES-256-GCM inside the token: nonce (12) ‖ ciphertext ‖ tag (16). `aad`, at most
    /// [`AAD_BYTES_MAX`] bytes, says what they are and must be given again to open them. The version must be ACTIVE.
    ///
    /// # Errors
    /// [`Error::BadRequest`].
    ///
    /// [`AAD_BYTES_MAX`]: crate::vault::AAD_BYTES_MAX
    /// [`PLAIN_BYTES_MAX`]: crate::vault::PLAIN_BYTES_MAX
    pub fn seal(vault: KeyVersion, data_key: WrappedDataKey, aad: Vec<u8>, plain: &[u8]) -> Result<Self, Error> {
        let plain = Arc::new(Plain::new(plain.to_vec()));
        Self::vault(vault, VaultDeed::Seal { data_key, aad, plain }, |reply| {
            if let Reply::Vault(VaultReply::Sealed(sealed)) = reply { Some(sealed) } else { None }
        })
    }
}

impl Question<Plain> {
    /// Opens what [`Question::seal`] sealed. The version may be in GRACE.
    ///
    /// # Errors
    /// [`Error::BadRequest`].
    pub fn open(vault: KeyVersion, data_key: WrappedDataKey, aad: Vec<u8>, sealed: Vec<u8>) -> Result<Self, Error> {
        Self::vault(vault, VaultDeed::Open { data_key, aad, sealed }, |reply| {
            if let Reply::Vault(VaultReply::Opened(plain)) = reply { Some(plain) } else { None }
        })
    }
}

impl Question<Vec<KeyHealth>> {
    /// Whether the token and every usable key are as they must be.
    pub(crate) fn health() -> Self {
        let task = Task::Health { epoch: Epoch::ANY };
        Self::one(task, |reply| if let Reply::Health(keys) = reply { Some(keys) } else { None })
    }
}

impl<T> fmt::Debug for Question<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a MAC is made over may be personal data.
        write!(f, "Question of {} tasks", self.tasks.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign() -> Question<[u8; 64]> {
        Question::sign("receipt@1".parse().unwrap(), [1; 32])
    }

    fn mac() -> Question<[u8; 16]> {
        Question::mac("index@1".parse().unwrap(), vec![2; 4]).unwrap()
    }

    #[test]
    fn several_go_together_and_each_takes_its_reply() {
        let (task, answer) = sign().and(Question::optional(None::<Question<[u8; 16]>>)).and(mac()).split().unwrap();
        assert!(matches!(task, Some(Task::Several(tasks)) if tasks.len() == 2));
        let reply = Reply::Several(vec![Reply::Signature([3; 64]), Reply::Mac([4; 16])]);
        assert_eq!(answer.read(Some(reply)).unwrap(), (([3; 64], None), [4; 16]));
    }

    #[test]
    fn one_goes_alone_and_none_is_not_asked() {
        let (task, answer) = Question::optional(Some(mac())).split().unwrap();
        assert!(matches!(task, Some(Task::Mac { .. })));
        assert_eq!(answer.read(Some(Reply::Mac([4; 16]))).unwrap(), Some([4; 16]));
        let (task, answer) = Question::optional(None::<Question<[u8; 16]>>).split().unwrap();
        assert_eq!((task, answer.read(None).unwrap()), (None, None));
    }

    #[test]
    fn what_is_asked_is_not_printed() {
        let question = Question::mac("index@1".parse().unwrap(), b"hanako@example.com".to_vec()).unwrap();
        assert_eq!(format!("{question:?}"), "Question of 1 tasks");
    }

    #[test]
    fn a_reply_to_another_question_is_refused() {
        for reply in [Some(Reply::Mac([4; 16])), Some(Reply::Several(Vec::new())), None] {
            let (_, answer) = sign().split().unwrap();
            assert!(matches!(answer.read(reply), Err(Error::Message { .. })));
        }
    }
}
