use std::{sync::LazyLock, thread};

use conclave_sim::memo::Memo;
use smartcard_hsm::{
    dkek::{
        CombineError, Dkek, SealingPassphrase, Share,
        share::{SealedShare, ShareError},
        split::{PassphraseShare, recombine},
        stretch::{ROUNDS, Stretch},
    },
    secret::SecretBytes,
};

use crate::{SHARE_1, SHARE_2, passphrase, share, vector};

/// The real derivation, but once for each passphrase and file.
static MEMO: LazyLock<Memo> = LazyLock::new(Memo::default);

fn open(path: &str, words: &[u8]) -> Result<Share, ShareError> {
    SealedShare::parse(&vector(path))?.open(&passphrase(words), &*MEMO, &mut |_| ())
}

#[test]
fn shares_of_two_custodians_open_side_by_side_and_combine() {
    let (one, two) = thread::scope(|scope| {
        let one = scope.spawn(|| open("token/dkek/share1.pbe", b"correct horse battery"));
        let two = scope.spawn(|| open("token/dkek/share2.pbe", b"second-custodian-2"));
        (one.join().unwrap().unwrap(), two.join().unwrap().unwrap())
    });
    assert_eq!((&one, &two), (&share(SHARE_1), &share(SHARE_2)));
    assert_eq!(Dkek::combine(&[&one, &two]).unwrap().kcv().to_string(), "b445 a693 b81e 2202");
    let again = open("token/dkek/share1.pbe", b"correct horse battery").unwrap();
    assert_eq!(Dkek::combine(&[&one, &again]), Err(CombineError::Twice { first: 1, second: 2 }));
}

#[test]
fn a_share_is_sealed_to_the_bytes_sc_hsm_tool_wrote() {
    let file = vector("token/dkek/share1.pbe");
    let words = SealingPassphrase::new(SecretBytes::copied_from(b"correct horse battery")).unwrap();
    let salt = *file[8..].first_chunk().unwrap();
    let sealed = SealedShare::seal(&share(SHARE_1), &words, salt, &*MEMO, &mut |_| ());
    assert_eq!(sealed.to_file(), *file);
}

#[test]
fn progress_rises_to_the_last_round() {
    let mut heard = Vec::new();
    let _ = Memo::default().stretch(&passphrase(b"x"), &[0; 8], &mut |rounds| heard.push(rounds));
    assert!(heard.len() >= 100 && heard.is_sorted(), "{heard:?}");
    assert_eq!(heard.last(), Some(&ROUNDS));
}

#[test]
fn a_share_opens_under_a_passphrase_recombined_from_three_of_five() {
    let text = |id: u8, value: &str| format!("Prime: cb:aa:07:61:f0:fb:2d:87\nShare ID: {id}\nShare value: {value}\n");
    let custodians = [(1, "2b:7f:a6:dd:2d:b9:6f:06"), (3, "6b:b1:53:92:2d:ec:75:66"), (5, "11:d3:28:ea:a7:d3:d8:40")]
        .map(|(id, value)| PassphraseShare::parse(&text(id, value)).unwrap());
    let words = recombine(&custodians.each_ref()).unwrap();
    let file = SealedShare::parse(&vector("token/dkek/share-3of5.pbe")).unwrap();
    let opened = file.open(&words[0], &*MEMO, &mut |_| ());
    assert_eq!(opened, Ok(share("ebaa29c211942b2fa5429ef7f7f35aa5cff39bf7ef955e384dd54bfd40736acb")));
}

#[test]
fn a_wrong_passphrase_is_refused_even_where_sc_hsm_tool_accepts_it() {
    let file = "dkek/share_opened_by_a_wrong_passphrase_in_sc-hsm-tool.pbe";
    let right = open(file, b"vessel amber onion cradle ruin patrol");
    assert_eq!(right, Ok(share("efda4796d762d585ccb46fcc2cdb0caa1d61b1c605dce348cf9e4694f1a64be0")));
    assert_eq!(open(file, b"vessel amber onion cradle ruin petrol"), Err(ShareError::Passphrase));
}

#[test]
fn a_padding_other_than_the_one_of_the_format_is_refused() {
    for file in ["dkek/share_47_bytes_inside.pbe", "dkek/share_padding_last_byte_0f.pbe"] {
        assert_eq!(open(file, b"correct horse battery"), Err(ShareError::Passphrase), "{file}");
    }
}
