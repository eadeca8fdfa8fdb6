package anonymize_test

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
)

// TestBucketHoldsKAddresses: whatever k is, the network of those who opted out holds as many addresses.
func TestBucketHoldsKAddresses(t *testing.T) {
	for k, want := range map[int64]int{0: 19, 5000: 19, 8192: 19, 8193: 18, 16384: 18, 16385: 17, 1_000_000: 12} {
		a := newAnonymizer(t, func(o *anonymize.Options) { o.K = k })
		rec := record()
		rec.GPC = field("1")
		if n := do(t, a, rec).Network; n.Bits() != want {
			t.Errorf("k = %d: %s", k, n)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		k, bits := rapid.Int64Range(throng.MinDevices, 1<<31).Draw(t, "k"), rapid.IntRange(0, 19).Draw(t, "bits")
		o := anonymize.Options{Site: "s", Keys: keys.Ephemeral(&clock{now: now}), K: k, OptedOutV4Bits: bits}
		a, err := anonymize.New(o)
		if fits := bits == 0 || int64(1)<<(32-bits) >= k; (err == nil) != fits {
			t.Fatalf("k = %d with /%d: %v", k, bits, err)
		}
		if err != nil {
			return
		}
		rec := record()
		rec.DNT = field("1")
		if n := do(t, a, rec).Network; int64(1)<<(32-n.Bits()) < k {
			t.Fatalf("%s holds fewer than %d addresses", n, k)
		}
	})
}

// borders are countries that meet in the middle of 198.51.96.0/19.
type borders struct{}

func (borders) Of(addr netip.Addr) throng.Country {
	switch {
	case netip.MustParsePrefix("198.51.96.0/20").Contains(addr):
		return throng.Country{'D', 'E'}
	case netip.MustParsePrefix("198.51.112.0/20").Contains(addr), netip.MustParsePrefix("203.0.113.0/24").Contains(addr):
		return throng.Country{'F', 'R'}
	case netip.MustParsePrefix("192.0.0.0/16").Contains(addr):
		return throng.Country{'J', 'P'}
	}
	return throng.Country{}
}

func (b borders) OfNetwork(n netip.Prefix) throng.Country {
	for _, whole := range []string{"198.51.96.0/20", "198.51.112.0/20", "203.0.113.0/24", "192.0.0.0/16"} {
		if w := netip.MustParsePrefix(whole); w.Bits() <= n.Bits() && w.Contains(n.Addr()) {
			return b.Of(n.Addr())
		}
	}
	return throng.Country{}
}

func TestCountryTellsNoMoreThanTheNetwork(t *testing.T) {
	a := newAnonymizer(t, func(o *anonymize.Options) { o.Countries = borders{} })
	for addr, want := range map[string][2]string{ // of everyone, and of those who opted out
		"198.51.100.1": {"DE", ""}, "198.51.120.1": {"FR", ""}, "203.0.113.1": {"FR", ""}, "192.0.2.1": {"JP", "JP"},
		"198.18.0.1": {"", ""}, "::ffff:192.0.2.1": {"JP", "JP"},
	} {
		rec := record()
		rec.RemoteAddr = netip.MustParseAddr(addr)
		if got := do(t, a, rec).Country.String(); got != want[0] {
			t.Errorf("%s is in %q", addr, got)
		}
		rec.DNT = field("1")
		if got := do(t, a, rec).Country.String(); got != want[1] {
			t.Errorf("%s, opted out, is in %q", addr, got)
		}
	}
	rec := record()
	rec.RemoteAddr = netip.Addr{}
	if got := do(t, a, rec).Country; got != (throng.Country{}) {
		t.Errorf("no address is in %s", got)
	}
}
