package country_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"throng/anonymize/country"
)

const iso = "country.iso_code"

func read(t testing.TB, entries ...entry) *country.Table {
	t.Helper()
	table, err := country.Read(mmdb(entries...))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestCountries(t *testing.T) {
	table := read(t,
		entry{"0.0.0.0/8", iso, "AA"},
		entry{"192.0.2.0/25", iso, "DE"}, entry{"192.0.2.128/25", "country_code", "DE"}, entry{"192.0.3.0/24", "country", "FR"},
		entry{"198.51.100.0/24", iso, "lower"}, entry{"203.0.113.7/32", iso, "NZ"}, entry{"255.0.0.0/8", iso, "ZZ"},
		entry{"2001:db8::/32", iso, "JP"}, entry{"2001:db9::/64", iso, "KR"}, entry{"2001:db9:0:1::/65", iso, "KR"},
		entry{"2001:db9:0:1:8000::/65", iso, "CN"}, entry{"2001:db9:0:2::/64", iso, "CN"},
	)
	for addr, want := range map[string]string{
		"0.0.0.0": "AA", "0.255.255.255": "AA", "1.0.0.0": "",
		"192.0.1.255": "", "192.0.2.0": "DE", "192.0.2.127": "DE", "192.0.2.200": "DE", "192.0.3.0": "FR", "192.0.4.0": "",
		"::ffff:192.0.3.9": "FR", "198.51.100.1": "", "203.0.113.6": "", "203.0.113.7": "NZ", "203.0.113.8": "",
		"255.255.255.255": "ZZ", "2001:db8:ffff:ffff::1": "JP", "2001:db9::1": "KR", "2001:db9:0:1::1": "", "2001:db9:0:2::1": "CN",
		"2001:db9:0:3::1": "", "::1": "", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff": "",
	} {
		if got := table.Of(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s is in %q, want %q", addr, got, want)
		}
	}
	for network, want := range map[string]string{
		"192.0.2.0/24": "DE", "192.0.2.0/23": "", "192.0.3.0/24": "FR", "192.0.0.0/19": "", "0.0.0.0/8": "AA", "0.0.0.0/7": "",
		"0.0.0.0/0": "", "255.0.0.0/8": "ZZ", "203.0.113.7/32": "NZ", "2001:db8::/32": "JP", "2001:db8::/31": "", "2001:db9::/63": "", "::/0": "",
	} {
		if got := table.OfNetwork(netip.MustParsePrefix(network)).String(); got != want {
			t.Errorf("all of %s is in %q, want %q", network, got, want)
		}
	}
}

// TestTableIsTheDatabase draws networks and holds the table to them.
func TestTableIsTheDatabase(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var entries []entry
		var networks []netip.Prefix
		for range rapid.IntRange(1, 30).Draw(t, "networks") {
			raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
			raw[0], raw[1] = raw[0]&3|0x20, raw[1]&7 // close together
			addr, bits := netip.AddrFrom16([16]byte(raw)), rapid.IntRange(12, 64).Draw(t, "bits")
			if rapid.Bool().Draw(t, "IPv4") {
				addr, bits = netip.AddrFrom4([4]byte(raw[:4])), min(bits, 32)
			}
			p, _ := addr.Prefix(bits)
			overlaps := false
			for _, q := range networks {
				overlaps = overlaps || q.Overlaps(p)
			}
			if !overlaps {
				networks = append(networks, p)
				entries = append(entries, entry{p.String(), iso, rapid.SampledFrom([]string{"AA", "BB", "CC"}).Draw(t, "country")})
			}
		}
		table, err := country.Read(mmdb(entries...))
		if err != nil {
			t.Fatal(err)
		}
		of := func(addr netip.Addr) string {
			for i, p := range networks {
				if p.Contains(addr) {
					return entries[i].code
				}
			}
			return ""
		}
		for i, p := range networks {
			if got := table.OfNetwork(p).String(); got != entries[i].code {
				t.Fatalf("%s is in %q, want %q", p, got, entries[i].code)
			}
			first := p.Addr()
			for _, addr := range []netip.Addr{first, first.Prev(), first.Next()} {
				if addr.Is6() && addr != first { // the next and the previous /64
					continue
				}
				if got := table.Of(addr).String(); addr.IsValid() && got != of(addr) {
					t.Fatalf("%s is in %q, want %q", addr, got, of(addr))
				}
			}
		}
	})
}

