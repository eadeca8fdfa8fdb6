package hold

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"throng"
)

// field is one that a match may name. An error of set does not hold the value; get is "" for a field that
// is not matched.
type field struct {
	name string
	set  func(m *throng.HoldMatch, value string) error
	get  func(m throng.HoldMatch) string
}

// fields are in the order in which a match is written; the first three are required.
var fields = []field{
	text("site", `[a-z0-9][a-z0-9._-]{0,63}`, "the id of a site", func(m *throng.HoldMatch) *string { return &m.Site }),
	instant("from", func(m *throng.HoldMatch) *time.Time { return &m.From }),
	instant("to", func(m *throng.HoldMatch) *time.Time { return &m.To }),
	{"network", setNetwork, func(m throng.HoldMatch) string {
		if !m.Network.IsValid() {
			return ""
		}
		return m.Network.String()
	}},
	text("path", `/[^?#\s]*`, "a path as events have it, without query", func(m *throng.HoldMatch) *string { return &m.Path }),
	word("method", throng.MethodNames(), func(m *throng.HoldMatch) *string { return &m.Method }),
	{"status", setStatus, func(m throng.HoldMatch) string {
		if m.Status == 0 {
			return ""
		}
		return strconv.Itoa(int(m.Status))
	}},
	text("referrer", `[\pL\pN][\pL\pN._-]*`, "a domain, or the name of a search engine or network", func(m *throng.HoldMatch) *string { return &m.Referrer }),
	word("client", throng.ClientNames(), func(m *throng.HoldMatch) *string { return &m.Client }),
	word("os", throng.OSNames(), func(m *throng.HoldMatch) *string { return &m.OS }),
	text("country", `[A-Z]{2}`, "two capital letters", func(m *throng.HoldMatch) *string { return &m.Country }),
	word("bot", throng.BotNames(), func(m *throng.HoldMatch) *string { return &m.Bot }),
}

// FieldNames are the names of the fields that a match may name; the first three are required.
func FieldNames() (names []string) {
	for _, f := range fields {
		names = append(names, f.name)
	}
	return names
}

// text is a field of a form.
func text(name, form, want string, of func(*throng.HoldMatch) *string) field {
	re := regexp.MustCompile("^" + form + "$")
	set := func(m *throng.HoldMatch, value string) error {
		if !re.MatchString(value) || len(value) > throng.MaxPathBytes {
			return fmt.Errorf("want %s", want)
		}
		*of(m) = value
		return nil
	}
	return field{name, set, func(m throng.HoldMatch) string { return *of(&m) }}
}

// word is a field of a closed vocabulary. Blanks stand between terms, so those of a word are written as
// underscores.
func word(name string, words []string, of func(*throng.HoldMatch) *string) field {
	written := strings.NewReplacer(" ", "_")
	set := func(m *throng.HoldMatch, value string) error {
		for _, w := range words {
			if w != "" && written.Replace(w) == value {
				*of(m) = w
				return nil
			}
		}
		return fmt.Errorf("want one of%s", strings.ReplaceAll(written.Replace(","+strings.Join(words, ",")), ",", " "))
	}
	return field{name, set, func(m throng.HoldMatch) string { return written.Replace(*of(&m)) }}
}

func instant(name string, of func(*throng.HoldMatch) *time.Time) field {
	set := func(m *throng.HoldMatch, value string) error {
		t, err := time.Parse(time.RFC3339, value)
		if err != nil || t.Nanosecond() != 0 || t.Unix() <= 0 {
			return errors.New("want a time such as 2006-01-02T15:04:05Z")
		}
		*of(m) = t.UTC()
		return nil
	}
	return field{name, set, func(m throng.HoldMatch) string { return of(&m).Format(time.RFC3339) }}
}

func setStatus(m *throng.HoldMatch, value string) error {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n < 100 || n > 999 {
		return errors.New("want a status from 100 to 999")
	}
	m.Status = uint16(n)
	return nil
}

func setNetwork(m *throng.HoldMatch, value string) error {
	p, err := netip.ParsePrefix(value)
	if err != nil || p.Addr().Is4In6() || p != p.Masked() {
		return errors.New("want a prefix such as 198.51.100.0/24, with no bit set behind its length")
	}
	m.Network = p
	return nil
}
