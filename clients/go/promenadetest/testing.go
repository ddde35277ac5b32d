package promenadetest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// T is a stack in a test: what goes wrong fails the test, with the stack's own words.
type T struct {
	// Stack has the same verbs with errors, for a test of what is refused.
	*Stack
	t testing.TB
}

// New starts a stack for one test, and ends it with the test. Where the test fails, the stack's log is told.
func New(t testing.TB, options ...Options) *T {
	t.Helper()
	var chosen Options
	if len(options) > 0 {
		chosen = options[0]
	}
	stack, err := Start(chosen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stack.Close()
		if log := strings.TrimSpace(stack.Log()); t.Failed() && log != "" {
			t.Logf("log of the stack:\n%s", log)
		}
	})
	return &T{stack, t}
}

// Main runs the tests of a package with one stack for all, and answers the exit code:
//
//	var stack *promenadetest.Stack
//
//	func TestMain(m *testing.M) { os.Exit(promenadetest.Main(m, &stack)) }
//
// A test then begins with stack.For(t).
func Main(m *testing.M, stack **Stack, options ...Options) int {
	var chosen Options
	if len(options) > 0 {
		chosen = options[0]
	}
	started, err := Start(chosen)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer started.Close()
	*stack = started
	return m.Run()
}

// For is the stack in a test that shares it with others: what those pushed is not told in its failures.
func (s *Stack) For(t testing.TB) *T {
	t.Helper()
	if err := s.Begin(); err != nil {
		t.Fatal(err)
	}
	return &T{s, t}
}

func (t *T) check(err error) {
	t.t.Helper()
	if err != nil {
		t.t.Fatal(err)
	}
}

// Push replaces a group (PUT).
func (t *T) Push(job, text string, grouping Labels) {
	t.t.Helper()
	t.check(t.Stack.Push(job, text, grouping))
}

// PushAdd replaces only the metrics of the same names in a group (POST).
func (t *T) PushAdd(job, text string, grouping Labels) {
	t.t.Helper()
	t.check(t.Stack.PushAdd(job, text, grouping))
}

// Delete deletes a group of the Pushgateway.
func (t *T) Delete(job string, grouping Labels) {
	t.t.Helper()
	t.check(t.Stack.Delete(job, grouping))
}

// Scrape scrapes a job's targets now, all jobs' with an empty name; the samples can be queried when it returns.
func (t *T) Scrape(job string) {
	t.t.Helper()
	t.check(t.Stack.Scrape(job))
}

// Query is what an expression answers now.
func (t *T) Query(expression string) []Sample {
	t.t.Helper()
	samples, err := t.Stack.Query(expression)
	t.check(err)
	return samples
}

// Value is the value of an expression that answers one series.
func (t *T) Value(expression string) float64 {
	t.t.Helper()
	value, err := t.Stack.Value(expression)
	t.check(err)
	return value
}

// Expect fails the test unless all conditions hold now.
func (t *T) Expect(expressions ...string) {
	t.t.Helper()
	t.check(t.Stack.Expect(expressions...))
}

// ExpectWithin fails the test unless each condition holds once within the time, which passes on the manual clock without waiting.
func (t *T) ExpectWithin(within time.Duration, expressions ...string) {
	t.t.Helper()
	t.check(t.Stack.ExpectWithin(within, expressions...))
}

// ExpectNotified fails the test unless somebody is told, within the time, of an alert with such labels for each of the matchers.
func (t *T) ExpectNotified(within time.Duration, matchers ...string) {
	t.t.Helper()
	t.check(t.Stack.ExpectNotified(within, matchers...))
}

// ExpectResolved fails the test unless somebody is told, within the time, that such alerts are over.
func (t *T) ExpectResolved(within time.Duration, matchers ...string) {
	t.t.Helper()
	t.check(t.Stack.ExpectResolved(within, matchers...))
}

// Target adds a target to a job; see Stack.Target.
func (t *T) Target(job, target string, labels Labels, config map[string]any) *Target {
	t.t.Helper()
	made, err := t.Stack.Target(job, target, labels, config)
	t.check(err)
	return made
}

// Remove ends a job, or with a target only that.
func (t *T) Remove(job string, target *Target) {
	t.t.Helper()
	t.check(t.Stack.Remove(job, target))
}

// Fault lets scrapes or pushes go wrong until clear is called; see Stack.Fault.
func (t *T) Fault(job string, target *Target, fault Fault) (clear func()) {
	t.t.Helper()
	end, err := t.Stack.Fault(job, target, fault)
	t.check(err)
	return func() {
		t.t.Helper()
		t.check(end())
	}
}

// Advance lets time pass: every scrape and rule that falls due is done when it returns. It answers the stack's time.
func (t *T) Advance(duration time.Duration) time.Time {
	t.t.Helper()
	now, err := t.Stack.Advance(duration)
	t.check(err)
	return now
}

// Now is the stack's time.
func (t *T) Now() time.Time {
	t.t.Helper()
	now, err := t.Stack.Now()
	t.check(err)
	return now
}
