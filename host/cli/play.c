/* SPDX-License-Identifier: BSD-3-Clause */
/* `oriel play`: a recording through the same transport to the same clients, for as long as nobody
 * ends it. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "cli/site.h"
#include "config/config.h"
#include "control/access.h"
#include "control/origin.h"
#include "module/call.h"
#include "module/registry.h"
#include "module/services.h"
#include "play/player.h"
#include "util/check.h"
#include "util/file.h"
#include "util/log.h"

#define SKIP_S 5

static const char usage[] =
    "usage: oriel play RECORDING [options]\n"
    "  RECORDING            the .ndjson of a recording, or the video beside it\n"
    "  --port N             HTTP port (8081); 0 takes free ports for all\n"
    "  --pixel-port N       port of the desktop client's pixel channel (8082), -1: none\n"
    "  --host ADDRESS       address to listen on (127.0.0.1)\n"
    "  --at SECONDS         begin there\n"
    "  --loop               again and again\n"
    "  --paused             wait for a key, or `oriel ctl URL call recording.play`\n"
    "  --ready-file FILE    write the addresses there as JSON when every socket accepts\n"
    "keys: space plays and pauses, , and . go back and on, l loops, q ends\n";

struct show {
    struct recording *recording;
    struct player *player;
    struct access *access;
    struct site *site;
    const struct oriel_buffer *colormaps;
    struct module_use use;
    const struct oriel_transport *transport;
    void *self;
    pthread_mutex_t opening; /* held until all of this is there */
};

/* --- what the transport calls --- */

static struct show *enter(const struct oriel_transport_host *to)
{
    struct show *show = to->data;
    pthread_mutex_lock(&show->opening);
    pthread_mutex_unlock(&show->opening);
    return show;
}

static bool may_look(void *data, const char *token)
{
    const struct show *show = data;
    return access_role(show->access, token) != ROLE_NONE;
}

static bool endpoint_of(const struct show *show, uint32_t listener, struct oriel_endpoint *at)
{
    for (uint32_t i = 0;; i++) {
        *at = (struct oriel_endpoint){.size = sizeof *at};
        if (MODULE_CALL(&show->use, "endpoint", show->transport->endpoint(show->self, i, at)) !=
            ORIEL_OK)
            return false;
        if (at->listener == listener)
            return true;
    }
}

static const char *header_of(const struct oriel_request *request, const char *name)
{
    return request->header ? request->header(request, name) : NULL;
}

/* As the server's gate decides: a page of another site has to show a token. */
static bool is_foreign(const struct show *show, const struct oriel_request *request)
{
    struct oriel_endpoint at;
    const char *origin = header_of(request, "origin"), *host = header_of(request, "host");
    bool reached = endpoint_of(show, request->listener, &at) && !origin_is_loopback(at.host);
    if (host && !reached && origin_host_may_rebind(host, at.port))
        host = NULL;
    return origin && !access_origin(show->access, origin, host);
}

static uint32_t on_opened(const struct oriel_transport_host *to, uint64_t conn,
                          const struct oriel_request *request)
{
    MODULE_HOST;
    struct show *show = enter(to);
    bool root = strcmp(request->path, "/") == 0;
    bool pixel =
        strcmp(request->path, "/pixel") == 0 || (root && request->listener == ORIEL_LISTENER_PIXEL);
    bool state =
        strcmp(request->path, "/state") == 0 || (root && request->listener == ORIEL_LISTENER_HTTP);
    if (!pixel && !state)
        return 404;
    char token[256], ticket[256];
    access_token(header_of(request, "authorization"), request->query, token);
    bool shown = access_token_role(show->access, token) != ROLE_NONE;
    bool ticketed = pixel && access_query(request->query, "ticket", ticket);
    if (!shown && !ticketed && is_foreign(show, request))
        return 403;
    player_opened(show->player, conn, pixel ? PLAYER_PIXEL : PLAYER_STATE, request->query,
                  shown || access_role(show->access, NULL) != ROLE_NONE);
    return 0;
}

static void on_message(const struct oriel_transport_host *to, uint64_t conn, uint32_t kind,
                       const uint8_t *data, uint64_t bytes)
{
    MODULE_HOST;
    if (kind == ORIEL_MESSAGE_TEXT)
        player_message(((struct show *)to->data)->player, conn, data, bytes);
}

static void on_writable(const struct oriel_transport_host *to, uint64_t conn)
{
    MODULE_HOST;
    player_writable(((struct show *)to->data)->player, conn);
}

static void on_closed(const struct oriel_transport_host *to, uint64_t conn)
{
    MODULE_HOST;
    player_closed(((struct show *)to->data)->player, conn);
}

