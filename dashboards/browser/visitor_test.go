package browser_test

import (
	"os"
	"testing"
)

// A visitor learns whether the signal was seen and what that means, whatever the browser sends, and finds the
// same said to programs.
func TestVisitor(t *testing.T) {
	for _, l := range looks {
		t.Run(l.String(), func(t *testing.T) {
			t.Parallel()
			w := open(t, auditorsSite(t), l)
			for _, c := range []struct {
				header []string
				sees   []string
			}{
				{nil, []string{"Your browser does not ask to be left out.", "DNT not sent", "Sec-GPC not sent", "Your visits are counted like everyone’s"}},
				{[]string{"DNT", "1"}, []string{"Your browser asks to be left out.", "DNT seen: opted out", "Sec-GPC not sent", "each of your visits is made coarse"}},
				{[]string{"Sec-GPC", "1"}, []string{"Your browser asks to be left out.", "DNT not sent", "Sec-GPC seen: opted out", "each of your visits is made coarse"}},
				{[]string{"DNT", "0"}, []string{"Your browser does not ask to be left out.", "seen, with a value that does not opt out"}},
			} {
				w.send(c.header...)
				w.visit("/")
				w.follow("Your signal")
				w.sees(c.sees...)
				w.sees("10 days", "mailto:privacy@example.org")
			}
			w.follow("How signals are read")
			w.sees("Opt-out signals")
			w.visit("/.well-known/gpc.json")
			w.sees(`"gpc": true`)
			w.readsThePolicy()
		})
	}
}

func (w *window) readsThePolicy() {
	w.t.Helper()
	w.visit("/transparency")
	if _, err := os.Stat(debianPolicy); err != nil {
		w.t.Logf("the policy is not read: %s is not on this machine", debianPolicy)
		w.sees("EFF’s Do Not Track policy is not asserted here")
		return
	}
	w.sees("was asserted on 2026-09-22", "It has to be asserted again by 2027-09-22")
	w.follow("Do Not Track policy")
	w.sees("Do Not Track Compliance Policy")
}
