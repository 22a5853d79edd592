//! Gives the linker a libpcsclite to link against, whatever the machine has: the stub of `stub/pcsclite.c`.
//!
//! It carries the names and the soname of the real library and none of its code, as import libraries do. The real one is
//! found when a program starts. So a build needs neither libpcsclite's development package nor pkg-config, and comes out
//! the same with them. `PCSC_LIB_DIR` in `.cargo/config.toml` keeps the crate `pcsc-sys` from asking pkg-config.

use std::env;
use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=stub/pcsclite.c");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    // macOS brings PC/SC as a framework, Windows as winscard.
    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "macos" || os == "windows") {
        return;
    }
    let (Some(out), Some(here)) = (env::var_os("OUT_DIR"), env::var_os("CARGO_MANIFEST_DIR")) else {
        fail("cargo did not say where to build");
    };
    let out = PathBuf::from(out);
    // The compiler that links Rust programs, which is there wherever Rust is.
    let compiler = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let status = Command::new(&compiler)
        .args(["-shared", "-fPIC", "-nostdlib", "-Wl,-soname,libpcsclite.so.1", "-o"])
        .arg(out.join("libpcsclite.so"))
        .arg(PathBuf::from(here).join("stub/pcsclite.c"))
        .status();
    match status {
        Ok(status) if status.success() => println!("cargo:rustc-link-search=native={}", out.display()),
        Ok(status) => fail(&format!("{} ended with {status}", compiler.display())),
        Err(error) => fail(&format!("cannot start {}: {error}", compiler.display())),
    }
}

fn fail(why: &str) -> ! {
    eprintln!("the stub of libpcsclite was not built: {why}");
    std::process::exit(1);
}
