package wellknown

import "time"

// NewPolicyKnown takes a policy whose text has one of these SHA-1: EFF's text is not ours to ship.
func NewPolicyKnown(text []byte, asserted time.Time, sha1s ...string) (*Policy, error) {
	return newPolicy(text, asserted, func(sha1 string) (string, bool) {
		for _, s := range sha1s {
			if s == sha1 {
				return "a test's", true
			}
		}
		return "", false
	})
}
