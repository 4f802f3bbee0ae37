"""Bad input of any kind gets its code, and the connection goes on unless the table of close codes says otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
import time
from typing import Any

import pytest

from realtime import protocol

PEOPLE = ("ana:buyer", "luis:seller")

# For every command: a value for each of its required fields that is good by itself.
GOOD: dict[str, dict[str, Any]] = {
    "post": {"conversation": "c", "client_id": "1", "text": "hola"},
    "draft": {"conversation": "c", "text": "hola"},
    "edit": {"conversation": "c", "message": "m", "text": "hola"},
    "retract": {"conversation": "c", "message": "m"},
    "react": {"conversation": "c", "message": "m", "emoji": "👍"},
    "report": {"conversation": "c", "message": "m", "reason": "rude"},
    "appeal": {"decision": "m"},
    "invite": {"conversation": "c", "topic": "help"},
    "consent": {"invitation": "i"},
    "withdraw": {"invitation": "i"},
    "accept": {"invitation": "i"},
    "rate": {"invitation": "i", "score": 3},
    "acknowledge": {"notice": "n"},
    "prefer": {"suggestions": False},
    "dismiss": {"conversation": "c", "message": "m"},
    "resolve": {"conversation": "c", "message": "m", "act": "release"},
    "history": {"conversation": "c"},
    "leave": {"conversation": "c"},
    "read": {"conversation": "c", "seq": 1},
    "typing": {"conversation": "c"},
    "since": {"conversation": "c", "after": 1},
}
WITHOUT_REF = {"read", "typing", "since", "dismiss"}


def commands() -> set[str]:
    return {one.__struct_config__.tag for one in protocol.AnyCommand.__args__}


def test_every_command_is_tried() -> None:
    assert commands() - {"hello"} == set(GOOD)


def cases() -> list[tuple[str, str, dict[str, Any], str]]:
    found = []
    for type, good in GOOD.items():
        whole = good if type in WITHOUT_REF else {"ref": "r", **good}
        for field in whole:
            rest = {name: value for name, value in whole.items() if name != field}
            found.append((f"{type} without {field}", type, rest, "bad_request"))
            wrong = {**whole, field: {"an": "object"}}
            found.append((f"{type} with a wrong type of {field}", type, wrong, "bad_request"))
            if isinstance(whole[field], str):
                found.append((f"{type} with too long a {field}", type, {**whole, field: "x" * 4_001}, "too_long"))
        found.append((f"{type} with an unknown field", type, {**whole, "extra": 1}, "bad_request"))
    return found


@pytest.mark.parametrize(("type", "fields", "code"), [case[1:] for case in cases()], ids=[case[0] for case in cases()])
def test_a_malformed_command_is_no_command(type: str, fields: dict[str, Any], code: str) -> None:
    frame = json.dumps({"type": type, **fields})
    with pytest.raises(protocol.BadFrame) as refused:
        protocol.decode(frame)
    if "act" not in str(refused.value):  # a choice of words, for which too long is just a wrong word
        assert refused.value.code == code
    ref = fields.get("ref")
    assert refused.value.ref == (ref[:64] if isinstance(ref, str) else "")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "bad_json"),
        ("hola", "bad_json"),
        ("[]", "bad_request"),
        ("null", "bad_request"),
        ("{}", "bad_request"),
        ('{"type":"fly","ref":"r"}', "bad_request"),
        ('{"type":5}', "bad_request"),
        ('{"type":"post","type":', "bad_json"),
        ("[" * 200_000, "bad_request"),
        ('{"type":"typing","conversation":"c","x":' + "[" * 100_000, "bad_request"),
        ('{"type":"typing","conversation":' + "[" * 100_000, "bad_request"),
        ('{"a":' * 50_000, "bad_json"),
        ('{"type":"post","ref":"r","conversation":"c","client_id":"1","text":NaN}', "bad_json"),
        ('{"type":"read","conversation":"c","seq":' + "9" * 1_000_000 + "}", "bad_request"),
        ('{"type":"read","conversation":"c","seq":1e400}', "bad_request"),
        ('{"type":"post","ref":"r","conversation":"c","client_id":"1","text":"\\ud800"}', "bad_json"),
        ('{"type":"post","ref":"r","conversation":"c","client_id":"1","text":"a\\u0000b"}', "bad_request"),
        ('{"type":"post","ref":"r","conversation":"c","client_id":"\\u0000","text":"a"}', "bad_request"),
    ],
)
def test_what_is_no_command_is_told_apart_at_once(frame: str, code: str) -> None:
    began = time.process_time()
    with pytest.raises(protocol.BadFrame) as refused:
        protocol.decode(frame)
    assert refused.value.code == code
    assert time.process_time() - began < 0.5


HOSTILE = [
    "[" * 60_000,
    '{"type":' * 8_000,
    '{"type":"read","conversation":"c","seq":' + "9" * 60_000 + "}",
    '{"type":"post","ref":"r","conversation":"c","client_id":"1","text":"' + "\\u0041" * 10_000 + '"}',
    '{"type":"post","ref":"r","conversation":"c","client_id":"1","text":"' + "\u0301" * 30_000 + '"}',
    '{"type":"typing",' + '"conversation":"c",' * 3_000 + '"conversation":"c"}',
    '{"type":"typing","conversation":"c"' + "".join(f',"x{n}":1' for n in range(5_000)) + "}",
    '{"type":"hello","token":"","resume":['
    + '{"conversation":"c","after":1},' * 1_900
    + '{"conversation":"c","after":1}]}',
]


@pytest.mark.parametrize("frame", HOSTILE, ids=[one[:24] + one[-8:] for one in HOSTILE])
def test_no_frame_within_the_limit_costs_much_more_than_reading_it(frame: str) -> None:
    """Compared in turns with a good frame of the same size: what a machine is busy with otherwise slows down both."""
    assert len(frame.encode()) <= protocol.FRAME_BYTES
    good = json.dumps({"type": "hello", "token": "", "resume": [{"conversation": "c" * 40, "after": 1}] * 200}).encode()
    plain = good.decode() + " " * (protocol.FRAME_BYTES - len(good))

    def cost(text: str) -> float:
        began = time.process_time()
        for _ in range(20):
            with contextlib.suppress(protocol.BadFrame):
                protocol.decode(text)
        return time.process_time() - began

    assert min(cost(frame) / cost(plain) for _ in range(7)) < 20


def test_a_field_that_is_named_twice_counts_as_it_was_named_last_and_a_command_of_two_types_is_none() -> None:
    """Nothing is signed, or looked at by anybody else before, who could take the other one."""
    assert protocol.decode('{"type":"typing","conversation":"a","conversation":"c"}') == protocol.Typing("c")
    with pytest.raises(protocol.BadFrame):
        protocol.decode('{"type":"post","type":"typing","conversation":"c"}')


async def test_a_bad_command_is_refused_and_the_connection_goes_on(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    for frame in ("hola", '{"type":"fly"}', '{"type":"post","ref":"r"}', "[" * 60_000):
        await ana.socket.send(frame)
        assert (await ana.next("refused"))["code"] in ("bad_json", "bad_request")
    assert (await ana.post(chat, "sigo aquí"))["type"] == "accepted"


@pytest.mark.parametrize("type", sorted(set(GOOD) - {"prefer"}))
async def test_nobody_reaches_what_is_not_theirs(platform: Any, type: str) -> None:
    """Not a member, another tenant's, never there: the same answer, so that it tells nothing."""
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    posted = await ana.post(chat, "hola")
    invited = await ana.ask("invite", conversation=chat, topic="help")
    role = {"accept": "agent", "resolve": "staff"}.get(type, "buyer")
    stranger = await platform.connect("zoe", role)
    nothing = {"conversation": "nowhere", "message": "nothing", "invitation": "none", "decision": "none"}
    theirs = {"conversation": chat, "message": posted["id"], "invitation": invited["id"], "decision": posted["id"]}
    for ids in (nothing, theirs):
        fields = {name: ids.get(name, value) for name, value in GOOD[type].items()}
        if type in WITHOUT_REF:
            await stranger.send(type=type, **fields)
            answer = await stranger.next("refused")
        else:
            answer = await stranger.ask(type, **fields)
        reached = ids["conversation"] == chat and type in ("accept", "resolve")  # theirs to do, by their role
        assert answer.get("code") in ((None, "conflict") if reached else ("not_found",)), answer


