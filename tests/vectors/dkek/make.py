#!/usr/bin/env python3
"""Makes the files of this folder, each from a vector of ../token with one defect put in.

Uses hashlib and the `cryptography` package only; takes about a minute for three password derivations.
"""
import hashlib
import os

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

HERE = os.path.dirname(os.path.abspath(__file__))
DKEK = bytes.fromhex("405dd871eb9c0b6e8cd6dd8164dbc09696e42a61bf101fecc848d37938cfba6b")


def read(name):
    with open(os.path.join(HERE, "../token", name), "rb") as file:
        return file.read()


def write(name, content):
    with open(os.path.join(HERE, name), "wb") as file:
        file.write(content)


def stretch(passphrase, salt):
    digest, out = b"", b""
    for _ in range(3):
        digest = hashlib.md5(digest + passphrase + salt).digest()
        for _ in range(9_999_999):
            digest = hashlib.md5(digest).digest()
        out += digest
    return out[:32], out[32:]


def encrypt(key, plain):
    cipher = Cipher(algorithms.AES(key[0]), modes.CBC(key[1])).encryptor()
    return cipher.update(plain) + cipher.finalize()


def decrypt(key, body):
    cipher = Cipher(algorithms.AES(key[0]), modes.CBC(key[1])).decryptor()
    return cipher.update(body) + cipher.finalize()


def shares():
    share1 = read("dkek/share1.pbe")
    write("share_empty.pbe", b"")
    write("share_63_bytes.pbe", share1[:63])
    write("share_65_bytes.pbe", share1 + b"\n")
    write("share_magic_in_lower_case.pbe", b"salted__" + share1[8:])
    write("share_base64.pbe", b"U2FsdGVkX18NukLDFw1i+qF7PnS5vRitCsDraDiKoFARDCPuu9sOw/arl/2Amsxd")
    key = stretch(b"correct horse battery", share1[8:16])
    share = decrypt(key, share1[16:])[:32]
    # Valid PKCS#7, but of 47 bytes of content: what sc-hsm-tool takes and the format does not have.
    write("share_47_bytes_inside.pbe", share1[:16] + encrypt(key, share + share[:15] + b"\x01"))
    write("share_padding_last_byte_0f.pbe", share1[:16] + encrypt(key, share + b"\x10" * 15 + b"\x0f"))

    # A share file, and a wrong passphrase under which its last block decrypts to valid PKCS#7 padding all the same. The
    # share is varied until that is so: once in 256.
    salt = bytes.fromhex("c0dec1a5e0ffe175")
    right = stretch(b"vessel amber onion cradle ruin patrol", salt)
    wrong = stretch(b"vessel amber onion cradle ruin petrol", salt)
    for number in range(100_000):
        share = hashlib.sha256(b"share %d" % number).digest()
        body = encrypt(right, share + b"\x10" * 16)
        seen = decrypt(wrong, body)
        length = seen[-1]
        if 1 <= length <= 16 and seen.endswith(bytes([length]) * length):
            write("share_opened_by_a_wrong_passphrase_in_sc-hsm-tool.pbe", b"Salted__" + salt + body)
            print("share", number, share.hex(), "under the wrong passphrase", seen.hex())
            return


def resealed(covered, dkek=DKEK):
    mac = CMAC(algorithms.AES(hashlib.sha256(dkek + b"\0\0\0\2").digest()))
    mac.update(covered)
    return covered + mac.finalize()


def blobs():
    ec, aes = read("blobs/ec-p256.blob"), read("blobs/aes256.blob")
    write("blob_empty.bin", b"")
    write("blob_cut_inside_the_header.bin", ec[:15])
    write("blob_cut_by_one_byte.bin", ec[:-1])
    write("blob_cut_by_one_block.bin", ec[:-16])
    write("blob_with_a_byte_more.bin", ec + b"\0")
    write("blob_list_longer_than_the_blob.bin", resealed(ec[:21] + b"\xff\xff" + ec[23:-16]))
    write("blob_without_payload.bin", resealed(ec[:27]))
    write("blob_type_07.bin", resealed(ec[:8] + b"\x07" + ec[9:-16]))
    write("blob_ec_with_rsa_algorithm.bin", resealed(ec[:11] + bytes.fromhex("04007F00070202020102") + ec[21:-16]))
    write("blob_kcv_zero.bin", resealed(bytes(8) + ec[8:-16]))
    write("blob_kcv_of_another_dkek.bin", resealed(b"\x01" + ec[1:-16]))
    write("blob_one_bit_flipped_in_the_payload.bin", ec[:100] + bytes([ec[100] ^ 1]) + ec[101:])
    write("blob_one_bit_flipped_in_the_mac.bin", ec[:-1] + bytes([ec[-1] ^ 0x80]))
    # No defect of the file but of the firmware: 3.0 to 3.2 write other bytes where the OID of AES belongs. Which ones is
    # not published but for the first, which is not 60; these are ours.
    write("blob_aes_with_the_oid_of_firmware_3_0.bin", resealed(aes[:11] + bytes.fromhex("0960864801650304") + aes[19:-16]))


def der(tag, content):
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size, "big") + content


def wrap_files():
    whole = read("wrapfile/ec-p256-with-request.bin")
    blob, rest = read("blobs/ec-p256.blob"), whole[371:]
    description, certificate = rest[:51], rest[51:]
    write("wrapfile_empty.bin", b"")
    write("wrapfile_cut_by_one_byte.bin", whole[:-1])
    write("wrapfile_with_a_byte_more.bin", whole + b"\0")
    write("wrapfile_a_set.bin", b"\x31" + whole[1:])
    write("wrapfile_blob_alone_in_clear.bin", blob)
    write("wrapfile_blob_missing.bin", der(0x30, description + certificate))
    write("wrapfile_blob_with_a_byte_more.bin", der(0x30, der(4, blob + b"\0") + description + certificate))
    write("wrapfile_fourth_element.bin", der(0x30, der(4, blob) + description + certificate + b"\x05\0"))
    write("wrapfile_certificate_is_a_number.bin", der(0x30, der(4, blob) + description + b"\x02\x01\x07"))
    aes = read("blobs/aes256.blob")
    write("wrapfile_length_longer_than_needed.bin", der(0x30, b"\x04\x82\0" + bytes([len(aes)]) + aes))
    write("wrapfile_indefinite_length.bin", b"\x30\x80" + der(4, blob) + b"\0\0")


blobs()
wrap_files()
shares()
