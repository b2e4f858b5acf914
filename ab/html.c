/* SPDX-License-Identifier: BSD-3-Clause */
#include "ab/html.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "render/png.h"
#include "util/base64.h"
#include "util/check.h"

void html_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            putc(*text, out);
        }
    }
}

void html_prose(FILE *out, const char *text)
{
    char before = ' ';
    for (; *text; before = *text++) {
        bool minus =
            *text == '-' && (before == ' ' || before == '(') && isdigit((unsigned char)text[1]);
        html_text(out, minus ? "−" : (const char[]){*text, '\0'});
    }
}

/* Colours: Okabe and Ito's palette, which colour-blind people can tell apart; lighter in the dark.
 */
static const char style[] =
    ":root{color-scheme:light dark;--paper:#fff;--card:#f6f7f9;--ink:#1b1f24;--dim:#5c6670;"
    "--rule:#d9dee4;--grid:#e6e9ed;--accent:#0b5cad;--good:#0a7d4f;--bad:#b3401f;"
    "--c0:#0072b2;--c1:#d55e00;--c2:#009e73;--c3:#b0508a;--c4:#8a6d00;--c5:#3d8fc4;--c6:#6b4fa0;"
    "--c7:#555}"
    "@media(prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1c2026;--ink:#e8eaed;"
    "--dim:#9aa4ae;--rule:#343b43;--grid:#2a3038;--accent:#7ab8f0;--good:#4cc38a;--bad:#f0876a;"
    "--c0:#4aa8e0;--c1:#f58a3c;--c2:#3cc79b;--c3:#dc8dbd;--c4:#d9b93c;--c5:#8ccbf0;--c6:#a68fdc;"
    "--c7:#aaa}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}"
    "main{max-width:1160px;margin:0 auto;padding:2.2rem 1.2rem 4rem}"
    "h1{font-size:1.9rem;line-height:1.2;margin:0 0 .3rem;letter-spacing:-.01em}"
    "h2{font-size:1.3rem;margin:2.8rem 0 .6rem;padding-top:1.1rem;"
    "border-top:1px solid var(--rule)}h3{font-size:1.02rem;margin:1.6rem 0 .4rem}"
    "p{margin:.5rem 0;max-width:46rem}.dim,figcaption small{color:var(--dim)}"
    "code{font:.9em ui-monospace,'DejaVu Sans Mono',monospace}"
    "pre{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:.9rem 1rem;"
    "overflow:auto;font:.82rem/1.5 ui-monospace,'DejaVu Sans Mono',monospace}"
    "ul{padding-left:1.2rem;max-width:46rem}li{margin:.25rem 0}"
    ".scroll{overflow-x:auto;margin:.8rem 0}"
    "table{border-collapse:collapse;font-size:.89rem;font-variant-numeric:tabular-nums;"
    "min-width:100%}th,td{padding:.36rem .7rem;text-align:right;"
    "border-bottom:1px solid var(--rule);white-space:nowrap}"
    "th{font-weight:600;color:var(--dim);border-bottom-width:2px;vertical-align:bottom}"
    "th:first-child,td:first-child,td.t,th.t{text-align:left}"
    "tr:last-child td{border-bottom:none}td.w{white-space:normal;min-width:16rem;text-align:left}"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));"
    "gap:1rem;margin:1rem 0}"
    "figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:10px;"
    "padding:.7rem .8rem}figcaption{font-weight:600;font-size:.93rem;margin:0 0 .35rem}"
    "svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,'DejaVu Sans',"
    "sans-serif;fill:var(--dim)}svg .label{font-size:12.5px;fill:var(--ink)}"
    "svg .grid{stroke:var(--grid);fill:none}svg .frame,svg .zero{stroke:var(--dim);fill:none}"
    "svg .line{fill:none;stroke-width:2;stroke-linejoin:round}svg .mark{stroke:var(--card);"
    "stroke-width:1.5}"
    ".interval{display:inline-block;width:180px;height:18px;vertical-align:middle}"
    ".range{stroke:var(--accent);stroke-width:2.5}.dot{fill:var(--accent)}"
    ".range.faint{stroke:var(--dim)}.dot.faint{fill:var(--dim)}"
    ".legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.7rem 0;padding:0;"
    "list-style:none;font-size:.92rem}.legend i,td "
    "i{display:inline-block;width:1.1rem;height:.3rem;"
    "border-radius:2px;margin-right:.45rem;vertical-align:middle}"
    ".wide table{font-size:.82rem}.wide th,.wide td{padding:.32rem .45rem}"
    "th.g{padding-top:1rem;color:var(--ink);border-bottom:1px solid var(--rule)}"
    "td.iv{width:196px}"
    ".triple{display:grid;grid-template-columns:repeat(3,1fr);gap:.5rem;margin:.5rem 0 1.2rem}"
    ".triple figure{padding:.4rem;border-radius:8px}"
    ".triple img{display:block;width:100%;height:auto;border-radius:4px;"
    "image-rendering:auto}.triple figcaption{font-weight:400;font-size:.8rem;color:var(--dim);"
    "margin:.3rem 0 0}"
    ".good{color:var(--good)}.bad{color:var(--bad)}.note{border-left:3px solid var(--bad);"
    "padding:.2rem .8rem;background:var(--card);border-radius:0 6px 6px 0}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;font-size:.92rem}"
    "dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}"
    "details summary{cursor:pointer;color:var(--accent);margin:.6rem 0}"
    "@media(max-width:560px){main{padding:1.2rem .8rem 3rem}h1{font-size:1.5rem}"
    ".pairs tr{display:block;border-bottom:1px solid var(--rule);padding:.4rem 0}"
    ".pairs td,.pairs th{display:block;border:none;padding:.15rem 0}"
    ".triple{grid-template-columns:1fr}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}"
    "@media print{figure,pre{break-inside:avoid}}";

