//! Fixtures and the integration tests of the whole workspace.
