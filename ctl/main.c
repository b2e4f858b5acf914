/* SPDX-License-Identifier: BSD-3-Clause */
/* oriel ctl: looks at and changes a running server, as one more client of it. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "ctl/client.h"
#include "ctl/lookup.h"
#include "ctl/memory.h"

enum { DONE = 0, FAILED = 1, USAGE = 2 };

#define DEFAULT_SECONDS 60.0
#define TOKEN_MAX 255
#define GRACE_NS 2000000000 /* so that the server's own words about a timeout get here */

static const char usage[] =
    "usage: oriel ctl [--token-file F] [--timeout S] URL COMMAND\n"
    "  get                           the scene, as a file that `oriel serve --scene` takes\n"
    "  get SCOPE TARGET KEY          one value, as get layer layer-0 opacity\n"
    "  set SCOPE TARGET KEY VALUE    change one; prints what it is now\n"
    "  call COMMAND [KEY=VALUE]…     a command of the server; prints its result\n"
    "  watch                         every frame that comes, one line of JSON each\n"
    "URL is what `oriel serve` printed. VALUE is JSON, and text where it is not.\n\n"
    "Who you are, where the server asks: --token-file, else --token, else ?token= of the URL, "
    "else\n"
    "$ORIEL_TOKEN. What stands on a command line can be read by everyone on the machine.\n\n"
    "  --token-file F       a file with the token, or - for stdin\n"
    "  --token T            the token itself\n"
    "  --timeout S          seconds to wait for an answer (60)\n"
    "  --help               this text\n";

struct ctl {
    struct ctl_url url;
    struct client_loop *loop;
    struct client *client;
    struct mirror mirror;
    double seconds;
    int64_t deadline_ns;
    bool watch;
    int write_error; /* of stdout */
    struct ctl_error why;
};

static struct client_loop *interruptible;
static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    int before = errno;
    interrupted = 1;
    client_loop_wake(interruptible);
    errno = before;
}

static int bad_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int bad_usage(const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "oriel: ctl: %s\n", text);
    return USAGE;
}

/* One line: the address, the code, and the sentence without its line ends. */
static int failed(const struct ctl *ctl, const struct ctl_error *err)
{
    char text[sizeof err->message];
    snprintf(text, sizeof text, "%s", err->message);
    for (char *c = text; *c; c++)
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    fprintf(stderr, "oriel: %s: %s: %s\n", ctl->url.shown, err->code, text);
    return FAILED;
}

/* The error object of an answer, {"code","message"}. */
static int refused(const struct ctl *ctl, const cJSON *error)
{
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(error, "code");
    const cJSON *message = cJSON_GetObjectItemCaseSensitive(error, "message");
    struct ctl_error err;
    ctl_error_set(&err, cJSON_IsString(code) ? code->valuestring : "refused", "%s",
                  cJSON_IsString(message) ? message->valuestring : "the server gave no reason");
    return failed(ctl, &err);
}

static int stdout_failed(struct ctl *ctl, int cause)
{
    if (cause == EPIPE) /* whoever reads has seen enough */
        return DONE;
    struct ctl_error err;
    ctl_error_set(&err, "stdout", "%s", strerror(cause));
    return failed(ctl, &err);
}

static int print(struct ctl *ctl, const cJSON *value, bool pretty)
{
    char *text = must(value && pretty ? cJSON_Print(value)
                      : value         ? cJSON_PrintUnformatted(value)
                                      : strdup("null"));
    errno = 0;
    bool fine = puts(text) != EOF && fflush(stdout) == 0;
    int cause = errno;
    free(text);
    return fine ? DONE : stdout_failed(ctl, cause);
}

/* JSON, and text where it is not. */
static cJSON *value_of(const char *text)
{
    const char *end = NULL;
    cJSON *json = cJSON_ParseWithOpts(text, &end, true);
    return json ? json : must(cJSON_CreateString(text));
}

/* --- the client's callbacks --- */

static void write_line(struct ctl *ctl, const cJSON *frame, const char *text, size_t bytes)
{
    char *one_line = memchr(text, '\n', bytes) ? must(cJSON_PrintUnformatted(frame)) : NULL;
    errno = 0;
    bool fine = one_line ? fputs(one_line, stdout) != EOF : fwrite(text, 1, bytes, stdout) == bytes;
    fine = fine && putchar('\n') != EOF && fflush(stdout) == 0;
    if (!fine && !ctl->write_error)
        ctl->write_error = errno ? errno : EIO;
    cJSON_free(one_line);
}

