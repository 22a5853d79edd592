//! One test, two engines.

use crate::{Programs, skipped};

/// The engine that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A database of this binary's own cluster.
    Postgres,
}

/// The engine, when it is on this machine; else the test has named itself as skipped.
#[must_use]
pub fn engine_here(engine: Engine, test: &str) -> Option<Engine> {
    match engine {
        Engine::Sqlite => Some(engine),
        Engine::Postgres => match Programs::find() {
            Ok(_) => Some(engine),
            Err(absent) => {
                skipped(test, &absent.to_string());
                None
            }
        },
    }
}

/// Makes two tests of each function `fn NAME(engine: Engine)` of the calling module: `sqlite::NAME` and `postgres::NAME`.
#[macro_export]
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        $crate::on_both_engines!(@module sqlite, Sqlite, $($test),+);
        $crate::on_both_engines!(@module postgres, Postgres, $($test),+);
    };
    (@module $module:ident, $engine:ident, $($test:ident),+) => {
        mod $module {
            $(
                #[test]
                fn $test() {
                    let name = concat!(module_path!(), "::", stringify!($test));
                    if let Some(engine) = $crate::engine_here($crate::Engine::$engine, name) {
                        super::$test(engine);
                    }
                }
            )+
        }
    };
}
