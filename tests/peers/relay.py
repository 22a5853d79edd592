"""A PC/SC client that does as it is told: each line of standard input is a command in hex, `reset` or `power`; each is answered by a line."""

import sys

from winscard import RESET_CARD, UNPOWER_CARD, Card

card = Card()
print("ready", flush=True)
for line in sys.stdin:
    word = line.strip()
    try:
        if word == "reset":
            card.again(RESET_CARD)
            print("done", flush=True)
        elif word == "power":
            card.again(UNPOWER_CARD)
            print("done", flush=True)
        else:
            print(card.transmit(bytes.fromhex(word)).hex(), flush=True)
    except OSError as error:
        print(f"error {error}", flush=True)
card.release()
