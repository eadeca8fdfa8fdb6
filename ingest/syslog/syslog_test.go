package syslog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"throng/ingest/syslog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const line = `192.0.2.7 - - [20/Nov/2026:11:00:00 +0000] "GET /page HTTP/1.1" 200 1 "-" "Mozilla/5.0"`

var frames = map[string]struct{ frame, want string }{
	"nginx":                      {"<190>Nov 22 13:39:41 web1 nginx: " + line, line},
	"nginx, a day of one digit":  {"<190>Nov  2 13:39:41 web1 nginx: " + line, line},
	"nginx, nohostname":          {"<190>Nov 22 13:39:41 nginx: " + line, line},
	"with a process id":          {"<13>Nov 22 13:39:41 web1 httpd[77]: " + line, line},
	"rsyslog's forward format":   {"<13>2026-11-22T13:39:41.123456+01:00 web1 httpd: " + line, line},
	"no time":                    {"<13>httpd: " + line, line},
	"an IPv6 address is no tag":  {"<13>Nov 22 13:39:41 ::: - -", "::: - -"},
	"RFC 5424":                   {"<165>1 2026-11-22T13:39:41Z web1 nginx 77 access - " + line, line},
	"RFC 5424, byte order mark":  {"<165>1 - - - - - - \ufeff" + line, line},
	"RFC 5424, structured data":  {`<165>1 - web1 nginx - - [a@1 k="v \" ] \\"][b@1 k="]"] ` + line, line},
	"RFC 5424, no message":       {"<165>1 - - - - - -", ""},
	"RFC 5424, data do not end":  {`<165>1 - - - - - [a k="v`, `1 - - - - - [a k="v`},
	"RFC 5424, too few words":    {"<165>1 - - x", "1 - - x"},
	"plain":                      {line + "\n", line},
	"ends of messages":           {"<13>a: b\r\n\x00", "b"},
	"no priority":                {"<>a: b", "<>a: b"},
	"priority of four digits":    {"<1234>a: b", "<1234>a: b"},
	"priority that is no number": {"<1x>a: b", "<1x>a: b"},
	"nothing":                    {"", ""},
	"nothing but a priority":     {"<13>", ""},
}

func TestMessage(t *testing.T) {
	for name, c := range frames {
		t.Run(name, func(t *testing.T) {
			if got := syslog.Message([]byte(c.frame)); string(got) != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzMessage(f *testing.F) {
	for _, c := range frames {
		f.Add([]byte(c.frame))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if got := syslog.Message(frame); !bytes.Contains(frame, got) {
			t.Errorf("%q is no part of %q", got, frame)
		}
	})
}

// sink keeps lines; full has no room for what is offered.
type sink struct {
	mu      sync.Mutex
	lines   []string
	dropped uint64
	full    bool
}

func (s *sink) Offer(b []byte) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full {
		return 0, errors.New("full")
	}
	s.lines = append(s.lines, string(b))
	return 0, nil
}

func (s *sink) Put(_ context.Context, b []byte) (uint64, error) { return s.Offer(b) }

func (s *sink) Drop(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped += n
}

func (s *sink) got() (lines []string, dropped uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...), s.dropped
}

// output is what was logged.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.buf.Bytes())
}

// serve runs a server until the test ends. It gives a function that waits for a state of the sink.
func serve(t *testing.T, to *sink) (s *syslog.Server, logged *output, until func(func(lines []string, dropped uint64) bool)) {
	t.Helper()
	logged = &output{}
	s, err := syslog.Listen(t.Context(), syslog.Options{UDP: "127.0.0.1:0", TCP: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, to) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
		if b := logged.bytes(); bytes.Contains(b, []byte("127.0.0.1")) || bytes.Contains(b, []byte("192")) {
			t.Errorf("an address was logged: %s", b)
		}
	})
	return s, logged, func(ok func([]string, uint64) bool) {
		t.Helper()
		for deadline := time.Now().Add(3 * time.Minute); !ok(to.got()); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				lines, dropped := to.got()
				t.Fatalf("%d lines, %d dropped; the last are %q", len(lines), dropped, lines[max(0, len(lines)-3):])
			}
		}
	}
}

func send(t *testing.T, network, addr string, texts ...string) {
	t.Helper()
	c, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestConnections(t *testing.T) {
	long := strings.Repeat("x", syslog.MaxMessage-len("a: "))
	counted := func(msg string) string { return fmt.Sprintf("%d %s", len(msg), msg) }
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"newlines":                 {"<13>a: 1\n<13>a: 2\r\n", []string{"1", "2"}},
		"no newline at the end":    {"<13>a: 1\n<13>a: 2", []string{"1", "2"}},
		"counted":                  {counted("<13>a: 1") + counted("<13>a: 2"), []string{"1", "2"}},
		"counted, with newlines":   {counted("<13>a: 1\n") + counted("<13>a: 2\n"), []string{"1", "2"}},
		"both":                     {counted("<13>a: 1") + "<13>a: 2\n" + counted("<13>a: 3"), []string{"1", "2", "3"}},
		"plain lines":              {line + "\n" + line + "\n", []string{line, line}},
		"counted, cut off":         {counted("<13>a: 1") + "20 <13>a: 2", []string{"1"}},
		"as long as allowed":       {counted("a: " + long), []string{"a: " + long}},
		"counted, too long":        {counted("<13>a: 1") + "1048577 <13>", []string{"1"}},
		"counted, no number":       {counted("<13>a: 1") + "123456789012 <13>", []string{"1"}},
		"too long, without an end": {"<13>a: 1\n<13>a: " + long + "xx\n", []string{"1"}},
	} {
		t.Run(name, func(t *testing.T) {
			to := &sink{}
			s, _, until := serve(t, to)
			go func() { // the server may end the connection first
				conn, err := net.Dial("tcp", s.TCPAddr())
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = conn.Write([]byte(c.text))
				_ = conn.Close()
			}()
			until(func(lines []string, _ uint64) bool { return len(lines) == len(c.want) })
			if lines, _ := to.got(); !slices.Equal(lines, c.want) {
				t.Errorf("got %.200q", lines)
			}
		})
	}
}

func TestDatagrams(t *testing.T) {
	to := &sink{}
	s, _, until := serve(t, to)
	send(t, "udp", s.UDPAddr(), "<190>Nov 22 13:39:41 web1 nginx: "+line, "<190>1 - - - - - - "+line)
	until(func(lines []string, _ uint64) bool { return slices.Equal(lines, []string{line, line}) })
}

func TestWhatFindsNoRoomIsCounted(t *testing.T) {
	to := &sink{full: true}
	s, _, until := serve(t, to)
	send(t, "udp", s.UDPAddr(), "<190>a: "+line, "<190>a: "+line)
	until(func(_ []string, dropped uint64) bool { return dropped == 2 })
}

func TestConnectionsAreEndedWithAReason(t *testing.T) {
	to := &sink{}
	s, logged, until := serve(t, to)
	send(t, "tcp", s.TCPAddr(), "<13>a: 1\n20 <13>"+line[:3])
	until(func([]string, uint64) bool { return len(logged.bytes()) > 0 })
	if !strings.Contains(string(logged.bytes()), "unexpected EOF") {
		t.Errorf("logged %s", logged.bytes())
	}
}

func TestTakenAddressIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = syslog.Listen(t.Context(), syslog.Options{UDP: "127.0.0.1:0", TCP: taken.Addr().String(), Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("error %v", err)
	}
}
