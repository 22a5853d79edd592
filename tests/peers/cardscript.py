"""A terminal that was written from the published description alone: `cardscript.py URL ORDER PORT ws|post [PURPOSE]`.

It fetches /v1/openapi.json, holds every message of both sides against the schemas in it, takes the card that connects to PORT (vpcd), runs scripts
as the schemas describe them, and prints the centre's last message.
"""

import json
import secrets
import socket
import sys
import time

import requests
from jsonschema import Draft202012Validator
from websockets.sync.client import connect

PATIENCE = 30


class Card:
    """The reader's side of vpcd: two bytes of length before each message; 01 power on, 00 power off, 04 get ATR."""

    def __init__(self, port):
        listener = socket.create_server(("127.0.0.1", port))
        listener.settimeout(PATIENCE)
        self.line, _ = listener.accept()
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.line.settimeout(PATIENCE)
        listener.close()
        self.send(b"\x01")
        self.send(b"\x04")
        self.receive()

    def send(self, message):
        self.line.sendall(len(message).to_bytes(2, "big") + message)

    def take(self, count):
        taken = b""
        while len(taken) < count:
            piece = self.line.recv(count - len(taken))
            if not piece:
                raise ConnectionError("the card is gone")
            taken += piece
        return taken

    def receive(self):
        return self.take(int.from_bytes(self.take(2), "big"))

    def transmit(self, command):
        self.send(command)
        return self.receive()

    def release(self):
        self.send(b"\x00")
        self.line.close()


class Post:
    def __init__(self, url):
        self.url, self.session = url + "/v1/cardscript", requests.Session()

    def exchange(self, text):
        answer = self.session.post(
            self.url, data=text, headers={"content-type": "application/json"}, timeout=PATIENCE
        )
        return answer.text


class WebSocket:
    def __init__(self, url):
        place = url.replace("http", "ws", 1) + "/v1/cardscript"
        self.socket = connect(place, subprotocols=["cardscript.v1+json"], open_timeout=PATIENCE)
        assert self.socket.subprotocol == "cardscript.v1+json"

    def exchange(self, text):
        self.socket.send(text)
        return self.socket.recv(timeout=PATIENCE)


def validator(document, operation):
    schema = operation["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": document["components"]})


def met(rule, data):
    mask, value = bytes.fromhex(rule["mask"]), bytes.fromhex(rule["value"])
    part = data[rule["offset"] : rule["offset"] + len(mask)]
    return len(part) == len(mask) and bytes(a & b for a, b in zip(part, mask)) == value


def refused(step, response):
    data, status = response[:-2], response[-2:].hex().upper()
    if not any(status.startswith(accepted) for accepted in step.get("sw", ["9000"])):
        return "status"
    return None if all(met(rule, data) for rule in step.get("match", [])) else "match"


def run(script, card):
    answers, times, end, at = [], [], "done", len(script["steps"])
    for number, step in enumerate(script["steps"]):
        began = time.monotonic()
        response = card.transmit(bytes.fromhex(step["c"]))
        answers.append(response.hex().upper())
        times.append(int((time.monotonic() - began) * 1000))
        why = refused(step, response)
        if why and step.get("stop", "stop") == "stop":
            end, at = why, number
            break
    return {"type": "result", "sid": script["sid"], "seq": script["seq"] + 1, "id": script["id"],
            "n": len(answers), "r": answers, "end": end, "at": at, "t": times}


def main():
    url, order, port, transport = sys.argv[1:5]
    purpose = sys.argv[5] if len(sys.argv) > 5 else "activate"
    document = requests.get(url + "/v1/openapi.json", timeout=PATIENCE).json()
    post = document["paths"]["/v1/cardscript"]["post"]
    ours, theirs = validator(document, post["requestBody"]), validator(document, post["responses"]["200"])
    link = WebSocket(url) if transport == "ws" else Post(url)
    message = {"type": "open", "sid": secrets.token_hex(16).upper(), "seq": 0, "purpose": purpose, "order": order,
               "terminal": {"name": "cardscript.py", "transport": transport}, "locale": "en"}
    card = None
    while True:
        ours.validate(message)
        answer = json.loads(link.exchange(json.dumps(message)))
        theirs.validate(answer)
        assert (answer["sid"], answer["seq"]) == (message["sid"], message["seq"])
        if answer["type"] != "script":
            break
        card = card or Card(int(port))
        message = run(answer, card)
    if card:
        card.release()
    print(json.dumps(answer))
    sys.exit(0 if answer["type"] == "done" else 1)


main()
