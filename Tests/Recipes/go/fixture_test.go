// The stack as a fixture of Go tests.
package fixture

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

var stack struct{ Prometheus, Pushgateway, Demo string }

func TestMain(m *testing.M) {
	binary := os.Getenv("PROMENADE_BIN")
	if binary == "" {
		binary = "promenade"
	}
	command := exec.Command(binary, "run", "--test")
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

func must(t *testing.T, response *http.Response, err error) *http.Response {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != 200 {
		t.Fatal(response.Status)
	}
	return response
}

func TestPushIsScraped(t *testing.T) {
	response, err := http.Post(stack.Pushgateway+"/metrics/job/nightly", "text/plain", strings.NewReader("rows_total 42\n"))
	must(t, response, err).Body.Close()
	// Scraped now; when this returns, the samples can be queried.
	response, err = http.Post(stack.Prometheus+"/api/v1/scrape?job=pushgateway&wait=true", "", nil)
	must(t, response, err).Body.Close()
	response, err = http.PostForm(stack.Prometheus+"/api/v1/query", url.Values{"query": {"rows_total == 42"}})
	var answer struct{ Data struct{ Result []any } }
	if err := json.NewDecoder(must(t, response, err).Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Data.Result) != 1 {
		t.Fatalf("%v", answer)
	}
}
