"""A hub that only relays, on uWebSockets through `socketify`: parse, give a number, publish to the room's topic.

It judges and stores nothing. Prints the port it listens on.
"""
# mypy: ignore-errors

import json
import socket
import time

from socketify import App, OpCode

seqs = {}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def encode(event):
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False)


def upgrade(response, request, context):
    response.upgrade(
        request.get_header("sec-websocket-key"),
        request.get_header("sec-websocket-protocol"),
        request.get_header("sec-websocket-extensions"),
        context,
        {},
    )


def heard(ws, message, opcode):
    person = ws.get_user_data()
    command = json.loads(message)
    if command["type"] == "hello":
        person["conversation"], person["id"] = command["token"].split("/")
        ws.subscribe(person["conversation"])
        ws.send(encode({"type": "welcome", "participant": person["id"]}), OpCode.TEXT)
    elif command["type"] == "post":
        conversation = person["conversation"]
        seq = seqs[conversation] = seqs.get(conversation, 0) + 1
        mark = {"ref": command["ref"], "client_id": command["client_id"]}
        message_id = f"{conversation}-{seq}"
        ws.send(encode({"type": "accepted", **mark, "id": message_id, "seq": seq, "verdict": "allow"}), OpCode.TEXT)
        posted = {
            "type": "posted", "conversation": conversation, "seq": seq, "id": message_id, "author": person["id"],
            "role": "buyer", "text": command["text"], "at": int(time.time() * 1000), "version": seq,
        }  # fmt: skip
        app.publish(conversation, encode(posted), OpCode.TEXT)


app = App()
app.ws(
    "/*",
    {
        "max_payload_length": 64 * 1024,
        "max_backpressure": 1024 * 1024,
        "idle_timeout": 0,
        "compression": 0,
        "upgrade": upgrade,
        "message": heard,
    },
)
port = free_port()
app.listen(port, lambda _: print(port, flush=True))
app.run()
