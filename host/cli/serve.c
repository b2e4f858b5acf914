/* SPDX-License-Identifier: BSD-3-Clause */
/* `oriel serve`: puts the rooms together, opens the doors, waits for a signal. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/experiments.h"
#include "cli/gate.h"
#include "cli/options.h"
#include "cli/reload.h"
#include "cli/server.h"
#include "control/access.h"
#include "control/control.h"
#include "module/quarantine.h"
#include "module/registry.h"
#include "util/check.h"
#include "util/file.h"
#include "util/log.h"
#include "util/notify.h"
#include "util/thread.h"

#define URL_MAX 1024

static const char usage[] =
    "usage: oriel serve [DATA…] [options]\n"
    "  DATA                 an OME-Zarr, Zarr or .npy to open; none: those of data.open, or wait\n"
    "                       until a client opens one\n"
    "  --scene FILE         open a scene file\n"
    "  --port N             HTTP port (8081); 0 takes free ports for all three\n"
    "  --pixel-port N       port of the desktop client's pixel channel (8082), -1: none\n"
    "  --metrics-port N     port of the numbers (8083), -1: none\n"
    "  --host ADDRESS       address to listen on (127.0.0.1)\n"
    "  --prefix /PATH       put every route under a path, behind a proxy\n"
    "  --state DIR          keep the scene in DIR: it survives a crash, a restart, a move\n"
    "  --no-quarantine      use modules again that brought a server down\n"
    "  --ready-file FILE    write the addresses there as JSON when every socket accepts\n";

struct serve_args {
    const char *scene;
    const char *ready_file;
    const char *default_data;
};

/* <prefix>/bin/oriel has its page in <prefix>/share/oriel/web; a build folder has the same shape.
 */
static bool web_folder(char out[PATH_MAX], struct error *err)
{
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n < 0)
        return error_set(err, "/proc/self/exe: %s", strerror(errno));
    exe[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(exe, '/');
        CHECK(slash);
        *slash = '\0';
    }
    int length = snprintf(out, PATH_MAX, "%s/share/oriel/web", exe);
    return length < PATH_MAX || error_set(err, "%s: path too long", exe);
}

/* "http://127.0.0.1:8081/s/abc/?token=…"; a wildcard address becomes one that a browser here can
 * open, and the token is there where nobody gets in without. */
static bool endpoint_url(struct gate *gate, struct server *server, uint32_t listener,
                         const char *scheme, char *out, size_t size)
{
    struct oriel_endpoint endpoint;
    if (!gate_endpoint(gate, listener, &endpoint))
        return false;
    const char *host = endpoint.host;
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    bool v6 = strchr(host, ':') != NULL;
    const char *prefix = config_string(server_config(server), "server.prefix");
    const char *token = access_invitation(control_access(server->control));
    snprintf(out, size, "%s%s://%s%s%s:%u%s/%s%s", scheme, endpoint.secure ? "s" : "",
             v6 ? "[" : "", host, v6 ? "]" : "", endpoint.port, prefix, token ? "?token=" : "",
             token ? token : "");
    return true;
}

/* Where nobody is asked who they are, a door that others reach is worth a line. */
static void warn_of_open_door(struct gate *gate, const struct access *access)
{
    struct oriel_endpoint at;
    enum access_role anyone = access_role(access, NULL);
    if (anyone == ROLE_NONE)
        return;
    if (!gate_endpoint(gate, ORIEL_LISTENER_HTTP, &at) || strncmp(at.host, "127.", 4) == 0 ||
        strcmp(at.host, "::1") == 0 || strcmp(at.host, "localhost") == 0)
        return;
    log_warn(LOG_MAIN,
             "anyone who can reach %s port %u sees%s everything that is shown here; to keep others "
             "out, give tokens (access.tokens), or listen on 127.0.0.1 behind a tunnel or a proxy "
             "that authenticates",
             at.host, at.port, anyone == ROLE_EDITOR ? " and changes" : "");
}

