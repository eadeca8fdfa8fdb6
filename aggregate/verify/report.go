package verify

import (
	"fmt"

	"throng"
)

// Report is what a verification found.
type Report struct {
	// Claims are what was looked into, each with its faults.
	Claims []*Claim
	// Losses are what a device has lost at most that came on every day of a month, by site and month.
	Losses []Loss
	// Releases and Entries are the numbers of releases and ledger entries that were read.
	Releases, Entries int
	// Head is the hash of the ledger's last entry: note it, and give it to the next verification.
	Head string
	// Watermarks are the watermarks of releases that say themselves that they are not safe to publish.
	Watermarks []string
	// Notes are observations that are neither proof nor fault.
	Notes []string
}

// Claim is something that what was published has to satisfy.
type Claim struct {
	// Text says it in the affirmative.
	Text string
	// Looked is the number of things that were looked at: files, rows, entries. A claim that looked at
	// nothing is not proven.
	Looked int
	// Faults say where it does not hold.
	Faults []string
}

// Holds tells whether something was looked at and no fault was found.
func (c *Claim) Holds() bool { return c.Looked > 0 && len(c.Faults) == 0 }

// Loss is the privacy loss of one device over the periods of one site that end in one month.
type Loss struct {
	Site  string
	Month throng.Period
	throng.Composition
}

// Holds tells whether no claim has a fault.
func (r *Report) Holds() bool {
	for _, c := range r.Claims {
		if len(c.Faults) > 0 {
			return false
		}
	}
	return true
}

// claim begins a claim.
func (r *Report) claim(text string) *Claim {
	c := &Claim{Text: text}
	r.Claims = append(r.Claims, c)
	return c
}

// fault notes that the claim does not hold somewhere.
func (c *Claim) fault(where, format string, args ...any) {
	c.Faults = append(c.Faults, where+": "+fmt.Sprintf(format, args...))
}

// Unprovable are what no reader of published files can know, and what stands in for a proof.
var unprovable = []string{
	"that the counts are those of the web server's log: compare with numbers of your own, such as a page's counter",
	"that each device's contribution was bounded and the noise was drawn from a sound source: read the program, or run its audit (go test ./aggregate/...)",
	"that a device is one person, or that nobody forged devices: the method page says what a device is",
	"that nothing else was published from the same log",
	"that what is past its time was deleted: `throng retention verify` proves that where the data is",
	"that the end of the ledger was not cut off: note the head that is shown above and give it to the next check with --head",
}

// Unprovable are what no reader of published files can know, each with what stands in for a proof.
func Unprovable() []string { return append([]string(nil), unprovable...) }
