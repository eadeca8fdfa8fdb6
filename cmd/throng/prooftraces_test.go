package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/ch-go/compress"

	"throng"
)

// Marks of a day that generalization leaves: a route that only visitors of the day who opted out ask for,
// the domain that they come from, their network; and a route of all others.
const (
	markStem   = "7e1b5c-"
	markRoute  = "corner-" + markStem
	markFriend = "friend-" + markStem
	markCommon = "common-" + markStem
)

// routeOf, friendOf and commonOf are a day's marks.
func routeOf(d throng.Day) string  { return fmt.Sprintf("/%s%02d/page", markRoute, d.Start().Day()) }
func friendOf(d throng.Day) string { return fmt.Sprintf("%s%02d.net", markFriend, d.Start().Day()) }
func commonOf(d throng.Day) string { return fmt.Sprintf("/%s%02d/page", markCommon, d.Start().Day()) }

// Kinds of what is found.
const (
	identifier = "an identifier"
	route      = "an opted-out visitor's route"
	friend     = "an opted-out visitor's referrer"
	network    = "an opted-out visitor's network"
	common     = "a visitor's route"
	token      = "a unit token"
	epochKey   = "an epoch key"
)

// trace is one find: of what, and of which day; of a key, the first day of its span.
type trace struct {
	kind string
	day  throng.Day
}

// traces searches files for identifiers, and for what has an age.
type traces struct {
	root    string
	from    throng.Day // the first simulated day
	raw     *search    // for what must never be anywhere
	stem    []needle
	tokens  map[uint64]throng.Day // by the last day on which they were made
	prefix  [1 << 16]bool         // of tokens, the first two bytes as they lie in a file
	keys    map[[32]byte]throng.Span
	keyText map[string]throng.Span // keys in hexadecimal and base64
	known   int                    // changes with each token and key that becomes known
	seen    map[string]seen        // by path; what did not change is not read again
}

// seen is what was found in a file, and in which state; zero where no later state can be told from it.
type seen struct {
	state fileState
	known int // of traces
	found []trace
}

// forget lets the next search read everything: what is written through a memory mapping can leave a file's state as it was.
func (s *traces) forget() { clear(s.seen) }

func newTraces(root string, from throng.Day) *traces {
	return &traces{
		root: root, from: from, raw: newSearch(canaryWord), stem: spellings(markStem), tokens: map[uint64]throng.Day{},
		keys: map[[32]byte]throng.Span{}, keyText: map[string]throng.Span{}, seen: map[string]seen{},
	}
}

// dayAt gives the simulated day with a day of the month.
func (s *traces) dayAt(dayOfMonth int) throng.Day {
	return s.from + throng.Day((dayOfMonth-s.from.Start().Day()+31)%31)
}

// networkOf is the network of a day's visitors who opted out: a /19 of 198.18.0.0/15, all but the first of which
// serve fifteen days.
func (s *traces) networkOf(d throng.Day) netip.Addr {
	n := int(d-s.from) + 1
	return netip.AddrFrom4([4]byte{198, byte(18 + n/8), byte(n % 8 * 32), 0})
}

// addToken remembers a unit token. Who comes again has the same one for a span; it is as old as the last visit.
func (s *traces) addToken(unit uint64, day throng.Day) {
	if last, known := s.tokens[unit]; known && last >= day {
		return
	}
	s.tokens[unit] = day
	s.known++
	s.prefix[unit&0xffff] = true
	s.prefix[unit>>56|unit>>48&0xff<<8] = true
}

// addKeys remembers the key in force in a file of keys; its form is that of throng/anonymize/keys.
func (s *traces) addKeys(file []byte) {
	if len(file) < 56 {
		return
	}
	key, span := [32]byte(file[24:56]), throng.Span(int32(binary.LittleEndian.Uint32(file[16:])))
	if key == [32]byte{} || s.keys[key] != 0 {
		return
	}
	s.keys[key] = span
	s.known++
	s.keyText[hex.EncodeToString(key[:])] = span
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString(append(make([]byte, shift), key[:]...))
		s.keyText[text[(shift*8+5)/6:(shift+32)*8/6]] = span
	}
}

