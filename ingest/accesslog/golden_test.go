package accesslog_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"throng/ingest/accesslog"
)

var update = flag.Bool("update", false, "write the golden files anew")

// corpora are the formats that have lines in testdata, by the name of the file: every named one, and
// those in syslog's envelope.
func corpora() map[string]string {
	out := map[string]string{"syslog_combined": "syslog:combined", "syslog_json": "syslog:json"}
	for _, format := range accesslog.Formats() {
		out[format] = format
	}
	return out
}

// TestGolden reads testdata/NAME.log and compares what becomes of each line, as NDJSON or as a
// reason with its offset, and how each is explained.
func TestGolden(t *testing.T) {
	for name, format := range corpora() {
		t.Run(name, func(t *testing.T) {
			p := newParser(t, format)
			lines := readLines(t, filepath.Join("testdata", name+".log"))
			var read, explained []byte
			for i, line := range lines {
				read = appendOutcome(read, p, i, line)
				explained = appendExplanation(explained, p, i, line)
			}
			golden(t, filepath.Join("testdata", name+".golden"), read)
			golden(t, filepath.Join("testdata", name+".explain.golden"), explained)
		})
	}
}

func appendOutcome(dst []byte, p *accesslog.Parser, i int, line []byte) []byte {
	var rec accesslog.Record
	dst = fmt.Appendf(dst, "%d ", i+1)
	if err := p.Parse(line, &rec); err != nil {
		return fmt.Appendf(dst, "%v at %d\n", err.(accesslog.Reject), p.RejectOffset())
	}
	return accesslog.AppendNDJSON(dst, &rec)
}

func appendExplanation(dst []byte, p *accesslog.Parser, i int, line []byte) []byte {
	spans, err := p.Explain(line)
	dst = fmt.Appendf(dst, "%d %v\n", i+1, err)
	for _, s := range spans {
		dst = fmt.Appendf(dst, "  %-13s %q: %s\n", s.Name, line[s.Start:s.End], s.Note)
	}
	return dst
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func newParser(t testing.TB, format string) *accesslog.Parser {
	t.Helper()
	p, err := accesslog.New(format)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func readLines(t testing.TB, path string) [][]byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
}

// sharedLog is the lines of a real log that lies outside the repository.
func sharedLog(t *testing.T, name string) [][]byte {
	t.Helper()
	dir := os.Getenv("THRONG_SHARED_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	path := filepath.Join(dir, "logs", name)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Skipf("%s is not on this machine (THRONG_SHARED_DATA says where shared data is)", name)
	}
	return readLines(t, path)
}
