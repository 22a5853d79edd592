"""yubikit, Yubico's SCP03 host, manages the keys of a blank chip: `python scp03.py extended|short`.

Every session is level 33 (C-MAC, C-ENC, R-MAC, R-ENC), S8, AES-128. The initial keys are those of the scheme kdf3 under
GlobalPlatform's public test key; the identity they are derived for is what the card answers to INITIALIZE UPDATE.
"""

import os
import sys

from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import algorithms
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import ApduError
from yubikit.core.smartcard.scp import KeyRef, Scp03KeyParams, StaticKeys
from yubikit.securitydomain import SecurityDomainSession

from pcsc import PcscConnection

MAKER = bytes(range(0x40, 0x50))
INITIAL, TRANSPORT_SET, ISSUER, ISSUER_2 = 0xFF, 0x3D, 0x30, 0x31


def same_byte_keys(first: int) -> StaticKeys:
    return StaticKeys(*(bytes([first + number]) * 16 for number in range(3)))


def initial_keys(connection: PcscConnection) -> StaticKeys:
    """kdf3: CMAC(KDK, 01 00 00 00 purpose 00 KDD)."""
    answer, sw = connection.send_and_receive(bytes.fromhex("8050000008") + os.urandom(8) + b"\0")
    assert (sw, len(answer)) == (0x9000, 32), f"INITIALIZE UPDATE: {sw:04X}, {len(answer)} bytes"
    assert answer[10:13] == bytes([INITIAL, 0x03, 0x70]), answer.hex()
    keys = []
    for purpose in (1, 2, 3):
        derivation = cmac.CMAC(algorithms.AES(MAKER))
        derivation.update(bytes([1, 0, 0, 0, purpose, 0]) + answer[:10])
        keys.append(derivation.finalize())
    return StaticKeys(*keys)


def key_sets(session: SecurityDomainSession) -> list[int]:
    information = session.get_key_information()
    assert all(components == {0x88: 0x10} for components in information.values()), information
    sets = sorted({key.kvn for key in information})
    assert sorted(information) == sorted(KeyRef(kid, kvn) for kvn in sets for kid in (1, 2, 3)), information
    return sets


def refused(sw: int, call, *arguments) -> None:
    try:
        call(*arguments)
    except ApduError as error:
        assert error.sw == sw, f"{error.sw:04X}, not {sw:04X}"
    else:
        raise AssertionError(f"done, though {sw:04X} was due")


def main(length: str) -> None:
    connection = PcscConnection(TRANSPORT.USB if length == "extended" else TRANSPORT.NFC)
    initial = initial_keys(connection)

    def authenticated(kvn: int, keys: StaticKeys) -> SecurityDomainSession:
        session = SecurityDomainSession(connection)
        session.authenticate(Scp03KeyParams(KeyRef(1, kvn), keys))
        return session

    # Wrong keys are found by the host, before it proves itself.
    try:
        authenticated(INITIAL, StaticKeys.default())
        raise AssertionError("the card took wrong keys")
    except ValueError:
        pass

    session = authenticated(INITIAL, initial)
    assert key_sets(session) == [INITIAL]
    recognition = session.get_card_recognition_data()
    assert recognition.endswith(bytes.fromhex("2a864886fc6b040370")), recognition.hex()
    # MF, room for four key sets, a file of 600 bytes that the transport or issuer set writes and anybody reads.
    for template in (
        "621E 820138 83023F00 8408A000000151000000 8A0103 8C087FFFE5E2E2E5E5E5",
        "620E 80020100 82010C 83020001 8A0105",
        "6213 80020258 820101 83020010 8A0105 8C0303E500",
    ):
        session.protocol.send_apdu(0x00, 0xE0, 0, 0, bytes.fromhex(template))

    transport, issuer, second = same_byte_keys(0x31), same_byte_keys(0x41), same_byte_keys(0x51)
    refused(0x6982, session.put_key, KeyRef(1, ISSUER), issuer)
    session.put_key(KeyRef(1, TRANSPORT_SET), transport)
    assert key_sets(session) == [TRANSPORT_SET, INITIAL]

    session = authenticated(TRANSPORT_SET, transport)
    session.put_key(KeyRef(1, ISSUER), issuer)
    session.delete_key(kvn=INITIAL)
    refused(0x6A88, session.delete_key, 0, INITIAL)
    # Only the issuer's set may; below, even that one may not delete itself.
    refused(0x6982, session.delete_key, 0, TRANSPORT_SET)
    assert key_sets(session) == [ISSUER, TRANSPORT_SET]

    session = authenticated(ISSUER, issuer)
    session.delete_key(kvn=TRANSPORT_SET)
    refused(0x6985, session.delete_key, 0, ISSUER)
    session.put_key(KeyRef(1, ISSUER_2), second, replace_kvn=ISSUER)
    assert key_sets(session) == [ISSUER_2]

    session = authenticated(ISSUER_2, second)
    write_and_read(session, length)
    connection.close()
    print("all is well")


def write_and_read(session: SecurityDomainSession, length: str) -> None:
    """600 bytes: in one command each way where length is extended, in pieces where it is short."""
    send = session.protocol.send_apdu
    content = os.urandom(600)
    piece = 600 if length == "extended" else 200
    send(0x00, 0xA4, 0x02, 0x0C, bytes.fromhex("0010"))
    for offset in range(0, 600, piece):
        send(0x00, 0xD6, offset >> 8, offset & 0xFF, content[offset : offset + piece])
    found = b""
    while len(found) < 600:
        found += send(0x00, 0xB0, len(found) >> 8, len(found) & 0xFF, b"", min(piece, 600 - len(found)))
    assert found == content


main(sys.argv[1])
