package main_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// line is a way to a server that can fail as that of a network can.
type line struct {
	addr, server string

	mu    sync.Mutex // guards what follows
	state lineState
	conns map[net.Conn]struct{}
	moved sync.Cond // the state is another
}

type lineState int

const (
	whole   lineState = iota
	cut               // connections end, and new ones are not taken up
	stalled           // connections stay, and nothing is carried until the line is whole again
	mute              // requests are carried and answers are not: cut next, the client does not know what was done
)

// newLine opens a line until the test ends.
func newLine(t *testing.T, addr, server string) *line {
	t.Helper()
	l := &line{addr: addr, server: server, conns: map[net.Conn]struct{}{}}
	l.moved.L = &l.mu
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
		l.set(cut)
		open.Wait()
	})
	return l
}

// set breaks the line or mends it.
func (l *line) set(state lineState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = state
	if state == cut {
		for c := range l.conns {
			c.Close()
		}
	}
	l.moved.Broadcast()
}

// await waits while the line does not carry bytes, of answers or of requests.
func (l *line) await(answers bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.state == stalled || l.state == mute && answers {
		l.moved.Wait()
	}
}

// copy carries bytes until one of the connections ends.
func (l *line) copy(to, from net.Conn, answers bool) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.await(answers)
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// keep remembers a connection while the line is not cut.
func (l *line) keep(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != cut {
		l.conns[c] = struct{}{}
	}
	return l.state != cut
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
	both.Go(func() { l.copy(server, client, false) })
	both.Go(func() { l.copy(client, server, true) })
	both.Wait()
}

func (l *line) end(c net.Conn) {
	c.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}
