package promenadetest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os/exec"
	"sort"
	"strconv"
	"strings"
	"time"
)

// shown is how many series of an answer are shown where one was meant.
const shown = 10

// Labels are names and values.
type Labels map[string]string

// Sample is a series of an answer and its value.
type Sample struct {
	Labels Labels
	Value  float64
}

// String is the series as in a query, and its value.
func (s Sample) String() string {
	var names, labels []string
	for name := range s.Labels {
		if name != "__name__" {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		labels = append(labels, name+"="+strconv.Quote(s.Labels[name]))
	}
	series := s.Labels["__name__"]
	if len(labels) > 0 || series == "" {
		series += "{" + strings.Join(labels, ", ") + "}"
	}
	return series + " " + strconv.FormatFloat(s.Value, 'g', -1, 64)
}

// Request sends a request to one of the servers; a Refused has the server's own words where the status is not 2xx.
func (s *Stack) Request(method, address string, body []byte) ([]byte, error) {
	request, err := http.NewRequest(method, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		if ended := s.ended(); ended != nil {
			return nil, ended
		}
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode/100 == 2 {
		return answer, nil
	}
	text := strings.TrimSpace(string(answer))
	var failure struct{ Error string }
	if json.Unmarshal(answer, &failure) == nil && failure.Error != "" {
		text = failure.Error
	}
	return nil, &Refused{Request: method + " " + address, Status: response.StatusCode, Text: text}
}

// API asks the Prometheus server's API, and reads the data of its answer into data (nil for none).
func (s *Stack) API(method, path string, parameters url.Values, body, data any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	answer, err := s.Request(method, s.Prometheus+"/api/v1/"+path+"?"+parameters.Encode(), text)
	if err != nil || data == nil {
		return err
	}
	return json.Unmarshal(answer, &struct{ Data any }{data})
}

// Push replaces a group (PUT).
func (s *Stack) Push(job, text string, grouping Labels) error {
	return s.push("PUT", job, text, grouping)
}

// PushAdd replaces only the metrics of the same names in a group (POST).
func (s *Stack) PushAdd(job, text string, grouping Labels) error {
	return s.push("POST", job, text, grouping)
}

// Delete deletes a group of the Pushgateway; one that is not there, too, as the Pushgateway does.
func (s *Stack) Delete(job string, grouping Labels) error {
	return s.push("DELETE", job, "", grouping)
}

func (s *Stack) push(method, job, text string, grouping Labels) error {
	path := pathLabel("job", job)
	names := make([]string, 0, len(grouping))
	for name := range grouping {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		path += pathLabel(name, grouping[name])
	}
	_, err := s.Request(method, s.Pushgateway+"/metrics"+path, []byte(text))
	return err
}

// pathLabel is a label of a grouping key as a part of the path; what a path cannot hold goes as base64.
func pathLabel(name, value string) string {
	if value == "" {
		return "/" + name + "@base64/="
	}
	if value == "." || value == ".." || strings.Contains(value, "/") {
		return "/" + name + "@base64/" + base64.RawURLEncoding.EncodeToString([]byte(value))
	}
	return "/" + name + "/" + url.PathEscape(value)
}

// Scrape scrapes a job's targets now, all jobs' with an empty name; the samples can be queried when it returns.
func (s *Stack) Scrape(job string) error {
	return s.API("POST", "scrape", url.Values{"job": {job}, "wait": {"true"}}, nil, nil)
}

type answer struct {
	ResultType string
	Result     json.RawMessage
}

type row struct {
	Metric Labels
	Value  []any
}

func (s *Stack) ask(expression string) (answer, error) {
	var found answer
	err := s.API("POST", "query", url.Values{"query": {expression}}, nil, &found)
	return found, err
}

// Query is what an expression answers now: series with one value each, or a number without labels.
func (s *Stack) Query(expression string) ([]Sample, error) {
	found, err := s.ask(expression)
	if err != nil {
		return nil, err
	}
	rows := []row{{Labels{}, nil}}
	switch found.ResultType {
	case "scalar":
		err = json.Unmarshal(found.Result, &rows[0].Value)
	case "vector":
		rows = nil
		err = json.Unmarshal(found.Result, &rows)
	default:
		err = fmt.Errorf("%s answers a %s; Query is for series with one value each", expression, found.ResultType)
	}
	if err != nil {
		return nil, err
	}
	samples := make([]Sample, 0, len(rows))
	for _, row := range rows {
		if len(row.Value) != 2 {
			return nil, fmt.Errorf("%s: %v is a native histogram; ask for histogram_count() and the like", expression, row.Metric)
		}
		value, err := strconv.ParseFloat(fmt.Sprint(row.Value[1]), 64)
		if err != nil {
			return nil, err
		}
		samples = append(samples, Sample{row.Metric, value})
	}
	return samples, nil
}

// Value is the value of an expression that answers one series; a NotMet where it answers none, or several.
func (s *Stack) Value(expression string) (float64, error) {
	samples, err := s.Query(expression)
	if err != nil {
		return 0, err
	}
	if len(samples) == 1 {
		return samples[0].Value, nil
	}
	if len(samples) == 0 {
		if err := s.complaint(0, []string{expression}); err != nil {
			return 0, err
		}
		// It holds as a condition, or a series came in between.
		return 0, &NotMet{expression + " answers nothing"}
	}
	text := fmt.Sprintf("%s answers %d series; Value is for one:", expression, len(samples))
	for index, sample := range samples {
		if index == shown {
			text += fmt.Sprintf("\n  … and %d more", len(samples)-shown)
			break
		}
		text += "\n  " + sample.String()
	}
	return 0, &NotMet{text}
}

// Expect answers a NotMet unless all conditions hold now, a Refused where one is wrong in itself. A condition holds as soon as it
// answers a series, or a number that is neither 0 nor NaN.
func (s *Stack) Expect(expressions ...string) error {
	return s.ExpectWithin(0, expressions...)
}

// ExpectWithin returns when each condition held once; it lets so much time pass for it, on the manual clock without waiting.
func (s *Stack) ExpectWithin(within time.Duration, expressions ...string) error {
	if len(expressions) == 0 {
		return fmt.Errorf("Expect needs a condition")
	}
	// What holds already needs no process that asks.
	missing, err := s.notHolding(expressions)
	if err != nil || len(missing) == 0 {
		return err
	}
	return s.complaint(within, missing)
}

// ExpectNotified returns when somebody was told of an alert with such labels (`alertname="Down", severity=~"page|warn"`) for each of
// the matchers; it lets so much time pass for it, on the manual clock without waiting.
func (s *Stack) ExpectNotified(within time.Duration, matchers ...string) error {
	return s.notices(within, "--notified", matchers)
}

// ExpectResolved is the same for being told that an alert is over.
func (s *Stack) ExpectResolved(within time.Duration, matchers ...string) error {
	return s.notices(within, "--resolved", matchers)
}

func (s *Stack) notices(within time.Duration, flag string, matchers []string) error {
	if len(matchers) == 0 {
		return fmt.Errorf("there has to be an alert to be told of")
	}
	var flags []string
	for _, text := range matchers {
		flags = append(flags, flag+"="+text)
	}
	return s.complaint(within, nil, flags...)
}

func (s *Stack) notHolding(expressions []string) (missing []string, err error) {
	for _, expression := range expressions {
		found, err := s.ask(expression)
		var refused *Refused
		if errors.As(err, &refused) && refused.Status != http.StatusBadRequest {
			// That it cannot be evaluated now may pass; that it is wrong does not.
			missing = append(missing, expression)
			continue
		}
		if err != nil {
			return nil, err
		}
		holds := false
		if found.ResultType == "scalar" {
			var value []any
			json.Unmarshal(found.Result, &value)
			number, err := strconv.ParseFloat(fmt.Sprint(value[len(value)-1]), 64)
			holds = err == nil && number != 0 && !math.IsNaN(number)
		} else if found.ResultType != "string" {
			holds = string(bytes.TrimSpace(found.Result)) != "[]"
		}
		if !holds {
			missing = append(missing, expression)
		}
	}
	return missing, nil
}

// complaint is what the program says about conditions that do not hold; nil where they do.
func (s *Stack) complaint(within time.Duration, expressions []string, flags ...string) error {
	s.mutex.Lock()
	pushes, notices := s.pushes, s.known
	s.mutex.Unlock()
	arguments := []string{"expect", "--within", fmt.Sprintf("%dms", within.Milliseconds()), "--url", s.Prometheus,
		"--pushes-after", strconv.Itoa(pushes), "--notices-after", strconv.Itoa(notices)}
	if s.Pushgateway != "" {
		arguments = append(arguments, "--pushgateway", s.Pushgateway)
	}
	if !s.realTime {
		arguments = append(arguments, "--advance")
	}
	arguments = append(arguments, flags...)
	text, err := exec.Command(s.program, append(append(arguments, "--"), expressions...)...).CombinedOutput()
	if err == nil {
		return nil
	}
	exit, isExit := err.(*exec.ExitError)
	if !isExit {
		return err
	}
	said := strings.TrimSpace(string(text))
	switch exit.ExitCode() {
	case 1:
	case 2:
		return &Refused{Request: "expect", Status: http.StatusBadRequest, Text: said}
	default:
		if ended := s.ended(); ended != nil {
			return ended
		}
	}
	return &NotMet{said}
}

// Advance lets time pass: every scrape and rule that falls due is done when it returns. It answers the stack's time.
func (s *Stack) Advance(duration time.Duration) (time.Time, error) {
	var data struct{ Now float64 }
	err := s.API("POST", "clock", url.Values{"advance": {fmt.Sprintf("%dms", duration.Milliseconds())}}, nil, &data)
	return time.UnixMilli(int64(math.Round(data.Now * 1000))), err
}

// Now is the stack's time.
func (s *Stack) Now() (time.Time, error) {
	var data struct{ Now float64 }
	err := s.API("GET", "clock", nil, nil, &data)
	return time.UnixMilli(int64(math.Round(data.Now * 1000))), err
}

// Begin forgets the refused pushes and the notices of tests before this one, for tests that share a stack. For does it.
func (s *Stack) Begin() error {
	var inbox struct{ Notices []struct{ Number int } }
	if err := s.API("GET", "inbox", nil, nil, &inbox); err != nil {
		return err
	}
	s.mutex.Lock()
	for _, notice := range inbox.Notices {
		if notice.Number > s.known {
			s.known = notice.Number
		}
	}
	s.mutex.Unlock()
	if s.Pushgateway == "" {
		return nil
	}
	text, err := s.Request("GET", s.Pushgateway+"/api/v1/pushes", nil)
	var answer struct{ Data []struct{ Number int } }
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, push := range answer.Data {
		if push.Number > s.pushes {
			s.pushes = push.Number
		}
	}
	return err
}
