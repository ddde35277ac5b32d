#include "CLessons.h"

// The files of lessons/, taken into the program by the compiler: two lines each, its bytes and its row in the table below.
// A test compares them with the folder.

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char l_01_what_a_scrape_is_lesson_en_md[] = {
#embed "../../lessons/01-what-a-scrape-is/lesson.en.md"
};
static const unsigned char l_01_what_a_scrape_is_lesson_ja_md[] = {
#embed "../../lessons/01-what-a-scrape-is/lesson.ja.md"
};
static const unsigned char l_01_what_a_scrape_is_scenario_yml[] = {
#embed "../../lessons/01-what-a-scrape-is/scenario.yml"
};
static const unsigned char l_02_counters_lesson_en_md[] = {
#embed "../../lessons/02-counters/lesson.en.md"
};
static const unsigned char l_02_counters_lesson_ja_md[] = {
#embed "../../lessons/02-counters/lesson.ja.md"
};
static const unsigned char l_02_counters_scenario_yml[] = {
#embed "../../lessons/02-counters/scenario.yml"
};
static const unsigned char l_03_a_target_dies_lesson_en_md[] = {
#embed "../../lessons/03-a-target-dies/lesson.en.md"
};
static const unsigned char l_03_a_target_dies_lesson_ja_md[] = {
#embed "../../lessons/03-a-target-dies/lesson.ja.md"
};
static const unsigned char l_03_a_target_dies_scenario_yml[] = {
#embed "../../lessons/03-a-target-dies/scenario.yml"
};
static const unsigned char l_04_a_batch_nobody_sees_lesson_en_md[] = {
#embed "../../lessons/04-a-batch-nobody-sees/lesson.en.md"
};
static const unsigned char l_04_a_batch_nobody_sees_lesson_ja_md[] = {
#embed "../../lessons/04-a-batch-nobody-sees/lesson.ja.md"
};
static const unsigned char l_04_a_batch_nobody_sees_scenario_yml[] = {
#embed "../../lessons/04-a-batch-nobody-sees/scenario.yml"
};
static const unsigned char l_05_add_push_delete_lesson_en_md[] = {
#embed "../../lessons/05-add-push-delete/lesson.en.md"
};
static const unsigned char l_05_add_push_delete_lesson_ja_md[] = {
#embed "../../lessons/05-add-push-delete/lesson.ja.md"
};
static const unsigned char l_05_add_push_delete_scenario_yml[] = {
#embed "../../lessons/05-add-push-delete/scenario.yml"
};
static const unsigned char l_06_grouping_keys_lesson_en_md[] = {
#embed "../../lessons/06-grouping-keys/lesson.en.md"
};
static const unsigned char l_06_grouping_keys_lesson_ja_md[] = {
#embed "../../lessons/06-grouping-keys/lesson.ja.md"
};
static const unsigned char l_06_grouping_keys_scenario_yml[] = {
#embed "../../lessons/06-grouping-keys/scenario.yml"
};
static const unsigned char l_07_honor_labels_lesson_en_md[] = {
#embed "../../lessons/07-honor-labels/lesson.en.md"
};
static const unsigned char l_07_honor_labels_lesson_ja_md[] = {
#embed "../../lessons/07-honor-labels/lesson.ja.md"
};
static const unsigned char l_07_honor_labels_scenario_yml[] = {
#embed "../../lessons/07-honor-labels/scenario.yml"
};
static const unsigned char l_08_what_a_pushgateway_does_not_tell_lesson_en_md[] = {
#embed "../../lessons/08-what-a-pushgateway-does-not-tell/lesson.en.md"
};
static const unsigned char l_08_what_a_pushgateway_does_not_tell_lesson_ja_md[] = {
#embed "../../lessons/08-what-a-pushgateway-does-not-tell/lesson.ja.md"
};
static const unsigned char l_08_what_a_pushgateway_does_not_tell_scenario_yml[] = {
#embed "../../lessons/08-what-a-pushgateway-does-not-tell/scenario.yml"
};
static const unsigned char l_09_scrape_or_push_lesson_en_md[] = {
#embed "../../lessons/09-scrape-or-push/lesson.en.md"
};
static const unsigned char l_09_scrape_or_push_lesson_ja_md[] = {
#embed "../../lessons/09-scrape-or-push/lesson.ja.md"
};
static const unsigned char l_09_scrape_or_push_scenario_yml[] = {
#embed "../../lessons/09-scrape-or-push/scenario.yml"
};
static const unsigned char l_10_alerts_lesson_en_md[] = {
#embed "../../lessons/10-alerts/lesson.en.md"
};
static const unsigned char l_10_alerts_lesson_ja_md[] = {
#embed "../../lessons/10-alerts/lesson.ja.md"
};
static const unsigned char l_10_alerts_scenario_yml[] = {
#embed "../../lessons/10-alerts/scenario.yml"
};
static const unsigned char l_11_quantiles_lesson_en_md[] = {
#embed "../../lessons/11-quantiles/lesson.en.md"
};
static const unsigned char l_11_quantiles_lesson_ja_md[] = {
#embed "../../lessons/11-quantiles/lesson.ja.md"
};
static const unsigned char l_11_quantiles_scenario_yml[] = {
#embed "../../lessons/11-quantiles/scenario.yml"
};
static const unsigned char l_12_labels_and_cardinality_lesson_en_md[] = {
#embed "../../lessons/12-labels-and-cardinality/lesson.en.md"
};
static const unsigned char l_12_labels_and_cardinality_lesson_ja_md[] = {
#embed "../../lessons/12-labels-and-cardinality/lesson.ja.md"
};
static const unsigned char l_12_labels_and_cardinality_scenario_yml[] = {
#embed "../../lessons/12-labels-and-cardinality/scenario.yml"
};

