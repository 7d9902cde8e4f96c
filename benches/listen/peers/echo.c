/* The yardstick: echo servers as one writes them by hand, with edge-triggered epoll.
 *
 *   echo copy|splice PORT THREADS     a listening socket a thread (SO_REUSEPORT); 0 is one a processor
 *   echo udp PORT 1                   a recvmmsg/sendmmsg loop
 *
 * A connection costs a few dozen bytes; the buffer belongs to the thread; what the peer does not take
 * at once is kept, and until it is gone nothing more is read. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, EVENTS = 256, PIPE = 1 << 20, BATCH = 32, DATAGRAM = 2048 };

struct conn {
    int fd, pipe[2];
    size_t held;           /* in the pipe */
    char *extra;           /* not taken by the peer yet */
    size_t at, len;
    int ended;
};

static int port, splices;

static int bound(int type) {
    int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr)) { perror("bind"); exit(1); }
    return fd;
}

static void end(struct conn *c) {
    close(c->fd);
    if (c->pipe[0] >= 0) { close(c->pipe[0]); close(c->pipe[1]); }
    free(c->extra);
    free(c);
}

/* 1: all gone, 0: the peer takes no more for now, -1: over. */
static int flush(struct conn *c) {
    while (c->at < c->len) {
        ssize_t n = send(c->fd, c->extra + c->at, c->len - c->at, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        c->at += n;
    }
    if (c->extra) { free(c->extra); c->extra = NULL; c->at = c->len = 0; }
    while (c->held) {
        ssize_t n = splice(c->pipe[0], NULL, c->fd, NULL, c->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n < 0) return errno == EAGAIN ? 0 : -1;
        c->held -= n;
    }
    return 1;
}

/* The same answers; 1 is: there may be more to read. */
static int copy(struct conn *c, char *buffer, int hung_up) {
    ssize_t n = recv(c->fd, buffer, BUFFER, 0);
    if (n == 0) return -1;
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    ssize_t sent = send(c->fd, buffer, n, MSG_NOSIGNAL);
    if (sent < 0) { if (errno != EAGAIN) return -1; sent = 0; }
    if (sent < n) {
        c->len = n - sent;
        c->extra = malloc(c->len);
        memcpy(c->extra, buffer + sent, c->len);
        return flush(c);
    }
    return n == BUFFER || hung_up;
}

static int through_pipe(struct conn *c) {
    if (c->pipe[0] < 0) {
        if (pipe2(c->pipe, O_NONBLOCK | O_CLOEXEC)) return -1;
        fcntl(c->pipe[0], F_SETPIPE_SZ, PIPE);
    }
    ssize_t n = splice(c->fd, NULL, c->pipe[1], NULL, PIPE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (n == 0) return -1;
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    c->held = n;
    return flush(c);
}

static void *serve(void *unused) {
    static __thread char buffer[BUFFER];
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.ptr = NULL};
    int listener = bound(SOCK_STREAM), poll = epoll_create1(EPOLL_CLOEXEC);
    if (listen(listener, 1 << 16)) { perror("listen"); exit(1); }
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            struct conn *c = events[i].data.ptr;
            if (!c) {
                for (int n = 0; n < 64; n++) {
                    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
                    if (fd < 0) break;
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    struct conn *new = calloc(1, sizeof *new);
                    new->fd = fd;
                    new->pipe[0] = new->pipe[1] = -1;
                    struct epoll_event own = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = new};
                    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &own);
                }
                continue;
            }
            int hung_up = !!(events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)), more;
            c->ended |= hung_up;
            do {
                more = flush(c);
                if (more == 1) more = splices ? through_pipe(c) : copy(c, buffer, c->ended);
            } while (more == 1);
            if (more < 0) end(c);
        }
    }
    return unused;
}

static void datagrams(void) {
    static char buffers[BATCH][DATAGRAM];
    static struct sockaddr_storage peers[BATCH];
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    int fd = bound(SOCK_DGRAM);
    fcntl(fd, F_SETFL, 0);
    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            parts[i] = (struct iovec){buffers[i], DATAGRAM};
            messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &peers[i], .msg_namelen = sizeof peers[i], .msg_iov = &parts[i], .msg_iovlen = 1}};
        }
        int count = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        for (int i = 0; i < count; i++) parts[i].iov_len = messages[i].msg_len;
        if (count > 0) sendmmsg(fd, messages, count, 0);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    port = atoi(argv[2]);
    splices = !strcmp(argv[1], "splice");
    signal(SIGPIPE, SIG_IGN);
    if (!strcmp(argv[1], "udp")) datagrams();
    int threads = atoi(argv[3]);
    cpu_set_t cpus;
    if (!threads) threads = sched_getaffinity(0, sizeof cpus, &cpus) ? 1 : CPU_COUNT(&cpus);
    for (int i = 1; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, serve, NULL);
    }
    serve(NULL);
}
