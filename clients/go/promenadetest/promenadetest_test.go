package promenadetest_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"promenadetest"
)

var shared *promenadetest.Stack

func TestMain(m *testing.M) {
	// The program is looked for once, so another process has to be told of another one.
	if os.Getenv("PROMENADE_SILENT") != "" {
		_, err := promenadetest.Start(promenadetest.Options{StartTimeout: time.Second / 2})
		fmt.Println(err)
		os.Exit(0)
	}
	os.Exit(promenadetest.Main(m, &shared))
}

// says fails the test unless the error has the words.
func says(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Fatalf("%q is not in: %v", words, err)
	}
}

func TestAPushIsScraped(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t)
	stack.Push("nightly", "rows_total 42\n", promenadetest.Labels{"db": "a/b"})
	stack.Scrape("pushgateway")
	want := []promenadetest.Sample{{Labels: promenadetest.Labels{"__name__": "rows_total", "db": "a/b", "job": "nightly"}, Value: 42}}
	if got := stack.Query("rows_total"); !reflect.DeepEqual(got, want) {
		t.Fatal(got)
	}
	if got := stack.Value("rows_total * 2"); got != 84 {
		t.Fatal(got)
	}
	stack.Expect(`rows_total{job="nightly"} == 42`, "scalar(rows_total) > bool 1")
	stack.PushAdd("nightly", "other 1\n", promenadetest.Labels{"db": "a/b"})
	stack.Scrape("")
	stack.Expect("rows_total == 42", "other == 1")
	stack.Delete("nightly", promenadetest.Labels{"db": "a/b"})
	stack.Scrape("")
	if got := stack.Query("rows_total or other"); len(got) != 0 {
		t.Fatal(got)
	}
}

func TestSeveralSeriesAreShownWhereOneWasMeant(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t)
	stack.Push("nightly", "rows{x=\"é\\\"a\"} 1.5\nrows{x=\"b\"} +Inf\n", nil)
	stack.Scrape("")
	_, err := stack.Stack.Value("sort(rows)")
	says(t, err, "sort(rows) answers 2 series; Value is for one:\n  rows{job=\"nightly\", x=\"é\\\"a\"} 1.5\n"+
		"  rows{job=\"nightly\", x=\"b\"} +Inf")
	text := ""
	for n := 0; n < 12; n++ {
		text += fmt.Sprintf("rows{x=\"%d\"} %d\n", n, n)
	}
	stack.Push("nightly", text, nil)
	stack.Scrape("")
	_, err = stack.Stack.Value("sort(sum by (x) (rows) * 2)")
	says(t, err, "\n  {x=\"9\"} 18\n  … and 2 more")
}

func TestWhatWaitsToBeScrapedIsTold(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t)
	says(t, stack.Stack.Expect(`up{job="demo"}`), `the job demo was not scraped yet: scrape("demo")`)
	stack.Push("nightly", "rows_total 42\n", nil)
	waits := `the Pushgateway has rows_total{job="nightly"} 42, pushed 2023-11-14T22:13:20Z and not scraped since: scrape("pushgateway")`
	says(t, stack.Stack.Expect("rows_total == 42"), waits)
	_, err := stack.Stack.Value("rows_total")
	says(t, err, waits)
	stack.Scrape("pushgateway")
	stack.Expect("rows_total == 42")
}

func TestTheURLOfOpenTelemetry(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t)
	_, err := stack.Request("POST", stack.OTLP+"/v1/metrics", nil)
	says(t, err, "unsupported content type")
}

func TestAProgramThatNeverSpeaksIsGivenUp(t *testing.T) {
	t.Parallel()
	program, err := promenadetest.Program()
	if err != nil {
		t.Fatal(err)
	}
	silent := filepath.Join(t.TempDir(), "silent")
	// A child of it holds its output open.
	script := "#!/bin/sh\n[ $1 = --version ] && exec " + program + " --version\necho waiting >&2\nsleep 20\n"
	if err := os.WriteFile(silent, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	again := exec.Command(os.Args[0])
	again.Env = append(os.Environ(), "PROMENADE_SILENT=yes", "PROMENADE_BIN="+silent)
	start := time.Now()
	text, err := again.Output()
	if err != nil || !strings.Contains(string(text), "was not ready after 500ms:\nwaiting") {
		t.Fatalf("%v: %s", err, text)
	}
	if took := time.Since(start); took > 15*time.Second {
		t.Fatal(took)
	}
}

func TestTheLogHasRefusedPushesAndFailedScrapes(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t, promenadetest.Options{LogLevel: "debug"})
	if err := stack.Stack.Push("nightly", "rows many\n", nil); err == nil {
		t.Fatal("taken")
	}
	stack.Fault("demo", nil, promenadetest.Fault{"fault": "refused"})
	stack.Scrape("demo")
	// What is logged may come a moment later than an answer; when it is closed, all is there.
	stack.Close()
	log := stack.Log()
	for _, words := range []string{`level=DEBUG msg="failed to parse text" err="text format parsing error in line 1: `, `msg="Scrape failed"`} {
		if !strings.Contains(log, words) {
			t.Fatal(log)
		}
	}
}

