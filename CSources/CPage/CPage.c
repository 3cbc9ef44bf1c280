#include "CPage.h"

static const uint8_t index_html[] = {
#embed "page/index.html"
};

static const uint8_t style_css[] = {
#embed "page/style.css"
};

static const uint8_t page_js[] = {
#embed "page/page.js"
};

static const uint8_t call_js[] = {
#embed "page/call.js"
};

static const uint8_t network_js[] = {
#embed "page/network.js"
};

static const uint8_t check_js[] = {
#embed "page/check.js"
};

static const uint8_t sound_js[] = {
#embed "page/sound.js"
};

static const uint8_t picture_js[] = {
#embed "page/picture.js"
};

static const uint8_t latency_js[] = {
#embed "page/latency.js"
};

static const uint8_t icon_svg[] = {
#embed "page/icon.svg"
};

#define FILE_AT(url, type, array)             \
    {                                         \
        (url), (type), (array), sizeof(array) \
    }

static const struct page_file files[] = {
    FILE_AT("/", "text/html; charset=utf-8", index_html),
    FILE_AT("/style.css", "text/css; charset=utf-8", style_css),
    FILE_AT("/page.js", "text/javascript; charset=utf-8", page_js),
    FILE_AT("/call.js", "text/javascript; charset=utf-8", call_js),
    FILE_AT("/network.js", "text/javascript; charset=utf-8", network_js),
    FILE_AT("/check.js", "text/javascript; charset=utf-8", check_js),
    FILE_AT("/sound.js", "text/javascript; charset=utf-8", sound_js),
    FILE_AT("/picture.js", "text/javascript; charset=utf-8", picture_js),
    FILE_AT("/latency.js", "text/javascript; charset=utf-8", latency_js),
    FILE_AT("/icon.svg", "image/svg+xml", icon_svg),
};

const struct page_file *page_files(uint32_t *count)
{
    *count = sizeof files / sizeof files[0];
    return files;
}
