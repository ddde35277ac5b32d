package promenadetest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// Target is a target that lives in the test, or the address of one elsewhere.
type Target struct {
	// Address is host:port, which is its label instance, too.
	Address string

	server *httptest.Server
	mutex  sync.Mutex // protects body
	body   string
}

// SetBody changes what it exposes.
func (t *Target) SetBody(body string) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.body = body
}

// Close ends it; a scrape is refused from now on.
func (t *Target) Close() {
	if t.server != nil {
		t.server.Close()
	}
}

// Target adds a target to a job (a new one, or one that is there). target is what it exposes (a text with a line break), or the
// host:port of a server; config is the job's configuration, as in a prometheus.yml: {"scrape_interval": "5s"}.
func (s *Stack) Target(job, target string, labels Labels, config map[string]any) (*Target, error) {
	made := &Target{Address: target, body: target}
	if strings.Contains(target, "\n") {
		made.server = httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) {
			made.mutex.Lock()
			defer made.mutex.Unlock()
			writer.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
			io.WriteString(writer, made.body)
		}))
		made.Address = made.server.Listener.Addr().String()
		s.mutex.Lock()
		s.targets = append(s.targets, made)
		s.mutex.Unlock()
	} else if target == "" || strings.ContainsAny(target, " \t{}\"") {
		return nil, fmt.Errorf("%q is no host:port; a text that a target exposes ends with a line break", target)
	}
	body := map[string]any{"targets": []string{made.Address}}
	if len(labels) > 0 {
		body["labels"] = labels
	}
	if len(config) > 0 {
		body["config"] = config
	}
	return made, s.API("POST", "targets/"+url.PathEscape(job), nil, body, nil)
}

// Remove ends a job, or with a target only that (one that was not made here is &Target{Address: "host:port"}); its series are stale
// from the next moment on: on the manual clock, after an Advance.
func (s *Stack) Remove(job string, target *Target) error {
	return s.API("DELETE", "targets/"+url.PathEscape(job), only(target), nil, nil)
}

func only(target *Target) url.Values {
	if target == nil {
		return nil
	}
	return url.Values{"target": {target.Address}}
}

// Fault is what goes wrong: {"fault": "status", "status": 503, "times": 2}; see docs/fixture.md.
type Fault map[string]any

// Fault lets the scrapes of a job go wrong, of one target of it where one is given, or (without a job) pushes, until clear is called.
func (s *Stack) Fault(job string, target *Target, fault Fault) (clear func() error, err error) {
	path := "faults/pushgateway"
	if job != "" {
		path = "faults/targets/" + url.PathEscape(job)
	}
	clear = func() error { return s.API("DELETE", path, only(target), nil, nil) }
	return clear, s.API("PUT", path, only(target), fault, nil)
}
