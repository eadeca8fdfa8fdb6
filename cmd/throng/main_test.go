package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"throng"
)

// clockEnv is how far the clock of a process that a test starts is ahead of the machine's; steerEnv is a file
// that says it from moment to moment.
const (
	clockEnv = "THRONG_TEST_CLOCK"
	steerEnv = "THRONG_TEST_CLOCK_FILE"
)

// TestMain puts this binary on the path as `throng`: started under that name it is the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"throng": program})
}

// program is main under the clock that the test wants.
func program() {
	clock, err := testClock()
	if err != nil {
		fmt.Fprintln(os.Stderr, "throng:", err)
		os.Exit(exitUsage)
	}
	if clock == nil {
		main()
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}, os.Environ(), clock))
}

// testClock is nil where the test wants the machine's.
func testClock() (throng.Clock, error) {
	if path, ok := os.LookupEnv(steerEnv); ok {
		return steer(path)
	}
	ahead, ok := os.LookupEnv(clockEnv)
	if !ok {
		return nil, nil
	}
	d, err := time.ParseDuration(ahead)
	return aheadClock(d), err
}

// aheadClock is the machine's clock, so much ahead.
type aheadClock time.Duration

func (a aheadClock) Now() time.Time                       { return time.Now().Add(time.Duration(a)) }
func (a aheadClock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }
