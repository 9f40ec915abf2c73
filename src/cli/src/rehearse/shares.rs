//! The two DKEK shares: made, sealed, written, read back, opened.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use smartcard_hsm::channel::Channel;
use smartcard_hsm::dkek::share::SealedShare;
use smartcard_hsm::dkek::stretch::{Md5Stretch, ROUNDS};
use smartcard_hsm::dkek::{SealingPassphrase, Share};
use smartcard_hsm::secret::{Secret, SecretBytes};
use smartcard_hsm::session::Session;
use zeroize::Zeroizing;

use super::say::Say;
use crate::random;

/// Characters nobody takes for another, 32 of them: five random bits each.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of a passphrase: 120 random bits.
const PASSPHRASE_LEN: usize = 24;

/// A share and what its custodian would write down.
///
/// Secret: both; wiped when the rehearsal ends.
pub(super) struct Custody {
    pub(super) share: Share,
    pub(super) passphrase: SealingPassphrase,
}

/// Makes a share of the token's and the kernel's randomness: whoever knows one of them does not know the share.
pub(super) fn make<C: Channel, T, A>(token: &mut Session<C, T, A>) -> Result<Custody, Box<dyn Error>> {
    let of_token = token.random(32)?;
    let mut of_kernel = Zeroizing::new([0; 32]);
    random::fill(of_kernel.as_mut_slice())?;
    let share = Share::new(Secret::filled(|share| {
        for ((share, token), kernel) in share.iter_mut().zip(of_token.expose()).zip(of_kernel.iter()) {
            *share = token ^ kernel;
        }
    }));
    Ok(Custody { share, passphrase: passphrase()? })
}

fn passphrase() -> Result<SealingPassphrase, Box<dyn Error>> {
    let mut bytes = Zeroizing::new(vec![0; PASSPHRASE_LEN]);
    random::fill(&mut bytes)?;
    for byte in bytes.iter_mut() {
        *byte = ALPHABET.get(usize::from(*byte % 32)).copied().unwrap_or_default();
    }
    Ok(SealingPassphrase::new(SecretBytes::new(bytes))?)
}

/// Seals each share into its file, all at once on as many threads.
pub(super) fn seal(custody: &[Custody], files: &[&Path], say: &mut Say) -> Result<(), Box<dyn Error>> {
    let mut salts = Vec::new();
    for _ in custody {
        salts.push(random::bytes()?);
    }
    let jobs: Vec<_> = custody.iter().zip(salts).collect();
    let sealed = at_once(&jobs, say, |(one, salt), progress| {
        SealedShare::seal(&one.share, &one.passphrase, *salt, &Md5Stretch, progress)
    })?;
    for (sealed, file) in sealed.iter().zip(files) {
        fs::write(file, sealed.to_file())?;
    }
    Ok(())
}

/// Opens the shares from their files, as the tokens will get them.
pub(super) fn open(custody: &[Custody], files: &[&Path], say: &mut Say) -> Result<Vec<Share>, Box<dyn Error>> {
    let mut sealed = Vec::new();
    for file in files {
        sealed.push(SealedShare::parse(&fs::read(file)?)?);
    }
    let jobs: Vec<_> = custody.iter().zip(&sealed).collect();
    let opened = at_once(&jobs, say, |(one, sealed), progress| sealed.open(&one.passphrase, &Md5Stretch, progress))?;
    Ok(opened.into_iter().collect::<Result<_, _>>()?)
}

/// Runs a derivation for each job on a thread of its own; the slowest says how far they are.
fn at_once<J: Sync, V: Send>(
    jobs: &[J],
    say: &mut Say,
    work: impl Fn(&J, &mut dyn FnMut(u32)) -> V + Sync,
) -> Result<Vec<V>, Box<dyn Error>> {
    thread::scope(|scope| {
        let (send, done) = mpsc::channel();
        let threads: Vec<_> = jobs
            .iter()
            .enumerate()
            .map(|(at, job)| {
                let (send, work) = (send.clone(), &work);
                scope.spawn(move || {
                    work(job, &mut |rounds| {
                        // Nobody listens any more only if the rehearsal failed elsewhere.
                        let _ = send.send((at, rounds));
                    })
                })
            })
            .collect();
        drop(send);
        let mut rounds = vec![0; jobs.len()];
        for (at, now) in done {
            if let Some(rounds) = rounds.get_mut(at) {
                *rounds = now;
            }
            let slowest = rounds.iter().min().copied().unwrap_or_default();
            say.percent(u32::try_from(u64::from(slowest) * 100 / u64::from(ROUNDS))?)?;
        }
        let join =
            |thread: thread::ScopedJoinHandle<'_, V>| thread.join().map_err(|_| "a key derivation failed".into());
        threads.into_iter().map(join).collect()
    })
}
