package embedded

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// pool lends connections of one kind. It makes them on demand (0.2 ms each) up to a ceiling, keeps
// them until it is closed, and makes those who come later wait.
type pool struct {
	lib   *binding
	args  []string
	slots chan struct{} // one token for each connection that is lent

	mu   sync.Mutex
	idle []*connection // guarded by mu
	shut bool          // guarded by mu
}

var errClosed = errors.New("engine is closed")

func newPool(size int, lib *binding, args []string) *pool {
	return &pool{lib: lib, args: args, slots: make(chan struct{}, size)}
}

// with lends a connection to fn. A connection on which fn fails with [errBroken] is closed.
func (p *pool) with(ctx context.Context, fn func(*connection) error) error {
	c, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	err = fn(c)
	p.release(c, errors.Is(err, errBroken))
	return err
}

// errBroken marks a connection whose settings could not be put back.
var errBroken = errors.New("connection cannot be used again")

func (p *pool) acquire(ctx context.Context) (*connection, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for connection: %w", context.Cause(ctx))
	}
	c, err := p.take()
	if err != nil {
		<-p.slots
	}
	return c, err
}

func (p *pool) take() (*connection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return nil, errClosed
	}
	if n := len(p.idle); n > 0 {
		c := p.idle[n-1] // the last used is the warmest
		p.idle = p.idle[:n-1]
		return c, nil
	}
	return p.lib.dial(p.args) // under the lock: it moves signal handlers
}

func (p *pool) release(c *connection, broken bool) {
	p.mu.Lock()
	if broken {
		c.close()
	} else {
		p.idle = append(p.idle, c)
	}
	p.mu.Unlock()
	<-p.slots
}

// close refuses new loans, waits for those that are out and closes all connections.
func (p *pool) close() {
	p.mu.Lock()
	p.shut = true
	p.mu.Unlock()
	for range cap(p.slots) {
		p.slots <- struct{}{}
	}
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
	for range cap(p.slots) {
		<-p.slots
	}
}
