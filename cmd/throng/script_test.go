package main_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"throng/internal/clickhouse/embedded"
)

var update = flag.Bool("update", false, "rewrite the expected files in testdata/script")

// TestScript runs the command line as a reader of the help would: one script a behaviour.
func TestScript(t *testing.T) {
	library, noEngine := embedded.Find()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("THRONG_CHDB_LIB", library)
			name, value, _ := strings.Cut(clockAt(testNow), "=")
			env.Setenv(name, value)
			_, value, _ = strings.Cut(clockAt(testNow.AddDate(0, 0, 13)), "=")
			env.Setenv("later", value)
			return takePort(env)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "engine" {
				return noEngine == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "await": await},
	})
}

// takePort listens on $TAKEN while the script runs; $NEXT and $ADMIN, with the ports behind it, are free. All are
// below the ports that the system gives to whoever asks for any, so that nobody else gets $NEXT.
func takePort(env *testscript.Env) error {
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		taken, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		next, admin := fmt.Sprintf("127.0.0.1:%d", port+1), fmt.Sprintf("127.0.0.1:%d", port+2)
		if !isFree(next) || !isFree(admin) {
			taken.Close()
			continue
		}
		env.Defer(func() { taken.Close() })
		env.Setenv("TAKEN", taken.Addr().String())
		env.Setenv("NEXT", next)
		env.Setenv("ADMIN", admin)
		return nil
	}
	return errors.New("no three free ports in a row")
}

func isFree(addr string) bool {
	l, err := net.Listen("tcp", addr)
	return err == nil && l.Close() == nil
}

// exits runs a command that has to exit with a code: exits CODE COMMAND ARGS…
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exited with %d, want %s", got, args[0])
	}
}

// await waits until an address answers: await URL
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await url")
	}
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(args[0])
		if err == nil {
			ts.Check(res.Body.Close())
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no answer: %v", err)
		}
	}
}
