/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_DESCRIPTORS                                                                            \
    16384u /* lws keeps tables of this size: an unlimited process would fill memory */

/* lws writes its log through one function for the whole process, on the thread that runs the
 * context. */
static _Thread_local const struct server *log_server;

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void server_log(const struct server *server, uint32_t level, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    server->host->log(server->host, level, text);
}

static void on_lws_log(int level, const char *line)
{
    if (!log_server)
        return;
    /* lws calls a peer that hangs up an error; ours are told by return values. */
    server_log(log_server, level & LLL_ERR ? ORIEL_LOG_WARN : ORIEL_LOG_DEBUG,
               "libwebsockets: %.*s", (int)strcspn(line, "\n"), line);
}

void session_deadline(struct session *session, int64_t seconds, const char *due)
{
    session->due = due;
    if (due)
        lws_set_timer_usecs(session->wsi, seconds * LWS_USEC_PER_SEC);
}

static int deadline_passed(const struct session *session)
{
    if (!session->due) /* lws 4.1 takes a cancelled timer for one that has ended */
        return 0;
    server_log(session->server, ORIEL_LOG_INFO, "%s is closed: %s", session->peer, session->due);
    /* What is left is not waited for, as a plain -1 would. */
    lws_set_timeout(session->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    return 0;
}

uint8_t *server_scratch(struct server *server, size_t bytes)
{
    if (bytes > server->scratch_room) {
        uint8_t *grown = realloc(server->scratch, LWS_PRE + bytes);
        if (!grown)
            return NULL;
        server->scratch = grown;
        server->scratch_room = bytes;
    }
    return server->scratch + LWS_PRE;
}

struct session *server_find(struct server *server, uint64_t id)
{
    struct session *session = server->buckets[id % SERVER_BUCKETS];
    while (session && session->id != id)
        session = session->next_in_bucket;
    return session;
}

void server_name(struct server *server, struct session *session)
{
    session->id = ++server->next_id;
    struct session **bucket = &server->buckets[session->id % SERVER_BUCKETS];
    session->next_in_bucket = *bucket;
    *bucket = session;
}

void server_forget(struct server *server, struct session *session)
{
    struct session **at = &server->buckets[session->id % SERVER_BUCKETS];
    while (*at && *at != session)
        at = &(*at)->next_in_bucket;
    if (*at)
        *at = session->next_in_bucket;
    session->id = 0;
}

void server_wake(struct server *server, struct session *session)
{
    if (session->awake)
        return;
    bool first = !server->first_awake;
    session->awake = true;
    session->next_awake = server->first_awake;
    server->first_awake = session;
    if (first && !server->quit) /* after that the context may be gone */
        lws_cancel_service(server->context);
}

static void take_off_wake_list(struct server *server, struct session *session)
{
    struct session **at = &server->first_awake;
    while (*at && *at != session)
        at = &(*at)->next_awake;
    if (*at)
        *at = session->next_awake;
}

/* What other threads have asked for since the wait began. */
static void serve_woken(struct server *server)
{
    for (;;) {
        pthread_mutex_lock(&server->lock);
        struct session *session = server->first_awake;
        if (session) {
            server->first_awake = session->next_awake;
            session->awake = false;
        }
        pthread_mutex_unlock(&server->lock);
        if (!session)
            return;
        bool established = session->conn && session->conn->established;
        if (session->exchange || established)
            lws_callback_on_writable(session->wsi);
        pthread_mutex_lock(&server->lock);
        bool closing = established && session->conn->close_code;
        pthread_mutex_unlock(&server->lock);
        if (closing && !session->due)
            session_deadline(session, server->request_s, "it does not read what it was sent last");
    }
}

/* Asked to end: nobody new, everybody else is told once the queue has left. */
static void stop_listening(struct server *server)
{
    if (server->stopped_listening)
        return;
    server->stopped_listening = true;
    for (uint32_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].wsi)
            lws_set_timeout(server->listeners[i].wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    }
    for (struct session *session = server->sessions; session; session = session->next) {
        if (session->conn && session->conn->established) {
            pthread_mutex_lock(&server->lock);
            conn_shut(session, LWS_CLOSE_STATUS_GOINGAWAY, "the server ends");
            pthread_mutex_unlock(&server->lock);
            lws_callback_on_writable(session->wsi);
        } else if (!session->exchange) {
            lws_set_timeout(session->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
        } else {
            session->exchange->hang_up = true;
        }
    }
}

static void session_end(struct session *session)
{
    struct server *server = session->server;
    if (session->conn)
        conn_close(session);
    http_end(session);
    if (session->next)
        session->next->prev = session->prev;
    if (session->prev)
        session->prev->next = session->next;
    else
        server->sessions = session->next;
    pthread_mutex_lock(&server->lock);
    if (session->awake)
        take_off_wake_list(server, session);
    if (--server->session_count == 0)
        pthread_cond_signal(&server->drained);
    pthread_mutex_unlock(&server->lock);
    free(session);
}

static int confirm_upgrade(struct session *session, const char *to)
{
    uint32_t status = strcmp(to, "websocket") == 0 ? conn_open(session) : 501;
    if (!status)
        return 0;
    return http_refuse_upgrade(session, status) < 0 ? -1 : 1;
}

static int on_lws(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *data,
                  size_t bytes)
{
    (void)user;
    struct server *server = lws_context_user(lws_get_context(wsi));
    if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
        pthread_mutex_lock(&server->lock);
        bool stopping = server->stopping;
        pthread_mutex_unlock(&server->lock);
        serve_woken(server);
        handover_serve(server);
        if (stopping)
            stop_listening(server);
        return 0;
    }
    if (reason == LWS_CALLBACK_RAW_RX_FILE) {
        const struct listener *listener = lws_get_opaque_user_data(wsi);
        if (listener)
            listener_accept(server, listener);
        return 0;
    }
    if (reason == LWS_CALLBACK_RAW_CLOSE_FILE) {
        struct listener *listener = lws_get_opaque_user_data(wsi);
        if (listener)
            listener->wsi = NULL;
        return 0;
    }

    struct session *session = NULL;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
    case LWS_CALLBACK_HTTP_BODY:
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    case LWS_CALLBACK_HTTP_WRITEABLE:
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_TIMER:
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
    case LWS_CALLBACK_WSI_DESTROY:
        session = lws_get_opaque_user_data(wsi);
        break;
    default:
        return 0;
    }
    if (!session || session->server != server)
        return 0;
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return http_begin(session);
    case LWS_CALLBACK_HTTP_BODY:
        return http_body(session, data, bytes);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return http_complete(session);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return http_writable(session);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return confirm_upgrade(session, data);
    case LWS_CALLBACK_ESTABLISHED:
        return conn_established(session);
    case LWS_CALLBACK_RECEIVE:
        return session->conn ? conn_receive(session, data, bytes) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return conn_writable(session);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        if (session->conn)
            session->conn->farewell = true;
        return 0; /* lws answers it */
    case LWS_CALLBACK_CLOSED:
        if (session->conn)
            conn_close(session);
        return 0;
    case LWS_CALLBACK_CLOSED_HTTP:
        http_end(session);
        return 0;
    case LWS_CALLBACK_TIMER:
        return deadline_passed(session);
    case LWS_CALLBACK_WSI_DESTROY: /* also of one that never got as far as CLOSED */
        lws_set_opaque_user_data(wsi, NULL);
        session_end(session);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {.name = "oriel", .callback = on_lws, .tx_packet_size = 1 << 20},
    {.name = NULL},
};

bool listener_adopt(struct server *server, struct listener *listener)
{
    lws_sock_file_fd_type fd = {.filefd = listener->fd};
    listener->wsi = lws_adopt_descriptor_vhost(server->vhost, LWS_ADOPT_RAW_FILE_DESC, fd,
                                               protocols[0].name, NULL);
    if (listener->wsi)
        lws_set_opaque_user_data(listener->wsi, listener);
    return listener->wsi;
}

static void *serve(void *data)
{
    struct server *server = data;
    log_server = server;
    for (;;) {
        pthread_mutex_lock(&server->lock);
        bool quit = server->quit;
        pthread_mutex_unlock(&server->lock);
        if (quit || lws_service(server->context, 0) < 0)
            break;
    }
    lws_context_destroy(server->context); /* every session ends here, on its own thread */
    log_server = NULL;
    return NULL;
}

static oriel_result fail(const struct server *server, oriel_result result, const char *text)
{
    return server->host->fail(server->host, result, text);
}

static oriel_result context_open(struct server *server)
{
    server->liveness.secs_since_valid_ping = (uint16_t)server->ping_s;
    server->liveness.secs_since_valid_hangup = (uint16_t)(server->ping_s + server->ping_timeout_s);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols;
    info.user = server;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME;
    info.server_string = "oriel";
    /* lws begins its timeouts again with each byte; session_deadline() does not, and is first. */
    info.timeout_secs = (unsigned)server->request_s + 5;
    info.keepalive_timeout = (int)server->keepalive_s + 5;
    info.max_http_header_data = 16384;
    info.vhost_name = "oriel";
    if (server->ping_s)
        info.retry_and_idle_policy = &server->liveness;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > MAX_DESCRIPTORS)
        info.fd_limit_per_thread = MAX_DESCRIPTORS;

    /* lws sets SIGPIPE to be ignored; that is the process' business, and it sends with
     * MSG_NOSIGNAL. */
    struct sigaction pipe_action;
    sigaction(SIGPIPE, NULL, &pipe_action);
    server->context = lws_create_context(&info);
    sigaction(SIGPIPE, &pipe_action, NULL);
    if (!server->context)
        return fail(server, ORIEL_FATAL, "libwebsockets could not make its context");
    server->vhost = lws_create_vhost(server->context, &info);
    if (!server->vhost)
        return fail(server, ORIEL_FATAL, "libwebsockets could not make its virtual host");
    for (uint32_t i = 0; i < server->listener_count; i++) {
        if (!listener_adopt(server, &server->listeners[i]))
            return fail(server, ORIEL_FATAL, "libwebsockets did not take a listening socket");
    }
    return ORIEL_OK;
}