func TestWhatIsNoDatabaseIsRefused(t *testing.T) {
	good := mmdb(entry{"192.0.2.0/24", iso, "DE"})
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("192.0.2.0/24,DE\n"), "cut": good[:len(good)/2], "of another kind": mmdb(entry{"192.0.2.0/24", "asn", "DE"}),
		"of nothing": mmdb(),
	} {
		if _, err := country.Read(data); err == nil {
			t.Errorf("%s: was accepted", name)
		}
	}
}

type clock struct{}

func (clock) Now() time.Time                       { return time.Now() }
func (clock) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

func TestDatabaseIsReloaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "countries.mmdb")
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	addr := netip.MustParseAddr("192.0.2.9")
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		o := country.Options{Path: path, Clock: clock{}, Logger: slog.New(slog.NewTextHandler(&log, nil)), Every: time.Second}
		if _, err := country.Open(o); err == nil {
			t.Error("a missing database was accepted")
		}
		write(mmdb(entry{"192.0.2.0/24", iso, "DE"}))
		live, err := country.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- live.Run(ctx) }()
		for _, step := range []struct {
			data []byte
			want string
		}{
			{mmdb(entry{"192.0.2.0/25", iso, "FR"}), "FR"}, {[]byte("not one"), "FR"}, {mmdb(entry{"192.0.2.0/26", iso, "NL"}), "NL"},
		} {
			write(step.data)
			time.Sleep(1500 * time.Millisecond)
			synctest.Wait()
			if got := live.Of(addr).String(); got != step.want {
				t.Errorf("%q, want %q", got, step.want)
			}
		}
		if strings.Count(log.String(), "cannot be loaded") != 1 || strings.Count(log.String(), "file loaded") != 2 {
			t.Errorf("log:\n%s", &log)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestLookingUpAllocatesNothing(t *testing.T) {
	table := read(t, entry{"192.0.2.0/24", iso, "DE"}, entry{"2001:db8::/32", iso, "FR"})
	four, six, network := netip.MustParseAddr("192.0.2.9"), netip.MustParseAddr("2001:db8::9"), netip.MustParsePrefix("192.0.0.0/19")
	if n := testing.AllocsPerRun(100, func() { table.Of(four); table.Of(six); table.OfNetwork(network) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkOf takes a real database from THRONG_MMDB, else one of 65,536 networks.
func BenchmarkOf(b *testing.B) {
	data, err := os.ReadFile(os.Getenv("THRONG_MMDB"))
	if err != nil {
		var entries []entry
		for i := range 1 << 16 {
			a := netip.AddrFrom4([4]byte{byte(i >> 8), byte(i), byte(i * 7), 0})
			entries = append(entries, entry{netip.PrefixFrom(a, 24).String(), iso, []string{"DE", "FR", "JP"}[i%3]})
		}
		data = mmdb(entries...)
	}
	table, err := country.Read(data)
	if err != nil {
		b.Fatal(err)
	}
	addrs := make([]netip.Addr, 1<<14)
	for i := range addrs {
		n := uint32(i) * 2654435761
		addrs[i] = netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	b.ReportAllocs()
	i, known := 0, 0
	for b.Loop() {
		if table.Of(addrs[i&(len(addrs)-1)]) != ([2]byte{}) {
			known++
		}
		i++
	}
	b.ReportMetric(float64(known)/float64(i), "known")
}