static bool write_ready_file(const char *path, struct gate *gate, struct server *server,
                             struct error *err)
{
    static const struct {
        const char *name, *scheme;
        uint32_t listener;
    } rows[] = {
        {"http", "http", ORIEL_LISTENER_HTTP},
        {"state", "ws", ORIEL_LISTENER_HTTP},
        {"pixel", "ws", ORIEL_LISTENER_PIXEL},
        {"metrics", "http", ORIEL_LISTENER_METRICS},
    };
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "pid", getpid());
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char url[URL_MAX];
        if (endpoint_url(gate, server, rows[i].listener, rows[i].scheme, url, sizeof url))
            cJSON_AddStringToObject(json, rows[i].name, url);
    }
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    CHECK(text);
    char *line = xasprintf("%s\n", text);
    free(text);
    /* What holds a token is nobody else's to read. */
    bool secret = access_invitation(control_access(server->control));
    bool fine = file_replace(path, secret ? 0600 : 0666, line, strlen(line)) ||
                error_set(err, "%s: %s", path, strerror(errno));
    free(line);
    return fine;
}

/* A terminal that hangs up ends what runs in it, as if nobody listened to that signal. */
static bool has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void wait_for_signal(const sigset_t *signals, bool terminal, struct server *server)
{
    int signal;
    for (;;) {
        if (sigwait(signals, &signal) != 0)
            continue;
        if (signal != SIGHUP || (terminal && !has_terminal()))
            break;
        reload_for_signal(server);
    }
    log_info(LOG_MAIN, "%s: draining", signal == SIGINT ? "interrupted" : "terminated");
}

/* The end of a server that cannot end: data on a disk that does not answer hold a thread for ever.
 */
struct last_resort {
    sigset_t signals;
    int64_t ms;
    const char *ready_file;
    const struct server *server;
};

static void *leave_in_time(void *data)
{
    const struct last_resort *self = data;
    const struct timespec wait = {self->ms / 1000, self->ms % 1000 * 1000000};
    bool again = sigtimedwait(&self->signals, NULL, &wait) > 0;
    log_warn(LOG_MAIN, "%s: the server ends without what still runs",
             again ? "asked again" : "something does not end");
    if (self->ready_file)
        unlink(self->ready_file);
    _exit(__atomic_load_n(&self->server->status, __ATOMIC_RELAXED));
}

/* All doors open, or false. */
static bool open_doors(struct gate *gate, struct server *server, struct error *err)
{
    const char *const *ids;
    size_t count = registry_wanted(server->registry, MODULE_TRANSPORT, &ids);
    if (count == 0)
        return error_set(err, "modules.transport: the list is empty, so nobody could connect");
    for (size_t i = 0; i < count; i++) {
        if (!gate_open_transport(gate, server->registry, ids[i], err))
            return false;
    }
    return true;
}

static struct config *read_config(void *data, struct error *err)
{
    return cli_options_config(data, NULL, 0, err);
}

/* The exit status; CLI_DONE, or err says why. */
static int serve(const struct config *config, struct cli_options *options,
                 const struct server_scene *scene, const struct serve_args *args, struct error *err)
{
    /* Every thread that is started from here on leaves these to this one. */
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigset_t ending = signals;
    sigaddset(&signals, SIGHUP);
    struct sigaction hangup;
    sigaction(SIGHUP, NULL, &hangup);
    bool terminal = hangup.sa_handler != SIG_IGN && has_terminal(); /* else nohup */
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error like a full disk */

    char web[PATH_MAX], url[URL_MAX];
    struct server server;
    struct last_resort resort;
    pthread_t last;
    bool leaving = false;
    if (!web_folder(web, err))
        return CLI_FAILED;
    if (!server_start(&server, config, scene, err))
        return server.status ? server.status : CLI_FAILED;
    struct gate *gate = gate_create(&(struct gate_rooms){.control = server.control,
                                                         .metrics = server.metrics,
                                                         .mcp = server.mcp},
                                    web, err);
    pthread_mutex_lock(&server.changing);
    server.read_config = read_config;
    server.data = options;
    server.gate = gate;
    pthread_mutex_unlock(&server.changing);
    bool fine = gate && experiments_begin(&server, err) && open_doors(gate, &server, err) &&
                (!args->ready_file || write_ready_file(args->ready_file, gate, &server, err));
    if (fine) {
        gate_set_ready(gate, true);
        warn_of_open_door(gate, control_access(server.control));
        if (endpoint_url(gate, &server, ORIEL_LISTENER_HTTP, "http", url, sizeof url))
            printf("oriel: ready %s\n", url);
        else
            printf("oriel: ready, without a page: no transport of modules.transport serves one\n");
        fflush(stdout);
        notify_manager("READY=1");
        wait_for_signal(&signals, terminal, &server);
        notify_manager("STOPPING=1");
        gate_set_ready(gate, false);
        resort = (struct last_resort){ending, config_int(server_config(&server), "server.exit_ms"),
                                      args->ready_file, &server};
        leaving = thread_start(&last, "exit", leave_in_time, &resort);
    }
    server_stop(&server);
    if (gate)
        gate_close(gate);
    gate_destroy(gate);
    server_free(&server);
    if (fine && args->ready_file)
        unlink(args->ready_file);
    if (leaving) {
        pthread_cancel(last);
        pthread_join(last, NULL);
    }
    if (fine && server.status == CLI_FENCED)
        error_set(err, "%s: another process has taken this session over",
                  config_string(config, "state.dir"));
    return fine ? server.status : CLI_FAILED;
}

