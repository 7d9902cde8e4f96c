/* The three models of an echo server that textbooks compare:
 *
 *   models loop PORT    one process, one select loop
 *   models fork PORT    a process per connection
 *   models pool PORT    epoll and a pool of threads */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUFFER = 16 << 10, THREADS = 8 };

static int listening(int port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) || listen(fd, 1 << 16)) { perror("listen"); exit(1); }
    return fd;
}

/* Reads once and sends that back, waiting if it must; 0 at the end. */
static int echo(int fd, char *buffer) {
    ssize_t n = recv(fd, buffer, BUFFER, 0), sent = 0;
    while (sent < n) {
        ssize_t m = send(fd, buffer + sent, n - sent, MSG_NOSIGNAL);
        if (m < 0) return 0;
        sent += m;
    }
    return n > 0;
}

static void loop(int listener) {
    static char buffer[BUFFER];
    fd_set all, ready;
    FD_ZERO(&all);
    FD_SET(listener, &all);
    for (int most = listener;;) {
        ready = all;
        select(most + 1, &ready, NULL, NULL, NULL);
        for (int fd = 0; fd <= most; fd++) {
            if (!FD_ISSET(fd, &ready)) continue;
            if (fd == listener) {
                int new = accept(listener, NULL, NULL);
                if (new >= FD_SETSIZE) close(new);
                else if (new >= 0) { FD_SET(new, &all); if (new > most) most = new; }
            } else if (!echo(fd, buffer)) { close(fd); FD_CLR(fd, &all); }
        }
    }
}

static void forking(int listener) {
    static char buffer[BUFFER];
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        if (!fork()) {
            close(listener);
            while (echo(fd, buffer)) {}
            _exit(0);
        }
        close(fd);
    }
}

static int queue_poll;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static int queue[1 << 16];
static unsigned head, tail;

static void *work(void *unused) {
    char *buffer = malloc(BUFFER);
    for (;;) {
        pthread_mutex_lock(&lock);
        while (head == tail) pthread_cond_wait(&filled, &lock);
        int fd = queue[head++ & 0xffff];
        pthread_mutex_unlock(&lock);
        if (!echo(fd, buffer)) { close(fd); continue; }
        struct epoll_event event = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = fd};
        epoll_ctl(queue_poll, EPOLL_CTL_MOD, fd, &event);
    }
    return unused;
}

static void pool(int listener) {
    struct epoll_event events[256], event = {.events = EPOLLIN, .data.fd = listener};
    queue_poll = epoll_create1(0);
    epoll_ctl(queue_poll, EPOLL_CTL_ADD, listener, &event);
    for (int i = 0; i < THREADS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, work, NULL);
    }
    for (;;) {
        int count = epoll_wait(queue_poll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) {
                int new = accept(listener, NULL, NULL);
                struct epoll_event own = {.events = EPOLLIN | EPOLLONESHOT, .data.fd = new};
                if (new >= 0) epoll_ctl(queue_poll, EPOLL_CTL_ADD, new, &own);
                continue;
            }
            pthread_mutex_lock(&lock);
            queue[tail++ & 0xffff] = fd;
            pthread_cond_signal(&filled);
            pthread_mutex_unlock(&lock);
        }
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    signal(SIGPIPE, SIG_IGN);
    int listener = listening(atoi(argv[2]));
    if (!strcmp(argv[1], "loop")) loop(listener);
    if (!strcmp(argv[1], "fork")) forking(listener);
    pool(listener);
}
