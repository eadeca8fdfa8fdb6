package wellknown_test

import (
	"net/http"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"throng"
	"throng/anonymize"
	"throng/anonymize/keys"
	"throng/dashboards/wellknown"
	"throng/ingest/accesslog"
)

// noon is a clock that stands still.
type noon struct{}

func (noon) Now() time.Time                       { return asserted.Add(12 * time.Hour) }
func (noon) NewTimer(d time.Duration) *time.Timer { return time.NewTimer(d) }

// The page that tells visitors whether their signal is seen has to agree with how logs are read.
func TestSignalsAreThoseOfTheLog(t *testing.T) {
	a, err := anonymize.New(anonymize.Options{Site: "s", Keys: keys.Ephemeral(noon{})})
	if err != nil {
		t.Fatal(err)
	}
	field := rapid.SampledFrom([]string{"0", "1", "10", "1x", "01", "0,1", "0, 1", "1,", " 1", "true", "2", ",", "1 , 1", "?1"})
	rapid.Check(t, func(r *rapid.T) {
		dnt, gpc := field.Draw(r, "DNT"), field.Draw(r, "Sec-GPC")
		rec := accesslog.Record{
			Time: noon{}.Now().Unix(), RemoteAddr: netip.MustParseAddr("198.51.100.1"), Method: throng.GET, Status: 200, Path: []byte("/"), UserAgent: []byte("x"),
			DNT: accesslog.Field{Value: []byte(dnt), Present: true}, GPC: accesslog.Field{Value: []byte(gpc), Present: true},
		}
		var ev throng.Event
		if out := a.Anonymize(&rec, &ev); out != anonymize.Accepted {
			r.Fatal(out)
		}
		want := map[throng.Signal][2]bool{throng.NoSignal: {}, throng.DNT: {true, false}, throng.GPC: {false, true}, throng.DNTAndGPC: {true, true}}[ev.Signal]
		got := wellknown.SignalsOf(http.Header{"Dnt": {dnt}, "Sec-Gpc": {gpc}})
		if [2]bool{got.DNTOut, got.GPCOut} != want || got.OptedOut() != ev.OptedOut {
			r.Errorf("DNT %q, Sec-GPC %q: the page says %+v, the log %v", dnt, gpc, got, ev.Signal)
		}
	})
}
