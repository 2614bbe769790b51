//! Where random bytes come from.

use std::fmt;

use zeroize::Zeroizing;

/// Draws random bytes. One source asks the operating system; a simulation has its own.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Fills `bytes`, or says why it cannot.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

/// The operating system gave no random bytes. Nothing is born without them: stop.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoEntropy;

/// The operating system's source.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }
}

impl dyn Entropy + '_ {
    /// Draws an array.
    pub fn draw<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Draws several arrays at once, `N` bytes in all, for whoever needs many: each question to
    /// the operating system costs as much as its answer.
    pub fn draw_handful<const N: usize>(&self) -> Result<Handful<N>, NoEntropy> {
        let mut bytes = Zeroizing::new([0; N]);
        self.fill(&mut *bytes)?;
        Ok(Handful { bytes, taken: 0 })
    }
}

/// Random bytes to be taken one array after the other, each once. It is wiped when it is dropped.
pub struct Handful<const N: usize> {
    bytes: Zeroizing<[u8; N]>,
    taken: usize,
}

impl<const N: usize> Handful<N> {
    /// The next of them.
    ///
    /// # Panics
    ///
    /// If fewer are left: as many are drawn as will be taken.
    pub fn take<const M: usize>(&mut self) -> [u8; M] {
        let next = self.bytes[self.taken..].first_chunk();
        self.taken += M;
        *next.expect("as many are drawn as are taken")
    }
}

impl<const N: usize> fmt::Debug for Handful<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handful(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_handful_when_taken_from_then_no_byte_is_handed_out_twice() {
        #[derive(Debug)]
        struct Rising;
        impl Entropy for Rising {
            fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
                for (byte, value) in bytes.iter_mut().zip(0..) {
                    *byte = value;
                }
                Ok(())
            }
        }
        let source: &dyn Entropy = &Rising;

        let mut handful = source.draw_handful::<5>().unwrap();

        assert_eq!(handful.take(), [0, 1]);
        assert_eq!(handful.take(), [2, 3, 4]);
    }
}
