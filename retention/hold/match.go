package hold

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"throng"
)

// MaxTime is the longest time that a match may cover.
const MaxTime = 24 * time.Hour

// Buckets are the lengths of the network prefixes to which addresses were cut.
type Buckets struct{ V4, V6, OptedOutV4, OptedOutV6 int }

// ParseMatch reads a match: FIELD=VALUE terms with blanks between, all of which have to hold. It has a
// site, from and to (RFC 3339, whole seconds, half-open, at most [MaxTime] apart) and at least one more
// field of [FieldNames]. Values are those of stored events, not of log lines: a network is a bucket or
// wider, a path is a route or has placeholders.
//
// No error holds a value, since one that is refused may be a person's.
func ParseMatch(s string, b Buckets) (throng.HoldMatch, error) {
	var m throng.HoldMatch
	seen := map[string]bool{}
	for i, term := range strings.Fields(s) {
		name, value, ok := strings.Cut(term, "=")
		if !ok || seen[name] {
			name = "" // which no field has
		}
		if err := set(&m, name, value); err != nil {
			return throng.HoldMatch{}, fmt.Errorf("read match: term %d: %w", i+1, err)
		}
		seen[name] = true
	}
	if err := narrow(m, len(seen)); err != nil {
		return throng.HoldMatch{}, fmt.Errorf("read match: %w", err)
	}
	var err error
	if m.OptedOut, err = b.cover(m.Network); err != nil {
		return throng.HoldMatch{}, fmt.Errorf("read match: network: %w", err)
	}
	return m, nil
}

// Terms writes a match in its one form, which [ParseMatch] reads.
func Terms(m throng.HoldMatch) string {
	var terms []string
	for _, f := range fields {
		if v := f.get(m); v != "" {
			terms = append(terms, f.name+"="+v)
		}
	}
	return strings.Join(terms, " ")
}

// refused are the fields of an event by which nothing may be matched.
var refused = []string{"opted_out", "signal", "unit", "cell"}

func set(m *throng.HoldMatch, name, value string) error {
	if slices.Contains(refused, name) {
		return fmt.Errorf("nothing is matched by %s: a hold must not single out who opted out, or a device", name)
	}
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("want FIELD=VALUE, each field once, of %s", strings.Join(FieldNames(), ", "))
	}
	if err := fields[i].set(m, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// narrow refuses a match that names too little; named is the number of its fields.
func narrow(m throng.HoldMatch, named int) error {
	switch {
	case m.Site == "" || m.From.IsZero() || m.To.IsZero():
		return errors.New("site, from and to are required")
	case !m.From.Before(m.To) || m.To.Sub(m.From) > MaxTime:
		return fmt.Errorf("from has to be before to, by %v at most", MaxTime)
	case named < 4:
		return fmt.Errorf("a site and a time are too broad: name one more field of %s", strings.Join(FieldNames()[3:], ", "))
	}
	return nil
}

// cover tells whether the events of those who opted out can be matched by a network: by one that is as wide
// as their buckets, and by none at all.
func (b Buckets) cover(p netip.Prefix) (optedOut bool, err error) {
	if !p.IsValid() {
		return true, nil
	}
	bits, wide := b.V4, b.OptedOutV4
	if p.Addr().Is6() {
		bits, wide = b.V6, b.OptedOutV6
	}
	if p.Bits() > bits {
		return false, fmt.Errorf("a /%d is narrower than what events hold: give its /%d", p.Bits(), bits)
	}
	return p.Bits() <= wide, nil
}
