// Pushes with the C++ client library: push HOST PORT push|add|delete
#include <prometheus/counter.h>
#include <prometheus/gateway.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <iostream>
#include <memory>
#include <string>

int main(int, char** arguments) {
    const std::string what = arguments[3];
    auto registry = std::make_shared<prometheus::Registry>();
    auto& counters = prometheus::BuildCounter().Name("cpp_rows_total").Help("Rows \"read\".").Register(*registry);
    counters.Add({{"table", "a/b \"c\"\\\n"}}).Increment(what == "add" ? 2 : 1);
    if (what != "delete") {
        auto& steps = prometheus::BuildHistogram().Name("cpp_step_seconds").Help("Steps.").Register(*registry);
        steps.Add({}, prometheus::Histogram::BucketBoundaries{0.1, 1}).Observe(0.5);
    }
    prometheus::Gateway gateway{arguments[1], arguments[2], "cpp", {{"shard", "1"}}};
    gateway.RegisterCollectable(registry);
    const int status = what == "push" ? gateway.Push() : what == "add" ? gateway.PushAdd() : gateway.DeleteForInstance();
    std::cout << status << std::endl;
    return status == 200 || status == 202 ? 0 : 1;
}
