"""libpcsclite through ctypes: the card in the first reader, nothing to compile and nothing to install."""

import ctypes
from ctypes import POINTER, Structure, byref, c_char_p, c_long, c_ubyte, c_ulong, create_string_buffer

SCOPE_SYSTEM = 2
SHARE_EXCLUSIVE = 1
PROTOCOL_T0, PROTOCOL_T1 = 1, 2
RESET_CARD, UNPOWER_CARD = 1, 2
ANSWER_BYTES_MAX = 65538


class IoRequest(Structure):
    _fields_ = [("protocol", c_ulong), ("length", c_ulong)]


library = ctypes.CDLL("libpcsclite.so.1")
for name in ("EstablishContext", "ListReaders", "Connect", "Reconnect", "Transmit", "Disconnect"):
    getattr(library, "SCard" + name).restype = c_long
library.SCardTransmit.argtypes = [
    c_long, POINTER(IoRequest), c_char_p, c_ulong, POINTER(IoRequest), POINTER(c_ubyte), POINTER(c_ulong),
]


def check(result):
    if result != 0:
        raise OSError(f"PC/SC error {result & 0xFFFFFFFF:08X}")


class Card:
    """The card in the first reader, held exclusively."""

    def __init__(self):
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

    def again(self, disposition: int) -> None:
        """RESET_CARD is a warm reset, UNPOWER_CARD power off and on."""
        protocol = c_ulong()
        check(library.SCardReconnect(
            self._card, c_ulong(SHARE_EXCLUSIVE), c_ulong(PROTOCOL_T0 | PROTOCOL_T1), c_ulong(disposition), byref(protocol),
        ))

    def release(self) -> None:
        check(library.SCardDisconnect(self._card, c_ulong(RESET_CARD)))

    def transmit(self, command: bytes) -> bytes:
        request = IoRequest(self.protocol, ctypes.sizeof(IoRequest))
        answer, length = (c_ubyte * ANSWER_BYTES_MAX)(), c_ulong(ANSWER_BYTES_MAX)
        check(library.SCardTransmit(self._card, byref(request), command, len(command), None, answer, byref(length)))
        if length.value < 2:
            raise OSError("the card is gone")
        return bytes(answer[: length.value])
