package durable_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"throng/internal/durable"
)

// The test binary runs itself as a process that can be killed: it holds a lock, or writes without end.
const taskVariable, pathVariable = "THRONG_TEST_DURABLE_TASK", "THRONG_TEST_DURABLE_PATH"

func TestMain(m *testing.M) {
	path := os.Getenv(pathVariable)
	switch os.Getenv(taskVariable) {
	case "lock":
		_, err := durable.LockFile(path)
		fmt.Println(err)
		bufio.NewReader(os.Stdin).ReadByte()
	case "write":
		writeForever(path)
	default:
		os.Exit(m.Run())
	}
}

// writeForever replaces one file again and again and tells each number that it holds for certain.
func writeForever(path string) {
	for n := 0; ; n++ {
		if err := durable.WriteFile(path, content(n)); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(n)
	}
}

// content is a file that shows whether it is whole: one number on every line.
func content(n int) []byte { return bytes.Repeat([]byte(fmt.Sprintf("%08d\n", n)), 2000) }

type child struct {
	cmd *exec.Cmd
	out *bufio.Reader
}

func start(t *testing.T, task, path string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), taskVariable+"="+task, pathVariable+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{cmd, bufio.NewReader(out)}
	t.Cleanup(func() { in.Close(); c.kill() })
	return c
}

func (c *child) line(t *testing.T) string {
	t.Helper()
	s, err := c.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(s, "\n")
}

func (c *child) kill() {
	c.cmd.Process.Kill()
	c.cmd.Wait()
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// names lists a directory, hidden files included.
func names(t *testing.T, dir string) (ns []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		ns = append(ns, e.Name())
	}
	return ns
}

func TestWriteFileReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, want := range []string{"one", "", "three, longer"} {
		if err := durable.WriteFile(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != want {
			t.Errorf("read %q, want %q", got, want)
		}
	}
	if got := names(t, dir); !slices.Equal(got, []string{"file"}) {
		t.Errorf("left behind: %v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestFailedWriteChangesNothing(t *testing.T) {
	dir := t.TempDir()
	busy := filepath.Join(dir, "directory")
	if err := os.MkdirAll(filepath.Join(busy, "child"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"replace a directory":     func() error { return durable.WriteFile(busy, []byte("x")) },
		"write once on directory": func() error { return durable.WriteOnce(busy, []byte("x")) },
		"in a missing directory":  func() error { return durable.WriteFile(filepath.Join(dir, "no", "file"), nil) },
		"below a file":            func() error { return durable.MkdirAll(filepath.Join(busy, "child", "\x00")) },
	} {
		if err := call(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if got := names(t, dir); !slices.Equal(got, []string{"directory"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestWriteOnceKeepsTheFirst(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "release")
	const writers = 8
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() { errs[i] = durable.WriteOnce(path, []byte{byte('a' + i)}) })
	}
	wg.Wait()
	winner := slices.Index(errs, nil)
	if winner < 0 {
		t.Fatalf("nobody wrote: %v", errs)
	}
	for i, err := range errs {
		if i != winner && !errors.Is(err, fs.ErrExist) {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if got := read(t, path); got != string(rune('a'+winner)) {
		t.Errorf("writer %d succeeded, the file holds %q", winner, got)
	}
	if got := names(t, dir); !slices.Equal(got, []string{"release"}) {
		t.Errorf("left behind: %v", got)
	}
}

func TestKilledWriterLeavesOldOrNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for round := range 10 {
		c := start(t, "write", path)
		for range 5 + 3*round {
			c.line(t)
		}
		told, err := strconv.Atoi(c.line(t))
		if err != nil {
			t.Fatal(err)
		}
		c.kill()
		got := read(t, path)
		number, _, _ := strings.Cut(got, "\n")
		n, err := strconv.Atoi(number)
		if err != nil || got != string(content(n)) {
			t.Fatalf("round %d: a mixture of %d bytes", round, len(got))
		}
		if n < told {
			t.Errorf("round %d: %d was written for certain, the file holds %d", round, told, n)
		}
		if err := durable.RemoveStaged(dir); err != nil {
			t.Fatal(err)
		}
		if left := names(t, dir); !slices.Equal(left, []string{"file"}) {
			t.Fatalf("round %d: left behind: %v", round, left)
		}
	}
}

func TestRemoveStagedTakesOnlyItsOwn(t *testing.T) {
	dir := t.TempDir()
	keep := []string{".hidden", "file", "file.tmp-1"}
	for _, name := range append(keep, ".file.tmp-123") {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range []string{dir, filepath.Join(dir, "missing")} {
		if err := durable.RemoveStaged(d); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); !slices.Equal(got, keep) {
		t.Errorf("left: %v", got)
	}
}

func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	deep := filepath.Join(dir, "a", "b", "c")
	for range 2 {
		if err := durable.MkdirAll(deep); err != nil {
			t.Fatal(err)
		}
	}
	for d := deep; d != dir; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", d, info, err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{file, filepath.Join(file, "below")} {
		if err := durable.MkdirAll(d); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", d, err)
		}
	}
}

func TestShredOverwritesBeforeItRemoves(t *testing.T) {
	dir := t.TempDir()
	path, second := filepath.Join(dir, "key"), filepath.Join(dir, "second name")
	secret := strings.Repeat("secret", 1000)
	if err := durable.WriteFile(path, []byte(secret)); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(path, second); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds nothing and is no error
		if err := durable.Shred(path); err != nil {
			t.Fatal(err)
		}
	}
	if got := names(t, dir); !slices.Equal(got, []string{"second name"}) {
		t.Errorf("left: %v", got)
	}
	if got := read(t, second); got != strings.Repeat("\x00", len(secret)) {
		t.Errorf("the bytes were not overwritten")
	}
}

func TestLockKeepsOthersOut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	mine, err := durable.LockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.LockFile(path); !errors.Is(err, durable.ErrLocked) || !strings.Contains(err.Error(), path) {
		t.Errorf("second lock in this process: %v", err)
	}
	if got := start(t, "lock", path).line(t); !strings.Contains(got, durable.ErrLocked.Error()) {
		t.Errorf("lock in another process: %s", got)
	}
	if err := mine.Unlock(); err != nil {
		t.Fatal(err)
	}

	other := start(t, "lock", path)
	if got := other.line(t); got != "<nil>" {
		t.Fatalf("lock that was given back: %s", got)
	}
	if _, err := durable.LockFile(path); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("lock that another process holds: %v", err)
	}
	other.kill()
	mine, err = durable.LockFile(path)
	if err != nil {
		t.Fatalf("the lock of a process that was killed: %v", err)
	}
	if err := mine.Unlock(); err != nil {
		t.Error(err)
	}
}

func TestLockIsNotInherited(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	lock, err := durable.LockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	start(t, "lock", filepath.Join(t.TempDir(), "another")).line(t) // lives on
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if lock, err = durable.LockFile(path); err != nil {
		t.Fatalf("a child keeps the lock: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Error(err)
	}
}
