package loadgen

import (
	"errors"
	"io"
	"strconv"
	"time"
)

// Flood is a log in which nothing repeats: every line has a path, a user agent, a referrer and an address of
// its own, as of someone who wants to fill the reader's memory. All lines are page views of people.
type Flood struct {
	// Lines is the number of lines. Required.
	Lines uint64
	// Start and End are the time that the log covers, half-open, in whole seconds. Required.
	Start, End time.Time
	// Seed chooses one of many logs. Defaults to 0.
	Seed uint64
}

// floodWords make paths that look like no identifier, so that no placeholder brings them together: four of
// these are 16.7 million, and a number picks the section.
var floodWords = [64]string{
	"amber", "anchor", "autumn", "barley", "basket", "beacon", "birch", "bridge", "canvas", "castle", "cedar", "cellar",
	"cherry", "clover", "copper", "coral", "cotton", "cradle", "desert", "dolphin", "ember", "falcon", "feather", "forest",
	"garden", "garnet", "ginger", "glacier", "hamlet", "harbor", "hazel", "heather", "island", "ivory", "jasmine", "juniper",
	"kettle", "ladder", "lantern", "laurel", "lemon", "linen", "maple", "marble", "meadow", "mirror", "mosaic", "nectar",
	"oak", "orchard", "otter", "paper", "pebble", "pepper", "pine", "prairie", "quarry", "raven", "river", "saffron",
	"shadow", "thistle", "timber", "willow",
}

// WriteTo writes the log to w.
func (f Flood) WriteTo(w io.Writer) (written int64, err error) {
	if !f.End.After(f.Start) {
		return 0, errors.New("flood: want an end after the start")
	}
	buf := make([]byte, 0, bufferSize+spare)
	for i := range f.Lines {
		buf = f.appendLine(buf, i)
		if len(buf) < bufferSize && i+1 < f.Lines {
			continue
		}
		n, err := w.Write(buf)
		written += int64(n)
		if err != nil {
			return written, err
		}
		buf = buf[:0]
	}
	return written, nil
}

func (f Flood) appendLine(b []byte, i uint64) []byte {
	h := mix(i ^ mix(f.Seed))
	second := f.Start.Unix() + int64(i*uint64(f.End.Unix()-f.Start.Unix())/f.Lines)
	b = appendFloodAddress(b, h)
	b = time.Unix(second, 0).UTC().AppendFormat(append(b, " - - ["...), "02/Jan/2006:15:04:05 -0700")
	b = appendWords(append(b, `] "GET /`...), i, '/')
	b = append(b, ` HTTP/2.0" 200 `...)
	b = strconv.AppendUint(b, 500+h>>48, 10)
	b = appendWords(append(b, ` "https://www.`...), i, '-')
	b = append(b, `.example/" "Mozilla/5.0 (Linux; Android 10; `...)
	b = appendWords(b, i, ' ')
	return append(b, `) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/136.0.0.0 Mobile Safari/537.36" "-" "-"`+"\n"...)
}

// appendWords spells a number, each as words of its own.
func appendWords(b []byte, i uint64, between byte) []byte {
	for n := range 4 {
		if n > 0 {
			b = append(b, between)
		}
		b = append(b, floodWords[i&63]...)
		i >>= 6
	}
	for ; i > 0; i >>= 6 {
		b = append(append(b, '-'), floodWords[i&63]...)
	}
	return b
}

// appendFloodAddress writes an IPv4 address of a public network, or one in four times an IPv6 one.
func appendFloodAddress(b []byte, h uint64) []byte {
	if h&3 == 0 {
		b = append(b, "2001:db8"...)
		for shift := 0; shift < 64; shift += 16 {
			b = strconv.AppendUint(append(b, ':'), h>>shift&0xffff, 16)
		}
		return append(b, "::1"...)
	}
	b = strconv.AppendUint(b, 20+h>>8%160, 10)
	for _, shift := range []int{16, 24, 32} {
		b = strconv.AppendUint(append(b, '.'), h>>shift&0xff, 10)
	}
	return b
}
