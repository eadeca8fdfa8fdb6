package accesslog_test

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"throng/ingest/accesslog"
)

// Values of all lengths and at all places are read as the plain way to read them says.

// value is v as a record has it.
func value(v string) string {
	if v == "-" {
		return ""
	}
	return v
}

func TestDurationsAreThoseOfStrconv(t *testing.T) {
	p := newParser(t, "ltsv")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{0,18}(\.[0-9]{0,18})?(e-?[0-9])?`).Draw(t, "duration")
		var rec accesslog.Record
		if err := p.Parse([]byte("time:1767225600\turi:/\treqtime:"+text), &rec); err != nil {
			t.Fatal(err)
		}
		want, err := strconv.ParseFloat(text, 64)
		got, ok := rec.RequestTime.Seconds()
		if has := err == nil && want <= math.MaxInt32; ok != has || has && got != want {
			t.Fatalf("%v, %v for %q; want %v, %v", got, ok, text, want, has)
		}
	})
}

func TestBlanksOfIIS(t *testing.T) {
	p := newParser(t, "#Fields: date time cs(User-Agent) cs-uri-stem")
	inWords := strings.NewReplacer("++", " +", "+", " ")
	rapid.Check(t, func(t *rapid.T) {
		agent := rapid.StringMatching(`[a+]{1,5}[ab+;]{0,40}`).Draw(t, "user agent")
		var rec accesslog.Record
		if err := p.Parse(fmt.Appendf(nil, "2026-01-01 00:00:00 %s /x", agent), &rec); err != nil {
			t.Fatal(err)
		}
		if want := inWords.Replace(agent); string(rec.UserAgentText()) != want || string(rec.Path) != "/x" {
			t.Fatalf("%q for %q, want %q", rec.UserAgentText(), agent, want)
		}
	})
}

func TestEncodedValues(t *testing.T) {
	p := newParser(t, "#Fields: date\ttime\tcs(User-Agent)\tcs-uri-stem")
	encode := strings.NewReplacer("%", "%25", " ", "%20", "\t", "%09", "é", "%C3%A9")
	rapid.Check(t, func(t *rapid.T) {
		agent := rapid.StringMatching(`[ab% \té;-]{1,50}`).Draw(t, "user agent") // no %20, which would be decoded again
		var rec accesslog.Record
		if err := p.Parse(fmt.Appendf(nil, "2026-01-01\t00:00:00\t%s\t/x", encode.Replace(agent)), &rec); err != nil {
			t.Fatal(err)
		}
		if want := value(agent); string(rec.UserAgentText()) != want || string(rec.Path) != "/x" {
			t.Fatalf("%q, want %q", rec.UserAgentText(), want)
		}
	})
}

// TestStringsOfAnyLength has keys and values of JSON whose ends are at any place of a word.
func TestStringsOfAnyLength(t *testing.T) {
	p := newParser(t, "json")
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -!#-\[\]-~é\x80-\xff]{0,60}`)
		other, agent, blank := text.Draw(t, "a value that means nothing"), text.Draw(t, "user agent"), rapid.SampledFrom([]string{"", " ", "\t "})
		name := rapid.StringMatching(`x[a-z"\\]{0,45}`).Draw(t, "name")
		gap := func() string { return blank.Draw(t, "blank") }
		line := fmt.Sprintf(`{%s"time"%s:%s1767225600%s,%s%q%s:"%s","status":200,"http_user_agent":"%s"%s}`,
			gap(), gap(), gap(), gap(), gap(), name, gap(), other, agent, gap())
		var rec accesslog.Record
		if err := p.Parse([]byte(line), &rec); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if string(rec.UserAgentText()) != value(agent) || rec.Status != 200 {
			t.Fatalf("%q, want %q", rec.UserAgentText(), agent)
		}
	})
}

// TestColumnsThatNobodyWants are counted, not read; explaining reads them.
func TestColumnsThatNobodyWants(t *testing.T) {
	p := newParser(t, "#Fields: date\ttime\tcs-uri-stem\tx-a\tx-b\tx-c")
	for tail, want := range map[string]error{
		"":                 accesslog.Incomplete,
		"\ta\tb":           accesslog.Incomplete,
		"\ta\tb\t":         accesslog.Incomplete,
		"\ta\tb\tc":        nil,
		"\ta\tb\tc\t":      nil,
		"\t\t\tc":          nil,
		"\ta\tb\tc\td":     accesslog.TrailingText,
		"\ta\tb\t\"c\td\"": nil,
		"\ta\tb\t\"c\td":   accesslog.Incomplete,
	} {
		line := []byte("2026-01-01\t00:00:00\t/x" + tail)
		var rec accesslog.Record
		err := p.Parse(line, &rec)
		if _, explained := p.Explain(line); err != want || explained != want {
			t.Errorf("%q: %v, explained %v, want %v", tail, err, explained, want)
		}
	}
}

// TestColumnsThatAreAssumed: before #Fields a line of IIS is read by the columns that IIS has by default, but not one
// that has as many in another order.
func TestColumnsThatAreAssumed(t *testing.T) {
	for line, want := range map[string]error{
		`2026-01-01 00:00:00 198.51.100.1 GET /a - 80 - 192.0.2.7 agent - 200 0 0 31`:      nil,
		`2026-01-01 00:00:00 192.0.2.7 - 198.51.100.1 80 GET /a - 200 7930 248 31 agent -`: accesslog.NoFields,
	} {
		p := newParser(t, "iis")
		var rec accesslog.Record
		if err := p.Parse([]byte(line), &rec); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", line, err, want)
		}
	}
}
