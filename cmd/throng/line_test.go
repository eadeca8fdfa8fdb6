package main_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// line is a way to a server that can be cut, as that of a network can: while it is, connections end and new
// ones are not taken up.
type line struct {
	addr, server string

	mu    sync.Mutex // guards what follows
	cut   bool
	conns map[net.Conn]struct{}
}

// newLine opens a line until the test ends.
func newLine(t *testing.T, addr, server string) *line {
	t.Helper()
	l := &line{addr: addr, server: server, conns: map[net.Conn]struct{}{}}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				open.Go(func() { l.carry(c) })
			}
		}
	})
	t.Cleanup(func() {
		listener.Close()
		l.set(true)
		open.Wait()
	})
	return l
}

// set cuts the line or mends it.
func (l *line) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
	if cut {
		for c := range l.conns {
			c.Close()
		}
	}
}

// keep remembers a connection while the line is not cut.
func (l *line) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.cut {
		l.conns[c] = struct{}{}
	}
	return !l.cut
}

func (l *line) carry(client net.Conn) {
	defer l.end(client)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.server)
	if err != nil {
		return
	}
	defer l.end(server)
	if !l.keep(client) || !l.keep(server) {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { io.Copy(server, client); server.Close() })
	both.Go(func() { io.Copy(client, server); client.Close() })
	both.Wait()
}

func (l *line) end(c net.Conn) {
	c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}
