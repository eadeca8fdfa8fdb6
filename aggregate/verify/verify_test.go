package verify_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"throng"
	"throng/aggregate/simulation"
	"throng/aggregate/verify"
)

// today is the first day of a month of 28 days and four spans.
const today throng.Day = 20_485 // 2026-02-01

// crowd lets devices from..to-1 visit a page once.
type crowd struct {
	path     string
	from, to int
}

// crowds are a day of the month: pages that pass by themselves, pages that a group has to carry, and a page
// that a whole span has to carry.
func crowds(day int) []crowd {
	base := 20_000 + 10_000*day
	all := []crowd{{"/news/today", 0, 20_000}, {"/about", 100, 8_000}, {"/news/x", base, base + 3000}, {"/news/y", base + 3000, base + 6000}, {"/rare", base, base + 1500}}
	for i := range 20 {
		all = append(all, crowd{fmt.Sprintf("/news/small-%d", i), base + 6000 + 100*i, base + 6100 + 100*i})
	}
	return all
}

// put fills a day. Every other device opts out; each has a client.
func put(w *simulation.World, day throng.Day, crowds ...crowd) {
	type row struct {
		device int
		cell   throng.CellID
	}
	var rows []row
	cells := []throng.CellKey{
		{Cell: 1, Site: "www", Table: throng.ClientTable, Key: "firefox"}, {Cell: 2, Site: "www", Table: throng.ClientTable, Key: "chrome"},
	}
	seen := map[int]bool{}
	for i, c := range crowds {
		cell := throng.CellID(i + 3)
		cells = append(cells, throng.CellKey{Cell: cell, Site: "www", Table: throng.PathTable, Key: c.path})
		for d := c.from; d < c.to; d++ {
			rows = append(rows, row{d, cell})
			if !seen[d] {
				seen[d] = true
				rows = append(rows, row{d, throng.CellID(1 + d/2%2)})
			}
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.cell, b.cell)) })
	var u throng.UnitRows
	for _, r := range rows {
		u.Unit, u.Cell = append(u.Unit, throng.UnitToken(r.device)<<40), append(u.Cell, r.cell)
		u.OptedOut, u.Visits = append(u.OptedOut, r.device%2 == 0), append(u.Visits, 1)
	}
	w.Store.Put(day, u, cells)
	bots := make([]throng.BotUnit, 9000)
	for i := range bots {
		bots[i] = throng.BotUnit{Site: "www", Unit: throng.UnitToken(i) << 40, Network: uint64(i / 50)}
	}
	w.Store.PutBots(day, bots)
}

// publish closes a month into a directory.
func publish(dir string) error {
	var routes []string
	for i := range 28 {
		for _, c := range crowds(i) {
			routes = append(routes, c.path)
		}
	}
	w, err := simulation.New(simulation.Options{
		Dir: dir, Sites: []string{"www"}, Tables: map[string][]string{"www": {throng.ClientTable}}, Routes: map[string][]string{"www": routes},
	})
	if err != nil {
		return err
	}
	for i := range 28 {
		put(w, today+throng.Day(i), crowds(i)...)
		if err := w.EndDay(context.Background(), today+throng.Day(i)); err != nil {
			return err
		}
	}
	return w.Close()
}