@pytest.mark.parametrize("type", sorted(set(GOOD) - WITHOUT_REF))
async def test_nothing_is_done_before_hello(platform: Any, type: str) -> None:
    client = await platform.raw()
    assert (await client.ask(type, **GOOD[type]))["code"] == "unauthenticated"


async def test_a_second_hello_is_refused(platform: Any) -> None:
    ana = await platform.connect("ana")
    await ana.send(type="hello", token="")
    assert (await ana.next("refused"))["code"] == "bad_request"


async def test_who_never_says_hello_is_shown_out(platform: Any) -> None:
    client = await platform.raw()
    assert await client.close_code() == 4004


async def test_a_client_that_keeps_sending_rubbish_is_shown_out(platform: Any) -> None:
    ana = await platform.connect("ana")
    for _ in range(11):
        await ana.socket.send("rubbish")
    assert await ana.close_code() == 4002


@pytest.mark.parametrize(("size", "code"), [(64 * 1024 + 1, 1009), (1024 * 1024, 1009)])
async def test_a_frame_over_the_limit_ends_the_connection(platform: Any, size: int, code: int) -> None:
    ana = await platform.connect("ana")
    await ana.socket.send("x" * size)
    assert await ana.close_code() == code


def client_frame(
    first: int, payload: bytes, *, length: bytes = b"", masked: bool = True, mask: bytes = b""
) -> bytes:  # fmt: skip
    """A frame as a client would write it, or should not."""
    mask = mask or os.urandom(4)
    body = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload)) if masked else payload
    if not length:
        size = len(payload)
        bit = 0x80 if masked else 0
        length = bytes([bit | size]) if size < 126 else bytes([bit | 126]) + struct.pack("!H", size)
    return bytes([first]) + length + (mask if masked else b"") + body


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (client_frame(0x81, b'{"type":"typing","conversation":"\xff\xfe"}'), 1007),
        (client_frame(0x81, b"x" * 10, masked=False), 1002),
        (client_frame(0xC1, b"reserved bit"), 1002),
        (client_frame(0x83, b"reserved opcode"), 1002),
        (client_frame(0x80, b"continues nothing"), 1002),
        (client_frame(0x82, b"binary"), 1003),
        (client_frame(0x81, b"", length=b"\xff" + struct.pack("!Q", 2**62)), 1009),
        (client_frame(0x01, b"a") + client_frame(0x00, b"b") * 70, 1008),
        (client_frame(0x89, b"ping") * 150, 1008),
        (client_frame(0x88, struct.pack("!H", 999)), 1002),
    ],
    ids=["utf8", "unmasked", "rsv1", "opcode", "continuation", "binary", "2^62", "fragments", "pings", "close code"],
)
async def test_bytes_that_break_the_protocol_end_this_connection_alone(platform: Any, raw: bytes, code: int) -> None:
    chat = await platform.open(*PEOPLE)
    ana, luis = await platform.connect("ana"), await platform.connect("luis", "seller")
    ana.socket.transport.write(raw)
    assert await ana.close_code() == code
    assert (await luis.post(chat, "sigo aquí"))["type"] == "accepted"


