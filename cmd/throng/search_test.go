package main_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// search looks for what must not be anywhere, in every spelling in which a program could have
// written it without meaning to.
type search struct {
	words     []needle
	addresses map[[16]byte]bool // of clients; their canary networks alone are allowed
	tokens    map[uint64]bool
	prefix    [1 << 16]bool // of tokens, first two bytes in either order
}

type needle struct {
	what     string
	text     []byte // in lower case where caseless
	caseless bool
}

// newSearch looks for words.
func newSearch(words ...string) *search {
	s := &search{addresses: map[[16]byte]bool{}, tokens: map[uint64]bool{}}
	for _, w := range words {
		s.words = append(s.words, spellings(w)...)
	}
	return s
}

// spellings of a word: as it is, in hexadecimal, percent-encoded throughout, and in base64, whose
// inner part depends on where in a text the word begins.
func spellings(word string) []needle {
	lower := strings.ToLower(word)
	percent := ""
	for _, c := range []byte(word) {
		percent += fmt.Sprintf("%%%02x", c)
	}
	all := []needle{
		{word, []byte(lower), true},
		{word + " in hexadecimal", []byte(hex.EncodeToString([]byte(word))), true},
		{word + " percent-encoded", []byte(percent), true},
	}
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + word))
		inner := text[(shift*8+5)/6 : (shift+len(word))*8/6]
		all = append(all, needle{word + " in base64", []byte(inner), false})
	}
	return all
}

// find says what of it is in b.
func (s *search) find(b []byte) (found []string) {
	lower := bytes.ToLower(b)
	for _, n := range s.words {
		in := b
		if n.caseless {
			in = lower
		}
		if bytes.Contains(in, n.text) {
			found = append(found, n.what)
		}
	}
	found = append(found, s.findAddressText(lower)...)
	found = append(found, s.findAddressBytes(b)...)
	found = append(found, s.findTokens(b)...)
	slices.Sort(found)
	return slices.Compact(found)
}

// Clients of the canary logs have addresses of 198.18.0.0/15, none of which ends in .0, and of
// 2001:db8::/32. Networks of theirs may be stored: a /24 ends in .0, a /48 in ten zero bytes.
var (
	dotted   = regexp.MustCompile(`198\.1[89]\.[0-9]{1,3}\.[0-9]{1,3}`)
	reversed = regexp.MustCompile(`[0-9]{1,3}\.[0-9]{1,3}\.1[89]\.198`)
	decimal  = regexp.MustCompile(`\b3323[01][0-9]{5}\b`)
	grouped  = regexp.MustCompile(`2001(:|%3a)0?db8((:|%3a)+[0-9a-f]{1,4}){3,6}`)
	hexSix   = regexp.MustCompile(`20010db8[0-9a-f]{24}`)
	base64ed = regexp.MustCompile(`mtk4lje[45]`)
)

// findAddressText looks for addresses in a text in lower case.
func (s *search) findAddressText(text []byte) (found []string) {
	for _, m := range dotted.FindAll(text, -1) {
		if a, err := netip.ParseAddr(string(m)); err == nil && a.As4()[3] != 0 {
			found = append(found, "an IPv4 address")
		}
	}
	for _, m := range reversed.FindAll(text, -1) {
		if !bytes.HasPrefix(m, []byte("0.")) {
			found = append(found, "a reversed IPv4 address")
		}
	}
	for _, m := range decimal.FindAll(text, -1) {
		n, err := strconv.ParseUint(string(m), 10, 32)
		if err == nil && n>>17 == 198<<7|18>>1 && n&0xff != 0 {
			found = append(found, "an IPv4 address as a number")
		}
	}
	for _, m := range hexSix.FindAll(text, -1) {
		if !bytes.HasSuffix(m, bytes.Repeat([]byte("0"), 20)) {
			found = append(found, "an IPv6 address in hexadecimal")
		}
	}
	if grouped.Match(text) {
		found = append(found, "an IPv6 address")
	}
	if base64ed.Match(text) {
		found = append(found, "an IPv4 address in base64")
	}
	return found
}

var (
	mapped = append(bytes.Repeat([]byte{0}, 10), 0xff, 0xff, 198)
	six    = []byte{0x20, 0x01, 0x0d, 0xb8}
)

// findAddressBytes looks for addresses of 16 bytes, as ClickHouse's type IPv6 has them. Four bytes
// alone, an IPv4 address, occur everywhere by chance and are not looked for.
func (s *search) findAddressBytes(b []byte) (found []string) {
	for rest := b; ; {
		i := bytes.Index(rest, mapped)
		if i < 0 || len(rest) < i+16 {
			break
		}
		if a := rest[i : i+16]; a[13]>>1 == 18>>1 && a[15] != 0 {
			found = append(found, "an IPv4 address in 16 bytes")
		}
		rest = rest[i+1:]
	}
	for rest := b; ; {
		i := bytes.Index(rest, six)
		if i < 0 || len(rest) < i+16 {
			break
		}
		if s.addresses[[16]byte(rest[i:i+16])] {
			found = append(found, "an IPv6 address in 16 bytes")
		}
		rest = rest[i+1:]
	}
	return found
}