static void on_frame(void *user, const char *type, const cJSON *frame, const char *text,
                     size_t bytes)
{
    struct ctl *ctl = user;
    if (ctl->watch && !ctl->write_error)
        write_line(ctl, frame, text, bytes);
    else
        mirror_take(&ctl->mirror, type, frame);
}

static void on_closed(void *user, const struct ctl_error *why)
{
    struct ctl *ctl = user;
    ctl->why = *why;
}

static const struct client_events events = {.frame = on_frame, .closed = on_closed};

/* --- the commands --- */

/* True once `*what` is there. */
static bool wait_for(struct ctl *ctl, cJSON *const *what, const char *name)
{
    while (!*what && !client_over(ctl->client) && client_now_ns() < ctl->deadline_ns)
        client_loop_turn(ctl->loop, ctl->deadline_ns);
    if (!*what && !client_over(ctl->client))
        ctl_error_set(&ctl->why, "timeout", "%s did not come in time", name);
    return *what != NULL;
}

static bool wait_ready(struct ctl *ctl)
{
    while (!client_is_ready(ctl->client) && !client_over(ctl->client) && !interrupted &&
           client_now_ns() < ctl->deadline_ns)
        client_loop_turn(ctl->loop, ctl->deadline_ns);
    if (!client_is_ready(ctl->client) && !client_over(ctl->client))
        ctl_error_set(&ctl->why, "timeout", "no welcome in time");
    return client_is_ready(ctl->client);
}

/* Calls, and gives the payload of the answer; NULL after a line about what went wrong. */
static cJSON *call(struct ctl *ctl, const char *command, cJSON *kwargs, int *status)
{
    char id[CLIENT_ID_BYTES];
    client_call(ctl->client, command, kwargs, (int)(ctl->seconds * 1000), id);
    ctl->deadline_ns += GRACE_NS;
    cJSON *answer = client_await(ctl->client, id, NULL, ctl->deadline_ns, &ctl->why);
    const cJSON *ok = cJSON_GetObjectItemCaseSensitive(answer, "status");
    if (!answer) {
        *status = failed(ctl, &ctl->why);
    } else if (!cJSON_IsString(ok) || strcmp(ok->valuestring, "ok") != 0) {
        *status = refused(ctl, answer);
        cJSON_Delete(answer);
        answer = NULL;
    }
    return answer;
}

static int run_call(struct ctl *ctl, int argc, char **argv)
{
    cJSON *kwargs = must(cJSON_CreateObject());
    for (int i = 1; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        *equals = '\0'; /* checked with the command line */
        cJSON_DeleteItemFromObjectCaseSensitive(kwargs, argv[i]);
        cJSON_AddItemToObject(kwargs, argv[i], value_of(equals + 1));
    }
    int status = DONE;
    cJSON *answer = call(ctl, argv[0], kwargs, &status);
    if (answer)
        status = print(ctl, cJSON_GetObjectItemCaseSensitive(answer, "result"), true);
    cJSON_Delete(answer);
    return status;
}

static int get_scene(struct ctl *ctl)
{
    static char command[] = "napari.scene.get";
    char *argv[] = {command};
    return run_call(ctl, 1, argv);
}

static int run_get(struct ctl *ctl, int argc, char **argv)
{
    if (argc == 0)
        return get_scene(ctl);
    bool status_wanted = strcmp(argv[0], "status") == 0;
    if (!wait_for(ctl, &ctl->mirror.scene, "notify.scene") ||
        !wait_for(ctl, &ctl->mirror.view, "notify.view") ||
        (status_wanted && !wait_for(ctl, &ctl->mirror.status, "notify.status")))
        return failed(ctl, &ctl->why);
    cJSON *value = lookup(&ctl->mirror, argv[0], argv[1], argv[2], &ctl->why);
    int status = value ? print(ctl, value, false) : failed(ctl, &ctl->why);
    cJSON_Delete(value);
    return status;
}

/* A pose that is taken is not answered; a command after it is, so what has not come by then does
 * not come. */
