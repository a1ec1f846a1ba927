//! A tar archive that depends on nothing but names, modes and bytes.

use std::io::{self, Read, Write};

/// A day in 1980, of every entry: the time of a file is no part of what a person agreed to, and
/// formats that cannot say 1970 are copied in builds.
const TIME: u64 = 315_619_200;
const BLOCK: usize = 512;

/// Writes an archive.
pub(super) struct Tar<W> {
    out: W,
}

impl<W: Write> Tar<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out }
    }

    pub(super) fn folder(&mut self, path: &[u8], mode: u32) -> io::Result<()> {
        self.header(&[path, b"/"].concat(), mode, 0, b'5', b"")
    }

    pub(super) fn link(&mut self, path: &[u8], target: &[u8]) -> io::Result<()> {
        self.header(path, 0o777, 0, b'2', target)
    }

    /// A file of exactly `size` bytes.
    pub(super) fn file(&mut self, path: &[u8], mode: u32, size: u64, from: impl Read) -> io::Result<()> {
        self.header(path, mode, size, b'0', b"")?;
        if io::copy(&mut from.take(size), &mut self.out)? != size {
            return Err(io::Error::other("it became shorter while it was read"));
        }
        self.pad(size)
    }

    /// The two empty blocks at the end; gives back where it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.out.write_all(&[0; 2 * BLOCK])?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn header(&mut self, path: &[u8], mode: u32, size: u64, kind: u8, link: &[u8]) -> io::Result<()> {
        self.long(b'K', link)?;
        self.long(b'L', path)?;
        self.block(path, mode, size, kind, link)
    }

    /// GNU's entry in front for a name that a header has no room for.
    fn long(&mut self, kind: u8, name: &[u8]) -> io::Result<()> {
        if name.len() <= 100 {
            return Ok(());
        }
        let size = name.len() as u64 + 1;
        self.block(b"././@LongLink", 0o644, size, kind, b"")?;
        self.out.write_all(name)?;
        self.out.write_all(&[0])?;
        self.pad(size)
    }

    fn block(&mut self, path: &[u8], mode: u32, size: u64, kind: u8, link: &[u8]) -> io::Result<()> {
        let mut block = [0; BLOCK];
        let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &path[..path.len().min(100)]);
        put(100, format!("{mode:07o}").as_bytes());
        put(108, b"0000000\x000000000\0");
        // Eleven octal digits hold 8 GiB, more than a context may have.
        put(124, format!("{size:011o}").as_bytes());
        put(136, format!("{TIME:011o}").as_bytes());
        put(148, b"        ");
        put(156, &[kind]);
        put(157, &link[..link.len().min(100)]);
        put(257, b"ustar  \0");
        let sum: u32 = block.iter().map(|b| u32::from(*b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.out.write_all(&block)
    }

    fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = usize::try_from(size % BLOCK as u64).unwrap_or(0);
        self.out.write_all(&[0; BLOCK][..(BLOCK - over) % BLOCK])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_comes_through_and_a_file_has_the_size_that_it_said() {
        let long = "d/".repeat(120) + "f";
        let mut tar = Tar::new(Vec::new());
        tar.folder(b"a", 0o755).expect("written");
        tar.file(long.as_bytes(), 0o600, 3, &b"abcdef"[..]).expect("written");
        tar.link(b"l", long.as_bytes()).expect("written");
        tar.file("é".as_bytes(), 0o755, 512, &[b'x'; 512][..]).expect("written");
        tar.file(b"short", 0o600, 3, &b"ab"[..]).expect_err("too short");
        let mut tar = Tar::new(Vec::new());
        tar.file(long.as_bytes(), 0o600, 3, &b"abc"[..]).expect("written");
        tar.link(b"l", long.as_bytes()).expect("written");
        let bytes = tar.finish().expect("finished");
        assert_eq!(bytes.len() % BLOCK, 0);
        // The system's own program reads it.
        let dir = tempfile::tempdir().expect("temp");
        std::fs::write(dir.path().join("a.tar"), &bytes).expect("written");
        let listed = std::process::Command::new("tar").arg("-tf").arg(dir.path().join("a.tar")).output();
        if let Ok(listed) = listed {
            assert_eq!(String::from_utf8_lossy(&listed.stdout), format!("{long}\nl\n"));
        }
    }
}