// addToken looks for a unit token too.
func (s *search) addToken(token uint64) {
	s.tokens[token] = true
	s.prefix[token&0xffff] = true
	s.prefix[uint16(token>>56)|uint16(token>>48&0xff)<<8] = true
}

// findTokens looks for tokens in eight bytes of either order, in hexadecimal and as numbers.
func (s *search) findTokens(b []byte) (found []string) {
	if len(s.tokens) == 0 {
		return nil
	}
	for i := range max(len(b)-7, 0) {
		if !s.prefix[binary.LittleEndian.Uint16(b[i:])] {
			continue
		}
		if s.tokens[binary.LittleEndian.Uint64(b[i:])] || s.tokens[binary.BigEndian.Uint64(b[i:])] {
			found = append(found, "a unit token")
		}
	}
	for _, m := range numbers.FindAll(b, -1) {
		n, err := strconv.ParseUint(string(m), 10, 64)
		h, errHex := strconv.ParseUint(string(m), 16, 64)
		if err == nil && s.tokens[n] || errHex == nil && s.tokens[h] {
			found = append(found, "a unit token as text")
		}
	}
	return found
}

var numbers = regexp.MustCompile(`\b[0-9a-fA-F]{16,20}\b`)

// check fails the test where something is found in what a place holds.
func (s *search) check(t *testing.T, place string, b []byte) {
	t.Helper()
	if found := s.find(b); len(found) > 0 {
		t.Errorf("%s holds %s", place, strings.Join(found, ", "))
	}
}

// files gives, by path, what is found in the names and bytes of all files under a directory.
func (s *search) files(t *testing.T, dir string) (found map[string][]string) {
	t.Helper()
	found = map[string][]string{}
	n := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		b := []byte(strings.TrimPrefix(path, dir))
		if d.Type().IsRegular() {
			n++
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			b = append(append(b, '\n'), text...)
		}
		if what := s.find(b); len(what) > 0 {
			found[path] = what
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n == 0 {
		t.Fatalf("there is no file in %s", dir)
	}
	return found
}

// checkFiles fails the test where something is found in a file under dir.
func (s *search) checkFiles(t *testing.T, dir string) {
	t.Helper()
	for path, what := range s.files(t, dir) {
		t.Errorf("%s holds %s", path, strings.Join(what, ", "))
	}
}

// A search that finds nothing proves something only if it can find: each spelling, in each kind of
// place, is planted here.
func TestSearchFinds(t *testing.T) {
	const word = "canary-5a1tmine"
	s := newSearch(word)
	addr := netip.MustParseAddr("2001:db8:1:2:3:4:5:6")
	s.addresses[addr.As16()] = true
	s.addToken(0x0123456789abcdef)
	mappedAddr := netip.MustParseAddr("::ffff:198.19.3.4").As16()
	bytes16 := addr.As16()
	for name, planted := range map[string]string{
		"word": "x" + word + "x", "upper case": strings.ToUpper(word), "hexadecimal": hex.EncodeToString([]byte("ab" + word + "c")),
		"base64":    base64.StdEncoding.EncodeToString([]byte(word)),
		"base64, 1": base64.StdEncoding.EncodeToString([]byte("a" + word + "bc")),
		"base64, 2": base64.RawURLEncoding.EncodeToString([]byte("ab" + word + "c")),
		"percent":   percentEncoded(word),
		"dotted":    "from 198.18.0.1:80", "reversed": "1.0.18.198.in-addr.arpa", "number": "a 3323068417 b",
		"IPv6": "[2001:db8:1:2:3::6]:443", "IPv6, percent": "2001%3Adb8%3A1%3A2%3A3%3A4%3A5%3A6",
		"IPv6, hexadecimal": "20010db8000100020003000400050006", "IPv4, base64": base64.StdEncoding.EncodeToString([]byte("198.18.0.1")),
		"IPv4 in 16 bytes": "x" + string(mappedAddr[:]) + "y", "IPv6 in 16 bytes": "x" + string(bytes16[:]) + "y",
		"token": "x\xef\xcd\xab\x89\x67\x45\x23\x01y", "token, other order": "x\x01\x23\x45\x67\x89\xab\xcd\xefy",
		"token in hexadecimal": "unit=0123456789abcdef", "token as a number": `{"unit":81985529216486895}`,
	} {
		t.Run(name, func(t *testing.T) {
			if found := s.find([]byte(planted)); len(found) == 0 {
				t.Errorf("nothing is found in %q", planted)
			}
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "file"), planted)
			if found := s.files(t, dir); len(found) != 1 {
				t.Errorf("nothing is found in a file with %q", planted)
			}
		})
	}
	for _, allowed := range []string{"198.18.7.0/24", "2001:db8:7::/48", "::ffff:198.18.32.0", "2001:db8::", "3323068416"} {
		if found := s.find([]byte(allowed)); len(found) > 0 {
			t.Errorf("%s is taken for %s", allowed, found)
		}
	}
}

func percentEncoded(s string) (out string) {
	for _, c := range []byte(s) {
		out += fmt.Sprintf("%%%02X", c)
	}
	return out
}