static cJSON *await_pose(struct ctl *ctl, const char *id, const cJSON *sent)
{
    char barrier[CLIENT_ID_BYTES];
    client_call(ctl->client, "napari.scene.get", NULL, 0, barrier);
    cJSON *answer = client_await(ctl->client, id, barrier, ctl->deadline_ns, &ctl->why);
    if (answer && !cJSON_GetObjectItemCaseSensitive(answer, "error")) {
        cJSON_Delete(answer);
        answer = must(cJSON_CreateObject());
        cJSON_AddItemToObject(answer, "applied_value", cJSON_Duplicate(sent, true));
    }
    return answer;
}

static int run_set(struct ctl *ctl, char **argv)
{
    const char *target = argv[1];
    if (strcmp(argv[0], "layer") == 0) { /* a name will do */
        if (!wait_for(ctl, &ctl->mirror.scene, "notify.scene"))
            return failed(ctl, &ctl->why);
        const cJSON *layer = mirror_layer(&ctl->mirror, target);
        const cJSON *layer_id = cJSON_GetObjectItemCaseSensitive(layer, "layer_id");
        target = layer_id ? layer_id->valuestring : target;
    }
    char id[CLIENT_ID_BYTES];
    cJSON *value = value_of(argv[3]), *sent = must(cJSON_Duplicate(value, true));
    client_update(ctl->client, argv[0], target, argv[2], value, NULL, id);
    bool pose = strcasecmp(argv[0], "view") == 0 && strcasecmp(argv[2], "pose") == 0;
    cJSON *ack = pose ? await_pose(ctl, id, sent)
                      : client_await(ctl->client, id, NULL, ctl->deadline_ns, &ctl->why);
    cJSON_Delete(sent);
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(ack, "error");
    int status = !ack ? failed(ctl, &ctl->why)
                 : error
                     ? refused(ctl, error)
                     : print(ctl, cJSON_GetObjectItemCaseSensitive(ack, "applied_value"), false);
    cJSON_Delete(ack);
    return status;
}

static int run_watch(struct ctl *ctl)
{
    while (!interrupted && !ctl->write_error && !client_over(ctl->client))
        client_loop_turn(ctl->loop, INT64_MAX);
    if (ctl->write_error)
        return stdout_failed(ctl, ctl->write_error);
    return interrupted ? DONE : failed(ctl, &ctl->why);
}

/* --- the command line --- */

static const struct verb {
    const char *name;
    int least, most; /* arguments */
    const char *wants;
} verbs[] = {
    {"get", 0, 3, "nothing, or SCOPE TARGET KEY"},
    {"set", 4, 4, "SCOPE TARGET KEY VALUE"},
    {"call", 1, 1 << 20, "COMMAND [KEY=VALUE]…"},
    {"watch", 0, 0, "nothing"},
};

static int check_verb(int argc, char **argv)
{
    const struct verb *verb = verbs, *end = verbs + sizeof verbs / sizeof *verbs;
    while (verb < end && strcmp(verb->name, argv[0]) != 0)
        verb++;
    if (verb == end)
        return bad_usage("unknown command \"%s\"; there are get, set, call and watch", argv[0]);
    int count = argc - 1;
    bool get_one_or_two = verb == verbs && (count == 1 || count == 2);
    if (count < verb->least || count > verb->most || get_one_or_two)
        return bad_usage("%s wants %s", verb->name, verb->wants);
    for (int i = 2; verb->name[0] == 'c' && i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        if (!equals || equals == argv[i])
            return bad_usage("call: \"%s\": wants KEY=VALUE", argv[i]);
    }
    return DONE;
}

static int run_verb(struct ctl *ctl, int argc, char **argv)
{
    if (!wait_ready(ctl) && !interrupted)
        return failed(ctl, &ctl->why);
    if (strcmp(argv[0], "watch") == 0)
        return run_watch(ctl);
    if (strcmp(argv[0], "get") == 0)
        return run_get(ctl, argc - 1, argv + 1);
    if (strcmp(argv[0], "set") == 0)
        return run_set(ctl, argv + 1);
    return run_call(ctl, argc - 1, argv + 1);
}

static int connect_and_run(struct ctl *ctl, const char *token, int argc, char **argv)
{
    static const char *const everything[] = {"notify.dims",        "notify.camera",
                                             "notify.telemetry",   "notify.error",
                                             "notify.scene.level", NULL};
    ctl->watch = strcmp(argv[0], "watch") == 0;
    ctl->deadline_ns = client_now_ns() + (int64_t)(ctl->seconds * 1e9);
    ctl->loop = interruptible = client_loop_create();
    if (!ctl->loop) {
        ctl_error_set(&ctl->why, "client", "libwebsockets cannot start");
        return failed(ctl, &ctl->why);
    }
    if (ctl->watch) {
        const struct sigaction action = {.sa_handler = on_signal};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
    }
    const struct client_options options = {.url = &ctl->url,
                                           .token = token,
                                           .name = "oriel-ctl",
                                           .features = ctl->watch ? everything : NULL};
    ctl->client = client_create(ctl->loop, &options, &events, ctl);
    int status = run_verb(ctl, argc, argv);
    if (client_is_ready(ctl->client)) {
        client_leave(ctl->client);
        int64_t until = client_now_ns() + 500000000;
        while (!client_over(ctl->client) && client_now_ns() < until)
            client_loop_turn(ctl->loop, until);
    }
    client_destroy(ctl->client);
    client_loop_destroy(ctl->loop);
    mirror_finish(&ctl->mirror);
    return status;
}

static bool is_token(const char *text)
{
    size_t length = strlen(text);
    while (*text && (unsigned char)*text >= ' ' && *text != 0x7f)
        text++;
    return length <= TOKEN_MAX && !*text;
}

/* The first line; false and errno, 0 when the file is empty. */
static bool read_token(const char *path, char token[TOKEN_MAX + 3])
{
    bool standard = strcmp(path, "-") == 0;
    FILE *in = standard ? stdin : fopen(path, "re");
    errno = in ? 0 : errno;
    bool fine = in && fgets(token, TOKEN_MAX + 3, in);
    int cause = errno;
    if (in && !standard)
        fclose(in);
    if (fine)
        token[strcspn(token, "\r\n")] = '\0';
    errno = cause;
    return fine && *token;
}

int main(int argc, char **argv)
{
    struct ctl ctl = {.seconds = DEFAULT_SECONDS};
    const char *token = NULL, *token_file = NULL, *address = NULL;
    char kept[TOKEN_MAX + 3]; /* a line of the file, with its end */
    int at = 1;
    for (; at < argc && (!address || argv[at][0] == '-'); at++) {
        char *arg = argv[at], *value = strchr(arg, '=');
        size_t length = value && arg[0] == '-' ? (size_t)(value - arg) : strlen(arg);
        bool token_flag = length == 7 && strncmp(arg, "--token", 7) == 0;
        bool file_flag = length == 12 && strncmp(arg, "--token-file", 12) == 0;
        bool timeout_flag = length == 9 && strncmp(arg, "--timeout", 9) == 0;
        if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            fputs(usage, stdout);
            return DONE;
        }
        if (arg[0] != '-') {
            address = arg;
            continue;
        }
        if (!token_flag && !file_flag && !timeout_flag)
            return bad_usage("unknown option %s", arg);
        if (!value && at + 1 >= argc)
            return bad_usage("%s wants a value", arg);
        value = value ? value + 1 : argv[++at];
        char *end;
        if (token_flag)
            token = value;
        else if (file_flag)
            token_file = value;
        else if (!((ctl.seconds = strtod(value, &end)) > 0) || *end || !(ctl.seconds <= 600))
            return bad_usage("--timeout %s: wants seconds, up to 600", value);
    }
    if (!address)
        return bad_usage("wants the URL of a server; `oriel ctl --help` tells more");
    if (at >= argc)
        return bad_usage("wants get, set, call or watch after the URL");
    if (token_file && !read_token(token_file, kept))
        return bad_usage("--token-file %s: %s", token_file, errno ? strerror(errno) : "is empty");
    if (token_file)
        token = kept;
    if (token && !is_token(token))
        return bad_usage("%s: is no token", token_file ? "--token-file" : "--token");
    int status = check_verb(argc - at, argv + at);
    if (status != DONE)
        return status;
    if (!ctl_url_parse(address, &ctl.url, &ctl.why))
        return bad_usage("%s", ctl.why.message);
    if (!token && !ctl.url.token[0])
        token = getenv("ORIEL_TOKEN");
    if (token && !is_token(token))
        return bad_usage("ORIEL_TOKEN: is no token");
    return connect_and_run(&ctl, token, argc - at, argv + at);
}
