package main

import (
	"errors"
	"os"
	"sync"
	"time"
)

// steeredClock runs with the machine's and is moved forward by a test: a file says how far it is ahead.
// A timer ends when either has gone far enough, so that what is done every hour is done in a simulated
// one.
type steeredClock struct {
	path string

	mu     sync.Mutex // guards what follows
	ahead  time.Duration
	timers map[*time.Timer]due
}

// due is the time at which a timer ends, and how far the clock was ahead when it began.
type due struct {
	at    time.Time
	ahead time.Duration
}

// steer follows the file until the process ends.
func steer(path string) (*steeredClock, error) {
	c := &steeredClock{path: path, timers: map[*time.Timer]due{}}
	if err := c.read(); err != nil {
		return nil, err
	}
	go func() {
		for range time.Tick(5 * time.Millisecond) {
			if err := c.read(); err != nil {
				panic(err)
			}
		}
	}()
	return c, nil
}

func (c *steeredClock) read() error {
	text, err := os.ReadFile(c.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // the test is over and has removed it; this process goes next
	}
	if err != nil {
		return err
	}
	ahead, err := time.ParseDuration(string(text))
	if err != nil {
		return err
	}
	c.move(ahead)
	return nil
}

// move ends the timers that are due. One that began when the clock was as far ahead ends by itself.
func (c *steeredClock) move(ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = ahead
	now := time.Now().Add(ahead)
	for t, end := range c.timers {
		if now.Before(end.at) {
			continue
		}
		delete(c.timers, t)
		if end.ahead != ahead {
			t.Reset(0)
		}
	}
}

func (c *steeredClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *steeredClock) NewTimer(d time.Duration) *time.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := time.NewTimer(d)
	c.timers[t] = due{time.Now().Add(c.ahead + d), c.ahead}
	return t
}
