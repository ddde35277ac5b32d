// Package promenadetest starts a whole local Prometheus stack for Go tests: one for each test, or one for all with TestMain.
//
//	func TestRows(t *testing.T) {
//		stack := promenadetest.New(t)
//		stack.Push("nightly", "rows_total 42\n", nil)
//		stack.Scrape("pushgateway")
//		stack.Expect(`rows_total{job="nightly"} == 42`)
//	}
//
// It needs the standard library and the program promenade of the same version (minor releases count): what PROMENADE_BIN names,
// else promenade-stack or promenade of PATH.
package promenadetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Version is the version of the server that this package belongs to.
const Version = "0.1.0"

// patience is how long a server may take for an answer.
const patience = time.Minute

// Options say how a stack is started. The zero value is a stack whose time stands still until Advance.
type Options struct {
	// Config is the text of a configuration, a prometheus.yml.
	Config string
	// Flags are flags of promenade run.
	Flags []string
	// RealTime lets the stack scrape by itself; without it time passes only by Advance.
	RealTime bool
	// LogLevel is debug, info, warn (the default) or error. With debug, the log has refused pushes and failed scrapes, too.
	LogLevel string
	// StartTimeout is how long it may take to be ready; a minute by default.
	StartTimeout time.Duration
}

// Refused is a server's no. Text is the server's own.
type Refused struct {
	Request string
	Status  int
	Text    string
}

func (r *Refused) Error() string { return fmt.Sprintf("%s: %d: %s", r.Request, r.Status, r.Text) }

// NotMet tells of conditions that do not hold: what was seen instead, near misses, failed scrapes, refused pushes.
type NotMet struct{ Text string }

func (n *NotMet) Error() string { return n.Text }

// Ended tells that the stack's process is no more: how it ended, and what it logged.
type Ended struct{ Text string }

func (e *Ended) Error() string { return e.Text }

// Stack is a running stack, whose verbs answer errors. New and For give the verbs that fail a test.
type Stack struct {
	// Prometheus, Pushgateway and Demo are the servers' URLs; empty where there is none. OTLP is where OpenTelemetry's clients send
	// metrics: a value of OTEL_EXPORTER_OTLP_ENDPOINT.
	Prometheus, Pushgateway, Demo, OTLP string
	// PID is the number of its process.
	PID int

	program  string
	realTime bool
	command  *exec.Cmd
	input    io.Closer
	log      *buffer
	config   string // a file's path; empty where the configuration has none
	client   *http.Client
	closing  sync.Once
	over     chan struct{} // closed when the process is no more

	mutex   sync.Mutex // protects what follows
	targets []*Target
	pushes  int
	known   int // the newest notice of before
}

// buffer is a log that is written and read at once.
type buffer struct {
	mutex sync.Mutex
	bytes bytes.Buffer
}

func (b *buffer) Write(part []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.bytes.Write(part)
}

func (b *buffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.bytes.String()
}

var found struct {
	once    sync.Once
	program string
	err     error
}

// Program is the path of the program; an error where there is none of this version.
func Program() (string, error) {
	found.once.Do(func() { found.program, found.err = program() })
	return found.program, found.err
}

func program() (string, error) {
	names := []string{"promenade-stack", "promenade"}
	if named := os.Getenv("PROMENADE_BIN"); named != "" {
		names = []string{named}
	}
	var complaints []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		// Another project has a program called promenade, too.
		text := saidFirst(exec.Command(path, "--version"))
		version, isOurs := cut(text, "promenade ")
		if isOurs && minor(version) == minor(Version) {
			return path, nil
		}
		complaints = append(complaints, fmt.Sprintf("%s --version says %q", path, text))
	}
	return "", fmt.Errorf("no promenade %s.x (PROMENADE_BIN may name it): %s", minor(Version), strings.Join(complaints, "; "))
}

// saidFirst is the first line of a command that ends by itself; empty where it says nothing in ten seconds.
func saidFirst(command *exec.Cmd) string {
	output, err := command.StdoutPipe()
	if err != nil || command.Start() != nil {
		return ""
	}
	line, isLate := firstLine(output, 10*time.Second)
	if isLate {
		command.Process.Kill()
	}
	output.Close()
	impatience := time.AfterFunc(10*time.Second, func() { command.Process.Kill() })
	defer impatience.Stop()
	command.Wait()
	return strings.TrimSpace(string(line))
}

// firstLine is what is said first, as far as it came, and whether the time was over. A child may hold the other end open for ever.
func firstLine(output io.Reader, within time.Duration) (line []byte, isLate bool) {
	lines := make(chan []byte, 1)
	go func() {
		line, _ := bufio.NewReader(output).ReadBytes('\n')
		lines <- line
	}()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case line = <-lines:
	case <-late.C:
		isLate = true
	}
	return line, isLate
}

