package main

import (
	"sync/atomic"
	"time"
)

// systemClock is the machine's clock.
type systemClock struct{}

func (systemClock) Now() time.Time                       { return time.Now() }
func (systemClock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// movedClock stands still until it is set. The demo moves it from day to day; its timers run in real
// time.
type movedClock struct{ now atomic.Int64 }

func (c *movedClock) Set(t time.Time)                      { c.now.Store(t.UnixNano()) }
func (c *movedClock) Now() time.Time                       { return time.Unix(0, c.now.Load()).UTC() }
func (c *movedClock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }
