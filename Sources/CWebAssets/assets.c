// The files of the web pages, taken into the program by the compiler (C23's #embed), so that it is one file.
// A new file gets two lines: its bytes here, its row in the table below.
#include "CWebAssets.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char index_html[] = {
#embed "files/index.html"
};

#define ASSET(path, bytes) {path, bytes, sizeof bytes}

static const struct web_asset table[] = {
    ASSET("index.html", index_html),
    {0, 0, 0},
};

const struct web_asset *const web_assets = table;
