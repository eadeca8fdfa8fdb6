package wellknown

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

const (
	// StatusPath is the site-wide tracking status resource; those of single requests lie under it
	// (sections 7.4.1 and 7.4.2).
	StatusPath = "/.well-known/dnt/"
	// StatusType is the media type of both (section 7.5).
	StatusType = "application/tracking-status+json"
)

// Value is a tracking status value (section 7.2).
type Value string

// The tracking status values.
const (
	UnderConstruction Value = "!"
	Dynamic           Value = "?" // the Tk header field of each response says more
	Gateway           Value = "G"
	NotTracking       Value = "N"
	Tracking          Value = "T"
	Consent           Value = "C"
	PotentialConsent  Value = "P"
	Disregarding      Value = "D"
	Updated           Value = "U" // the answer to a request that changed the status
)

// Meaning says the value in words; ok is false for one that the specification does not define.
func (v Value) Meaning() (words string, ok bool) {
	words, ok = map[Value]string{
		UnderConstruction: "under construction", Dynamic: "dynamic: each response says it", Gateway: "gateway to several parties", NotTracking: "not tracking",
		Tracking: "tracking", Consent: "tracking with consent", PotentialConsent: "tracking only if consented", Disregarding: "disregarding the preference", Updated: "updated",
	}[v]
	return words, ok
}

// Status is a status object (section 7.5.1). References are URIs, also relative ones.
type Status struct {
	Tracking   Value    `json:"tracking"` // Required.
	Compliance []string `json:"compliance,omitempty"`
	Qualifiers string   `json:"qualifiers,omitempty"`
	Controller []string `json:"controller,omitempty"`
	SameParty  []string `json:"same-party,omitempty"`
	Audit      []string `json:"audit,omitempty"`
	Policy     string   `json:"policy,omitempty"`
	Config     string   `json:"config,omitempty"`
}

// place is where a status is told.
type place int

const (
	siteWide place = iota
	ofRequest
)

// check refuses what the specification forbids at that place.
func (s Status) check(at place) error {
	_, known := s.Tracking.Meaning()
	switch v := s.Tracking; {
	case v == "":
		return errors.New("tracking is required (section 7.5.2)")
	case !known:
		return fmt.Errorf("tracking is %q, which is no tracking status value (section 7.2)", v)
	case v == Updated:
		return errors.New("tracking is U, which belongs into the Tk header field alone (section 7.2.10)")
	case at == ofRequest && (v == Dynamic || v == Gateway):
		return fmt.Errorf("tracking is %s, which only the site-wide status can be (sections 7.2.3 and 7.2.4)", v)
	case (v == Consent || v == PotentialConsent) && s.Config == "":
		return fmt.Errorf("tracking is %s, which needs config: where consent is looked up and taken back (sections 7.2.7 and 7.2.8)", v)
	case (v == Gateway || v == Disregarding) && s.Policy == "":
		return fmt.Errorf("tracking is %s, which needs policy: where its conditions are told (sections 7.2.4 and 7.2.9)", v)
	}
	return nil
}

// readStatus reads a status object. Other members are allowed where compliance says what they mean
// (section 7.5.10).
func readStatus(b []byte) (s Status, err error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&s); err != nil {
		return Status{}, fmt.Errorf("it is no status object: %w", err)
	}
	strict := json.NewDecoder(bytes.NewReader(b))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&Status{}); err != nil && len(s.Compliance) == 0 {
		return s, fmt.Errorf("%w, and there is no compliance property that would define it", err)
	}
	return s, nil
}

// Tk is the value of the response header field of this name (section 7.3).
type Tk struct {
	Value Value
	// StatusID names the resource under [StatusPath] that tells more; "" is none.
	StatusID string
}

var statusID = regexp.MustCompile(`^[A-Za-z0-9_+=/-]+$`)

// ParseTk reads a field value, and refuses one that the specification forbids in a response header.
func ParseTk(field string) (Tk, error) {
	value, id, more := strings.Cut(field, ";")
	tk := Tk{Value(value), id}
	_, known := tk.Value.Meaning()
	switch {
	case !known:
		return Tk{}, fmt.Errorf("Tk begins with %q, which is no tracking status value (section 7.2)", value)
	case more && !statusID.MatchString(id):
		return Tk{}, errors.New("Tk has a status-id with characters other than letters, digits and _-+=/ (section 7.3.2)")
	case tk.Value == Gateway:
		return Tk{}, errors.New("Tk is G, which only the site-wide status can be (section 7.2.4)")
	case tk.Value == Dynamic && !more:
		return Tk{}, errors.New("Tk is ? without a status-id (section 7.3.2)")
	}
	return tk, nil
}

// String gives the field value.
func (t Tk) String() string {
	if t.StatusID == "" {
		return string(t.Value)
	}
	return string(t.Value) + ";" + t.StatusID
}
