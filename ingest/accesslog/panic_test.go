package accesslog_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"throng/ingest/accesslog"
)

var panicWith = flag.String("panic-with", "", "how the test's child process panics")

// panics are ways in which a worker that holds a record can die.
var panics = map[string]func(*accesslog.Record){
	"the record":              func(rec *accesslog.Record) { panic(*rec) },
	"a pointer to it":         func(rec *accesslog.Record) { panic(rec) },
	"an error around it":      func(rec *accesslog.Record) { panic(fmt.Errorf("parse: %v", rec)) },
	"an index out of range":   func(rec *accesslog.Record) { _ = rec.UserAgent[len(rec.UserAgent)+len(rec.Query)] },
	"a conversion":            func(rec *accesslog.Record) { _ = any(rec.UserAgent).(error) },
	"a value beside a record": func(rec *accesslog.Record) { panic(struct{ Rec *accesslog.Record }{rec}) },
}

// TestPanicsShowNothingOfARecord lets processes die with a record in their hands, and reads what they leave behind, all
// stacks included.
func TestPanicsShowNothingOfARecord(t *testing.T) {
	const canary = "canary-8d1f6b2e9c4a"
	line := strings.ReplaceAll(`198.51.100.77 - W [20/Nov/2026:11:00:00 +0000] "GET /W?W HTTP/1.1" 200 1 "https://W.example/W" "W"`, "W", canary)
	if *panicWith != "" {
		p, err := accesslog.New("combined")
		if err != nil {
			t.Fatal(err)
		}
		var rec accesslog.Record
		if err := p.Parse([]byte(line), &rec); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() { defer close(done); panics[*panicWith](&rec) }()
		<-done
		return
	}
	for name := range panics {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPanicsShowNothingOfARecord$", "-panic-with="+name)
		cmd.Env = append(os.Environ(), "GOTRACEBACK=all")
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !bytes.Contains(out, []byte("panic: ")) || !bytes.Contains(out, []byte("goroutine ")) {
			t.Fatalf("%s: the process ended with %v:\n%s", name, err, out)
		}
		for _, raw := range []string{canary, "198.51.100.77"} {
			if bytes.Contains(out, []byte(raw)) {
				t.Errorf("%s shows %q:\n%s", name, raw, out)
			}
		}
	}
}
