package config

import (
	"fmt"
	"net/url"
	"time"
)

// wellKnown checks what of the well-known resources can be told without reading a file; whether the
// specifications allow what they say is the part of the package that serves them.
func (ck *checker) wellKnown(w WellKnown) {
	if (w.DNTPolicyFile != "") != (w.DNTPolicyAsserted != "") {
		ck.refuse("well_known.dnt_policy_asserted", "goes with well_known.dnt_policy_file")
	}
	ck.day("well_known.dnt_policy_asserted", w.DNTPolicyAsserted)
	ck.day("well_known.gpc_updated", w.GPCUpdated)
}

func (ck *checker) transparency(t Transparency) {
	if u, err := url.Parse(t.Contact); t.Contact != "" && (err != nil || u.Scheme != "https" && u.Scheme != "mailto") {
		ck.refuse("transparency.contact", "%q is not an address that begins with https: or mailto:", t.Contact)
	}
	if u, err := url.Parse(t.Address); t.Address != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		ck.refuse("transparency.address", "%q is not an address that begins with https:// or http://", t.Address)
	}
	for i, in := range t.Incidents {
		ck.day(fmt.Sprintf("transparency.incidents[%d].day", i), in.Day)
	}
}

// day refuses what is no day.
func (ck *checker) day(key, text string) {
	if _, err := time.Parse(time.DateOnly, text); text != "" && err != nil {
		ck.refuse(key, "%q is not a day such as 2026-01-15", text)
	}
}

func (ck *checker) telemetry(t Telemetry) {
	if u, err := url.Parse(t.Traces.Endpoint); t.Traces.Endpoint != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		ck.refuse("telemetry.traces.endpoint", "is not an address that begins with https: or http:")
	}
}
