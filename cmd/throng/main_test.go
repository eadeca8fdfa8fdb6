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
)

// clockEnv is how far the clock of a process that a test starts is ahead of the machine's.
const clockEnv = "THRONG_TEST_CLOCK"

// TestMain puts this binary on the path as `throng`: started under that name it is the program.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"throng": program})
}

// program is main under the clock that the test wants.
func program() {
	ahead, ok := os.LookupEnv(clockEnv)
	if !ok {
		main()
		return
	}
	d, err := time.ParseDuration(ahead)
	if err != nil {
		fmt.Fprintln(os.Stderr, "throng: "+clockEnv+":", err)
		os.Exit(exitUsage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}, os.Environ(), aheadClock(d)))
}

// aheadClock is the machine's clock, so much ahead.
type aheadClock time.Duration

func (a aheadClock) Now() time.Time                       { return time.Now().Add(time.Duration(a)) }
func (a aheadClock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }
