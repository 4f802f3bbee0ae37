"""A hub with a will of its own: it speaks the whole wire, keeps everything in memory, and breaks where a test tells it to.

Run by itself it serves a page with the chat element for looking at: ``python tests/browser/fake_hub.py 8765``.
"""

from __future__ import annotations

import asyncio
import http
import mimetypes
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from policies.policy import Reason
from realtime import protocol as wire
from rules.types import Role, Stage

STATIC = Path(__file__).resolve().parent.parent.parent / "server" / "static"
PAGES = Path(__file__).parent / "pages"


def now() -> int:
    """Milliseconds since 1970."""
    return int(time.time() * 1000)


class Conversation:
    """A log and its members. ``log`` holds events as everybody but the author of a held message sees them."""

    def __init__(self, id: str, title: str, people: list[wire.Person]) -> None:
        self.id, self.title, self.stage, self.epoch = id, title, Stage.NEGOTIATION, "e1"
        self.people = {person.id: person for person in people}
        self.members = set(self.people)
        self.log: list[Any] = []
        self.invitation: wire.InvitationView | None = None
        self.accepted: dict[tuple[str, str], wire.Accepted] = {}
        self.at = now() - 86_400_000

    @property
    def last(self) -> int:
        """The newest number."""
        return len(self.log)

    def view(self, reader: str) -> wire.ConversationView:
        """What ``reader`` is shown on arrival."""
        members = [self.people[id] for id in self.people if id in self.members]
        return wire.ConversationView(
            id=self.id,
            title=self.title,
            stage=self.stage,
            epoch=self.epoch,
            last_seq=self.last,
            read=self.people[reader].read,
            members=members,
            invitation=self.invitation,
        )

    def message(self, id: str) -> wire.Posted:
        """The current form of a message."""
        return next(event for event in self.log if isinstance(event, wire.Posted) and event.id == id)

    def post(self, author: str, text: str, at: int | None = None, **more: Any) -> wire.Posted:
        """Append a message."""
        self.at = at or max(self.at + 1, now())
        seq = self.last + 1
        role = self.people[author].role
        fields: dict[str, Any] = {"id": f"m{seq}", "version": seq} | more
        event = wire.Posted(conversation=self.id, seq=seq, author=author, role=role, text=text, at=self.at, **fields)
        self.log.append(event)
        return event

    def append(self, make: Callable[[int, int], Any]) -> Any:
        """Append an event made of its number and time."""
        self.at = max(self.at + 1, now())
        event = make(self.last + 1, self.at)
        self.log.append(event)
        return event

    def change(self, id: str, change: str, **fields: Any) -> wire.Changed:
        """Give a message another form."""
        before = self.message(id)
        seq = self.last + 1
        after = msgspec.structs.replace(before, version=seq, **fields)
        self.log[self.log.index(before)] = after
        form = {name: getattr(after, name) for name in after.__struct_fields__} | {"seq": seq}
        event = wire.Changed(**form, message_seq=after.seq, change=change)
        self.log.append(event)
        return event


def judge(text: str) -> tuple[str, str]:
    """What becomes of a text here, and the category: a stand-in with one word for each verdict."""
    for word, verdict, category in (
        ("@", "block", "contact"),
        ("damn", "mask", "profanity"),
        ("maybe", "hold", "threat"),
        ("stupid", "nudge", "insult"),
    ):
        if word in text:
            return verdict, category
    return "allow", ""


REASONS = {
    "contact": ("To keep you safe, contact details are shared once the order is confirmed.", "edit"),
    "profanity": ("Others see the word covered.", "appeal"),
    "threat": ("A person looks at messages that could be a threat.", "wait"),
    "insult": ("This could sound hurtful.", "send_anyway"),
}


class FakeHub:
    """All conversations and connections. Tests change its attributes, or call its verbs, to provoke what may go wrong."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.connections: dict[ServerConnection, str] = {}
        self.received: list[tuple[str, Any]] = []
        self.duplicate = False  # every event twice
        self.skip = 0  # so many live events are lost
        self.mute = False  # take commands, answer none
        self.lose_answers = False  # carry posts out, then cut before the answer
        self.refuse_next: list[wire.Refused] = []
        self.close_at_hello = 0
        self.unreachable = False  # pages come, chats do not
        self.tokens_expired: set[str] = set()
        self.reset_next = ""
        self.suggestions: list[dict[str, Any]] = []
        self.suggest_nothing_to: set[str] = set()  # who has turned suggestions off
        self.delay = 0.0
        self.server: Server | None = None
        self.port = 0

    # ------------------------------------------------------------------------------------------------- serving

    async def start(self, port: int = 0) -> FakeHub:
        """Listen on a port of the loopback interface, the same as before after a stop."""
        self.server = await serve(
            self._connection,
            "127.0.0.1",
            port or self.port,
            process_request=self._page,
            subprotocols=[Subprotocol(wire.SUBPROTOCOL)],
            compression=None,
        )
        self.port = next(iter(self.server.sockets)).getsockname()[1]
        return self

    async def stop(self) -> None:
        """Be gone, as after a crash."""
        assert self.server is not None
        for connection in list(self.connections):
            connection.transport.abort()
        self.server.close(close_connections=False)
        self.connections.clear()
        await asyncio.sleep(0.05)

    async def cut(self) -> None:
        """Tear every connection, without a word."""
        for connection in list(self.connections):
            connection.transport.abort()
        await asyncio.sleep(0.05)

    async def close_all(self, code: int) -> None:
        """Close every connection with a code."""
        for connection in list(self.connections):
            await connection.close(code)

    async def _page(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.split("?")[0]
        if path == "/v1/ws":
            return None
        if path == "/favicon.ico":
            return Response(204, "No Content", Headers({"Content-Length": "0"}))
        file = (STATIC / path.removeprefix("/static/")) if path.startswith("/static/") else PAGES / path.strip("/")
        if not file.is_file():
            return connection.respond(http.HTTPStatus.NOT_FOUND, "not found\n")
        kind = mimetypes.guess_type(file.name)[0] or "text/plain"
        # No eval, no inline script or style, no markup from strings: the strictest page that the element must work on.
        policy = "default-src 'self'; object-src 'none'; base-uri 'none'; require-trusted-types-for 'script'"
        headers = Headers({"Content-Type": f"{kind}; charset=utf-8", "Content-Security-Policy": policy})
        body = file.read_bytes()
        headers["Content-Length"] = str(len(body))
        return Response(200, "OK", headers, body)

    async def _connection(self, connection: ServerConnection) -> None:
        if self.unreachable:
            return connection.transport.abort()
        try:
            hello = wire.decode(str(await connection.recv(decode=True)))
            assert isinstance(hello, wire.Hello)
            if self.close_at_hello or hello.token in self.tokens_expired:
                return await connection.close(self.close_at_hello or 4401)
            # A token here is the participant's id, with anything after a dot.
            await self._welcome(connection, hello.token.split(".")[0], hello)
            async for frame in connection:
                command = wire.decode(str(frame))
                self.received.append((self.connections[connection], command))
                if self.delay:
                    await asyncio.sleep(self.delay)
                if not self.mute:
                    await self._obey(connection, self.connections[connection], command)
        except ConnectionClosed:
            pass
        finally:
            who = self.connections.pop(connection, "")
            if who and who not in self.connections.values():
                await self._presence(who, False)

    async def _welcome(self, connection: ServerConnection, who: str, hello: wire.Hello) -> None:
        mine = [each for each in self.conversations.values() if who in each.members]
        role = next((each.people[who].role for each in mine), Role.AGENT)
        self.connections[connection] = who
        await self._presence(who, True)
        views = [each.view(who) for each in mine]
        welcome = wire.Welcome(
            participant=who,
            name=who,
            role=role,
            lang="en",
            conversations=views,
            limits=wire.Limits(),
            server_time=now(),
            suggestions="off" if who in self.suggest_nothing_to else "on",
        )
        await self._tell(connection, welcome)
        for resume in hello.resume:
            await self._since(connection, who, resume.conversation, resume.after, resume.epoch)

    async def _presence(self, who: str, online: bool) -> None:
        for each in self.conversations.values():
            if who in each.people:
                each.people[who] = msgspec.structs.replace(each.people[who], online=online)
                await self._all(each, wire.Presence(each.id, who, online), but=who)

    async def _tell(self, connection: ServerConnection, event: Any) -> None:
        try:
            await connection.send(wire.encode(event).decode())
        except ConnectionClosed:
            pass

    async def _all(self, conversation: Conversation, event: Any, but: str = "") -> None:
        for connection, who in list(self.connections.items()):
            if who in conversation.members and who != but:
                await self._tell(connection, self._seen_by(who, event))

    async def publish(self, conversation: Conversation, event: Any) -> None:
        """Send an event of the log to everybody, unless it is one of those to be lost."""
        if self.skip:
            self.skip -= 1
            return
        for _ in range(2 if self.duplicate else 1):
            await self._all(conversation, event)

    def _seen_by(self, who: str, event: Any) -> Any:
        if not isinstance(event, wire.MessageForm):
            return event
        if event.author == who:
            return event
        if event.state == "held":
            return wire.Hidden(event.conversation, event.seq)
        plain = msgspec.structs.replace(event, reasons=[])
        return (
            msgspec.structs.replace(plain, text=event.text.replace("damn", "████"))
            if event.state == "masked"
            else plain
        )

    async def _since(self, connection: ServerConnection, who: str, id: str, after: int, epoch: str) -> None:
        conversation = self.conversations[id]
        if self.reset_next or epoch != conversation.epoch:
            reason, self.reset_next = self.reset_next or "epoch_changed", ""
            await self._tell(connection, wire.Reset(id, reason, conversation.epoch, conversation.last))
            return
        events = [self._seen_by(who, event) for event in conversation.log[after:]]
        await self._tell(connection, wire.Resumed(id, after, conversation.epoch, conversation.last, events))

    # ---------------------------------------------------------------------------------------------------- verbs

    async def say(self, conversation: str, author: str, text: str, **more: Any) -> wire.Posted:
        """Somebody writes."""
        each = self.conversations[conversation]
        event = each.post(author, text, **more)
        await self.publish(each, event)
        return event

    async def _obey(self, connection: ServerConnection, who: str, command: Any) -> None:
        if self.refuse_next and hasattr(command, "ref"):
            refusal = self.refuse_next.pop(0)
            return await self._tell(connection, msgspec.structs.replace(refusal, ref=command.ref))
        conversation = self.conversations.get(getattr(command, "conversation", ""))
        if conversation is None:
            conversation = next(
                each for each in self.conversations.values() if who in each.members or who not in each.people
            )
        match command:
            case wire.Post():
                await self._post(connection, who, conversation, command)
            case wire.Prefer():
                (self.suggest_nothing_to.discard if command.suggestions else self.suggest_nothing_to.add)(who)
                await self._tell(connection, wire.Accepted(command.ref))
            case wire.Dismiss():
                pass
            case wire.Draft():
                verdict, category = judge(command.text)
                await self._tell(connection, wire.Advised(command.ref, verdict, reasons(category)))
            case wire.History():
                before = command.before or conversation.last + 1
                start = max(0, before - 1 - command.limit)
                events = [self._seen_by(who, event) for event in conversation.log[start : before - 1]]
                await self._tell(connection, wire.HistoryPage(command.ref, conversation.id, events, start > 0))
            case wire.Since():
                await self._since(connection, who, conversation.id, command.after, command.epoch)
            case wire.Read():
                conversation.people[who] = msgspec.structs.replace(conversation.people[who], read=command.seq)
                await self._all(conversation, wire.Receipt(conversation.id, who, command.seq), but=who)
            case wire.Typing():
                await self._all(conversation, wire.TypingNow(conversation.id, who), but=who)
            case wire.Edit():
                verdict, category = judge(command.text)
                if verdict == "block":
                    return await self._tell(connection, blocked(command.ref, category))
                await self._tell(connection, wire.Accepted(command.ref, id=command.message, verdict=verdict))
                changed = conversation.change(command.message, "edited", text=command.text, edited_at=now())
                await self.publish(conversation, changed)
            case wire.Retract():
                await self._tell(connection, wire.Accepted(command.ref))
                changed = conversation.change(command.message, "retracted", text="", state="removed", reactions={})
                await self.publish(conversation, changed)
            case wire.React():
                by = dict(conversation.message(command.message).reactions)
                others = [each for each in by.get(command.emoji, []) if each != who]
                by[command.emoji] = [*others, who] if command.on else others
                await self._tell(connection, wire.Accepted(command.ref))
                changed = conversation.change(command.message, "reacted", reactions={k: v for k, v in by.items() if v})
                await self.publish(conversation, changed)
            case wire.Invite():
                consents = {who: command.scopes}
                view = wire.InvitationView(
                    id=f"i{conversation.last}",
                    conversation=conversation.id,
                    state="requested",
                    by=who,
                    topic=command.topic,
                    at=now(),
                    note=command.note,
                    consents=consents,
                )
                await self._tell(connection, wire.Accepted(command.ref, id=view.id))
                await self.invitation(conversation, view)
            case wire.Consent():
                assert conversation.invitation is not None
                consents = conversation.invitation.consents | {who: command.scopes}
                await self._tell(connection, wire.Accepted(command.ref))
                await self.invitation(conversation, msgspec.structs.replace(conversation.invitation, consents=consents))
            case wire.Withdraw():
                assert conversation.invitation is not None
                await self._tell(connection, wire.Accepted(command.ref))
                await self.invitation(conversation, msgspec.structs.replace(conversation.invitation, state="withdrawn"))
            case wire.Leave():
                await self._tell(connection, wire.Accepted(command.ref))
                await self.agent_leaves(conversation, who)
            case wire.Report() | wire.Rate() | wire.Appeal():
                await self._tell(connection, wire.Accepted(command.ref))

    async def _post(self, connection: ServerConnection, who: str, conversation: Conversation, post: wire.Post) -> None:
        key = (who, post.client_id)
        verdict, category = judge(post.text)
        if key not in conversation.accepted:
            if verdict == "block":
                return await self._tell(connection, blocked(post.ref, category))
            if verdict == "nudge" and not post.despite_advice:
                advised = wire.Advised(post.ref, "nudge", reasons(category), ["I see it differently."])
                return await self._tell(connection, advised)
            state = {"mask": "masked", "hold": "held"}.get(verdict, "visible")
            event = conversation.post(
                who,
                post.text,
                state=state,
                reply_to=post.reply_to or "",
                attachments=post.attachments,
                reasons=reasons(category) if state != "visible" else [],
            )
            conversation.accepted[key] = wire.Accepted(
                post.ref, post.client_id, event.id, event.seq, verdict, reasons(category) if state != "visible" else []
            )
            if self.lose_answers:
                connection.transport.abort()
                return await self.publish(conversation, event)
            await self._tell(connection, conversation.accepted[key])
            await self.publish(conversation, event)
            offered = [msgspec.convert(each, wire.SuggestionView) for each in self.suggestions]
            for other, reader in list(self.connections.items()):
                if offered and reader in conversation.members - self.suggest_nothing_to - {who}:
                    await self._tell(other, wire.Suggested(conversation.id, event.id, offered, "en"))
        else:
            await self._tell(connection, msgspec.structs.replace(conversation.accepted[key], ref=post.ref))

    async def invitation(self, conversation: Conversation, view: wire.InvitationView) -> None:
        """An invitation took another state."""
        conversation.invitation = view
        event = conversation.append(lambda seq, at: wire.Invitation(conversation.id, seq, at, view))
        await self.publish(conversation, event)

    async def agent_joins(self, conversation: Conversation, agent: wire.Person) -> None:
        """Somebody of the brand takes the invitation."""
        assert conversation.invitation is not None
        conversation.people[agent.id] = agent
        conversation.members.add(agent.id)
        view = msgspec.structs.replace(
            conversation.invitation, state="joined", agent=agent.id, agent_name=agent.name, joined_at=now()
        )
        await self.invitation(conversation, view)
        await self.publish(
            conversation, conversation.append(lambda seq, at: wire.Joined(conversation.id, seq, at, agent))
        )

    async def agent_leaves(self, conversation: Conversation, agent: str) -> None:
        """They go again; the chat goes on."""
        event = conversation.append(lambda seq, at: wire.Left(conversation.id, seq, at, agent))
        await self.publish(conversation, event)
        conversation.members.discard(agent)
        if conversation.invitation:
            view = msgspec.structs.replace(conversation.invitation, state="left", left_at=now())
            await self.invitation(conversation, view)


def reasons(category: str) -> list[Reason]:
    """Why, for a category; nothing for none."""
    if not category:
        return []
    message, action = REASONS[category]
    return [Reason(f"{category}.clause", category, message, action)]


def blocked(ref: str, category: str) -> wire.Refused:
    """The refusal of a blocked text."""
    return wire.Refused(ref, "policy", "This cannot be sent.", reasons=reasons(category), decision="d1")


PEOPLE = [
    wire.Person("ana", "Ana Ruiz", Role.BUYER),
    wire.Person("luis", "Luis Ortega", Role.SELLER),
    wire.Person("rui", "Rui Mendes", Role.PROVIDER),
]
AGENT = wire.Person("marta", "Marta Soler", Role.AGENT, online=True)


def seeded(messages: int = 0) -> FakeHub:
    """A hub with one conversation, ``c1``, of three people; with ``messages`` filled by their talk, read by all."""
    hub = FakeHub()
    people = [msgspec.structs.replace(person, read=messages) for person in PEOPLE]
    conversation = Conversation("c1", "Road bike, size M", people)
    hub.conversations["c1"] = conversation
    start = now() - 3 * 86_400_000
    for number in range(messages):
        author = PEOPLE[number // 2 % 3].id
        words = " ".join(["word"] * (1 + number * 7 % 23))
        conversation.post(author, f"Message {number + 1}: {words}", at=start + number * 30_000)
    return hub


def story() -> FakeHub:
    """A hub whose conversation shows most forms that a message can take."""
    hub = FakeHub()
    conversation = Conversation("c1", "Bicicleta de carretera Orbea, talla M", list(PEOPLE))
    hub.conversations["c1"] = conversation
    day = 86_400_000
    for person in PEOPLE:
        conversation.log.append(wire.Joined("c1", conversation.last + 1, now() - day - 9_000_000, person))
    at = iter(range(now() - day - 8_000_000, now(), 61_000))
    say = conversation.post
    say("ana", "Hola, ¿sigue disponible la bici? 🚲", next(at))
    say("luis", "¡Hola! Sí, está como nueva. La usé dos veranos.", next(at))
    say(
        "luis",
        "Te paso la ficha del taller:",
        next(at),
        attachments=[
            wire.Attachment(
                "https://files.example/ficha.pdf", "Revisión de taller 2025.pdf", "application/pdf", 248_000
            )
        ],
    )
    say(
        "rui",
        "Eu posso entregar no sábado de manhã, se vocês combinarem o horário.",
        next(at),
        reactions={"👍": ["ana", "luis"], "🙏": ["ana"]},
    )
    say("ana", "Perfecto. ¿Me la dejas en 420?", next(at))
    say(
        "luis",
        "Bajar tanto no puedo, pero por 450 te incluyo el ████ casco y las luces.",
        next(at),
        reply_to="m8",
        state="masked",
    )
    at = iter(range(now() - 2_000_000, now(), 61_000))
    say("rui", "", next(at), state="removed")
    conversation.stage = Stage.ORDERED
    conversation.log.append(
        wire.SettingChanged("c1", conversation.last + 1, next(at), conversation.title, Stage.ORDERED)
    )
    say("ana", "Trato hecho, 450 con casco y luces. ¿Cuándo puedo pagar?", next(at), edited_at=now() - 1_000_000)
    say("luis", "😄", next(at))
    say(
        "luis",
        "Cuando quieras, desde la propia app. Aquí explican cómo funciona el pago protegido: https://help.example/pagos/proteccion-al-comprador",
        next(at),
    )
    say("ana", "¡Genial, gracias!", next(at))
    for who in ("luis",):
        conversation.people[who] = msgspec.structs.replace(conversation.people[who], read=conversation.last)
    return hub


async def _main(port: int) -> None:
    hub = await story().start(port)
    hub.suggestions = [
        {"id": "s1", "text": "Te confirmo en un momento.", "stance": "defer"},
        {"id": "s2", "text": "¿Puedes mandarme una foto?", "stance": "ask"},
        {"id": "s3", "text": "", "stance": "invite"},
    ]
    print(f"http://127.0.0.1:{hub.port}/one.html?who=ana,luis,rui&lang=es")
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else 8765))