func TestSomebodyIsToldOfAnAlert(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rules.yml")
	text := `groups: [{name: g, interval: 5s, rules: [{alert: Down, expr: 'up{job="app"} == 0', for: 10s}]}]`
	if err := os.WriteFile(rules, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	stack := promenadetest.New(t, promenadetest.Options{Config: "global: {evaluation_interval: 5s}\nrule_files: [" + rules + "]\n"})
	stack.Target("app", "rows 1\n", nil, map[string]any{"scrape_interval": "5s"})
	clear := stack.Fault("app", nil, promenadetest.Fault{"fault": "refused"})
	says(t, stack.Stack.ExpectNotified(time.Minute, `alertname="Up"`), `alertname="Up"`)
	stack.ExpectNotified(time.Minute, `alertname="Down", job="app"`)
	clear()
	before := stack.Now()
	stack.ExpectResolved(time.Minute, `alertname="Down"`)
	if !stack.Now().After(before) {
		t.Fatal("no time has passed")
	}
	if err := stack.Begin(); err != nil {
		t.Fatal(err)
	}
	says(t, stack.Stack.ExpectNotified(0, `alertname="Down"`), "nobody was told")
	says(t, stack.Stack.ExpectResolved(0, `alertname="Down"`), "nobody was told")
}

func TestTimePassesWhenItIsToldTo(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t)
	app := stack.Target("app", "jobs_total 5\n", promenadetest.Labels{"zone": "x"}, map[string]any{"scrape_interval": "15s"})
	start := stack.Advance(0)
	if got := stack.Advance(30 * time.Second).Sub(start); got != 30*time.Second {
		t.Fatal(got)
	}
	app.SetBody("jobs_total 8\n")
	stack.ExpectWithin(20*time.Second, `jobs_total{job="app",zone="x"} == 8`)
	stack.Expect("increase(jobs_total[1m]) > 3")
	stack.Remove("app", nil)
	stack.Advance(time.Millisecond)
	if got := stack.Query("jobs_total"); len(got) != 0 {
		t.Fatal(got)
	}
}

func TestFaultsComeAndGo(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t)
	app := stack.Target("app", "rows 1\n", nil, nil)
	clear := stack.Fault("app", nil, promenadetest.Fault{"fault": "status", "status": 503})
	stack.Scrape("app")
	says(t, stack.Stack.Expect("rows == 1"), "server returned HTTP status 503 Service Unavailable")
	clear()
	stack.Scrape("app")
	stack.Expect("rows == 1")
	stack.Fault("app", app, promenadetest.Fault{"fault": "refused", "times": 1})
	stack.Scrape("app")
	stack.Expect(`up{job="app"} == 0`)
	clear = stack.Fault("", nil, promenadetest.Fault{"fault": "status", "status": 500})
	var refused *promenadetest.Refused
	if err := stack.Stack.Push("nightly", "rows 1\n", nil); !errors.As(err, &refused) || refused.Status != 500 {
		t.Fatal(err)
	}
	clear()
	stack.Push("nightly", "rows 1\n", nil)
}

func TestARefusalHasTheServersWords(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t).Stack
	says(t, stack.Push("nightly", "rows_total many\n", nil), `expected float as value, got "many"`)
	_, err := stack.Query("sum(up")
	says(t, err, "unclosed left parenthesis")
	// A wrong expression is no condition that does not hold.
	for _, err := range []error{stack.Expect("sum(up"), stack.ExpectWithin(time.Minute, "sum(up"), stack.ExpectNotified(0, "alertname=")} {
		var refused *promenadetest.Refused
		if !errors.As(err, &refused) || refused.Status != 400 {
			t.Fatal(err)
		}
	}
	says(t, stack.Expect("sum(up"), "unclosed left parenthesis")
	// Without a series, and yet it holds as a condition of the program's: nothing is no value.
	var notMet *promenadetest.NotMet
	if _, err := stack.Value("vector(1) > 2"); !errors.As(err, &notMet) {
		t.Fatal(err)
	}
	for _, text := range []string{"jobs_total 5", `jobs_total{x="y"}`, ""} {
		_, err := stack.Target("app", text, nil, nil)
		says(t, err, "line break")
	}
	_, err = stack.Query("up[1m]")
	says(t, err, "answers a matrix")
	_, err = stack.Value("rows_of_nobody")
	says(t, err, "no metric is called rows_of_nobody")
	says(t, err, "push refused")
	says(t, stack.Expect(), "needs a condition")
	_, err = stack.Fault("demo", nil, promenadetest.Fault{"fault": "latancy"})
	says(t, err, "did you mean latency")
}

func TestGroupingsOfAllKinds(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t)
	odd := promenadetest.Labels{"dot": ".", "dots": "..", "path": "a/b", "add": "é ?#%2F&=\n", "job": ".."}
	stack.Push("..", "rows 1\n", promenadetest.Labels{"dot": ".", "dots": "..", "path": "a/b", "add": "é ?#%2F&=\n", "empty": ""})
	stack.Push("nightly", "rows 2\n", nil)
	stack.Scrape("")
	odd["__name__"] = "rows"
	if got := stack.Query("rows == 1"); len(got) != 1 || !reflect.DeepEqual(got[0].Labels, odd) {
		t.Fatal(got)
	}
	delete(odd, "__name__")
	delete(odd, "job")
	odd["empty"] = ""
	stack.Delete("..", odd)
	stack.Scrape("")
	if got := stack.Value("rows"); got != 2 {
		t.Fatal(got)
	}
}

func TestTheTimeThatPassedIsTold(t *testing.T) {
	t.Parallel()
	stack := promenadetest.New(t)
	before := stack.Now()
	says(t, stack.Stack.ExpectWithin(40*time.Second, "rows_of_nobody"), "after 40000 ms, 41 attempts")
	if got := stack.Now().Sub(before); got != 40*time.Second {
		t.Fatal(got)
	}
	stack.Scrape("")
	says(t, stack.Stack.ExpectWithin(time.Second, "up * on() scrape_duration_seconds"), "2 attempts")
}

func TestAStackThatHasEndedSaysSo(t *testing.T) {
	t.Parallel()
	stack, err := promenadetest.Start(promenadetest.Options{LogLevel: "debug"})
	if err != nil {
		t.Fatal(err)
	}
	defer stack.Close()
	says(t, stack.Push("nightly", "rows many\n", nil), "many")
	process, err := os.FindProcess(stack.PID)
	if err != nil {
		t.Fatal(err)
	}
	process.Kill()
	for _, err := range []error{stack.Scrape(""), stack.Push("nightly", "rows 1\n", nil), stack.Expect("up")} {
		var ended *promenadetest.Ended
		if !errors.As(err, &ended) {
			t.Fatal(err)
		}
		says(t, err, "the stack has ended (signal: killed):")
		says(t, err, "level=")
	}
}

func TestNothingIsLeft(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	stack := promenadetest.New(t, promenadetest.Options{
		Config: "global: {external_labels: {site: here}}\n", Flags: []string{"--web.enable-lifecycle"},
	})
	// Not while it runs either, so that nothing has to be taken away where a test is killed; yet it can be read again.
	if files, err := os.ReadDir(folder); err != nil || len(files) != 0 {
		t.Fatal(files, err)
	}
	if _, err := stack.Request("POST", stack.Prometheus+"/-/reload", nil); err != nil {
		t.Fatal(err)
	}
	var config struct{ YAML string }
	if err := stack.API("GET", "status/config", nil, nil, &config); err != nil || !strings.Contains(config.YAML, "site: here") {
		t.Fatal(config, err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	options := promenadetest.Options{Config: "global: {external_labels: {site: here}}\n", Flags: []string{"--no-demo.enabled"}}
	stack := promenadetest.New(t, options)
	if stack.Demo != "" {
		t.Fatal(stack.Demo)
	}
	stack = promenadetest.New(t, promenadetest.Options{RealTime: true})
	stack.Push("nightly", "rows 1\n", nil)
	stack.Scrape("")
	stack.ExpectWithin(5*time.Second, "rows == 1")
	_, err := stack.Stack.Advance(time.Second)
	says(t, err, "manual")
	_, err = promenadetest.Start(promenadetest.Options{Config: "global: {scrape_intervall: 5s}\n"})
	says(t, err, "scrape_intervall")
}

func TestOneStackForAll(t *testing.T) {
	if err := shared.Push("before", "broken {\n", nil); err == nil {
		t.Fatal("taken")
	}
	says(t, shared.Expect("rows_of_nobody"), "push refused")
	err := shared.For(t).Stack.Expect("rows_of_nobody")
	if strings.Contains(err.Error(), "push refused") {
		t.Fatal(err)
	}
}
