//! Keys over PKCS#11: birth, derivation, session keys, wrapping, registry.
