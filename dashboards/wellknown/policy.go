package wellknown

import (
	"crypto/sha1" //nolint:gosec // the policy's texts are known by their SHA-1, which EFF publishes
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// PolicyPath is where the policy lies on every host that asserts it.
const PolicyPath = "/.well-known/dnt-policy.txt"

// maxPolicyBytes is more than any accepted text has (about 10 KiB).
const maxPolicyBytes = 64 << 10

// ErrAltered says that a text is none of those that EFF has accepted.
var ErrAltered = errors.New("its SHA-1 is none of those that EFF accepts: take the text of version 1.0 as EFF publishes it, and change nothing in it")

// form tells by its SHA-1, in hexadecimal, which accepted form of the policy a text is.
type form func(sha1 string) (name string, ok bool)

// accepted are the forms of version 1.0 that EFF's own list has (EFForg/dnt-policy, dnt-policies.json).
func accepted(sha1 string) (name string, ok bool) {
	name, ok = map[string]string{
		"a18e8dba6848d3fc241b03b88291cb75a3cfec3b": "1.0",
		"5b8972a0e8df8236bb28061ddc462767d4366218": "1.0, without blanks at line ends",
		"c09f71363bb29d0250a1f5524eef36f9ab07669b": "1.0, with DOS line ends",
		"7861462d500fbb6ccb74c614782f4937377bec76": "1.0, without the last line end",
	}[sha1]
	return name, ok
}

// Policy is a text of EFF's Do Not Track policy that was not altered.
type Policy struct {
	text []byte
	// Form tells which accepted form the text has.
	Form string
	// Asserted is the day on which the operator last said that the hosts comply.
	Asserted time.Time
}

// NewPolicy takes a policy text; the error wraps [ErrAltered] where it is none that EFF accepts. Section
// "Periodic reassertion" of the policy asks for a new assertion every twelve months.
func NewPolicy(text []byte, asserted time.Time) (*Policy, error) {
	return newPolicy(text, asserted, accepted)
}

func newPolicy(text []byte, asserted time.Time, known form) (*Policy, error) {
	name, ok := known(sha1Of(text))
	if !ok {
		return nil, fmt.Errorf("check Do Not Track policy: %w", ErrAltered)
	}
	return &Policy{text: text, Form: name, Asserted: asserted}, nil
}

// Due is the day by which the policy has to be asserted again.
func (p *Policy) Due() time.Time { return p.Asserted.AddDate(1, 0, 0) }

func sha1Of(text []byte) string {
	sum := sha1.Sum(text) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}