static bool start_thread(struct server *server)
{
    const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}; /* the thread's own */
    sigset_t all, old;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    server->running = pthread_create(&server->thread, NULL, serve, server) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (server->running)
        pthread_setname_np(server->thread, "websocket");
    return server->running;
}

static void read_options(struct server *server, const struct oriel_config *config)
{
    snprintf(server->name, sizeof server->name, "%s", config->get_string(config, "host"));
    const char *prefix = config->get_string(config, "prefix");
    snprintf(server->prefix, sizeof server->prefix, "%s%s", *prefix && *prefix != '/' ? "/" : "",
             prefix);
    for (size_t n = strlen(server->prefix); n && server->prefix[n - 1] == '/'; n--)
        server->prefix[n - 1] = '\0';
    server->message_bytes = config->get_int(config, "message_bytes");
    server->drain_ms = config->get_int(config, "drain_ms");
    server->sndbuf = config->get_int(config, "sndbuf");
    server->notsent_lowat = config->get_int(config, "notsent_lowat");
    server->ping_s = config->get_int(config, "ping_s");
    server->ping_timeout_s = config->get_int(config, "ping_timeout_s");
    server->request_s = config->get_int(config, "request_s");
    server->keepalive_s = config->get_int(config, "keepalive_s");
    server->max_connections = config->get_int(config, "max_connections");
}

oriel_result transport_create(const struct oriel_host *host, const struct oriel_config *config,
                              const struct oriel_transport_host *to, void **self)
{
    struct server *server = calloc(1, sizeof *server);
    if (!server)
        return host->fail(host, ORIEL_NOMEM, "out of memory");
    server->host = host;
    server->to = to;
    pthread_mutex_init(&server->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&server->drained, &monotonic);
    pthread_cond_init(&server->handed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    read_options(server, config);
    lws_set_log_level(LLL_ERR | LLL_WARN, on_lws_log);
    log_server = server;
    oriel_result result = listeners_open(server, config);
    if (result == ORIEL_OK)
        result = context_open(server);
    if (result == ORIEL_OK && !start_thread(server))
        result = fail(server, ORIEL_FATAL, "cannot start a thread");
    log_server = NULL;
    if (result != ORIEL_OK) {
        transport_destroy(server);
        return result;
    }
    *self = server;
    return ORIEL_OK;
}

static void drain(struct server *server)
{
    int64_t end = now_ns() + server->drain_ms * 1000000;
    struct timespec until = {.tv_sec = end / 1000000000, .tv_nsec = end % 1000000000};
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    lws_cancel_service(server->context);
    while (server->session_count &&
           pthread_cond_timedwait(&server->drained, &server->lock, &until) != ETIMEDOUT)
        ;
    server->quit = true;
    lws_cancel_service(server->context);
    pthread_mutex_unlock(&server->lock);
    pthread_join(server->thread, NULL);
}

void transport_destroy(void *self)
{
    struct server *server = self;
    if (!server)
        return;
    if (server->running) {
        drain(server);
    } else {
        log_server = server;
        /* What lws has adopted it closes itself. */
        for (uint32_t i = 0; i < server->listener_count; i++) {
            if (!server->listeners[i].wsi)
                close(server->listeners[i].fd);
        }
        if (server->context)
            lws_context_destroy(server->context);
        log_server = NULL;
    }
    if (server->spare_fd >= 0)
        close(server->spare_fd);
    free(server->scratch);
    pthread_cond_destroy(&server->handed);
    pthread_cond_destroy(&server->drained);
    pthread_mutex_destroy(&server->lock);
    free(server);
}

oriel_result transport_endpoint(void *self, uint32_t index, struct oriel_endpoint *endpoint)
{
    const struct server *server = self;
    if (index >= server->listener_count)
        return ORIEL_UNSUPPORTED;
    const struct listener *listener = &server->listeners[index];
    struct oriel_endpoint found = {
        .size = endpoint->size,
        .listener = listener->kind,
        .port = listener->port,
    };
    snprintf(found.host, sizeof found.host, "%s", listener->host);
    memcpy(endpoint, &found, endpoint->size < sizeof found ? endpoint->size : sizeof found);
    return ORIEL_OK;
}
