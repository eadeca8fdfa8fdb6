package accesslog

import "errors"

// Reject is the reason why a line was refused. It is an error by value, so that refusing a line
// allocates nothing, and it says nothing of the line's content.
type Reject uint8

// The reasons. The zero value is none of them.
const (
	accepted          Reject = iota
	Empty                    // no bytes but the line's end
	TooLong                  // longer than [MaxLine]
	NotAnAccessLog           // not of the format's shape: an error log, prose, another format
	Incomplete               // begins like a line of the format and lacks the rest
	UnterminatedQuote        // a quoted field has no end
	TrailingText             // goes on after the format's end
	NoTime                   // says no time
	BadTime                  // a date that does not exist or cannot be read
	BadStatus                // not three digits from 100 to 599, "-" or "000"
	BadBytes                 // not a decimal number, or over 63 bits
	BadJSON                  // not one JSON object
	NoFields                 // of a W3C log that has not said its fields: a #Fields line is missing
	Directive                // says how the lines after it are to be read, and tells of no request: nothing is wrong
	rejects
)

var rejectNames = [rejects]string{"", "empty", "too_long", "not_an_access_log", "incomplete", "unterminated_quote",
	"trailing_text", "no_time", "bad_time", "bad_status", "bad_bytes", "bad_json",
	"no_fields", "directive"}

// String is the reason's name in lower case, such as not_an_access_log.
func (r Reject) String() string {
	if r < rejects {
		return rejectNames[r]
	}
	return "invalid"
}

// Error implements error.
func (r Reject) Error() string { return "parse line: " + r.String() }

// RejectNames are the names of all reasons, indexed by [Reject]; the first is empty.
func RejectNames() []string { return rejectNames[:] }

// ReasonOf is the name of the [Reject] that Parse returned; "" for any other error.
func ReasonOf(err error) string {
	var r Reject
	if errors.As(err, &r) {
		return r.String()
	}
	return ""
}
