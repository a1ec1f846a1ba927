//! Builds the one program of ours that runs inside a guest, and embeds it.
//!
//! A guest's libc is not the host's, so the program is static. It uses the standard library alone
//! and is one file, so that one call of the compiler makes it: `cargo build`, `cargo install` and
//! cross builds all get it without a second target or a setting of their own.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

const SOURCE: &str = "src/engine/guest/program.rs";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={SOURCE}");
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("bot-bottle-guest");
    if env::var("CARGO_CFG_TARGET_OS")? != "linux" {
        // Guests run on Linux; elsewhere the checker and the editor's part are all there is.
        std::fs::write(&out, b"")?;
        return Ok(());
    }
    if compile(&out, true)? {
        return Ok(());
    }
    // Without a static libc (Fedora: glibc-static) bubblewrap guests still work: they see the host's.
    println!("cargo:warning=no static libc here: container guests need this machine's own libc");
    if compile(&out, false)? { Ok(()) } else { Err("the guest program did not compile".into()) }
}

fn compile(out: &std::path::Path, fixed: bool) -> Result<bool, Box<dyn Error>> {
    let mut rustc = Command::new(env::var("RUSTC")?);
    rustc.args(["--edition=2024", "--crate-type=bin", "--crate-name=bot_bottle_guest", SOURCE]);
    rustc.args(["-Copt-level=s", "-Cpanic=abort", "-Cstrip=symbols", "-Clto=fat", "-Ccodegen-units=1"]);
    rustc.arg("--target").arg(env::var("TARGET")?).arg("-o").arg(out);
    if fixed {
        rustc.arg("-Ctarget-feature=+crt-static");
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    // The flags of an outer wrapper (clippy, coverage) are not for this program.
    rustc.env_remove("RUSTC_WRAPPER").env_remove("RUSTC_WORKSPACE_WRAPPER");
    Ok(rustc.status()?.success())
}