static void on_http(const struct oriel_transport_host *to, uint64_t id,
                    const struct oriel_request *request)
{
    MODULE_HOST;
    struct show *show = enter(to);
    const struct site_file *file = site_find(show->site, request->path);
    const struct oriel_buffer *body = file ? file->body : NULL;
    const char *type = file ? file->type : "text/plain";
    bool looks = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;
    bool health = strcmp(request->path, "/healthz") == 0 || strcmp(request->path, "/readyz") == 0;
    if (strcmp(request->path, "/api/colormaps.json") == 0) {
        body = show->colormaps;
        type = "application/json";
    }
    const struct oriel_http_header headers[] = {{"content-type", type},
                                                {"cache-control", "no-store"},
                                                {"x-content-type-options", "nosniff"},
                                                {"referrer-policy", "no-referrer"},
                                                {"content-security-policy", site_policy}};
    struct oriel_response response = {.size = sizeof response,
                                      .status = !looks           ? 405
                                                : body || health ? 200
                                                                 : 404,
                                      .header_count = sizeof headers / sizeof *headers,
                                      .headers = headers,
                                      .body = looks ? body : NULL};
    MODULE_CALL(&show->use, "respond", show->transport->respond(show->self, id, &response));
}

/* --- the player's way out --- */

static oriel_result show_send(void *self, uint64_t conn, const struct oriel_message *message)
{
    const struct show *show = self;
    return MODULE_CALL(&show->use, "send", show->transport->send(show->self, conn, message));
}

static oriel_result show_queued(void *self, uint64_t conn, struct oriel_queued *queued)
{
    const struct show *show = self;
    return MODULE_CALL(&show->use, "queued", show->transport->queued(show->self, conn, queued));
}

static void show_close(void *self, uint64_t conn, uint32_t code, const char *reason)
{
    const struct show *show = self;
    MODULE_CALL(&show->use, "close", show->transport->close(show->self, conn, code, reason));
}

static const struct oriel_transport way_out = {
    .size = sizeof way_out, .send = show_send, .queued = show_queued, .close = show_close};

/* --- the command --- */

static bool site_folder(char out[PATH_MAX], struct error *err)
{
    ssize_t n = readlink("/proc/self/exe", out, PATH_MAX - 32);
    if (n < 0)
        return error_set(err, "/proc/self/exe: %s", strerror(errno));
    out[n] = '\0';
    for (int up = 0; up < 2; up++)
        *strrchr(out, '/') = '\0';
    strcat(out, "/share/oriel/web");
    return true;
}

static char *address(const struct show *show, uint32_t listener, const char *scheme)
{
    struct oriel_endpoint at;
    if (!endpoint_of(show, listener, &at))
        return NULL;
    const char *token = access_invitation(show->access), *v6 = strchr(at.host, ':');
    return xasprintf("%s%s://%s%s%s:%u/%s%s", scheme, at.secure ? "s" : "", v6 ? "[" : "", at.host,
                     v6 ? "]" : "", at.port, token ? "?token=" : "", token ? token : "");
}

static bool write_ready_file(const struct show *show, const char *path, struct error *err)
{
    char *http = address(show, ORIEL_LISTENER_HTTP, "http");
    char *state = address(show, ORIEL_LISTENER_HTTP, "ws");
    char *pixel = address(show, ORIEL_LISTENER_PIXEL, "ws");
    char *text = xasprintf("{\"pid\":%d,\"http\":\"%s\",\"state\":\"%s\",\"pixel\":\"%s\"}\n",
                           getpid(), http ? http : "", state ? state : "", pixel ? pixel : "");
    bool fine =
        file_replace(path, access_invitation(show->access) ? 0600 : 0666, text, strlen(text)) ||
        error_set(err, "%s: %s", path, strerror(errno));
    free(text);
    free(pixel);
    free(state);
    free(http);
    return fine;
}

/* A key of the terminal; false: to the end. */
static bool press(struct player *player, char key)
{
    switch (key) {
    case ' ':
        player_order(player, PLAYER_TOGGLE, 0);
        break;
    case ',':
    case '.':
        player_order(player, PLAYER_SKIP, key == '.' ? SKIP_S : -SKIP_S);
        break;
    case 'l':
        player_order(player, PLAYER_LOOP, 0);
        break;
    case '\n':
        player_order(player, PLAYER_TELL, 0);
        break;
    case 'q':
        return false;
    default:
        break;
    }
    return true;
}