#define LESSON(path, bytes) {path, bytes, sizeof bytes}

static const struct lesson_file table[] = {
    LESSON("01-what-a-scrape-is/lesson.en.md", l_01_what_a_scrape_is_lesson_en_md),
    LESSON("01-what-a-scrape-is/lesson.ja.md", l_01_what_a_scrape_is_lesson_ja_md),
    LESSON("01-what-a-scrape-is/scenario.yml", l_01_what_a_scrape_is_scenario_yml),
    LESSON("02-counters/lesson.en.md", l_02_counters_lesson_en_md),
    LESSON("02-counters/lesson.ja.md", l_02_counters_lesson_ja_md),
    LESSON("02-counters/scenario.yml", l_02_counters_scenario_yml),
    LESSON("03-a-target-dies/lesson.en.md", l_03_a_target_dies_lesson_en_md),
    LESSON("03-a-target-dies/lesson.ja.md", l_03_a_target_dies_lesson_ja_md),
    LESSON("03-a-target-dies/scenario.yml", l_03_a_target_dies_scenario_yml),
    LESSON("04-a-batch-nobody-sees/lesson.en.md", l_04_a_batch_nobody_sees_lesson_en_md),
    LESSON("04-a-batch-nobody-sees/lesson.ja.md", l_04_a_batch_nobody_sees_lesson_ja_md),
    LESSON("04-a-batch-nobody-sees/scenario.yml", l_04_a_batch_nobody_sees_scenario_yml),
    LESSON("05-add-push-delete/lesson.en.md", l_05_add_push_delete_lesson_en_md),
    LESSON("05-add-push-delete/lesson.ja.md", l_05_add_push_delete_lesson_ja_md),
    LESSON("05-add-push-delete/scenario.yml", l_05_add_push_delete_scenario_yml),
    LESSON("06-grouping-keys/lesson.en.md", l_06_grouping_keys_lesson_en_md),
    LESSON("06-grouping-keys/lesson.ja.md", l_06_grouping_keys_lesson_ja_md),
    LESSON("06-grouping-keys/scenario.yml", l_06_grouping_keys_scenario_yml),
    LESSON("07-honor-labels/lesson.en.md", l_07_honor_labels_lesson_en_md),
    LESSON("07-honor-labels/lesson.ja.md", l_07_honor_labels_lesson_ja_md),
    LESSON("07-honor-labels/scenario.yml", l_07_honor_labels_scenario_yml),
    LESSON("08-what-a-pushgateway-does-not-tell/lesson.en.md", l_08_what_a_pushgateway_does_not_tell_lesson_en_md),
    LESSON("08-what-a-pushgateway-does-not-tell/lesson.ja.md", l_08_what_a_pushgateway_does_not_tell_lesson_ja_md),
    LESSON("08-what-a-pushgateway-does-not-tell/scenario.yml", l_08_what_a_pushgateway_does_not_tell_scenario_yml),
    LESSON("09-scrape-or-push/lesson.en.md", l_09_scrape_or_push_lesson_en_md),
    LESSON("09-scrape-or-push/lesson.ja.md", l_09_scrape_or_push_lesson_ja_md),
    LESSON("09-scrape-or-push/scenario.yml", l_09_scrape_or_push_scenario_yml),
    LESSON("10-alerts/lesson.en.md", l_10_alerts_lesson_en_md),
    LESSON("10-alerts/lesson.ja.md", l_10_alerts_lesson_ja_md),
    LESSON("10-alerts/scenario.yml", l_10_alerts_scenario_yml),
    LESSON("11-quantiles/lesson.en.md", l_11_quantiles_lesson_en_md),
    LESSON("11-quantiles/lesson.ja.md", l_11_quantiles_lesson_ja_md),
    LESSON("11-quantiles/scenario.yml", l_11_quantiles_scenario_yml),
    LESSON("12-labels-and-cardinality/lesson.en.md", l_12_labels_and_cardinality_lesson_en_md),
    LESSON("12-labels-and-cardinality/lesson.ja.md", l_12_labels_and_cardinality_lesson_ja_md),
    LESSON("12-labels-and-cardinality/scenario.yml", l_12_labels_and_cardinality_scenario_yml),
    {0, 0, 0},
};

const struct lesson_file *const lesson_files = table;