// once publishes for all tests of the process.
var once = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "published-")
	if err == nil {
		err = publish(dir)
	}
	return dir, err
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := once(); dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// published is a directory with two days of releases and their ledger, to do with as one likes.
func published(t *testing.T) string {
	t.Helper()
	from, err := once()
	to := t.TempDir()
	if err == nil {
		err = os.CopyFS(to, os.DirFS(from))
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func run(t *testing.T, o verify.Options) *verify.Report {
	t.Helper()
	r, err := verify.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func runDir(t *testing.T, dir string) *verify.Report {
	t.Helper()
	return run(t, verify.Options{Files: verify.Dir{FS: os.DirFS(dir)}})
}

func faults(r *verify.Report) (all []string) {
	for _, c := range r.Claims {
		all = append(all, c.Faults...)
	}
	return all
}

func TestWhatTheCloserPublishesHolds(t *testing.T) {
	dir := published(t)
	r := runDir(t, dir)
	// 28 days of two tables, four spans of paths, two months; an entry before and after each but the months.
	if !r.Holds() || r.Releases != 62 || r.Entries != 1+2*60+2 {
		t.Fatalf("%d releases, %d entries, faults %q", r.Releases, r.Entries, faults(r))
	}
	for _, c := range r.Claims {
		if !c.Holds() {
			t.Errorf("nothing was looked at: %s", c.Text)
		}
	}
	// A device that comes every day spends all of each day's and span's budget: ρ = 32 · 0.01575.
	if len(r.Losses) != 1 || r.Losses[0].Periods != 60 || math.Abs(r.Losses[0].Rho-32*0.01575) > 0.005 {
		t.Errorf("losses %+v", r.Losses)
	}
	expectSpanRows(t, dir)
}

// expectSpanRows makes sure that the fixture has what the checks of spans and months are about.
func expectSpanRows(t *testing.T, dir string) {
	t.Helper()
	var span throng.Release
	b, err := os.ReadFile(filepath.Join(dir, "releases/www/path/2026-02-01--2026-02-08.json"))
	if err == nil {
		err = json.Unmarshal(b, &span)
	}
	if err != nil {
		t.Fatal(err)
	}
	held, free := 0, 0
	for _, row := range span.Rows {
		if row.Holder != "" {
			held++
		} else {
			free++
		}
	}
	if held == 0 || free == 0 {
		t.Errorf("%d rows of the span are held by a group, %d are not", held, free)
	}
}

func edit(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, change(b), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func releasePath(dir string) string {
	return filepath.Join(dir, "releases", "www", "path", today.String()+".json")
}

func ledgerPath(dir string) string { return filepath.Join(dir, "ledger", "ledger.jsonl") }

// Every change of the files is found; say is part of a fault.
func TestEveryChangeIsFound(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, dir string)
		say    string
	}{
		"a number": {func(t *testing.T, dir string) {
			edit(t, releasePath(dir), func(b []byte) []byte { return bytes.Replace(b, []byte(`"value": 2`), []byte(`"value": 3`), 1) })
		}, "changed after its publication"},
		"white space": {func(t *testing.T, dir string) {
			edit(t, releasePath(dir), func(b []byte) []byte { return append(b, '\n') })
		}, "changed after its publication"},
		"a release is gone": {func(t *testing.T, dir string) {
			if err := os.Remove(releasePath(dir)); err != nil {
				t.Fatal(err)
			}
		}, "not there"},
		"a release was added": {func(t *testing.T, dir string) {
			b, err := os.ReadFile(releasePath(dir))
			if err == nil {
				err = os.WriteFile(strings.Replace(releasePath(dir), today.String(), (today+45).String(), 1), b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "does not know"},
		"a bit of the ledger": {func(t *testing.T, dir string) {
			edit(t, ledgerPath(dir), func(b []byte) []byte { b[3000] ^= 1; return b })
		}, "hash does not match"},
		"padding of the ledger": {func(t *testing.T, dir string) {
			edit(t, ledgerPath(dir), func(b []byte) []byte { b[2*2048-3] = 'x'; return b })
		}, "hash does not match"},
		"an entry is gone": {func(t *testing.T, dir string) {
			edit(t, ledgerPath(dir), func(b []byte) []byte { return slices.Delete(b, 2048, 4096) })
		}, "number 2"},
		"the end is torn": {func(t *testing.T, dir string) {
			edit(t, ledgerPath(dir), func(b []byte) []byte { return b[:len(b)-1] })
		}, "not a line"},
		"an entry is repeated": {func(t *testing.T, dir string) {
			edit(t, ledgerPath(dir), func(b []byte) []byte { return append(b, b[4*2048:]...) })
		}, "number 4"},
		"the publications are cut off": {func(t *testing.T, dir string) {
			edit(t, ledgerPath(dir), func(b []byte) []byte { return b[:3*2048] })
		}, "does not know"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := published(t)
			tc.change(t, dir)
			if got := faults(runDir(t, dir)); !strings.Contains(strings.Join(got, "\n"), tc.say) {
				t.Errorf("faults %q, none says %q", got, tc.say)
			}
		})
	}
}

func TestALedgerThatWasCutAtItsEndNeedsANotedHead(t *testing.T) {
	dir := published(t)
	head := runDir(t, dir).Head
	if r := run(t, verify.Options{Files: verify.Dir{FS: os.DirFS(dir)}, Head: head}); !r.Holds() {
		t.Fatalf("faults %q", faults(r))
	}
	edit(t, ledgerPath(dir), func(b []byte) []byte { return b[:len(b)-2*2048] })
	for _, table := range []string{"client", "path"} {
		if err := os.Remove(filepath.Join(dir, "releases", "www", table, "2026-02.json")); err != nil {
			t.Fatal(err)
		}
	}
	if r := runDir(t, dir); !r.Holds() {
		t.Fatalf("a ledger that was cut between two releases is whole by itself: %q", faults(r))
	}
	if r := run(t, verify.Options{Files: verify.Dir{FS: os.DirFS(dir)}, Head: head}); r.Holds() {
		t.Error("the noted head was not missed")
	}
}

// forge rewrites a release and, with it, the whole ledger, as an operator would who wants to hide
// what the numbers were made with: only arithmetic can find that.
func forge(t *testing.T, dir string, change func(r *throng.Release)) {
	t.Helper()
	var parameters json.RawMessage
	edit(t, releasePath(dir), func(b []byte) []byte {
		var r throng.Release
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		change(&r)
		b, err := json.MarshalIndent(r, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if parameters, err = json.Marshal(r.Parameters); err != nil {
			t.Fatal(err)
		}
		return append(b, '\n')
	})
	body, err := os.ReadFile(releasePath(dir))
	if err != nil {
		t.Fatal(err)
	}
	edit(t, ledgerPath(dir), func(b []byte) []byte { return rechain(t, b, today.String(), parameters, body) })
}

// rechain chains the entries of a ledger anew, with another file and other parameters, if any, of one
// release of paths.
func rechain(t *testing.T, ledger []byte, period string, parameters json.RawMessage, release []byte) []byte {
	t.Helper()
	var out []byte
	prev := ""
	for at := 0; at < len(ledger); at += 2048 {
		var e map[string]json.RawMessage
		if err := json.Unmarshal(ledger[at:at+2048], &e); err != nil {
			t.Fatal(err)
		}
		delete(e, "hash")
		e["prev"], _ = json.Marshal(prev)
		if bytes.Contains(e["release"], []byte(`"path","period":"`+period+`"`)) {
			if e["sha256"] != nil {
				e["sha256"], _ = json.Marshal(verify.Digest(release))
			} else if parameters != nil {
				e["parameters"] = parameters
			}
		}
		body, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		body = body[:len(body)-1]
		prev = verify.Digest(body)
		line := append(body, `,"hash":"`+prev+`"}`...)
		out = append(out, line...)
		out = append(out, strings.Repeat(" ", 2047-len(line))+"\n"...)
	}
	return out
}

func TestForgedReleasesAreFoundByArithmetic(t *testing.T) {
	draw := func(r *throng.Release, kind throng.Draw) *throng.DrawParameters {
		for i := range r.Parameters.Draws {
			if r.Parameters.Draws[i].Draw == kind {
				return &r.Parameters.Draws[i]
			}
		}
		t.Fatalf("no draw of %s", kind)
		return nil
	}
	shift := func(m *throng.Measure, value, low, high int64) {
		e, _ := m.Estimate()
		*m = throng.Published(throng.Estimate{Value: e.Value + value, Low: e.Low + low, High: e.High + high})
	}
	for name, tc := range map[string]struct {
		change func(r *throng.Release)
		say    string
	}{
		"less noise":                 {func(r *throng.Release) { draw(r, throng.DrawVisits).Sigma *= 0.9 }, "σ is stated as"},
		"more noise than was used":   {func(r *throng.Release) { draw(r, throng.DrawVisits).Sigma *= 1.1 }, "σ is stated as"},
		"a passed L0 of one":         {func(r *throng.Release) { draw(r, throng.DrawVisits).PassedL0 = 1 }, "passed L0"},
		"a draw is forgotten":        {func(r *throng.Release) { draw(r, throng.DrawDevices).Draws = 1 }, "passed L0"},
		"k under the floor":          {func(r *throng.Release) { r.Parameters.K = 4999 }, "under the floor"},
		"a larger ε":                 {func(r *throng.Release) { r.Parameters.Epsilon = 1.5 }, "outside"},
		"an ε that costs less":       {func(r *throng.Release) { r.Parameters.Epsilon = 0.5 }, "σ is stated as"},
		"more devices of a network":  {func(r *throng.Release) { r.Parameters.PerNetwork = 65 }, "of one network"},
		"a δ that is shared twice":   {func(r *throng.Release) { r.Parameters.ThresholdDelta *= 2 }, "do not share"},
		"a gate that slips":          {func(r *throng.Release) { r.Parameters.GateDelta *= 3 }, "thresholds' share"},
		"visits over all weights":    {func(r *throng.Release) { draw(r, throng.DrawVisits).Weight = 0.9 }, "passed L0"},
		"a tighter interval":         {func(r *throng.Release) { shift(&r.Rows[0].Visits, 0, 50, -50) }, "its scale gives"},
		"an interval that was moved": {func(r *throng.Release) { shift(&r.Rows[0].Visits, 7, 0, 0) }, "its scale gives"},
		"devices under k":            {func(r *throng.Release) { shift(&r.Rows[0].Devices, -4000, -4000, -4000) }, "devices"},
		"an interval below k":        {func(r *throng.Release) { shift(&r.Rows[0].Devices, 0, -4000, 0) }, "devices"},
		"a row twice":                {func(r *throng.Release) { r.Rows = append(r.Rows, r.Rows[len(r.Rows)-1]) }, "there twice"},
		"a path below the leaves":    {func(r *throng.Release) { r.Rows[0].Key = "/about/a/b/c/d" }, "below the leaves"},
		"an exact count": {func(r *throng.Release) {
			r.Rows[0].Visits = throng.Published(throng.Estimate{Value: 7900, Low: 7900, High: 7900})
		}, "its scale gives"},
		"a number of clipped devices": {func(r *throng.Release) {
			r.ClippedPercent = throng.Published(throng.Estimate{Value: 6000, Low: 5900, High: 6100})
		}, "is no share"},
		"a share that tells of how many": {func(r *throng.Release) {
			r.ClippedPercent = throng.Published(throng.Estimate{Value: 40, Low: 39, High: 41})
		}, "is no share"},
		"a share that tells of how many bots": {func(r *throng.Release) {
			r.BotPercent = throng.Published(throng.Estimate{Value: 40, Low: 39, High: 41})
		}, "bots: 40 % in [39, 41] is no share"},
		"a share of bots that nothing was reserved for": {func(r *throng.Release) {
			r.Parameters.Draws = r.Parameters.Draws[:5]
		}, "no draw for it"},
		"no share of bots":                    {func(r *throng.Release) { r.BotPercent = throng.Measure{} }, "it has neither"},
		"a share of bots in the earlier form": {func(r *throng.Release) { r.Format = throng.ReleaseFormat3 }, "and it has one"},
		"a share of bots for another reason":  {func(r *throng.Release) { r.BotPercent = throng.Blank(throng.NotSummed) }, "is not right"},
		"another site's name":                 {func(r *throng.Release) { r.Site = "blog" }, "calls itself"},
		"an unknown format":                   {func(r *throng.Release) { r.Format = "throng/release/0" }, "its form is"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := published(t)
			forge(t, dir, tc.change)
			r := runDir(t, dir)
			got := strings.Join(faults(r), "\n")
			if !strings.Contains(got, tc.say) {
				t.Errorf("faults %q, none says %q", got, tc.say)
			}
			if strings.Contains(got, "hash") || strings.Contains(got, "SHA-256") {
				t.Errorf("the forgery was not clean: %q", got)
			}
		})
	}
}

// Forging without a change proves that the forger's ledger is accepted, so that the test above fails
// for its own reason only.
func TestForgedWithoutChangeHolds(t *testing.T) {
	dir := published(t)
	forge(t, dir, func(*throng.Release) {})
	if r := runDir(t, dir); !r.Holds() {
		t.Errorf("faults %q", faults(r))
	}
}

// Releases are written once: those from before bots were drawn stay, and hold.
func TestAReleaseOfTheEarlierFormHolds(t *testing.T) {
	dir := published(t)
	forge(t, dir, func(r *throng.Release) {
		r.Format, r.BotPercent = throng.ReleaseFormat3, throng.Measure{}
		r.Parameters.Draws = slices.DeleteFunc(r.Parameters.Draws, func(d throng.DrawParameters) bool { return d.Draw == throng.DrawBots })
	})
	// The month names the day as it was before the forgery, and nothing else is wrong.
	if got := faults(runDir(t, dir)); len(got) != 1 || !strings.Contains(got[0], "among its sources") {
		t.Errorf("faults %q", got)
	}
}

func web(t *testing.T, h http.Handler) verify.Web {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	base, err := url.Parse(s.URL + "/readers/")
	if err != nil {
		t.Fatal(err)
	}
	return verify.Web{Base: base, Client: s.Client()}
}

// manifest adds manifest and method to a directory.
func manifest(t *testing.T, dir string) {
	t.Helper()
	var first throng.Release
	b, err := os.ReadFile(releasePath(dir))
	if err == nil {
		err = json.Unmarshal(b, &first)
	}
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, v any) throng.FileDigest {
		b, err := json.Marshal(v)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return throng.FileDigest{Path: name, Bytes: int64(len(b)), SHA256: verify.Digest(b)}
	}
	m := throng.Manifest{Format: throng.ManifestFormat}
	m.Method = write(throng.MethodName, throng.MethodStatement{Format: throng.MethodFormat, Program: "1", Tree: first.Tree, Parameters: first.Parameters})
	ledger, err := os.ReadFile(ledgerPath(dir))
	if err != nil {
		t.Fatal(err)
	}
	m.Ledger = throng.FileDigest{Path: throng.LedgerName, Bytes: int64(len(ledger)), SHA256: verify.Digest(ledger)}
	names, err := fs.Glob(os.DirFS(dir), "releases/*/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		m.Releases = append(m.Releases, throng.FileDigest{Path: name, SHA256: verify.Digest(b)})
	}
	write(throng.ManifestName, m)
}

func TestADirectoryAndAnAddressAreCheckedAlike(t *testing.T) {
	dir := published(t)
	manifest(t, dir)
	for name, files := range map[string]verify.Published{
		"directory": verify.Dir{FS: os.DirFS(dir)},
		"address":   web(t, http.StripPrefix("/readers/", http.FileServerFS(os.DirFS(dir)))),
	} {
		if r := run(t, verify.Options{Files: files}); !r.Holds() || r.Releases != 62 || len(r.Notes) != 0 {
			t.Errorf("%s: %d releases, faults %q, notes %q", name, r.Releases, faults(r), r.Notes)
		}
	}
}

func TestManifestAndMethodHaveToAgree(t *testing.T) {
	for name, tc := range map[string]struct{ file, old, new, say string }{
		"a release is not listed":  {"manifest.json", `{"path":"releases/www/path/2026-02-02.json"`, `{"path":"releases/www/path/2026-03-02.json"`, "does not know"},
		"another method":           {"method.json", `"program":"1"`, `"program":"2"`, "not the one in the manifest"},
		"an unknown form":          {"manifest.json", "throng/manifest/1", "throng/manifest/9", "not of the form"},
		"a ledger from elsewhere":  {"manifest.json", `"ledger":{"path":"ledger/ledger.jsonl","bytes":251904`, `"ledger":{"path":"ledger/ledger.jsonl","bytes":249856`, "was rewritten"},
		"a ledger that was longer": {"manifest.json", `"bytes":251904`, `"bytes":253952`, "was cut"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := published(t)
			manifest(t, dir)
			edit(t, filepath.Join(dir, tc.file), func(b []byte) []byte {
				if !bytes.Contains(b, []byte(tc.old)) {
					t.Fatalf("%s has no %s", tc.file, tc.old)
				}
				return bytes.Replace(b, []byte(tc.old), []byte(tc.new), 1)
			})
			if got := faults(runDir(t, dir)); !strings.Contains(strings.Join(got, "\n"), tc.say) {
				t.Errorf("faults %q, none says %q", got, tc.say)
			}
		})
	}
}

func TestTheStatedParametersOfSitesAreChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(p *throng.Parameters)
		say    string
	}{
		"none":        {func(*throng.Parameters) {}, ""},
		"a laxer k":   {func(p *throng.Parameters) { p.K-- }, "laxer than all sites"},
		"a made-up σ": {func(p *throng.Parameters) { p.Draws[0].Sigma *= 2 }, "σ is stated as"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := published(t)
			manifest(t, dir)
			edit(t, filepath.Join(dir, throng.MethodName), func(b []byte) []byte {
				var m throng.MethodStatement
				if err := json.Unmarshal(b, &m); err != nil {
					t.Fatal(err)
				}
				p := m.Parameters
				p.Draws = slices.Clone(p.Draws)
				tc.change(&p)
				m.Sites = []throng.SiteParameters{{Site: "www", Parameters: p}}
				b, err := json.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				return b
			})
			var got []string
			for _, f := range faults(runDir(t, dir)) {
				if !strings.Contains(f, "SHA-256") { // the method was edited
					got = append(got, f)
				}
			}
			if found := strings.Join(got, "\n"); tc.say == "" && found != "" || !strings.Contains(found, tc.say) {
				t.Errorf("faults %q, want %q", got, tc.say)
			}
		})
	}
}

