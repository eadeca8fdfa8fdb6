package broker_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"throng/internal/broker/embedded"
	"throng/internal/broker/kafkatest"
)

// The test binary runs itself as a broker process that can be killed.
const childVariable = "THRONG_TEST_BROKER_DIR"

func childDir() string { return os.Getenv(childVariable) }

// runChild serves until it is killed, or until its standard input ends with the parent.
func runChild(dir string) {
	b, err := embedded.Open(context.Background(), embedded.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(b.Addr())
	bufio.NewReader(os.Stdin).ReadByte()
	os.Exit(2)
}

// process is a broker in a process of its own.
type process struct {
	addr string
	kill func()    // kill -9
	cmd  *exec.Cmd // nil for Kafka
}

func startProcess(t testing.TB, dir string) *process {
	t.Helper()
	if kafkatest.Wanted() {
		b := kafkatest.Start(t, dir, 1).Broker(0)
		return &process{addr: b.Addr(), kill: b.Kill}
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.Stderr = os.Stderr
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
	p := &process{cmd: cmd, kill: func() {
		cmd.Process.Kill()
		cmd.Wait()
	}}
	t.Cleanup(func() { in.Close(); p.kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("start broker process: %v", err)
	}
	p.addr = line[:len(line)-1]
	return p
}
