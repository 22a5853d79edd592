"""A PC/SC reader as a yubikit connection.

At T=0 the last byte of a command is never Le, and answers come by GET RESPONSE with the exact length
(ISO/IEC 7816-3:2006 section 12.2). That is the transport's work, not the host's: it is done here.
"""

from winscard import PROTOCOL_T1, Card
from yubikit.core import TRANSPORT
from yubikit.core.smartcard import SmartCardConnection


class PcscConnection(SmartCardConnection):
    """The card in the first reader. `transport` USB makes yubikit use extended length, NFC short length."""

    def __init__(self, transport: TRANSPORT):
        self._transport = transport
        self._card = Card()

    @property
    def transport(self) -> TRANSPORT:
        return self._transport

    def close(self):
        self._card.release()

    def send_and_receive(self, apdu: bytes) -> tuple[bytes, int]:
        if self._card.protocol == PROTOCOL_T1:
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
        whole = self._card.transmit(apdu)
        return whole[:-2], int.from_bytes(whole[-2:], "big")
