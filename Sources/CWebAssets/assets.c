// The files of the web pages, taken into the program by the compiler (C23's #embed), so that it is one file.
// A new file gets two lines: its bytes here, its row in the table below. Which URL answers with which file: files/README.md.
#include "CWebAssets.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char index_html[] = {
#embed "files/index.html"
};

// The design system.
static const unsigned char shared_api_js[] = {
#embed "files/shared/api.js"
};
static const unsigned char shared_components_js[] = {
#embed "files/shared/components.js"
};
static const unsigned char shared_dom_js[] = {
#embed "files/shared/dom.js"
};
static const unsigned char shared_format_js[] = {
#embed "files/shared/format.js"
};
static const unsigned char shared_icon_svg[] = {
#embed "files/shared/icon.svg"
};
static const unsigned char shared_style_css[] = {
#embed "files/shared/style.css"
};
static const unsigned char shared_theme_js[] = {
#embed "files/shared/theme.js"
};

// The Prometheus server's pages.
static const unsigned char prometheus_app_js[] = {
#embed "files/prometheus/app.js"
};
static const unsigned char prometheus_discovery_js[] = {
#embed "files/prometheus/discovery.js"
};
static const unsigned char prometheus_home_js[] = {
#embed "files/prometheus/home.js"
};
static const unsigned char prometheus_pages_css[] = {
#embed "files/prometheus/pages.css"
};
static const unsigned char prometheus_query_js[] = {
#embed "files/prometheus/query.js"
};
static const unsigned char prometheus_rules_js[] = {
#embed "files/prometheus/rules.js"
};
static const unsigned char prometheus_status_js[] = {
#embed "files/prometheus/status.js"
};
static const unsigned char prometheus_targets_js[] = {
#embed "files/prometheus/targets.js"
};

#define ASSET(path, bytes) {path, bytes, sizeof bytes}

static const struct web_asset table[] = {
    ASSET("index.html", index_html),

    ASSET("shared/api.js", shared_api_js),
    ASSET("shared/components.js", shared_components_js),
    ASSET("shared/dom.js", shared_dom_js),
    ASSET("shared/format.js", shared_format_js),
    ASSET("shared/icon.svg", shared_icon_svg),
    ASSET("shared/style.css", shared_style_css),
    ASSET("shared/theme.js", shared_theme_js),

    ASSET("prometheus/app.js", prometheus_app_js),
    ASSET("prometheus/discovery.js", prometheus_discovery_js),
    ASSET("prometheus/home.js", prometheus_home_js),
    ASSET("prometheus/pages.css", prometheus_pages_css),
    ASSET("prometheus/query.js", prometheus_query_js),
    ASSET("prometheus/rules.js", prometheus_rules_js),
    ASSET("prometheus/status.js", prometheus_status_js),
    ASSET("prometheus/targets.js", prometheus_targets_js),

    {0, 0, 0},
};

const struct web_asset *const web_assets = table;
