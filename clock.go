package throng

import "time"

// Clock tells the time. It goes through constructors so that tests and the demo can move it; only
// cmd/throng makes one that reads the machine's.
type Clock interface {
	// Now is the current time. Rooms convert it to UTC themselves where a day depends on it.
	Now() time.Time
	// NewTimer is a timer in real time, whatever Now says.
	NewTimer(d time.Duration) *time.Timer
}
