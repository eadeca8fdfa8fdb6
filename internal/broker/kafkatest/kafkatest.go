// Package kafkatest runs real Apache Kafka brokers on loopback for tests, one or several, each a process
// that can be stopped, killed and started again on what it had written.
//
// They are fetched and configured by scripts/kafka.sh, which says what it needs. The brokers end with
// the test, and with the test's process if that is killed (on Linux). A broker takes about four seconds to
// start and 300 MB of memory.
//
// # What it is not
//
// A model of a cluster in production: there is no authentication but after StartSecured, one machine stands for all, records
// may have timestamps far ahead of the machine's clock, and what Kafka deletes leaves the disk a second
// later (log.segment.delete.delay.ms, a minute by default).
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Variable is the environment variable that asks tests which can run on either kind of broker for Kafka.
const Variable = "THRONG_TEST_KAFKA"

// Wanted tells whether Variable asks for Kafka.
func Wanted() bool { return os.Getenv(Variable) != "" }

const (
	startTime = 6 * time.Minute // three JVMs need three and a half where ten others want the same two cores
	stopTime  = 3 * time.Minute
	missing   = 77 // exit code of scripts/kafka.sh where Kafka cannot be had
)

// Cluster is a number of brokers.
type Cluster struct {
	dir     string
	port    int
	fronts  []string // what others are told instead of the brokers' own addresses
	brokers []*Broker
	access  *Access // nil where it is open to all
}

// Start runs a cluster of n brokers on dir, or goes on with the n that ran there before, at the same
// addresses. It returns when all answer. Where Kafka cannot be had, the test is skipped and says why.
func Start(t testing.TB, dir string, n int) *Cluster {
	t.Helper()
	return start(t, dir, n, nil)
}

func start(t testing.TB, dir string, n int, front func(server string) (addr string)) *Cluster {
	t.Helper()
	c := &Cluster{dir: dir}
	c.setUp(t, n, front)
	for i := range n {
		b := &Broker{dir: filepath.Join(dir, fmt.Sprintf("broker-%d", i+1)), server: c.server(i), addr: c.server(i), number: i + 1}
		if front != nil {
			b.addr = c.fronts[i]
		}
		c.brokers = append(c.brokers, b)
		if err := b.begin(c.dir); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Kill)
	}
	for _, b := range c.brokers {
		if err := b.awaitAnswer(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// setUp formats the brokers' folders where that was not yet done.
func (c *Cluster) setUp(t testing.TB, n int, front func(server string) (addr string)) {
	t.Helper()
	record := filepath.Join(c.dir, "port")
	text, err := os.ReadFile(record)
	if err == nil {
		if c.port, err = strconv.Atoi(string(text)); err != nil {
			t.Fatal(err)
		}
		return
	}
	c.port = freePorts(t, 2*n)
	if front != nil {
		for i := range n {
			c.fronts = append(c.fronts, front(c.server(i)))
		}
		if err := os.WriteFile(filepath.Join(c.dir, "advertised"), []byte(strings.Join(c.fronts, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), "sh", script(), "format", c.dir, strconv.Itoa(c.port), strconv.Itoa(n)).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == missing {
		t.Skipf("needs a real Kafka: %s", out)
	}
	if err != nil {
		t.Fatalf("set up Kafka: %v\n%s", err, out)
	}
	if err := os.WriteFile(record, []byte(strconv.Itoa(c.port)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// server is the address on which the i-th broker listens.
func (c *Cluster) server(i int) string { return fmt.Sprintf("127.0.0.1:%d", c.port+2*i) }

// script is scripts/kafka.sh of this source tree.
func script() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "..", "..", "..", "scripts", "kafka.sh")
}

// Addrs are the brokers' addresses.
func (c *Cluster) Addrs() (addrs []string) {
	for _, b := range c.brokers {
		addrs = append(addrs, b.addr)
	}
	return addrs
}

// Broker is the i-th broker, from 0.
func (c *Cluster) Broker(i int) *Broker { return c.brokers[i] }

// Dirs are the folders in which the brokers keep all that they keep: topics, positions, metadata.
func (c *Cluster) Dirs() (dirs []string) {
	for _, b := range c.brokers {
		dirs = append(dirs, filepath.Join(b.dir, "log"))
	}
	return dirs
}

// Broker is one broker, also while it does not run. Its methods may be called from any goroutine.
type Broker struct {
	dir, server, addr string // addr is what others are told
	number            int

	mu   sync.Mutex
	cmd  *exec.Cmd     // nil while it does not run
	done chan struct{} // closed when cmd has ended
}

// Addr is where clients connect.
func (b *Broker) Addr() string { return b.addr }

// begin starts the process. It belongs to a thread of its own: a process is to die with its parent, which
// Linux takes to be the thread that started it.
func (b *Broker) begin(dir string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	output, err := os.OpenFile(filepath.Join(b.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	// The process outlives every context but the test's cleanup.
	cmd := exec.CommandContext(context.Background(), "sh", script(), "run", dir, strconv.Itoa(b.number))
	cmd.Stdout, cmd.Stderr = output, output
	dieTogether(cmd)
	started, done := make(chan error), make(chan struct{})
	go func() {
		defer close(done)
		defer output.Close()
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its output
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	b.cmd, b.done = cmd, done
	return nil
}

// awaitAnswer waits until the broker takes connections.
func (b *Broker) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", b.server)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-b.done:
			return fmt.Errorf("broker %d ended by itself; its output ends with\n%s", b.number, b.tail())
		case <-ctx.Done():
			return fmt.Errorf("broker %d does not answer; its output ends with\n%s", b.number, b.tail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (b *Broker) tail() []byte {
	text, err := os.ReadFile(filepath.Join(b.dir, "output"))
	if err != nil {
		return []byte(err.Error())
	}
	return text[max(0, len(text)-3000):]
}

// Restart starts a broker that was stopped or killed and waits until it answers.
func (b *Broker) Restart(ctx context.Context) error {
	if err := b.begin(filepath.Dir(b.dir)); err != nil {
		return err
	}
	return b.awaitAnswer(ctx)
}

// Kill ends the process at once, as kill -9 does. A broker that does not run is left alone.
func (b *Broker) Kill() { _ = b.end(syscall.SIGKILL) }

// Freeze stops the process from running until Thaw, as a machine that hangs does.
func (b *Broker) Freeze() error { return b.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (b *Broker) Thaw() error { return b.signal(syscall.SIGCONT) }

// Close stops the broker in good order. One that has lost most of its cluster cannot, and is killed in the end.
func (b *Broker) Close() error { return b.end(syscall.SIGTERM) }

func (b *Broker) signal(sig os.Signal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return errors.New("signal broker: it does not run")
	}
	return b.cmd.Process.Signal(sig)
}

func (b *Broker) end(sig os.Signal) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cmd == nil {
		return nil
	}
	_ = b.cmd.Process.Signal(sig) // one that has ended is as good
	select {
	case <-b.done:
	case <-time.After(stopTime):
		_ = b.cmd.Process.Kill()
		<-b.done
		b.cmd = nil
		return fmt.Errorf("broker %d did not stop within %v", b.number, stopTime)
	}
	b.cmd = nil
	return nil
}

var lastPort atomic.Int32

// freePorts finds n ports in a row that nobody listens on, below those that systems give to outgoing
// connections.
func freePorts(t testing.TB, n int) int {
	t.Helper()
	for range 100 {
		first := 10_000 + (os.Getpid()*16+int(lastPort.Add(16)))%10_000
		if allFree(first, n) {
			return first
		}
	}
	t.Fatal("no free ports")
	return 0
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			return false
		}
		if l.Close() != nil {
			return false
		}
	}
	return true
}