/* A shade where a table goes on beyond the edge; and plots that can be read on a phone. */
static const char narrow[] =
    ".scroll{background:linear-gradient(to left,var(--paper) 35%,transparent) right/2.4rem 100% "
    "no-repeat local,linear-gradient(to left,var(--rule),transparent) right/.9rem 100% no-repeat "
    "scroll}@media(max-width:560px){svg text,svg .label{font-size:15px}}";

void html_begin(FILE *out, const char *title)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "img-src data:; style-src 'unsafe-inline'\"><link rel=\"icon\" href=\"data:,\"><title>",
          out);
    html_text(out, title);
    fprintf(out, "</title><style>%s%s", style, narrow);
    for (int i = 0; i < 8; i++)
        fprintf(out,
                ".line.c%d{stroke:var(--c%d)}.mark.c%d,i.c%d{fill:var(--c%d);"
                "background:var(--c%d)}",
                i, i, i, i, i, i);
    fputs("</style></head><body><main>\n", out);
}

void html_end(FILE *out)
{
    fputs("</main></body></html>\n", out);
}

void html_number(FILE *out, double value, int digits)
{
    if (isnan(value))
        fputs("–", out);
    else if (isinf(value))
        fputs("lossless", out);
    else
        fprintf(out, "%.*f", digits, value);
}

void html_picture(FILE *out, const uint8_t *rgba, uint32_t width, uint32_t height, const char *alt)
{
    size_t bytes;
    uint8_t *png = encode_png(rgba, width, height, &bytes);
    if (!png)
        return;
    char *text = xcalloc(BASE64_SIZE(bytes), 1);
    base64(png, bytes, text);
    fprintf(out, "<img width=\"%u\" height=\"%u\" alt=\"", width, height);
    html_text(out, alt);
    fprintf(out, "\" src=\"data:image/png;base64,%s\">", text);
    free(text);
    free(png);
}
