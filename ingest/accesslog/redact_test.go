package accesslog_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"throng/ingest/accesslog"
)

func secretRecord() accesslog.Record {
	s := func() []byte { return []byte("secret") }
	f := accesslog.Field{Value: s(), Present: true}
	return accesslog.Record{
		RemoteAddr: netip.MustParseAddr("192.0.2.77"), RemoteHost: s(), ForwardedFor: s(), RemoteUser: s(), MethodText: s(), Target: s(),
		Path: s(), Query: s(), Protocol: s(), Referer: s(), UserAgent: s(), Host: s(), DNT: f, GPC: f,
		Cookie: s(), Cookies: []accesslog.Cookie{{Name: "sid", Value: s()}}, Consent: s(),
	}
}

// leaks are the ways in which fmt writes the record's secrets.
var leaks = []string{"secret", "736563726574", "115 101 99", "0x73", "c2VjcmV0", "192.0.2.77"}

func checkNoLeak(t *testing.T, how, out string) {
	t.Helper()
	for _, l := range leaks {
		if strings.Contains(strings.ToLower(out), strings.ToLower(l)) {
			t.Errorf("%s shows %s: %s", how, l, out)
		}
	}
}

func TestRecordPrintsRedacted(t *testing.T) {
	rec := secretRecord()
	type holder struct {
		R accesslog.Record
		P *accesslog.Record
		F accesslog.Field
	}
	values := map[string]any{
		"record": rec, "pointer": &rec, "field": rec.DNT, "pointer to field": &rec.DNT,
		"slice": []accesslog.Record{rec}, "holder": holder{rec, &rec, rec.DNT}, "map": map[string]accesslog.Record{"a": rec},
	}
	for name, v := range values {
		for verb := byte('A'); verb <= 'z'; verb++ {
			for _, flags := range []string{"", "+", "#", "-", " ", "0", "# ", "20.3"} {
				if verb == 'p' || verb == 'w' {
					continue // p prints a pointer; w is no verb here, go vet refuses it
				}
				format := "%" + flags + string(verb)
				checkNoLeak(t, name+" "+format, fmt.Sprintf(format, v))
			}
		}
	}
}

func TestRecordIsLoggedRedacted(t *testing.T) {
	rec := secretRecord()
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "record", rec, "pointer", &rec, "field", rec.GPC, "fields", []accesslog.Field{rec.DNT})
	}
	checkNoLeak(t, "slog", out.String())
	if !strings.Contains(out.String(), "[redacted record]") {
		t.Errorf("nothing was logged: %s", out.String())
	}
}

func TestRecordIsNotMarshalled(t *testing.T) {
	rec := secretRecord()
	marshal := map[string]func(any) ([]byte, error){
		"json": json.Marshal,
		"xml":  xml.Marshal,
		"gob": func(v any) ([]byte, error) {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return nil, err
		},
	}
	for name, f := range marshal {
		for _, v := range []any{rec, &rec, rec.DNT, &rec.DNT} {
			b, err := f(v)
			if err == nil {
				t.Errorf("%s marshals %T: %s", name, v, b)
				continue
			}
			checkNoLeak(t, name, err.Error())
		}
	}
}

func TestParserPrintsNoLine(t *testing.T) {
	p := newParser(t, "combined")
	var rec accesslog.Record
	if err := p.Parse([]byte(strings.Replace(line, "Mozilla", `\x22secret`, 1)), &rec); err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%d", "%x", "%s"} {
		checkNoLeak(t, format, fmt.Sprintf(format, p))
	}
}

func TestReasonsHoldNoContent(t *testing.T) {
	for r, name := range accesslog.RejectNames() {
		if r == 0 {
			continue
		}
		if reject := accesslog.Reject(r); reject.String() != name || reject.Error() != "parse line: "+name || name == "" {
			t.Errorf("reason %d is %q, says %q", r, name, reject.Error())
		}
	}
}
