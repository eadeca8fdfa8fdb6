package anonymize

import "throng"

// Outcome says what became of a record.
type Outcome uint8

// The outcomes.
const (
	// Accepted: the event was filled in.
	Accepted Outcome = iota
	// UnknownHost: the line names a host that belongs to no configured site, or names none and its
	// source has no site.
	UnknownHost
	// NoKey: the key of the event's span was erased, or the event lies further ahead than the next span.
	NoKey
	// BadTime: the time is before 1970 or after 2106.
	BadTime
	outcomes
)

var outcomeNames = [outcomes]string{"accepted", "unknown_host", "no_key", "time_out_of_range"}

// String is the outcome's name in lower case, such as unknown_host.
func (o Outcome) String() string {
	if o < outcomes {
		return outcomeNames[o]
	}
	return "invalid"
}

// Outcomes are all outcomes, in order.
func Outcomes() []Outcome { return []Outcome{Accepted, UnknownHost, NoKey, BadTime} }

// Counts says what an anonymizer did since it was made. Nothing in it depends on the content of a
// path, an address or an account.
type Counts struct {
	// Outcomes counts records by [Outcome].
	Outcomes [outcomes]uint64
	// Signals counts accepted records by [throng.Signal].
	Signals [throng.OptOutByName + 1]uint64
	// InvalidDNT and InvalidGPC count values outside of their specification, which are no signal. Many
	// of them mean a misconfigured log.
	InvalidDNT, InvalidGPC uint64
	// Consented counts records whose DNT was overridden by a consent marker.
	Consented uint64
	// NoAddress counts accepted records without a client address; they are never visits.
	NoAddress uint64
	// Bots counts accepted records of bots.
	Bots uint64
}
