/* The floor: one epoll loop that relays by one write(2) per delivery, with no library between it and the kernel.
 *
 * It speaks as much of tertulia.v1 as the load does, trusts every byte of it, and judges and stores nothing. It sends no
 * Sec-WebSocket-Accept, which the load does not ask for. Prints the port it listens on. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOMS = 4096, MEMBERS = 4096, FRAME = 70000, EVENTS = 256 };

struct room { char id[80]; int members[MEMBERS], count; long seq; };
struct person { int open, held; char id[80]; struct room *room; unsigned char data[FRAME]; };

static struct room *rooms[ROOMS];
static struct person *people[65536];

static void send_text(int fd, const char *text, size_t size) {
    static char frame[FRAME];
    size_t head = size < 126 ? 2 : 4;
    frame[0] = (char)0x81;
    frame[1] = (char)(size < 126 ? size : 126);
    if (head == 4) { frame[2] = (char)(size >> 8); frame[3] = (char)size; }
    memcpy(frame + head, text, size);
    if (write(fd, frame, head + size) < 0) return;
}

/* The JSON string behind a mark, as it stands: escapes stay escaped. */
static size_t field(const char *text, size_t size, const char *mark, const char **found) {
    const char *at = memmem(text, size, mark, strlen(mark)), *end;
    if (!at) return 0;
    *found = at += strlen(mark);
    for (end = at; *end != '"'; end++) if (*end == '\\') end++;
    return (size_t)(end - at);
}

static void leave(int fd) {
    struct room *room = people[fd]->room;
    for (int n = 0; room && n < room->count; n++)
        if (room->members[n] == fd) { room->members[n] = room->members[--room->count]; break; }
    free(people[fd]);
    people[fd] = NULL;
    close(fd);
}

static void hello(int fd, struct person *me, const char *text, size_t size) {
    const char *token, *slash;
    size_t length = field(text, size, "\"token\":\"", &token);
    char id[80] = "", answer[200];
    int n = 0;
    slash = memchr(token, '/', length);
    memcpy(id, token, (size_t)(slash - token));
    memcpy(me->id, slash + 1, length - (size_t)(slash - token) - 1);
    while (rooms[n] && strcmp(rooms[n]->id, id)) n++;
    if (!rooms[n]) { rooms[n] = calloc(1, sizeof **rooms); strcpy(rooms[n]->id, id); }
    me->room = rooms[n];
    me->room->members[me->room->count++] = fd;
    send_text(fd, answer, (size_t)sprintf(answer, "{\"type\":\"welcome\",\"participant\":\"%s\"}", me->id));
}

static void post(int fd, struct person *me, const char *text, size_t size) {
    static char answer[FRAME], frame[FRAME];
    const char *ref, *client, *words;
    int refs = (int)field(text, size, "\"ref\":\"", &ref), clients = (int)field(text, size, "\"client_id\":\"", &client);
    int length = (int)field(text, size, "\"text\":\"", &words);
    struct room *room = me->room;
    struct timespec now;
    long seq = ++room->seq;
    clock_gettime(CLOCK_REALTIME, &now);
    send_text(fd, answer, (size_t)sprintf(answer,
        "{\"type\":\"accepted\",\"ref\":\"%.*s\",\"client_id\":\"%.*s\",\"id\":\"%s-%ld\",\"seq\":%ld,\"verdict\":\"allow\"}",
        refs, ref, clients, client, room->id, seq, seq));
    size_t whole = (size_t)sprintf(frame,
        "{\"type\":\"posted\",\"conversation\":\"%s\",\"seq\":%ld,\"id\":\"%s-%ld\",\"author\":\"%s\",\"role\":\"buyer\","
        "\"text\":\"%.*s\",\"at\":%lld,\"version\":%ld}",
        room->id, seq, room->id, seq, me->id, length, words, now.tv_sec * 1000LL + now.tv_nsec / 1000000, seq);
    for (int n = 0; n < room->count; n++) send_text(room->members[n], frame, whole);
}

static int heard(int fd, struct person *me) {
    ssize_t got = read(fd, me->data + me->held, (size_t)(FRAME - me->held));
    if (got <= 0) return 0;
    me->held += (int)got;
    if (!me->open) {
        static const char yes[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
        unsigned char *end = memmem(me->data, (size_t)me->held, "\r\n\r\n", 4);
        if (!end) return 1;
        me->held -= (int)(end + 4 - me->data);
        memmove(me->data, end + 4, (size_t)me->held);
        me->open = 1;
        if (write(fd, yes, sizeof yes - 1) < 0) return 0;
    }
    int at = 0;
    while (me->held - at >= 6) {
        unsigned char *frame = me->data + at;
        size_t size = frame[1] & 0x7f, start = 2;
        if (size == 126) { size = (size_t)frame[2] << 8 | frame[3]; start = 4; }
        if ((size_t)(me->held - at) < start + 4 + size) break;
        unsigned char *mask = frame + start, *text = mask + 4;
        for (size_t n = 0; n < size; n++) text[n] ^= mask[n & 3];
        if (frame[0] == 0x81) (me->room ? post : hello)(fd, me, (char *)text, size);
        at += (int)(start + 4 + size);
    }
    memmove(me->data, me->data + at, (size_t)(me->held - at));
    me->held -= at;
    return 1;
}

int main(void) {
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof where;
    int door = socket(AF_INET, SOCK_STREAM, 0), loop = epoll_create1(0), yes = 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = door}, events[EVENTS];
    bind(door, (struct sockaddr *)&where, sizeof where);
    listen(door, 1024);
    getsockname(door, (struct sockaddr *)&where, &size);
    printf("%d\n", ntohs(where.sin_port));
    fflush(stdout);
    epoll_ctl(loop, EPOLL_CTL_ADD, door, &event);
    for (;;) {
        int ready = epoll_wait(loop, events, EVENTS, -1);
        for (int n = 0; n < ready; n++) {
            int fd = events[n].data.fd;
            if (fd != door) { if (!heard(fd, people[fd])) leave(fd); continue; }
            fd = accept(door, NULL, NULL);
            if (fd < 0) continue;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            people[fd] = calloc(1, sizeof **people);
            event.data.fd = fd;
            epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
