//! Compilers for boards: which one there is, and how cargo is told to use it.
//!
//! Two kinds work. The compiler in use, where it has the library of the target (`rustup target add`
//! puts it there); or Debian's, which brings the sources of `core` along, so that cargo can build
//! it. For the second, the linker of any rustup toolchain or `ld.lld` serves.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Outcome, process};

/// Cortex-M0 and M0+: no compare-and-swap.
pub(crate) const CORTEX_M0: &str = "thumbv6m-none-eabi";
/// Cortex-M3.
pub(crate) const CORTEX_M3: &str = "thumbv7m-none-eabi";
/// Every target that something is built for.
pub(crate) const TARGETS: &[&str] = &[CORTEX_M0, CORTEX_M3];

/// Debian's packages that make a compiler for boards.
pub(crate) const DEBIAN_PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// The oldest compiler the workspace builds with; `checks` holds it against `Cargo.toml`.
pub(crate) const OLDEST: (u32, u32) = (1, 88);

const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// Set to `installed` or `debian`, it chooses the compiler.
const CHOICE: &str = "XTASK_COMPILER";

/// What of the standard library a package for a board uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Library {
    /// `core` alone: anything that asks for `alloc` fails to build, where the compiler is Debian's.
    Core,
    /// `core` and `alloc`.
    Alloc,
}

/// A compiler for one target.
pub(crate) struct Compiler {
    target: &'static str,
    kind: Kind,
    /// What it calls itself.
    pub(crate) version: String,
}

enum Kind {
    /// The one in use; it has the target's library.
    Installed,
    /// Debian's; builds the library from source, and links with this program.
    Debian { linker: Option<PathBuf> },
}

impl Compiler {
    /// The compiler in use if it knows the target, else Debian's.
    ///
    /// # Errors
    /// Says what is missing and how to get it.
    pub(crate) fn find(target: &'static str) -> Outcome<Self> {
        match std::env::var(CHOICE).as_deref() {
            Ok("installed") => Self::installed(target),
            Ok("debian") => Self::debian(target),
            _ => Self::installed(target).or_else(|no_target| {
                Self::debian(target).map_err(|no_debian| format!("{no_target}; {no_debian}"))
            }),
        }
    }

    /// A compiler that builds `core` for size as well, so that sizes compare; else any.
    pub(crate) fn find_for_size(target: &'static str) -> Outcome<Self> {
        if std::env::var_os(CHOICE).is_some() {
            return Self::find(target);
        }
        Self::debian(target).or_else(|_| Self::find(target))
    }

    /// A cargo command, such as `build`, for packages on this compiler's target.
    pub(crate) fn cargo(&self, command: &str, library: Library) -> Command {
        match &self.kind {
            Kind::Installed => {
                let mut cargo = process::cargo();
                cargo.args([command, "--target", self.target]);
                cargo
            }
            Kind::Debian { linker } => {
                let mut cargo = debian(DEBIAN_CARGO);
                cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                if let Some(linker) = linker {
                    cargo.env(linker_variable(self.target), linker);
                }
                let parts = if library == Library::Core { "core" } else { "core,alloc" };
                cargo.args([command, "--target", self.target]).arg(format!("-Zbuild-std={parts}"));
                cargo
            }
        }
    }

    /// Whether images can be linked, which libraries do not need.
    ///
    /// # Errors
    /// Says what is missing and how to get it.
    pub(crate) fn can_link(&self) -> Outcome {
        match self.kind {
            Kind::Debian { linker: None } => Err(format!(
                "no linker for {}: neither `rust-lld` in a rustup toolchain nor `ld.lld`; \
                 `apt-get install lld` brings the second",
                self.target
            )),
            _ => Ok(()),
        }
    }

    /// Whose compiler it is, for the log.
    pub(crate) fn describe(&self) -> String {
        match self.kind {
            Kind::Installed => format!("{}, with the target's own library", self.version),
            Kind::Debian { .. } => format!("{}, Debian's, core built from source", self.version),
        }
    }

    fn installed(target: &'static str) -> Outcome<Self> {
        let mut ask = Command::new("rustc");
        let folder = process::capture(ask.args(["--print", "target-libdir", "--target", target]))?;
        if !Path::new(folder.trim()).is_dir() {
            return Err(format!("the compiler in use has no library for {target}"));
        }
        let version = process::capture(Command::new("rustc").arg("--version"))?;
        Ok(Self { target, kind: Kind::Installed, version: short(&version) })
    }

    fn debian(target: &'static str) -> Outcome<Self> {
        let missing = || format!("Debian's {} are not there", DEBIAN_PACKAGES.join(", "));
        if !Path::new(DEBIAN_CARGO).exists() || !Path::new(DEBIAN_RUSTC).exists() {
            return Err(missing());
        }
        let version = process::capture(debian(DEBIAN_RUSTC).arg("--version"))?;
        if minor_version(&version).is_none_or(|found| found < OLDEST) {
            return Err(format!("Debian's compiler is too old ({})", version.trim()));
        }
        let root = process::capture(debian(DEBIAN_RUSTC).args(["--print", "sysroot"]))?;
        if !Path::new(root.trim()).join("lib/rustlib/src/rust/library/core").is_dir() {
            return Err(missing());
        }
        Ok(Self { target, kind: Kind::Debian { linker: linker() }, version: short(&version) })
    }
}

/// One of Debian's programs, without what rustup and a cargo above us put into the environment.
fn debian(program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("/usr/bin:{path}"));
    for name in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN", "LD_LIBRARY_PATH"] {
        command.env_remove(name);
    }
    command
}

/// `rust-lld` of a rustup toolchain, else `ld.lld`.
fn linker() -> Option<PathBuf> {
    let home = |variable: &str| std::env::var_os(variable).map(PathBuf::from);
    let rustup = home("RUSTUP_HOME").or_else(|| home("HOME").map(|home| home.join(".rustup")))?;
    let toolchains = crate::workspace::folders(&rustup.join("toolchains"));
    let hosts = toolchains
        .iter()
        .flat_map(|toolchain| crate::workspace::folders(&toolchain.join("lib/rustlib")));
    let bundled = hosts.map(|host| host.join("bin/rust-lld")).find(|path| path.is_file());
    let debians = PathBuf::from("/usr/bin/ld.lld");
    bundled.or_else(|| debians.is_file().then_some(debians))
}

/// The variable that names cargo's linker for a target.
fn linker_variable(target: &str) -> String {
    format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"))
}

/// `rustc 1.96.0` of a longer line.
fn short(version: &str) -> String {
    version.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

/// Major and minor number in what `rustc --version` prints.
fn minor_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(1)?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared_as_numbers() {
        let debian = "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\n";
        assert_eq!(minor_version(debian), Some((1, 96)));
        assert_eq!(short(debian), "rustc 1.96.0");
        assert!(minor_version("rustc 1.100.0-nightly").unwrap() > OLDEST);
        assert_eq!(minor_version("nonsense"), None);
    }

    #[test]
    fn the_linker_variable_is_spelt_as_cargo_wants_it() {
        assert_eq!(linker_variable(CORTEX_M3), "CARGO_TARGET_THUMBV7M_NONE_EABI_LINKER");
    }
}
