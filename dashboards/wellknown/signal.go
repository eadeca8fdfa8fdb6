package wellknown

import (
	"net/http"
	"slices"
	"strings"
)

// Signals are what a request says. They are read as the lines of a log are (method section 1); a test
// compares the two.
type Signals struct {
	// DNT and GPC say that the request has the header field.
	DNT, GPC bool
	// DNTOut and GPCOut say that it opts out by it.
	DNTOut, GPCOut bool
}

// SignalsOf reads the header of a request.
func SignalsOf(h http.Header) Signals {
	dnt, gpc := fields(h, "Dnt"), fields(h, "Sec-Gpc")
	return Signals{
		DNT: len(dnt) > 0, GPC: len(gpc) > 0,
		DNTOut: slices.ContainsFunc(dnt, func(v string) bool { return strings.HasPrefix(v, "1") }),
		GPCOut: slices.Contains(gpc, "1"),
	}
}

// OptedOut says whether either does.
func (s Signals) OptedOut() bool { return s.DNTOut || s.GPCOut }

// fields are the values of a header field, those joined by commas apart.
func fields(h http.Header, name string) (values []string) {
	for _, line := range h.Values(name) {
		for v := range strings.SplitSeq(line, ",") {
			values = append(values, strings.Trim(v, " \t"))
		}
	}
	return values
}
