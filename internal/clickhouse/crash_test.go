package clickhouse_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"throng"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/clickhousetest"
	"throng/internal/clickhouse/embedded"
)

const childDir = "THRONG_TEST_INSERT_INTO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		insertForever(dir)
	}
	if dir := os.Getenv(engineDir); dir != "" {
		serveEngine(dir)
	}
	os.Exit(m.Run())
}

// insertForever is what this binary does when a test started it: it inserts blocks and prints the
// number of each one that was acknowledged, until it is killed.
func insertForever(dir string) {
	ctx := context.Background()
	e, err := embedded.Open(ctx, embedded.Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	s, err := clickhouse.Open(ctx, clickhouse.Options{Transport: e.RoundTripper(), NoBackstop: true})
	if err != nil {
		panic(err)
	}
	if err := s.Migrate(ctx); err != nil {
		panic(err)
	}
	for n := 0; ; n++ {
		data, rows, _ := sample(new(testing.T), uint64(n))
		if err := s.InsertBlock(ctx, blockID(n), rows, data); err != nil {
			panic(err)
		}
		fmt.Println(n)
	}
}

// A process is killed between and inside of inserts. Whoever takes over sends again all blocks up to
// one beyond the last that was acknowledged, as they were, and each is counted once.
func TestKillWhileInserting(t *testing.T) {
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	if _, err := embedded.Find(); err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	for range 4 {
		dir := t.TempDir()
		last := killAfter(t, dir, time.Duration(rng.IntN(40))*time.Millisecond)
		s, done := clickhousetest.OpenDir(t, dir)
		var want counts
		for n := range last + 2 {
			data, rows, c := sample(t, uint64(n))
			if err := s.InsertBlock(t.Context(), blockID(n), rows, data); err != nil {
				t.Fatal(err)
			}
			want = counts{want.Events + c.Events, want.Visits + c.Visits, want.Units + c.Units, c.Cells}
		}
		if diff := gocmp.Diff(want, count(t, s)); diff != "" {
			t.Errorf("killed after block %d: %s", last, diff)
		}
		done()
	}
}

// killAfter lets a child insert ten blocks and kills it a moment later. It gives the number of the last
// block that was acknowledged.
func killAfter(t *testing.T, dir string, moment time.Duration) (last int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if _, err := fmt.Sscan(lines.Text(), &last); err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if last == 10 {
			time.AfterFunc(moment, func() { cmd.Process.Kill() })
		}
	}
	cmd.Wait()
	if last < 10 {
		t.Fatal("the child ended by itself")
	}
	return last
}

// On a file system without space, inserts fail with an error that can be tried again, and go through
// when there is space.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount the small file system that this test fills")
	}
	dir := t.TempDir()
	if err := syscall.Mount("throng-test", dir, "tmpfs", 0, "size=96m"); err != nil {
		t.Skipf("cannot mount a small file system: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	lib, err := embedded.Find()
	if err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	e, err := embedded.Open(t.Context(), embedded.Options{Dir: filepath.Join(dir, "engine"), Library: lib, KeepFreeBytes: 16 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := openStore(t, e.RoundTripper())
	ballast := filepath.Join(dir, "ballast")
	fill(t, ballast, 12<<20)
	data, rows, want := sample(t, 0)
	err = s.InsertBlock(t.Context(), blockID(0), rows, data)
	var ex *clickhouse.Exception
	if !errors.As(err, &ex) || !throng.IsRetryable(err) {
		t.Fatalf("error is %v", err)
	}
	if !strings.Contains(err.Error(), "NOT_ENOUGH_SPACE") {
		t.Errorf("the reason is given as %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.InsertBlock(t.Context(), blockID(0), rows, data); err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, count(t, s)); diff != "" {
		t.Error(diff)
	}
}

// fill writes a file that leaves so many bytes on its file system.
func fill(t *testing.T, path string, leave int) {
	t.Helper()
	var st syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &st); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, int(st.Bavail)*int(st.Bsize)-leave), 0o600); err != nil {
		t.Fatal(err)
	}
}