static void wait_for_end(struct player *player, const sigset_t *signals)
{
    struct termios before, raw;
    bool keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (keys) {
        raw = before;
        raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    struct pollfd polls[] = {{.fd = signalfd(-1, signals, SFD_CLOEXEC), .events = POLLIN},
                             {.fd = keys ? STDIN_FILENO : -1, .events = POLLIN}};
    CHECK(polls[0].fd >= 0);
    bool on = true;
    while (on && (poll(polls, 2, -1) > 0 || errno == EINTR) && !polls[0].revents) {
        char key;
        if (polls[1].revents && read(STDIN_FILENO, &key, 1) == 1)
            on = press(player, key);
        else if (polls[1].revents)
            polls[1].fd = -1;
    }
    close(polls[0].fd);
    if (keys)
        tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

/* What plays and serves is there, or err says why not. */
static bool open_show(struct show *show, struct registry *registry, const char *path,
                      const struct player_options *options, const struct oriel_transport_host *to,
                      struct error *err)
{
    char web[PATH_MAX];
    const char *const *ids;
    if (!(show->recording = recording_open(path, err)) || !site_folder(web, err) ||
        !(show->site = site_create(web, err)))
        return false;
    const struct recording *recording = show->recording;
    if (recording->torn)
        log_warn(LOG_MAIN, "%s: %zu lines cannot be read", path, recording->torn);
    show->colormaps = site_colormaps();
    show->player = player_create(recording, options, &way_out, show, err);
    if (!registry_wanted(registry, MODULE_TRANSPORT, &ids))
        return error_set(err, "modules.transport: the list is empty, so nobody could connect");
    if (!show->player ||
        !module_use_open(registry, MODULE_TRANSPORT, ids[0], ids[0], &show->use, err))
        return false;
    show->transport = show->use.vtable;
    if (MODULE_CALL(&show->use, "create",
                    show->transport->create(show->use.host, show->use.config, to, &show->self)) !=
        ORIEL_OK)
        return error_set(err, "%s: %s", ids[0], services_failure());
    return true;
}

static int play(const struct config *config, const char *path, const char *ready_file,
                const struct player_options *asked)
{
    struct show show = {0};
    const struct oriel_transport_host to = {.size = sizeof to,
                                            .data = &show,
                                            .opened = on_opened,
                                            .message = on_message,
                                            .writable = on_writable,
                                            .closed = on_closed,
                                            .http = on_http};
    struct error err;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    pthread_mutex_init(&show.opening, NULL);
    pthread_mutex_lock(&show.opening);
    struct player_options options = *asked;
    options.may_look = may_look;
    options.data = &show;
    struct registry *registry = registry_create(config, &err);
    bool fine = registry && (show.access = access_create(config, &err)) &&
                open_show(&show, registry, path, &options, &to, &err);
    pthread_mutex_unlock(&show.opening);
    if (fine && (!ready_file || write_ready_file(&show, ready_file, &err))) {
        char *url = address(&show, ORIEL_LISTENER_HTTP, "http");
        printf("oriel: ready %s\n", url ? url : "");
        fflush(stdout);
        free(url);
        wait_for_end(show.player, &signals);
        if (ready_file)
            unlink(ready_file);
    } else {
        fine = false;
    }
    player_stop(show.player);
    if (show.self)
        MODULE_CALL(&show.use, "destroy", show.transport->destroy(show.self));
    player_destroy(show.player);
    module_use_close(&show.use);
    buffer_unref(show.colormaps);
    site_destroy(show.site);
    recording_close(show.recording);
    access_destroy(show.access);
    registry_destroy(registry);
    pthread_mutex_destroy(&show.opening);
    return fine ? CLI_DONE : cli_fail(CLI_FAILED, "%s", err.text);
}

/* No numbers are served; and `--port 0` asks for free ports everywhere. NULL-terminated; the caller
 * frees. */
static char **own_ports(int *argc, char **argv)
{
    static char metrics[] = "--set=server.metrics_port=-1", pixel[] = "--pixel-port=0";
    char **out = xcalloc((size_t)*argc + 3, sizeof *out);
    int count = 0;
    bool any = false;
    for (int i = 1; i < *argc; i++)
        any |= strcmp(argv[i], "--port=0") == 0 ||
               (strcmp(argv[i], "--port") == 0 && i + 1 < *argc && strcmp(argv[i + 1], "0") == 0);
    out[count++] = argv[0];
    out[count++] = metrics;
    if (any)
        out[count++] = pixel;
    for (int i = 1; i < *argc; i++)
        out[count++] = argv[i];
    *argc = count;
    return out;
}

int cli_play(int argc, char **argv)
{
    const char *ready_file = NULL, *at = NULL, *end = NULL;
    struct player_options options = {0};
    const struct cli_flag flags[] = {
        {.name = "ready-file", .text = &ready_file},
        {.name = "at", .text = &at},
        {.name = "loop", .on = &options.loop},
        {.name = "paused", .on = &options.paused},
        {.name = "port", .key = "server.port"},
        {.name = "pixel-port", .key = "server.pixel_port"},
        {.name = "host", .key = "server.host"},
        {0},
    };
    struct cli_options parsed;
    struct config *config = NULL;
    char **all = own_ports(&argc, argv);
    int status = cli_options_parse(&parsed, argc, all, usage, flags);
    if (status != CLI_GO_ON) {
        free(all);
        return status;
    }
    status = cli_options_load(&parsed, &config);
    if (at)
        options.at = strtod(at, (char **)&end);
    if (status == CLI_GO_ON && at && (*end || end == at || !isfinite(options.at)))
        status = cli_fail(CLI_USAGE, "play: --at wants seconds, not \"%s\"", at);
    if (status == CLI_GO_ON && parsed.argument_count != 1)
        status = cli_fail(CLI_USAGE, "play: wants one recording; `oriel play --help` tells more");
    if (status == CLI_GO_ON)
        status = play(config, parsed.arguments[0], ready_file, &options);
    config_destroy(config);
    cli_options_finish(&parsed);
    free(all);
    return status;
}