/* What is opened when neither DATA nor --scene was given: data.open, else --default-data.
 * NULL-terminated; the caller frees. */
static const char **usual_data(const struct config *config, const char *otherwise)
{
    const char *item, **list = xcalloc(2, sizeof *list);
    size_t count = 0;
    list[0] = otherwise;
    while ((item = config_item(config, "data.open", count))) {
        list = xrealloc(list, (count + 2) * sizeof *list);
        list[count++] = item;
        list[count] = NULL;
    }
    return list;
}

/* `--port 0` asks for free ports everywhere: said for the other two first, so that they can be said
 * otherwise. NULL-terminated; the caller frees. */
static char **free_ports_everywhere(int *argc, char **argv)
{
    static char pixel[] = "--pixel-port=0", metrics[] = "--metrics-port=0";
    bool free_ports = false;
    for (int i = 1; i < *argc; i++)
        free_ports |=
            strcmp(argv[i], "--port=0") == 0 ||
            (strcmp(argv[i], "--port") == 0 && i + 1 < *argc && strcmp(argv[i + 1], "0") == 0);
    char **out = xcalloc((size_t)*argc + 3, sizeof *out);
    int count = 0;
    out[count++] = argv[0];
    if (free_ports) {
        out[count++] = pixel;
        out[count++] = metrics;
    }
    for (int i = 1; i < *argc; i++)
        out[count++] = argv[i];
    *argc = count;
    return out;
}

int cli_serve(int argc, char **argv)
{
    struct serve_args args = {0};
    bool lift = false;
    const struct cli_flag flags[] = {
        {.name = "scene", .text = &args.scene},
        {.name = "ready-file", .text = &args.ready_file},
        {.name = "default-data", .text = &args.default_data},
        {.name = "port", .key = "server.port"},
        {.name = "pixel-port", .key = "server.pixel_port"},
        {.name = "metrics-port", .key = "server.metrics_port"},
        {.name = "host", .key = "server.host"},
        {.name = "prefix", .key = "server.prefix"},
        {.name = "state", .key = "state.dir"},
        {.name = "no-quarantine", .on = &lift},
        {0},
    };
    struct cli_options options;
    struct config *config = NULL;
    char **all = free_ports_everywhere(&argc, argv);
    int status = cli_options_parse(&options, argc, all, usage, flags);
    if (status == CLI_GO_ON) {
        status = cli_options_load(&options, &config);
        if (status == CLI_GO_ON) {
            struct server_scene scene = {.data = options.arguments,
                                         .data_count = options.argument_count,
                                         .scene_file = args.scene,
                                         .keep = true};
            const char **usual = usual_data(config, args.default_data);
            if (!scene.data_count && !scene.scene_file) {
                scene.data = usual;
                while (usual[scene.data_count])
                    scene.data_count++;
            }
            struct error err;
            status = lift && !quarantine_lift(config, &err)
                         ? CLI_FAILED
                         : serve(config, &options, &scene, &args, &err);
            if (status != CLI_DONE)
                cli_fail(status, "%s", err.text);
            free(usual);
        }
        config_destroy(config);
        cli_options_finish(&options);
    }
    free(all);
    return status;
}
