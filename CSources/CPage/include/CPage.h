// The demonstration page's files, embedded in the program so that it needs no folder at run time.
#pragma once

#include <stddef.h>
#include <stdint.h>

// One file. Everything in it is constant and lives as long as the program.
struct page_file {
    const char *path;        // as in a URL, for instance "/page.js"; "/" is the page itself
    const char *media_type;  // for Content-Type
    const uint8_t *bytes;
    size_t length;
};

// The files, and how many they are.
const struct page_file *page_files(uint32_t *count);
