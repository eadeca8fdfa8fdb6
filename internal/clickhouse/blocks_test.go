package clickhouse_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"throng"
	"throng/ingest/block"
)

const day = throng.Day(20_400) // 2025-11-08

// traffic makes synthetic events like those of a busy site: paths with a long tail, devices drawn from a
// pool, times in order.
type traffic struct {
	rng     *rand.Rand
	paths   []string
	devices uint64
	zipf    *rand.Zipf
}

func newTraffic(paths int, devices uint64) *traffic {
	tr := &traffic{rng: rand.New(rand.NewPCG(1, 2)), devices: devices}
	for i := range paths {
		tr.paths = append(tr.paths, fmt.Sprintf("/section-%d/article-with-a-title-%d", i%97, i))
	}
	tr.zipf = rand.NewZipf(tr.rng, 1.2, 20, uint64(paths-1))
	return tr
}

var referrers = []string{"", "", "", "Google", "Bing", "example.org", "news.example.com"}

func (tr *traffic) event(second int64) throng.Event {
	path := tr.zipf.Uint64()
	device := tr.rng.Uint64N(tr.devices)
	var a [4]byte
	binary.LittleEndian.PutUint32(a[:], uint32(device*2654435761))
	e := throng.Event{
		Time: second, Site: "main", Path: tr.paths[path], Method: throng.GET, Status: 200,
		Bytes: 2000 + tr.rng.Uint64N(50_000), Referrer: referrers[tr.rng.IntN(len(referrers))],
		Client: throng.Client(device % 8), ClientMajor: uint16(100 + device%40), OS: throng.OS(device % 6),
		Country: throng.Country{'D', 'A' + byte(device%20)}, Network: netip.PrefixFrom(netip.AddrFrom4(a), 24).Masked(),
		Visit: device%10 != 0, Unit: throng.UnitToken(mix(device)), Cell: throng.CellID(mix(path + 1<<40)),
	}
	if device%8 == 1 {
		e.OptedOut, e.Signal = true, throng.DNT
	}
	return e
}

// mix is the finalizer of SplitMix64, in place of a keyed hash.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// native encodes events as they come out of a message.
func native(t testing.TB, events ...throng.Event) []byte {
	t.Helper()
	b := block.NewBuilder()
	for i := range events {
		b.Append(&events[i])
	}
	msg, err := b.Encode(nil, throng.BlockHeader{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, bytes, err := block.Parse(msg)
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func (tr *traffic) block(t testing.TB, rows int) []byte {
	b := make([]throng.Event, rows)
	start := day.Start().Unix()
	for i := range b {
		b[i] = tr.event(start + int64(i)*86400/int64(rows))
	}
	return native(t, b...)
}

func blockID(n int) throng.BlockID {
	return throng.BlockID{Source: throng.SourceID{15: 1}, Start: uint64(n), End: uint64(n) + 1, Day: day}
}
