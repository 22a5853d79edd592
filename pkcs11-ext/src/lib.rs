//! The PKCS#11 calls that `cryptoki` 0.12 cannot make, and the only unsafe code of the workspace.
//!
//! * C_UnwrapKey and C_GenerateKeyPair with CKA_UNWRAP_TEMPLATE. A key that carries one lets nothing in that does not fit it (OASIS PKCS #11 3.1
//!   §4.9, an array attribute: attributes inside an attribute), and the binding has no array attributes. Whether a token *obeys* the
//!   template is found by a known-answer test of the caller.
//! * C_Sign, C_Encrypt and C_WrapKey into a buffer of the caller. The binding asks for the length of every output first, which is one call in
//!   three; the outputs of this house have lengths that are known.

use cryptoki::context::Function;
use cryptoki::error::Rv;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::Session;
use cryptoki_sys::{CK_ATTRIBUTE, CK_C_Sign, CK_FUNCTION_LIST, CK_MECHANISM, CK_ULONG, CKA_UNWRAP_TEMPLATE, Pkcs11};
use std::path::Path;
use std::ptr;
use thiserror::Error;

/// What can go wrong here.
#[derive(Debug, Error)]
pub enum ExtError {
    /// The library cannot be loaded, or has not what it must have.
    #[error("the PKCS#11 library does not give its functions: {0}")]
    Library(String),
    /// The library refused the call.
    #[error(transparent)]
    Token(#[from] cryptoki::error::Error),
}

/// The functions of a PKCS#11 library that this process uses through `cryptoki` already.
#[derive(Debug, Clone, Copy)]
pub struct Library(&'static CK_FUNCTION_LIST);

impl Library {
    /// Finds the functions of the library at `path`, for as long as the process lives. Loading a library again gives the same instance
    /// (dlopen(3)), so sessions that `cryptoki` opened through the same path are known to it.
    ///
    /// # Errors
    /// [`ExtError::Library`] when there is no such library or it has no C_GetFunctionList; [`ExtError::Token`] when that call fails.
    pub fn load(path: &Path) -> Result<Self, ExtError> {
        // SAFETY: loading runs initialisers. It is the library that fuda.toml names, and `cryptoki` has loaded it before: no new code comes in.
        #[allow(unsafe_code, reason = "dlopen of the library that is loaded already")]
        let library = unsafe { Pkcs11::new(path) }.map_err(|error| ExtError::Library(error.to_string()))?;
        // Never unloaded: the list of functions lies in it.
        let library = Box::leak(Box::new(library));
        library.C_GetFunctionList.as_ref().map_err(|error| ExtError::Library(error.to_string()))?;
        let mut functions: *mut CK_FUNCTION_LIST = ptr::null_mut();
        // SAFETY: the symbol is there (checked above) and has this signature by PKCS #11 3.1 §5.4.4; the argument is a pointer of ours. The
        // function may be called at any time, before C_Initialize too.
        #[allow(unsafe_code, reason = "the way to the functions of a PKCS#11 library")]
        let answer = unsafe { library.C_GetFunctionList(&raw mut functions) };
        Rv::from(answer).into_result(Function::GetFunctionList)?;
        // SAFETY: a pointer that is not null points to the list in the library, which is loaded until the process ends and constant after
        // C_GetFunctionList (PKCS #11 3.1 §3.6).
        #[allow(unsafe_code, reason = "reading the library's list of functions")]
        let functions = unsafe { functions.as_ref() };
        functions.map(Self).ok_or_else(|| ExtError::Library("C_GetFunctionList gives no list".to_owned()))
    }

    /// C_UnwrapKey of a key that lets keys in itself: `template` is what it is, `lets_in` what every key must fit that it unwraps later. The
    /// unwrap template stands before the last attribute of `template`, because tokens refuse what follows CKA_MODIFIABLE=false.
    ///
    /// # Errors
    /// [`ExtError::Token`] with the library's return value; [`ExtError::Library`] when it has no such function.
    pub fn unwrap_key(
        self,
        session: &Session,
        mechanism: &Mechanism<'_>,
        under: ObjectHandle,
        wrapped: &[u8],
        template: &[Attribute],
        lets_in: &[Attribute],
    ) -> Result<ObjectHandle, ExtError> {
        let call = self.0.C_UnwrapKey.ok_or_else(|| absent("C_UnwrapKey"))?;
        let mut inner: Vec<_> = lets_in.iter().map(CK_ATTRIBUTE::from).collect();
        let mut outer = nested(template, &mut inner)?;
        let (mut mechanism, mut wrapped, mut key) = (CK_MECHANISM::from(mechanism), wrapped.to_vec(), 0);
        let (length, count) = (size(wrapped.len())?, size(outer.len())?);
        let (blob, list) = (wrapped.as_mut_ptr(), outer.as_mut_ptr());
        // SAFETY: every pointer is to a value of this function or its arguments, all of which live through the call, and every length is that of
        // the value it stands with; C_UnwrapKey only reads its input and writes the one handle (PKCS #11 3.1 §5.18.4). Handles that the library
        // does not know are an answer of it, not undefined behaviour. `Session` is not `Sync`: no other thread is in a call on the session.
        #[allow(unsafe_code, reason = "the call that the binding cannot express")]
        let answer = unsafe {
            call(session.handle(), &raw mut mechanism, under.handle(), blob, length, list, count, &raw mut key)
        };
        Rv::from(answer).into_result(Function::UnwrapKey)?;
        Ok(handle(key))
    }

    /// C_GenerateKeyPair, public and private half; `lets_in` is the unwrap template of the private half, placed as in [`Library::unwrap_key`].
    ///
    /// # Errors
    /// As [`Library::unwrap_key`].
    pub fn generate_pair(
        self,
        session: &Session,
        mechanism: &Mechanism<'_>,
        public: &[Attribute],
        private: &[Attribute],
        lets_in: &[Attribute],
    ) -> Result<(ObjectHandle, ObjectHandle), ExtError> {
        let call = self.0.C_GenerateKeyPair.ok_or_else(|| absent("C_GenerateKeyPair"))?;
        let mut inner: Vec<_> = lets_in.iter().map(CK_ATTRIBUTE::from).collect();
        let mut public: Vec<_> = public.iter().map(CK_ATTRIBUTE::from).collect();
        let mut private = nested(private, &mut inner)?;
        let (mut mechanism, mut halves) = (CK_MECHANISM::from(mechanism), (0, 0));
        let (publics, privates) = (size(public.len())?, size(private.len())?);
        let (one, other) = (public.as_mut_ptr(), private.as_mut_ptr());
        let (first, second) = (&raw mut halves.0, &raw mut halves.1);
        // SAFETY: as in `unwrap_key`; C_GenerateKeyPair reads mechanism and both lists and writes the two handles (PKCS #11 3.1 §5.18.2).
        #[allow(unsafe_code, reason = "the call that the binding cannot express")]
        let answer =
            unsafe { call(session.handle(), &raw mut mechanism, one, publics, other, privates, first, second) };
        Rv::from(answer).into_result(Function::GenerateKeyPair)?;
        Ok((handle(halves.0), handle(halves.1)))
    }

    /// C_Sign into `output`, after the binding's `sign_init`. Gives the bytes that were written.
    ///
    /// # Errors
    /// As [`Library::unwrap_key`], and CKR_BUFFER_TOO_SMALL.
    pub fn sign(self, session: &Session, data: &[u8], output: &mut [u8]) -> Result<usize, ExtError> {
        one_shot(self.0.C_Sign, Function::Sign, session, data, output)
    }

    /// C_Encrypt into `output`, after the binding's `encrypt_init`; else as [`Library::sign`].
    ///
    /// # Errors
    /// As [`Library::sign`].
    pub fn encrypt(self, session: &Session, data: &[u8], output: &mut [u8]) -> Result<usize, ExtError> {
        one_shot(self.0.C_Encrypt, Function::Encrypt, session, data, output)
    }

    /// C_WrapKey into `output`. Gives the bytes that were written.
    ///
    /// # Errors
    /// As [`Library::sign`].
    pub fn wrap_key(
        self,
        session: &Session,
        mechanism: &Mechanism<'_>,
        under: ObjectHandle,
        key: ObjectHandle,
        output: &mut [u8],
    ) -> Result<usize, ExtError> {
        let call = self.0.C_WrapKey.ok_or_else(|| absent("C_WrapKey"))?;
        let (mut mechanism, mut length) = (CK_MECHANISM::from(mechanism), size(output.len())?);
        let (by, what, into) = (under.handle(), key.handle(), output.as_mut_ptr());
        // SAFETY: as in `unwrap_key`; C_WrapKey writes at most `length` bytes, which is what `output` has, and then how many (§5.2, §5.18.3).
        #[allow(unsafe_code, reason = "the call that the binding makes twice")]
        let answer = unsafe { call(session.handle(), &raw mut mechanism, by, what, into, &raw mut length) };
        Rv::from(answer).into_result(Function::WrapKey)?;
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }
}

fn one_shot(
    call: CK_C_Sign,
    name: Function,
    session: &Session,
    data: &[u8],
    output: &mut [u8],
) -> Result<usize, ExtError> {
    let call = call.ok_or_else(|| absent("C_Sign or C_Encrypt"))?;
    let (from, bytes) = (data.as_ptr().cast_mut(), size(data.len())?);
    let (into, mut length) = (output.as_mut_ptr(), size(output.len())?);
    // SAFETY: as in `unwrap_key`; both only read the data (C's signature has no const) and write at most `length` bytes, which is what `output`
    // has, and then how many (PKCS #11 3.1 §5.2, §5.8.2, §5.13.2).
    #[allow(unsafe_code, reason = "the call that the binding makes twice")]
    let answer = unsafe { call(session.handle(), from, bytes, into, &raw mut length) };
    Rv::from(answer).into_result(name)?;
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}

/// The attributes of `list` with an unwrap template before the last; they point to both.
fn nested(list: &[Attribute], inner: &mut Vec<CK_ATTRIBUTE>) -> Result<Vec<CK_ATTRIBUTE>, ExtError> {
    let bytes = size(size_of_val(inner.as_slice()))?;
    let mut outer: Vec<_> = list.iter().map(CK_ATTRIBUTE::from).collect();
    let array = CK_ATTRIBUTE { type_: CKA_UNWRAP_TEMPLATE, pValue: inner.as_mut_ptr().cast(), ulValueLen: bytes };
    outer.insert(outer.len().saturating_sub(1), array);
    Ok(outer)
}

fn absent(name: &str) -> ExtError {
    ExtError::Library(format!("it has no {name}"))
}

/// A handle that the library gave a moment ago.
#[allow(unsafe_code, reason = "the binding has no other way to take a handle")]
fn handle(number: CK_ULONG) -> ObjectHandle {
    // SAFETY: every caller passes what a call wrote that returned CKR_OK; the constructor is unsafe only because it cannot know.
    unsafe { ObjectHandle::new_from_raw(number) }
}

/// A length as C has it.
fn size(bytes: usize) -> Result<CK_ULONG, ExtError> {
    CK_ULONG::try_from(bytes).map_err(|_| ExtError::Library("a length does not fit CK_ULONG".to_owned()))
}
