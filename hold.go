package throng

import (
	"net/netip"
	"time"
)

// HoldReason is why events are kept past their time: one of the exceptions that EFF's Do Not Track policy
// names (method section 9).
type HoldReason string

// The reasons of a hold.
const (
	HoldSecurity    HoldReason = "security"    // an attack on the site
	HoldFraud       HoldReason = "fraud"       // false clicks, stolen accounts
	HoldDebugging   HoldReason = "debugging"   // a fault that cannot be found without them
	HoldTransaction HoldReason = "transaction" // what a visitor ordered
	HoldConsent     HoldReason = "consent"     // the visitors agreed
)

// HoldReasons are all reasons, in the order in which they are shown.
func HoldReasons() []HoldReason {
	return []HoldReason{HoldSecurity, HoldFraud, HoldDebugging, HoldTransaction, HoldConsent}
}

// MaxHold is how long a hold may keep its copies, all its extensions included, in days from that on which it
// was ordered.
const MaxHold = 90

// HoldMatch says which events a hold copies: those of a site and a time for which every other field that
// is given is equal. There is no way to ask for those who opted out, or for a device.
type HoldMatch struct {
	Site     string
	From, To time.Time // half-open, in whole seconds
	// The fields of [Event] as they are written; "" and 0 match any.
	Path, Method, Referrer, Client, OS, Country, Bot string
	Status                                           uint16
	// Network matches buckets that lie in it; the zero prefix matches any.
	Network netip.Prefix
	// OptedOut says that Network is as wide as the buckets of those who opted out, or wider. A narrower one
	// leaves them out: whether they are in it is not known.
	OptedOut bool
}

// HoldCopy names the copies of one hold: which hold, the day on which it was ordered, the last day on which
// they may exist.
type HoldCopy struct {
	Hold           uint32
	Ordered, Until Day
}

// Expires is the time at which the copies have to be gone, whatever Until says.
func (c HoldCopy) Expires() time.Time { return min(c.Until, c.Ordered+MaxHold).End() }

// HeldEvent is an event that a hold keeps: what [Event] has, less all that tells who opted out, and less
// unit and cell.
type HeldEvent struct {
	Time        time.Time  `json:"time"`
	Site        string     `json:"site"`
	Path        string     `json:"path"`
	Method      string     `json:"method"`
	Status      uint16     `json:"status"`
	Bytes       uint64     `json:"bytes"`
	Referrer    string     `json:"referrer,omitempty"`
	Client      string     `json:"client"`
	ClientMajor uint16     `json:"client_major,omitempty"`
	OS          string     `json:"os"`
	Country     string     `json:"country,omitempty"`
	Network     netip.Addr `json:"network"` // the bucket's first address
	Bot         string     `json:"bot,omitempty"`
}

// HoldsFormat names the form of a [HoldSummary].
const HoldsFormat = "throng/holds/1"

// HoldsName is the name of the file that publishes the summary of the holds.
const HoldsName = "holds.json"

// HoldSummary is what is published of holds: how many and why, never of whom, nor how many events.
type HoldSummary struct {
	Format string `json:"format"` // always [HoldsFormat]
	// Orders were ever given, Extensions of them ever granted; InForce keep copies now, and
	// ReviewsOverdue of those were to be looked at again by now and were not.
	Orders         int `json:"orders"`
	Extensions     int `json:"extensions"`
	InForce        int `json:"in_force"`
	ReviewsOverdue int `json:"reviews_overdue"`
	// Held says how many of the events that were stored at its order the widest hold in force keeps: "none",
	// "some" or "above 1 %".
	Held string `json:"held"`
	// Reasons has a row for each reason.
	Reasons []HoldReasonCount `json:"reasons"`
	// Entries is the length of the hold register and Head the hash of its last entry, so that no entry can
	// be changed or taken out later.
	Entries uint64 `json:"entries"`
	Head    string `json:"head"`
}

// HoldReasonCount counts the orders of one reason. An extension counts with the reason that it was given.
type HoldReasonCount struct {
	Reason     HoldReason `json:"reason"`
	Orders     int        `json:"orders"`
	Extensions int        `json:"extensions"`
	InForce    int        `json:"in_force"`
}
