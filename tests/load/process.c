/* SPDX-License-Identifier: BSD-3-Clause */
#include "process.h"

#include <arpa/inet.h>
#include <cjson/cJSON.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "ctl/memory.h"
#include "ctl/url.h"

bool process_usage(int pid, struct usage *usage)
{
    char path[64], line[512];
    *usage = (struct usage){0};
    pid = pid ? pid : getpid();
    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    double kib;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmRSS: %lf", &kib) == 1)
            usage->rss_mib = kib / 1024;
    }
    fclose(file);
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "r");
    size_t n = file ? fread(line, 1, sizeof line - 1, file) : 0;
    line[n] = '\0';
    if (file)
        fclose(file);
    /* The name, in parentheses, may hold anything; fields 14 and 15 are utime and stime. */
    const char *rest = strrchr(line, ')');
    unsigned long user, system;
    if (!rest ||
        sscanf(rest, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return false;
    usage->cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
    return true;
}

/* The body of a GET, to be freed; NULL: it failed. The servers tested here are on this machine. */
static char *fetch(const char *address)
{
    struct ctl_url url;
    if (!ctl_url_parse(address, &url, NULL))
        return NULL;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(url.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char request[1024];
    int n = snprintf(request, sizeof request,
                     "GET %.*smetrics.json HTTP/1.1\r\nHost: localhost\r\n%s%s%sConnection: "
                     "close\r\n\r\n",
                     (int)(strlen(url.path) - strlen("state")), url.path,
                     url.token[0] ? "Authorization: Bearer " : "", url.token,
                     url.token[0] ? "\r\n" : "");
    char *text = NULL;
    size_t used = 0, room = 0;
    ssize_t got = 1;
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
        send(fd, request, (size_t)n, MSG_NOSIGNAL) == n) {
        for (; got > 0; used += (size_t)got) {
            if (used + 65536 > room)
                text = must_realloc(text, (room = used + 131072) + 1);
            got = recv(fd, text + used, room - used, 0);
            if (got <= 0)
                break;
        }
    }
    close(fd);
    if (!text)
        return NULL;
    text[used] = '\0';
    char *body = strstr(text, "\r\n\r\n");
    char *copy = body ? must(strdup(body + 4)) : NULL;
    free(text);
    return copy;
}

double process_counter(const char *metrics_url, const char *name)
{
    char *body = fetch(metrics_url);
    cJSON *json = body ? cJSON_Parse(strchr(body, '{') ? strchr(body, '{') : body) : NULL;
    double sum = -1;
    const cJSON *group, *item;
    cJSON_ArrayForEach(group, json)
    {
        cJSON_ArrayForEach(item, group)
        {
            size_t n = strlen(name);
            bool same = item->string && strncmp(item->string, name, n) == 0 &&
                        (item->string[n] == '\0' || item->string[n] == '{');
            if (same && cJSON_IsNumber(item))
                sum = (sum < 0 ? 0 : sum) + item->valuedouble;
        }
    }
    cJSON_Delete(json);
    free(body);
    return sum;
}