func cut(text, prefix string) (string, bool) {
	return strings.TrimPrefix(text, prefix), strings.HasPrefix(text, prefix)
}

func minor(version string) string {
	parts := strings.Split(version, ".")
	if len(parts) > 2 {
		parts = parts[:2]
	}
	return strings.Join(parts, ".")
}

// Start starts a stack. It ends with Close, and with this process.
func Start(options Options) (*Stack, error) {
	path, err := Program()
	if err != nil {
		return nil, err
	}
	clock, level := "manual", options.LogLevel
	if options.RealTime {
		clock = "system"
	}
	if level == "" {
		level = "warn"
	}
	stack := &Stack{
		program: path, realTime: options.RealTime, log: &buffer{},
		// A server of this machine is never asked through a proxy.
		client: &http.Client{Timeout: patience, Transport: &http.Transport{}},
	}
	arguments := []string{"run", "--test", "--clock=" + clock, "--log.level=" + level}
	var passed []*os.File
	if options.Config != "" {
		file, err := os.CreateTemp("", "promenade-*.yml")
		if err != nil {
			return nil, err
		}
		defer file.Close()
		stack.config = file.Name()
		if _, err = file.WriteString(options.Config); err != nil {
			stack.forget()
			return nil, err
		}
		name := stack.config
		if _, err := os.Stat("/proc/self/fd"); err == nil {
			// A file without a name leaves nothing behind, however the test ends; the first file that is passed is number 3.
			stack.forget()
			stack.config, name, passed = "", "/proc/self/fd/3", []*os.File{file}
		}
		arguments = append(arguments, "--config.file="+name)
	}
	stack.command = exec.Command(path, append(arguments, options.Flags...)...)
	// What shapes other stacks of this machine is none of a test's; of two values the last one counts.
	stack.command.Env = append(os.Environ(), "PROMENADE_RUN_FLAGS=")
	stack.command.ExtraFiles = passed
	stack.command.Stderr = stack.log
	input, err := stack.command.StdinPipe()
	if err != nil {
		stack.forget()
		return nil, err
	}
	stack.input = input
	output, err := stack.command.StdoutPipe()
	if err == nil {
		err = stack.command.Start()
	}
	if err != nil {
		stack.forget()
		return nil, err
	}
	timeout := options.StartTimeout
	if timeout == 0 {
		timeout = patience
	}
	line, isLate := firstLine(output, timeout)
	if isLate {
		stack.command.Process.Kill()
		// A child of it may hold its log open, too: then nobody waits for the end of that.
		output.Close()
		input.Close()
		stack.forget()
		go stack.command.Wait()
		text := strings.TrimSpace(stack.log.String())
		if text == "" {
			text = "it said nothing"
		}
		return nil, fmt.Errorf("the stack did not start: %s was not ready after %v:\n%s", path, timeout, text)
	}
	stack.over = make(chan struct{})
	go func() {
		stack.command.Wait()
		close(stack.over)
	}()
	if err := json.Unmarshal(line, stack); err != nil {
		stack.Close()
		text := strings.TrimSpace(stack.log.String() + string(line))
		if text == "" {
			text = fmt.Sprintf("%s ended with %v, and said nothing", path, stack.command.ProcessState)
		}
		return nil, fmt.Errorf("the stack did not start: %s", text)
	}
	return stack, nil
}

// Close ends the stack and the targets that were made for it.
func (s *Stack) Close() {
	s.closing.Do(func() {
		s.mutex.Lock()
		targets := s.targets
		s.targets = nil
		s.mutex.Unlock()
		for _, target := range targets {
			target.Close()
		}
		s.client.CloseIdleConnections()
		s.input.Close()
		late := time.AfterFunc(patience, func() { s.command.Process.Kill() })
		<-s.over
		late.Stop()
		s.forget()
	})
}

// ended is an error where the process is no more: how it ended, and what it logged. One that is killed may take a moment to be gone.
func (s *Stack) ended() error {
	select {
	case <-s.over:
	case <-time.After(time.Second):
		return nil
	}
	log := strings.TrimSpace(s.Log())
	if log == "" {
		log = "it logged nothing"
	}
	return &Ended{fmt.Sprintf("the stack has ended (%v):\n%s", s.command.ProcessState, log)}
}

func (s *Stack) forget() {
	if s.config != "" {
		os.Remove(s.config)
	}
}

// Log is what the program has logged so far.
func (s *Stack) Log() string { return s.log.String() }
