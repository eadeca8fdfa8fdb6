package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"throng/internal/clickhouse/embedded"
)

// testNow is the time at which tests begin, whatever the machine's clock says: noon of a day in the
// middle of a span. It is in the future, so that the engine, which has the machine's clock, finds
// nothing expired.
var testNow = time.Date(2036, 3, 20, 12, 0, 0, 0, time.UTC)

// clockAt is the environment variable that lets a process begin at a time.
func clockAt(now time.Time) string { return "THRONG_TEST_CLOCK=" + time.Until(now).String() }

// requireEngine skips tests that need the embedded engine where there is none.
func requireEngine(t *testing.T) {
	t.Helper()
	if _, err := embedded.Find(); err != nil {
		t.Skipf("needs the embedded engine: %v", err)
	}
}

// output runs the program to its end and returns its standard output; it must succeed.
func output(t *testing.T, env []string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "throng", args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("throng %q: %v\n%s%s", args, err, out.Bytes(), errs.Bytes())
	}
	return out.String()
}

// service is a command that is kept running: whenever its process ends it is started again, as an
// init system would. Its output goes to a file that its processes share.
type service struct {
	t       *testing.T
	name    string
	program string
	args    []string
	env     []string
	logPath string

	mu       sync.Mutex // guards what follows
	process  *os.Process
	stopping bool
	kills    int
	quits    []string // ends of processes that nobody asked for
	last     error    // how the last process ended
	done     chan struct{}
}

// startService starts a command and keeps it running until the test ends or stop is called.
func startService(t *testing.T, dir, name string, env []string, args ...string) *service {
	t.Helper()
	return startProgram(t, dir, name, env, "throng", args...)
}

// startProgram is startService for other programs.
func startProgram(t *testing.T, dir, name string, env []string, program string, args ...string) *service {
	t.Helper()
	s := &service{t: t, name: name, program: program, args: args, env: env, logPath: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	out, err := os.OpenFile(s.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		defer out.Close()
		runtime.LockOSThread() // see dieTogether
		for s.once(out) {
			if s.quit() {
				time.Sleep(restartPause)
			}
		}
	}()
	t.Cleanup(func() {
		s.signal(syscall.SIGKILL, true)
		<-s.done
		if t.Failed() {
			t.Logf("%s: killed %d times, ended by itself: %q; its output ends with\n%s", s.name, s.kills, s.quits, tail(s.logPath))
		}
	})
	return s
}

// restartPause is what lies between the end of a process that nobody asked for and the next start.
const restartPause = 100 * time.Millisecond

// once runs one process to its end; more is false when there shall be no other.
func (s *service) once(out *os.File) (more bool) {
	cmd := exec.Command(s.program, s.args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = out, out
	dieTogether(cmd)
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return false
	}
	err := cmd.Start()
	s.process = cmd.Process
	s.mu.Unlock()
	if err == nil {
		err = cmd.Wait()
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.process, s.last = nil, err
	if s.stopping {
		return false
	}
	if !killed(err) {
		s.quits = append(s.quits, fmt.Sprint(err))
	}
	if cmd.ProcessState.ExitCode() == refused {
		s.t.Errorf("%s is refused; starting it again would not help", s.name)
		return false
	}
	return true
}

// refused is the exit code of a command line or configuration that is refused.
const refused = 2

// quit tells whether the last process ended by itself.
func (s *service) quit() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !killed(s.last)
}

func killed(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// signal sends a signal to the process, if there is one now.
func (s *service) signal(sig os.Signal, last bool) (sent bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = s.stopping || last
	if s.process == nil {
		return false
	}
	return s.process.Signal(sig) == nil
}

// kill ends the process at once; another one follows.
func (s *service) kill() {
	if s.signal(syscall.SIGKILL, false) {
		s.mu.Lock()
		s.kills++
		s.mu.Unlock()
	}
}

// stop asks the process to end in good order and requires that it does. How long that takes says nothing here about the ten
// seconds that the program promises: beside other work a machine may not give it one of them.
func (s *service) stop(t *testing.T) {
	t.Helper()
	for !s.signal(syscall.SIGTERM, true) {
		select {
		case <-s.done:
			t.Fatalf("%s ended before it was stopped: %v", s.name, s.last)
		default:
		}
	}
	select {
	case <-s.done:
	case <-time.After(drainTime):
		t.Fatalf("%s did not stop", s.name)
	}
	if s.last != nil {
		t.Fatalf("%s did not stop in good order: %v", s.name, s.last)
	}
}

// tail is the end of a file.
func tail(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-3000):]
}

// testDir is a directory that is removed with the test, unless it failed and THRONG_TEST_KEEP is set.
func testDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "throng-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() && os.Getenv("THRONG_TEST_KEEP") != "" {
			t.Logf("kept %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// waitFor polls a condition. It fails the test when what the condition says has not changed for patience: a machine that is
// busy with other work is slow, not wrong.
func waitFor(t *testing.T, patience time.Duration, what string, condition func() (ok bool, state string)) {
	t.Helper()
	began := time.Now()
	for last, since := "", began; ; {
		ok, state := condition()
		switch {
		case ok:
			t.Logf("waited %.1f s for %s", time.Since(began).Seconds(), what)
			return
		case t.Failed():
			t.Fatalf("stopped waiting for %s: %s", what, state)
		case state != last:
			last, since = state, time.Now()
		case time.Since(since) > patience:
			t.Fatalf("waited %.0f s for %s, of them %.0f without a change: %s", time.Since(began).Seconds(), what, time.Since(since).Seconds(), state)
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("stopped waiting for %s: %s", what, state)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// freeAddr is a loopback address that nobody listens on and that this gave to nobody else. Its port is
// below those that systems give to outgoing connections: a client that tries to reach a dead server on
// such a port can connect to itself, and the server could not have it back.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+(os.Getpid()+int(lastPort.Add(1)))%10_000)
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatal("no free port")
	return ""
}

var lastPort atomic.Int32
