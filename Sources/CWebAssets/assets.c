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
static const unsigned char shared_banner_js[] = {
#embed "files/shared/banner.js"
};
static const unsigned char shared_clock_js[] = {
#embed "files/shared/clock.js"
};
static const unsigned char shared_components_js[] = {
#embed "files/shared/components.js"
};
static const unsigned char shared_democontrol_js[] = {
#embed "files/shared/democontrol.js"
};
static const unsigned char shared_dom_js[] = {
#embed "files/shared/dom.js"
};
static const unsigned char shared_events_js[] = {
#embed "files/shared/events.js"
};
static const unsigned char shared_format_js[] = {
#embed "files/shared/format.js"
};
static const unsigned char shared_icon_svg[] = {
#embed "files/shared/icon.svg"
};
static const unsigned char shared_marks_js[] = {
#embed "files/shared/marks.js"
};
static const unsigned char shared_passing_js[] = {
#embed "files/shared/passing.js"
};
static const unsigned char shared_presence_js[] = {
#embed "files/shared/presence.js"
};
static const unsigned char shared_stack_js[] = {
#embed "files/shared/stack.js"
};
static const unsigned char shared_timebar_js[] = {
#embed "files/shared/timebar.js"
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
static const unsigned char prometheus_axes_js[] = {
#embed "files/prometheus/axes.js"
};
static const unsigned char prometheus_catalog_js[] = {
#embed "files/prometheus/catalog.js"
};
static const unsigned char prometheus_discovery_js[] = {
#embed "files/prometheus/discovery.js"
};
static const unsigned char prometheus_editor_js[] = {
#embed "files/prometheus/editor.js"
};
static const unsigned char prometheus_explain_js[] = {
#embed "files/prometheus/explain.js"
};
static const unsigned char prometheus_explainwords_js[] = {
#embed "files/prometheus/explainwords.js"
};
static const unsigned char prometheus_export_js[] = {
#embed "files/prometheus/export.js"
};
static const unsigned char prometheus_feed_js[] = {
#embed "files/prometheus/feed.js"
};
static const unsigned char prometheus_figures_js[] = {
#embed "files/prometheus/figures.js"
};
static const unsigned char prometheus_functions_js[] = {
#embed "files/prometheus/functions.js"
};
static const unsigned char prometheus_graph_js[] = {
#embed "files/prometheus/graph.js"
};
static const unsigned char prometheus_health_js[] = {
#embed "files/prometheus/health.js"
};
static const unsigned char prometheus_home_js[] = {
#embed "files/prometheus/home.js"
};
static const unsigned char prometheus_learn_css[] = {
#embed "files/prometheus/learn.css"
};
static const unsigned char prometheus_learn_js[] = {
#embed "files/prometheus/learn.js"
};
static const unsigned char prometheus_learnblocks_js[] = {
#embed "files/prometheus/learnblocks.js"
};
static const unsigned char prometheus_learnchanges_js[] = {
#embed "files/prometheus/learnchanges.js"
};
static const unsigned char prometheus_learncourse_js[] = {
#embed "files/prometheus/learncourse.js"
};
static const unsigned char prometheus_learngraph_js[] = {
#embed "files/prometheus/learngraph.js"
};
static const unsigned char prometheus_learnfacts_js[] = {
#embed "files/prometheus/learnfacts.js"
};
static const unsigned char prometheus_learnpicture_js[] = {
#embed "files/prometheus/learnpicture.js"
};
static const unsigned char prometheus_learnread_js[] = {
#embed "files/prometheus/learnread.js"
};
static const unsigned char docs_learn_check_md[] = {
#embed "../../docs/learn-check.md"
};
static const unsigned char docs_learn_check_ja_md[] = {
#embed "../../docs/learn-check.ja.md"
};
static const unsigned char docs_tutorial_md[] = {
#embed "../../docs/tutorial.md"
};
static const unsigned char docs_tutorial_ja_md[] = {
#embed "../../docs/tutorial.ja.md"
};
static const unsigned char prometheus_learnwords_js[] = {
#embed "files/prometheus/learnwords.js"
};
static const unsigned char prometheus_painting_js[] = {
#embed "files/prometheus/painting.js"
};
static const unsigned char prometheus_pages_css[] = {
#embed "files/prometheus/pages.css"
};
static const unsigned char prometheus_panel_js[] = {
#embed "files/prometheus/panel.js"
};
static const unsigned char prometheus_panelcontrols_js[] = {
#embed "files/prometheus/panelcontrols.js"
};
static const unsigned char prometheus_picker_js[] = {
#embed "files/prometheus/picker.js"
};
static const unsigned char prometheus_picture_js[] = {
#embed "files/prometheus/picture.js"
};
static const unsigned char prometheus_pointing_js[] = {
#embed "files/prometheus/pointing.js"
};
static const unsigned char prometheus_pushed_js[] = {
#embed "files/prometheus/pushed.js"
};
static const unsigned char prometheus_query_js[] = {
#embed "files/prometheus/query.js"
};
static const unsigned char prometheus_received_js[] = {
#embed "files/prometheus/received.js"
};
static const unsigned char prometheus_relabelling_js[] = {
#embed "files/prometheus/relabelling.js"
};
static const unsigned char prometheus_remotequeues_js[] = {
#embed "files/prometheus/remotequeues.js"
};
static const unsigned char prometheus_results_js[] = {
#embed "files/prometheus/results.js"
};
static const unsigned char prometheus_rulefilter_js[] = {
#embed "files/prometheus/rulefilter.js"
};
static const unsigned char prometheus_rules_js[] = {
#embed "files/prometheus/rules.js"
};
static const unsigned char prometheus_alertstrip_js[] = {
#embed "files/prometheus/alertstrip.js"
};
static const unsigned char prometheus_alertwords_js[] = {
#embed "files/prometheus/alertwords.js"
};
static const unsigned char prometheus_answertable_js[] = {
#embed "files/prometheus/answertable.js"
};
static const unsigned char prometheus_samplelabels_js[] = {
#embed "files/prometheus/samplelabels.js"
};
static const unsigned char prometheus_scrapedbody_js[] = {
#embed "files/prometheus/scrapedbody.js"
};
static const unsigned char prometheus_status_js[] = {
#embed "files/prometheus/status.js"
};
static const unsigned char prometheus_targets_js[] = {
#embed "files/prometheus/targets.js"
};
static const unsigned char prometheus_tokens_js[] = {
#embed "files/prometheus/tokens.js"
};
static const unsigned char prometheus_urlstate_js[] = {
#embed "files/prometheus/urlstate.js"
};
static const unsigned char prometheus_waiting_js[] = {
#embed "files/prometheus/waiting.js"
};
static const unsigned char prometheus_why_js[] = {
#embed "files/prometheus/why.js"
};

// The demo server's page.
static const unsigned char demo_demo_css[] = {
#embed "files/demo/demo.css"
};
static const unsigned char demo_demo_js[] = {
#embed "files/demo/demo.js"
};
static const unsigned char demo_index_html[] = {
#embed "files/demo/index.html"
};

// The Pushgateway's page.
static const unsigned char pushgateway_index_html[] = {
#embed "files/pushgateway/index.html"
};
static const unsigned char pushgateway_app_js[] = {
#embed "files/pushgateway/app.js"
};
static const unsigned char pushgateway_families_js[] = {
#embed "files/pushgateway/families.js"
};
static const unsigned char pushgateway_groups_js[] = {
#embed "files/pushgateway/groups.js"
};
static const unsigned char pushgateway_labels_js[] = {
#embed "files/pushgateway/labels.js"
};
static const unsigned char pushgateway_pushes_js[] = {
#embed "files/pushgateway/pushes.js"
};
static const unsigned char pushgateway_pushgateway_css[] = {
#embed "files/pushgateway/pushgateway.css"
};
static const unsigned char pushgateway_status_js[] = {
#embed "files/pushgateway/status.js"
};
static const unsigned char pushgateway_try_js[] = {
#embed "files/pushgateway/try.js"
};

#define ASSET(path, bytes) {path, bytes, sizeof bytes}

static const struct web_asset table[] = {
    ASSET("index.html", index_html),

    ASSET("shared/api.js", shared_api_js),
    ASSET("shared/banner.js", shared_banner_js),
    ASSET("shared/clock.js", shared_clock_js),
    ASSET("shared/components.js", shared_components_js),
    ASSET("shared/democontrol.js", shared_democontrol_js),
    ASSET("shared/dom.js", shared_dom_js),
    ASSET("shared/events.js", shared_events_js),
    ASSET("shared/format.js", shared_format_js),
    ASSET("shared/icon.svg", shared_icon_svg),
    ASSET("shared/marks.js", shared_marks_js),
    ASSET("shared/passing.js", shared_passing_js),
    ASSET("shared/presence.js", shared_presence_js),
    ASSET("shared/stack.js", shared_stack_js),
    ASSET("shared/timebar.js", shared_timebar_js),
    ASSET("shared/style.css", shared_style_css),
    ASSET("shared/theme.js", shared_theme_js),

    ASSET("prometheus/alertstrip.js", prometheus_alertstrip_js),
    ASSET("prometheus/alertwords.js", prometheus_alertwords_js),
    ASSET("prometheus/answertable.js", prometheus_answertable_js),
    ASSET("prometheus/app.js", prometheus_app_js),
    ASSET("prometheus/axes.js", prometheus_axes_js),
    ASSET("prometheus/catalog.js", prometheus_catalog_js),
    ASSET("prometheus/discovery.js", prometheus_discovery_js),
    ASSET("prometheus/editor.js", prometheus_editor_js),
    ASSET("prometheus/explain.js", prometheus_explain_js),
    ASSET("prometheus/explainwords.js", prometheus_explainwords_js),
    ASSET("prometheus/export.js", prometheus_export_js),
    ASSET("prometheus/feed.js", prometheus_feed_js),
    ASSET("prometheus/figures.js", prometheus_figures_js),
    ASSET("prometheus/functions.js", prometheus_functions_js),
    ASSET("prometheus/graph.js", prometheus_graph_js),
    ASSET("prometheus/health.js", prometheus_health_js),
    ASSET("prometheus/home.js", prometheus_home_js),
    ASSET("prometheus/learn.css", prometheus_learn_css),
    ASSET("prometheus/learn.js", prometheus_learn_js),
    ASSET("prometheus/learnblocks.js", prometheus_learnblocks_js),
    ASSET("prometheus/learnchanges.js", prometheus_learnchanges_js),
    ASSET("prometheus/learncourse.js", prometheus_learncourse_js),
    ASSET("prometheus/learngraph.js", prometheus_learngraph_js),
    ASSET("prometheus/learnfacts.js", prometheus_learnfacts_js),
    ASSET("prometheus/learnpicture.js", prometheus_learnpicture_js),
    ASSET("prometheus/learnread.js", prometheus_learnread_js),
    ASSET("docs/learn-check.md", docs_learn_check_md),
    ASSET("docs/learn-check.ja.md", docs_learn_check_ja_md),
    ASSET("docs/tutorial.md", docs_tutorial_md),
    ASSET("docs/tutorial.ja.md", docs_tutorial_ja_md),
    ASSET("prometheus/learnwords.js", prometheus_learnwords_js),
    ASSET("prometheus/painting.js", prometheus_painting_js),
    ASSET("prometheus/pages.css", prometheus_pages_css),
    ASSET("prometheus/panel.js", prometheus_panel_js),
    ASSET("prometheus/panelcontrols.js", prometheus_panelcontrols_js),
    ASSET("prometheus/picker.js", prometheus_picker_js),
    ASSET("prometheus/picture.js", prometheus_picture_js),
    ASSET("prometheus/pointing.js", prometheus_pointing_js),
    ASSET("prometheus/pushed.js", prometheus_pushed_js),
    ASSET("prometheus/query.js", prometheus_query_js),
    ASSET("prometheus/received.js", prometheus_received_js),
    ASSET("prometheus/relabelling.js", prometheus_relabelling_js),
    ASSET("prometheus/remotequeues.js", prometheus_remotequeues_js),
    ASSET("prometheus/results.js", prometheus_results_js),
    ASSET("prometheus/rulefilter.js", prometheus_rulefilter_js),
    ASSET("prometheus/rules.js", prometheus_rules_js),
    ASSET("prometheus/samplelabels.js", prometheus_samplelabels_js),
    ASSET("prometheus/scrapedbody.js", prometheus_scrapedbody_js),
    ASSET("prometheus/status.js", prometheus_status_js),
    ASSET("prometheus/targets.js", prometheus_targets_js),
    ASSET("prometheus/tokens.js", prometheus_tokens_js),
    ASSET("prometheus/urlstate.js", prometheus_urlstate_js),
    ASSET("prometheus/waiting.js", prometheus_waiting_js),
    ASSET("prometheus/why.js", prometheus_why_js),

    ASSET("demo/demo.css", demo_demo_css),
    ASSET("demo/demo.js", demo_demo_js),
    ASSET("demo/index.html", demo_index_html),

    ASSET("pushgateway/index.html", pushgateway_index_html),
    ASSET("pushgateway/app.js", pushgateway_app_js),
    ASSET("pushgateway/families.js", pushgateway_families_js),
    ASSET("pushgateway/groups.js", pushgateway_groups_js),
    ASSET("pushgateway/labels.js", pushgateway_labels_js),
    ASSET("pushgateway/pushes.js", pushgateway_pushes_js),
    ASSET("pushgateway/pushgateway.css", pushgateway_pushgateway_css),
    ASSET("pushgateway/status.js", pushgateway_status_js),
    ASSET("pushgateway/try.js", pushgateway_try_js),

    {0, 0, 0},
};

const struct web_asset *const web_assets = table;
