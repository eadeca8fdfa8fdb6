package embedded_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"throng/internal/clickhouse/embedded"
	"throng/internal/durable"
)

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	for i := range 3 {
		e := open(t, embedded.Options{Dir: dir})
		mustQuery(t, e, "CREATE TABLE IF NOT EXISTS kept (n UInt64) ENGINE = MergeTree ORDER BY n")
		mustQuery(t, e, "INSERT INTO kept VALUES (1)")
		if got := mustQuery(t, e, "SELECT count() FROM kept"); got != fmt.Sprint(i+1) {
			t.Fatalf("open %d: %s rows", i, got)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := post(t.Context(), e.RoundTripper(), nil, strings.NewReader("SELECT 1")); err != nil {
			t.Fatalf("a closed engine should answer with an exception, not %v", err)
		}
	}
}

func TestOpenErrors(t *testing.T) {
	lib := library(t)
	text := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(text, bytes.Repeat([]byte("no library\n"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		o    embedded.Options
		want error
	}{
		"missing library":   {embedded.Options{Library: filepath.Join(t.TempDir(), "none.so")}, embedded.ErrNoLibrary},
		"text file":         {embedded.Options{Library: text}, embedded.ErrNoLibrary},
		"truncated library": {embedded.Options{Library: truncated(t, lib)}, embedded.ErrNoLibrary},
		"stamp of another":  {embedded.Options{Library: stamped(t, lib)}, embedded.ErrNoLibrary},
		"no memory":         {embedded.Options{MemoryLimit: 1}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.o.Dir = t.TempDir()
			e, err := embedded.Open(t.Context(), tt.o)
			if err == nil {
				e.Close()
				t.Fatal("it opened")
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("error is %v", err)
			}
			if tt.want != nil && !strings.Contains(err.Error(), "make engine") {
				t.Errorf("the error does not say what to do: %v", err)
			}
		})
	}
}

func truncated(t *testing.T, lib string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "libchdb.so")
	src, err := os.Open(lib)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	head := make([]byte, 1<<20)
	if _, err := io.ReadFull(src, head); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, head, 0o600), os.Truncate(path, 300<<20)); err != nil {
		t.Fatal(err)
	}
	return path
}

func stamped(t *testing.T, lib string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "libchdb.so")
	if err := errors.Join(os.Symlink(lib, path), os.WriteFile(path+".stamp", []byte("size 1\nmtime 1\nsha256 00\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFindNamesTheVariable(t *testing.T) {
	t.Setenv("THRONG_CHDB_LIB", filepath.Join(t.TempDir(), "gone.so"))
	_, err := embedded.Find()
	if !errors.Is(err, embedded.ErrNoLibrary) || !strings.Contains(err.Error(), "THRONG_CHDB_LIB") {
		t.Errorf("error is %v", err)
	}
}

func TestOneOpenEngine(t *testing.T) {
	dir := t.TempDir()
	open(t, embedded.Options{Dir: dir})
	if _, err := embedded.Open(t.Context(), embedded.Options{Dir: dir}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("same directory, same process: %v", err)
	}
	if _, err := embedded.Open(t.Context(), embedded.Options{Dir: t.TempDir()}); !errors.Is(err, embedded.ErrInUse) {
		t.Errorf("other directory, same process: %v", err)
	}
	out, err := startChild(t, "open", dir).Output()
	if err != nil || !strings.Contains(string(out), durable.ErrLocked.Error()) {
		t.Errorf("same directory, other process: %s, %v", out, err)
	}
}

func startChild(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "THRONG_TEST_ROLE="+role, "THRONG_TEST_DIR="+dir)
	return cmd
}

func child(role, dir string) {
	e, err := embedded.Open(context.Background(), embedded.Options{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	if role == "open" {
		fmt.Println("opened")
		return
	}
	create := "CREATE TABLE IF NOT EXISTS acknowledged (n UInt64) ENGINE = MergeTree ORDER BY n"
	if _, err := post(context.Background(), e.RoundTripper(), nil, strings.NewReader(create)); err != nil {
		panic(err)
	}
	for n := 0; ; n++ {
		insert := url.Values{"query": {"INSERT INTO acknowledged FORMAT TSV"}}
		a, err := post(context.Background(), e.RoundTripper(), insert, strings.NewReader(fmt.Sprintln(n)))
		if err != nil || a.status != http.StatusOK {
			panic(fmt.Sprint(a.body, err))
		}
		fmt.Println(n)
	}
}

func TestKillLosesNoAcknowledgedInsert(t *testing.T) {
	library(t)
	for range 3 {
		dir := t.TempDir()
		cmd := startChild(t, "insert", dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		last := killAfterLines(t, cmd, out, 60)
		e := open(t, embedded.Options{Dir: dir})
		var present, highest int
		fmt.Sscan(mustQuery(t, e, "SELECT count(), max(n) FROM acknowledged"), &present, &highest)
		if highest < last || present != highest+1 {
			t.Errorf("%d was acknowledged; there are %d rows up to %d", last, present, highest)
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func killAfterLines(t *testing.T, cmd *exec.Cmd, out io.Reader, n int) (last int) {
	t.Helper()
	var seen []byte
	buf := make([]byte, 64)
	for bytes.Count(seen, []byte("\n")) < n {
		k, err := out.Read(buf)
		if err != nil {
			t.Fatalf("the child ended by itself: %v: %s", err, seen)
		}
		seen = append(seen, buf[:k]...)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	rest, _ := io.ReadAll(out)
	cmd.Wait()
	lines := bytes.Split(append(seen, rest...), []byte("\n"))
	if _, err := fmt.Sscan(string(lines[len(lines)-2]), &last); err != nil {
		t.Fatal(err)
	}
	return last
}
