package anonymize

import (
	"encoding/binary"
	"math"
	"net/netip"

	"github.com/dchest/siphash"

	"throng"
	"throng/anonymize/keys"
)

// unitToken is SipHash-2-4 under the epoch's unit key of the length-prefixed fields label, address
// (IPv4, or the first 64 bits of IPv6), client, major version, operating system, site. buf is scratch.
//
// The major version is the one that everyone's events have, also where the event keeps less of it, so
// that a device stays one unit when only some of its requests carry a signal.
func unitToken(buf *[]byte, k keys.SipKey, addr netip.Addr, ua *Agent, site string) throng.UnitToken {
	b := append((*buf)[:0], "\x04unit"...)
	if addr.Is4() {
		a := addr.As4()
		b = append(append(b, 4), a[:]...)
	} else {
		a := addr.As16()
		b = append(append(b, 8), a[:8]...)
	}
	b = append(b, 1, byte(ua.Client), 2, byte(ua.Major), byte(ua.Major>>8), 1, byte(ua.OS))
	b = appendField(b, site)
	*buf = b
	return throng.UnitToken(siphash.Hash(k.K0, k.K1, b))
}

// cellID is SipHash-2-4 under the epoch's cell key of the length-prefixed fields label, site, table, key.
func cellID(buf *[]byte, k keys.SipKey, site, table, key string) throng.CellID {
	b := append((*buf)[:0], "\x04cell"...)
	b = appendField(b, site)
	b = appendField(b, table)
	b = appendField(b, key)
	*buf = b
	return throng.CellID(siphash.Hash(k.K0, k.K1, b))
}

func appendField(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// epoch is one span's keys in an anonymizer, and the seconds in which they are in force.
type epoch struct {
	keys.Epoch
	span       throng.Span
	start, end int64 // half-open
}

var noEpoch = epoch{start: math.MaxInt64, end: math.MinInt64}

// epochInUse finds the keys for a time; nil where [Anonymizer.useEpoch] must get them first. Lines mostly
// come in order, so the last epoch mostly serves; at the end of a span two take turns.
func (a *Anonymizer) epochInUse(sec int64) *epoch {
	if g := a.options.Keys.Generation(); g != a.generation && a.batch.n == 0 {
		a.forget()
		a.generation = g
	}
	for i := range a.epochs {
		if e := &a.epochs[i]; sec >= e.start && sec < e.end {
			return e
		}
	}
	return nil
}

// useEpoch puts the keys for a time in the place of the older ones.
func (a *Anonymizer) useEpoch(sec int64) (*epoch, error) {
	span := throng.SpanOf(throng.DayOfUnix(sec))
	k, err := a.options.Keys.Epoch(span)
	if err != nil {
		return nil, err
	}
	oldest := 0
	if a.epochs[1].end < a.epochs[0].end {
		oldest = 1
	}
	a.epochs[oldest] = epoch{k, span, span.First().Start().Unix(), span.Last().End().Unix()}
	return &a.epochs[oldest], nil
}

// forget drops the keys and everything that was remembered of lines.
func (a *Anonymizer) forget() {
	a.epochs = [len(a.epochs)]epoch{noEpoch, noEpoch}
	a.agents.clear()
	a.paths.clear()
	a.referrers.clear()
}