async def test_a_text_in_two_fragments_is_one_command(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    whole = json.dumps({"type": "post", "ref": "x", "conversation": chat, "client_id": "1", "text": "en dos partes ñ"})
    raw = whole.encode()
    ana.socket.transport.write(client_frame(0x01, raw[:9]) + client_frame(0x80, raw[9:]))
    assert (await ana.next("posted"))["text"] == "en dos partes ñ"


async def test_commands_in_one_segment_or_byte_by_byte_are_all_taken(platform: Any) -> None:
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    post = {"type": "post", "ref": "x", "conversation": chat}
    frames = b"".join(
        client_frame(0x81, json.dumps({**post, "client_id": str(n), "text": text}).encode())
        for n, text in enumerate(["corto", "largo " * 40, "último"])
    )
    ana.socket.transport.write(frames[:-3])
    await asyncio.sleep(0.1)
    for byte in frames[-3:]:
        ana.socket.transport.write(bytes([byte]))
        await asyncio.sleep(0.01)
    assert [(await ana.next("posted"))["seq"] for _ in range(3)] == [3, 4, 5]


@pytest.mark.parametrize("text", ["corto", "largo " * 40])
async def test_a_frame_may_be_cut_anywhere_and_look_like_another_from_there(platform: Any, text: str) -> None:
    """After its head has been taken in nothing is left over, and what follows may look like the beginning of a frame."""
    chat = await platform.open(*PEOPLE)
    ana = await platform.connect("ana")
    post = {"type": "post", "ref": "x", "conversation": chat, "text": text}
    payload = json.dumps({**post, "client_id": "0"}).encode()
    # Masked with these, the payload begins with the bytes of a whole small frame: final, text, masked, of no length.
    mask = bytes([payload[0] ^ 0x81, payload[1] ^ 0x80, 7, 7])
    head = 4 if len(payload) > 125 else 2
    for n, cut in enumerate(range(1, head + 6)):
        payload = json.dumps({**post, "client_id": str(n)}).encode()
        raw = client_frame(0x81, payload, mask=mask)
        ana.socket.transport.write(raw[:cut])
        await asyncio.sleep(0.02)
        ana.socket.transport.write(raw[cut:])
        assert (await ana.next("posted"))["text"] == text, f"cut at {cut}"
