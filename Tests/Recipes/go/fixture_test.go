// The stack as a fixture of Go tests.
package fixture

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var stack struct{ Prometheus, Pushgateway, Demo string }

var binary = os.Getenv("PROMENADE_BIN")

func TestMain(m *testing.M) {
	if binary == "" {
		binary = "promenade"
	}
	// Time passes only by advance.
	command := exec.Command(binary, "run", "--test", "--clock=manual")
	// The stack ends when this pipe closes, at the latest with this process.
	input, _ := command.StdinPipe()
	output, _ := command.StdoutPipe()
	if err := command.Start(); err != nil {
		panic(err)
	}
	if err := json.NewDecoder(output).Decode(&stack); err != nil {
		panic(err)
	}
	code := m.Run()
	input.Close()
	command.Wait()
	os.Exit(code)
}

// send posts to one of the servers; a refusal fails the test with the server's own words.
func send(t *testing.T, url string, kind string, body string) []byte {
	t.Helper()
	response, err := http.Post(url, kind, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("POST %s: %s: %s%v", url, response.Status, answer, err)
	}
	return answer
}

// advance lets time pass: every scrape that falls due is done when it returns.
func advance(t *testing.T, duration string) {
	t.Helper()
	send(t, stack.Prometheus+"/api/v1/clock?advance="+duration, "", "")
}

// expect fails the test, with what was seen instead, unless all conditions hold now.
func expect(t *testing.T, expressions ...string) {
	t.Helper()
	arguments := []string{"expect", "--within", "0s", "--url", stack.Prometheus, "--pushgateway", stack.Pushgateway}
	if text, err := exec.Command(binary, append(arguments, expressions...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s", text)
	}
}

func TestPushIsScraped(t *testing.T) {
	send(t, stack.Pushgateway+"/metrics/job/nightly", "text/plain", "rows_total 42\n")
	// Scraped now; when this returns, the samples can be queried.
	send(t, stack.Prometheus+"/api/v1/scrape?job=pushgateway&wait=true", "", "")
	expect(t, `rows_total{job="nightly"} == 42`)
	send(t, stack.Pushgateway+"/metrics/job/nightly", "text/plain", "rows_total 50\n")
	advance(t, "10s")
	expect(t, "rows_total == 50", "changes(rows_total[1m]) == 1")
}

func TestQuery(t *testing.T) {
	form := url.Values{"query": {"vector(1)"}}.Encode()
	var answer struct{ Data struct{ Result []any } }
	body := send(t, stack.Prometheus+"/api/v1/query", "application/x-www-form-urlencoded", form)
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Data.Result) != 1 {
		t.Fatalf("%s %v", body, err)
	}
}
