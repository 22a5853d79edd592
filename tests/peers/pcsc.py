"""A PC/SC reader as a yubikit connection: libpcsclite through ctypes, nothing to compile.

At T=0 the last byte of a command is never Le, and answers come by GET RESPONSE with the exact length
(ISO/IEC 7816-3:2006 section 12.2). That is the transport's work, not the host's: it is done here.
"""

import ctypes
from ctypes import POINTER, Structure, byref, c_char_p, c_long, c_ubyte, c_ulong, create_string_buffer

from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection

SCOPE_SYSTEM = 2
SHARE_EXCLUSIVE = 1
PROTOCOL_T0, PROTOCOL_T1 = 1, 2
RESET_CARD = 1
ANSWER_BYTES_MAX = 65538


class IoRequest(Structure):
    _fields_ = [("protocol", c_ulong), ("length", c_ulong)]


library = ctypes.CDLL("libpcsclite.so.1")
for name in ("EstablishContext", "ListReaders", "Connect", "Transmit", "Disconnect"):
    getattr(library, "SCard" + name).restype = c_long
library.SCardTransmit.argtypes = [
    c_long, POINTER(IoRequest), c_char_p, c_ulong, POINTER(IoRequest), POINTER(c_ubyte), POINTER(c_ulong),
]


def check(result):
    if result != 0:
        raise OSError(f"PC/SC error {result & 0xFFFFFFFF:08X}")


class PcscConnection(SmartCardConnection):
    """The card in the first reader. `transport` USB makes yubikit use extended length, NFC short length."""

    def __init__(self, transport: TRANSPORT):
        self._transport = transport
        context, length = c_long(), c_ulong()
        check(library.SCardEstablishContext(c_ulong(SCOPE_SYSTEM), None, None, byref(context)))
        check(library.SCardListReaders(context, None, None, byref(length)))
        names = create_string_buffer(length.value)
        check(library.SCardListReaders(context, None, names, byref(length)))
        self._card, protocol = c_long(), c_ulong()
        check(library.SCardConnect(
            context, c_char_p(names.raw.split(b"\0")[0]), c_ulong(SHARE_EXCLUSIVE),
            c_ulong(PROTOCOL_T0 | PROTOCOL_T1), byref(self._card), byref(protocol),
        ))
        self.protocol = protocol.value

    @property
    def transport(self) -> TRANSPORT:
        return self._transport

    def close(self):
        check(library.SCardDisconnect(self._card, c_ulong(RESET_CARD)))

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        if self.protocol == PROTOCOL_T1:
            return self._transmit(apdu)
        if len(apdu) > 5 and len(apdu) == 6 + apdu[4]:
            apdu = apdu[:-1]
        data, sw = self._transmit(apdu)
        if sw >> 8 == 0x6C:
            data, sw = self._transmit(apdu[:4] + bytes([sw & 0xFF]))
        while sw >> 8 == 0x61:
            more, sw = self._transmit(bytes([0x00, 0xC0, 0x00, 0x00, sw & 0xFF]))
            data += more
        return data, sw

    def _transmit(self, apdu: bytes) -> tuple[bytes, int]:
        request = IoRequest(self.protocol, ctypes.sizeof(IoRequest))
        answer, length = (c_ubyte * ANSWER_BYTES_MAX)(), c_ulong(ANSWER_BYTES_MAX)
        check(library.SCardTransmit(self._card, byref(request), apdu, len(apdu), None, answer, byref(length)))
        if length.value < 2:
            raise OSError("the card is gone")
        whole = bytes(answer[: length.value])
        return whole[:-2], int.from_bytes(whole[-2:], "big")