// files searches all files below the root, but for those below skipped, in their bytes and, where they are
// ClickHouse's compressed blocks, in what these hold. It gives what is found by path, relative to the root.
func (s *traces) files(skipped ...string) (found map[string][]trace, err error) {
	found = map[string][]trace{}
	still := map[string]seen{}
	err = filepath.WalkDir(s.root, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // went away while the folder was read
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.root, path)
		if err != nil {
			return err
		}
		if slices.Contains(skipped, name) {
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		was, err := s.file(path, name, d)
		if err != nil || was == nil {
			return err
		}
		still[name] = *was
		if len(was.found) > 0 {
			found[name] = was.found
		}
		return nil
	})
	s.seen = still
	return found, err
}

// file searches one file; nil is none, or one that went away.
func (s *traces) file(path, name string, d fs.DirEntry) (*seen, error) {
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	is := seen{state: stateOf(info), known: s.known}
	if was := s.seen[name]; is.state != (fileState{}) && was.state == is.state && was.known == is.known {
		return &was, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	is.found = s.find(append([]byte(name+"\n"), withoutTail(text)...))
	plain, err := unpack(name, text)
	if err != nil {
		if _, gone := os.Stat(path); gone != nil {
			return nil, nil // was being written when it was read
		}
		return nil, err
	}
	is.found = append(is.found, s.find(plain)...)
	return &is, nil
}

// withoutTail leaves some of the zeros that Kafka reserves at the end of its indexes by the million.
func withoutTail(b []byte) []byte {
	end := len(bytes.TrimRight(b, "\x00"))
	return b[:min(end+32, len(b))]
}

// unpack gives what the compressed blocks of a file of ClickHouse's hold; others hold nothing. A column's file
// that cannot be unpacked is an error: the search would be blind.
func unpack(name string, b []byte) ([]byte, error) {
	switch filepath.Ext(name) {
	case ".bin", ".cidx", ".cmrk", ".cmrk2", ".cmrk3", ".cmrk4":
	default:
		return nil, nil
	}
	plain, err := io.ReadAll(compress.NewReader(bytes.NewReader(b)))
	if err != nil && !errors.Is(err, io.EOF) { // it wraps the end
		return nil, fmt.Errorf("unpack %s: %w", name, err)
	}
	return plain, nil
}

// find searches bytes.
func (s *traces) find(b []byte) (found []trace) {
	lower := lowerASCII(b)
	for _, n := range s.raw.words {
		if bytes.Contains(pick(n, b, lower), n.text) {
			found = append(found, trace{kind: identifier})
		}
	}
	if len(s.raw.findAddressText(lower))+len(s.raw.findAddressBytes(b)) > 0 {
		found = append(found, trace{kind: identifier})
	}
	for i, n := range s.stem {
		if bytes.Contains(pick(n, b, lower), n.text) {
			found = append(found, s.marks(lower, i > 0)...)
		}
	}
	found = append(found, s.networks(b)...)
	found = append(found, s.unitTokens(b)...)
	return append(found, s.epochKeys(b)...)
}

func pick(n needle, b, lower []byte) []byte {
	if n.caseless {
		return lower
	}
	return b
}

// lowerASCII is bytes.ToLower for bytes that are no text.
func lowerASCII(b []byte) []byte {
	lower := make([]byte, len(b))
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return lower
}

// marks are the routes and domains in a text in lower case. In another spelling than their own they are
// identifiers: nothing writes them so on purpose.
func (s *traces) marks(lower []byte, otherSpelling bool) (found []trace) {
	if otherSpelling {
		return []trace{{kind: identifier}}
	}
	const before = len("corner-")
	kinds := map[string]string{markRoute: route, markFriend: friend, markCommon: common}
	for at := 0; ; {
		i := bytes.Index(lower[at:], []byte(markStem))
		if i < 0 {
			return found
		}
		i += at
		at = i + len(markStem)
		if i < before || len(lower) < at+2 {
			continue
		}
		if n, err := strconv.Atoi(string(lower[at : at+2])); err == nil {
			found = appendNew(found, trace{kinds[string(lower[i-before:at])], s.dayAt(n)})
		}
	}
}

func appendNew(found []trace, t trace) []trace {
	if slices.Contains(found, t) {
		return found
	}
	return append(found, t)
}

// networks are those of visitors who opted out, in the sixteen bytes of ClickHouse's type IPv6.
func (s *traces) networks(b []byte) (found []trace) {
	for rest := b; ; {
		i := bytes.Index(rest, mapped)
		if i < 0 || len(rest) < i+16 {
			return found
		}
		a := rest[i : i+16]
		if n := int(a[13]-18)*8 + int(a[14])/32; a[13]>>1 == 18>>1 && a[14]%32 == 0 && a[15] == 0 && n > 0 {
			found = appendNew(found, trace{network, s.from + throng.Day(n-1)})
		}
		rest = rest[i+1:]
	}
}

// unitTokens are found in eight bytes of either order, in hexadecimal and as numbers.
func (s *traces) unitTokens(b []byte) (found []trace) {
	note := func(n uint64) {
		if d, ok := s.tokens[n]; ok {
			found = appendNew(found, trace{token, d})
		}
	}
	for i := range max(len(b)-7, 0) {
		if s.prefix[binary.LittleEndian.Uint16(b[i:])] {
			note(binary.LittleEndian.Uint64(b[i:]))
			note(binary.BigEndian.Uint64(b[i:]))
		}
	}
	for _, m := range numbers.FindAll(b, -1) {
		if n, err := strconv.ParseUint(string(m), 10, 64); err == nil {
			note(n)
		}
		if n, err := strconv.ParseUint(string(m), 16, 64); err == nil {
			note(n)
		}
	}
	return found
}

func (s *traces) epochKeys(b []byte) (found []trace) {
	for key, span := range s.keys {
		if bytes.Contains(b, key[:]) {
			found = append(found, trace{epochKey, span.First()})
		}
	}
	for text, span := range s.keyText {
		if bytes.Contains(b, []byte(text)) || bytes.Contains(b, []byte(strings.ToUpper(text))) {
			found = append(found, trace{epochKey, span.First()})
		}
	}
	return found
}

// TestTracesAreFound plants every kind of trace, as it is stored.
func TestTracesAreFound(t *testing.T) {
	day, _ := throng.ParseDay("2036-03-17")
	s := newTraces(t.TempDir(), day-2)
	s.addToken(0x0123456789abcdef, day)
	key := bytes.Repeat([]byte{0xc3, 0x41}, 16)
	slot := binary.LittleEndian.AppendUint32(make([]byte, 16), uint32(throng.SpanOf(day)))
	s.addKeys(append(append(slot, 0, 0, 0, 0), key...))
	span := throng.SpanOf(day).First()
	sixteen := netip.AddrFrom16(s.networkOf(day).As16()).As16()
	for _, c := range []struct {
		planted string
		want    trace
	}{
		{routeOf(day), trace{route, day}},
		{"x" + strings.ToUpper(friendOf(day)), trace{friend, day}},
		{commonOf(day), trace{common, day}},
		{"a" + string(sixteen[:]) + "b", trace{network, day}},
		{"\x00\xef\xcd\xab\x89\x67\x45\x23\x01\x00", trace{token, day}},
		{"unit 81985529216486895", trace{token, day}},
		{"k" + string(key), trace{epochKey, span}},
		{hex.EncodeToString(key), trace{epochKey, span}},
		{"ab" + base64.StdEncoding.EncodeToString(append([]byte{1}, key...)), trace{epochKey, span}},
		{base64.StdEncoding.EncodeToString([]byte(routeOf(day))), trace{kind: identifier}},
		{"?" + canaryWord, trace{kind: identifier}},
	} {
		for name, content := range map[string][]byte{"plain": []byte(c.planted), "data.bin": packed(t, c.planted)} {
			writeFile(t, filepath.Join(s.root, name), string(content))
			found, err := s.files()
			if err != nil || !slices.Contains(found[name], c.want) {
				t.Errorf("%q in %s: found %v, %v", c.planted, name, found, err)
			}
			if err := os.Remove(filepath.Join(s.root, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	writeFile(t, filepath.Join(s.root, "data.bin"), "no block")
	if _, err := s.files(); err == nil {
		t.Error("a file that cannot be unpacked was passed over")
	}
}

// packed is a text in a compressed block, in which it cannot be found as it is.
func packed(t *testing.T, text string) []byte {
	t.Helper()
	w := compress.NewWriter(compress.LevelZero, compress.ZSTD)
	if err := w.Compress([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return w.Data
}