func TestTheStatedCompositionIsCheckedAndNotBelieved(t *testing.T) {
	dir := published(t)
	manifest(t, dir)
	edit(t, filepath.Join(dir, throng.MethodName), func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"composition":null`), []byte(`"composition":[{"over":"a year","periods":365,"rho":0.1,"epsilon":1,"delta":1e-9}]`), 1)
	})
	if got := strings.Join(faults(runDir(t, dir)), "\n"); !strings.Contains(got, "over a year it states") {
		t.Errorf("faults %q", got)
	}
}

func TestWhatCannotBeReadIsNoVerdict(t *testing.T) {
	for name, files := range map[string]verify.Published{
		"an empty directory":  verify.Dir{FS: os.DirFS(t.TempDir())},
		"a site without it":   web(t, http.NotFoundHandler()),
		"a site that is down": web(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })),
	} {
		if r, err := verify.Run(context.Background(), verify.Options{Files: files}); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A hostile server must not make the verifier run out of memory or panic.
func FuzzLedger(f *testing.F) {
	f.Add([]byte("{}\n"))
	f.Add(bytes.Repeat([]byte(`,"hash":"`), 300))
	f.Fuzz(func(t *testing.T, ledger []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "ledger"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(ledgerPath(dir), ledger, 0o600); err != nil {
			t.Fatal(err)
		}
		if r := runDir(t, dir); r.Holds() {
			t.Error("a made-up ledger was accepted")
		}
	})
}

var _ fs.FS = verify.Dir{}

// forgePeriod rewrites the release of any period, with the ledger.
func forgePeriod(t *testing.T, dir, period string, change func(r *throng.Release)) {
	t.Helper()
	path := filepath.Join(dir, "releases", "www", "path", period+".json")
	edit(t, path, func(b []byte) []byte {
		var r throng.Release
		if err := json.Unmarshal(b, &r); err != nil {
			t.Fatal(err)
		}
		change(&r)
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	})
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edit(t, ledgerPath(dir), func(b []byte) []byte { return rechain(t, b, period, nil, body) })
}

func TestForgedSpansMonthsAndColumnsAreFound(t *testing.T) {
	const day, span, month = "2026-02-28", "2026-02-25--2026-02-28", "2026-02"
	add := func(m throng.Measure, by int64) throng.Measure {
		e, _ := m.Estimate()
		return throng.Published(throng.Estimate{Value: e.Value + by, Low: e.Low + by, High: e.High + by})
	}
	heldRow := func(r *throng.Release) *throng.Row {
		i := slices.IndexFunc(r.Rows, func(row throng.Row) bool { return row.Holder != "" })
		return &r.Rows[i]
	}
	for name, tc := range map[string]struct {
		period string
		change func(r *throng.Release)
		say    string
	}{
		"a month that was drawn again":    {month, func(r *throng.Release) { r.Rows[0].Visits = add(r.Rows[0].Visits, 40) }, "its parts add up to"},
		"a month with a row of its own":   {month, func(r *throng.Release) { r.Rows[0].Key = "/a" }, "in none of its days"},
		"a month without a row":           {month, func(r *throng.Release) { r.Rows = r.Rows[1:] }, "is missing"},
		"a month with devices":            {month, func(r *throng.Release) { r.Rows[0].Devices = r.Rows[0].Visits }, "do not add up"},
		"a month that forgets a source":   {month, func(r *throng.Release) { r.Sources = r.Sources[1:] }, "among its sources"},
		"a month with other opted-out":    {month, func(r *throng.Release) { g := &r.OptedOut[0]; g.OptedOutVisits = add(g.OptedOutVisits, 1) }, "its parts add up to"},
		"a holder that no day published":  {span, func(r *throng.Release) { heldRow(r).Holder = "/news/y/*other*" }, "cannot be held"},
		"a holder elsewhere":              {span, func(r *throng.Release) { heldRow(r).Holder = "/*other*" }, "cannot be held"},
		"a day's row that is held":        {day, func(r *throng.Release) { r.Rows[0].Holder = "/*other*" }, "only a span's"},
		"a total beside its parts":        {day, func(r *throng.Release) { r.Rows[0].Key = "/*" }, "total of others"},
		"a reason that tells more":        {day, func(r *throng.Release) { r.OptedOut[0].OptedOutVisits = throng.Blank("few") }, "is not known"},
		"an opted-out sum that is no sum": {day, func(r *throng.Release) { r.OptedOut[0].OfVisits.Value++ }, "its parts add up to"},
		"an opted-out number that is exact": {day, func(r *throng.Release) {
			r.OptedOut[0].OptedOutVisits = throng.Published(throng.Estimate{Value: 9, Low: 9, High: 9})
		}, "its scale gives"},
		"a group that is no section":         {day, func(r *throng.Release) { r.OptedOut[0].Group = "/news/x" }, "no section"},
		"withheld for a reason of one's own": {day, func(r *throng.Release) { r.Withheld = "strike" }, "withheld for a reason"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := published(t)
			forgePeriod(t, dir, tc.period, tc.change)
			if got := strings.Join(faults(runDir(t, dir)), "\n"); !strings.Contains(got, tc.say) {
				t.Errorf("faults %q, none says %q", got, tc.say)
			}
		})
	}
}
