package main

import (
	"context"
	"encoding/xml"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"throng"
	"throng/ingest/block"
	"throng/internal/clickhouse"
	"throng/internal/clickhouse/embedded"
)

const grantedDay = throng.Day(20_400)

// grantsByUser reads a users.d file of a server.
func grantsByUser(t *testing.T, path string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Users struct {
			Each []struct {
				XMLName xml.Name
				Grants  []string `xml:"grants>query"`
			} `xml:",any"`
		} `xml:"users"`
	}
	if err := xml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	grants := map[string][]string{}
	for _, u := range file.Users.Each {
		grants[u.XMLName.Local] = u.Grants
	}
	return grants
}

// asUser opens the engine with a user's grants, and a store on it that a start of its stage has checked.
func asUser(t *testing.T, dir string, grants []string, use func(*embedded.Engine, *clickhouse.Store)) {
	t.Helper()
	withEngine(t, embedded.Options{Dir: dir, Grants: grants}, func(e *embedded.Engine) {
		s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: e.RoundTripper(), Database: "throng", NoBackstop: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := errors.Join(s.Migrate(t.Context()), s.CountTables(t.Context(), []string{"www"})); err != nil {
			t.Fatalf("what each stage does at its start: %v %s", err, inFull(err))
		}
		use(e, s)
	})
}

// inFull is what the engine says, which errors leave out.
func inFull(err error) string {
	var e *clickhouse.Exception
	if errors.As(err, &e) {
		return e.Message
	}
	return ""
}

// grantedBlock is a block of one visit.
func grantedBlock(t *testing.T) (rows int, native []byte) {
	t.Helper()
	b := block.NewBuilder()
	e := throng.Event{Time: grantedDay.Start().Unix(), Site: "www", Path: "/a", Method: throng.GET, Status: 200, Visit: true, Unit: 7, Cell: 9}
	b.Append(&e)
	bot := throng.Event{Time: e.Time, Site: "blog", Path: "/a", Method: throng.GET, Status: 200, Bot: throng.Crawler, Unit: 8, Cell: 10}
	b.Append(&bot)
	message, err := b.Encode(nil, throng.BlockHeader{})
	if err == nil {
		_, _, native, err = block.Parse(message)
	}
	if err != nil {
		t.Fatal(err)
	}
	return 2, native
}

// work is what each stage asks of the store, done as its user in this order.
var work = []struct {
	user string
	does func(ctx context.Context, t *testing.T, s *clickhouse.Store) error
	not  []string // statements that the user must be refused
}{
	{"migrate", func(context.Context, *testing.T, *clickhouse.Store) error { return nil }, []string{ // its work is every stage's start
		"ALTER TABLE throng.events DROP PARTITION ID '0-20251108'", "TRUNCATE TABLE throng.events", "DROP TABLE throng.events", "ALTER TABLE throng.events FREEZE",
	}},
	{"load", func(ctx context.Context, t *testing.T, s *clickhouse.Store) error {
		rows, native := grantedBlock(t)
		id := throng.BlockID{Day: grantedDay, Start: 1, End: 2}
		_, err := s.Marks(ctx, grantedDay)
		return errors.Join(err, s.InsertBlock(ctx, id, rows, native), s.RecordBlock(ctx, throng.BlockHeader{BlockID: id, Rows: uint32(rows)}), s.MarkPassed(ctx, grantedDay, 0, 1))
	}, []string{
		"SELECT * FROM throng.events", "SELECT count() FROM throng.events", "SELECT unit FROM throng.open_units", "SELECT * FROM throng.table_units", "SELECT * FROM throng.bot_units", "SELECT * FROM throng.cells",
		"SELECT * FROM throng.folded_units", "SELECT * FROM throng.held", "ALTER TABLE throng.events DROP PARTITION ID '0-20251108'", "DROP TABLE throng.events", "TRUNCATE TABLE throng.events",
		"ALTER TABLE throng.events FREEZE", "SELECT * FROM merge('throng', '^(events|open_units)$')", "CREATE TABLE throng.other (n UInt8) ENGINE = Null",
	}},
	{"holds", func(ctx context.Context, t *testing.T, s *clickhouse.Store) error {
		at := grantedDay.Start()
		match := throng.HoldMatch{Site: "www", From: at, To: at.Add(time.Hour)}
		to := throng.HoldCopy{Hold: 1, Ordered: grantedDay, Until: grantedDay + 3}
		_, _, err := s.CountMatched(ctx, match)
		copied, failed := s.CopyHeld(ctx, to, "terms", "salt", match)
		if copied != 1 {
			t.Errorf("%d events were copied, want 1", copied)
		}
		later := to
		later.Until++
		return errors.Join(err, failed, s.MoveHeld(ctx, later), s.EachHeld(ctx, later, func(throng.HeldEvent, string, string) error { return nil }))
	}, []string{
		"SELECT unit FROM throng.open_units", "SELECT * FROM throng.folded_units", "SELECT * FROM throng.cells", "ALTER TABLE throng.events DROP PARTITION ID '0-20251108'", "INSERT INTO throng.releases (site) VALUES ('x')",
	}},
	{"close", func(ctx context.Context, t *testing.T, s *clickhouse.Store) error {
		p := grantedDay.Period()
		units := 0
		days, err := s.OpenDays(ctx)
		if !slices.Equal(days, []throng.Day{grantedDay}) {
			t.Errorf("open days are %v", days)
		}
		_, noMarks := s.Marks(ctx, grantedDay)
		_, noTally := s.Tally(ctx, grantedDay)
		_, noFeeds := s.Feeds(ctx, grantedDay)
		_, noCells := s.Cells(ctx, p)
		n, noCount := s.CountUnits(ctx, p)
		noUnits := s.Units(ctx, p, 0, ^throng.UnitToken(0), func(r throng.UnitRows) error { units += len(r.Unit); return nil })
		if units == 0 || n != uint64(units) {
			t.Errorf("%d units were read of %d", units, n)
		}
		bots := 0
		noBots := s.Bots(ctx, grantedDay, 0, ^throng.UnitToken(0), func(b []throng.BotUnit) error { bots += len(b); return nil })
		if bots == 0 {
			t.Error("no bots were read")
		}
		noFold := s.Fold(ctx, grantedDay, []throng.CellKey{{Cell: 9, Site: "www", Table: throng.PathTable, Key: "/a"}}, func(put func(throng.UnitRows) error) error {
			return put(throng.UnitRows{Unit: []throng.UnitToken{7}, Cell: []throng.CellID{9}, OptedOut: []bool{false}, Visits: []uint32{1}, Network: []uint64{1}})
		})
		noMirror := s.MirrorRelease(ctx, throng.ReleaseID{Site: "www", Table: throng.PathTable, Period: p}, strings.Repeat("0", 64), []byte("{}"))
		return errors.Join(err, noMarks, noTally, noFeeds, noCells, noCount, noUnits, noBots, noFold, noMirror, s.DropUnits(ctx, p))
	}, []string{
		"SELECT * FROM throng.events", "SELECT path FROM throng.events", "SELECT network FROM throng.events", "SELECT * FROM throng.held", "ALTER TABLE throng.events DROP PARTITION ID '0-20251108'", "INSERT INTO throng.open_units (unit) VALUES (1)",
		"ALTER TABLE throng.open_units FREEZE", "SELECT * FROM merge('throng', '^(events|open_units)$')", "CREATE TABLE throng.other (n UInt8) ENGINE = Null",
	}},
	{"retention", func(ctx context.Context, t *testing.T, s *clickhouse.Store) error {
		items, err := s.Items(ctx)
		errs := []error{err, s.Read(ctx, items)}
		stores := map[string]bool{}
		for _, it := range items {
			if it.Removal == throng.DropPartition {
				table, _, _ := strings.Cut(it.Name, "/")
				stores[table] = !it.Oldest.IsZero()
				errs = append(errs, s.DropItem(ctx, it))
			}
		}
		for _, table := range []string{"events", "blocks", "marks", "folded_units", "folded_cells", "held"} {
			if !stores[table] {
				t.Errorf("retention sees no oldest row of %s", table)
			}
		}
		return errors.Join(errs...)
	}, []string{
		"SELECT * FROM throng.events", "SELECT path FROM throng.events", "SELECT unit FROM throng.open_units", "SELECT network FROM throng.folded_units", "SELECT key FROM throng.cells", "SELECT * FROM throng.held",
		"INSERT INTO throng.events (path) VALUES ('x')", "INSERT INTO throng.releases (site) VALUES ('x')",
	}},
}

// nobody may do these.
var forbidden = []string{
	"SELECT * FROM file('/etc/passwd', 'LineAsString')", "INSERT INTO FUNCTION file('x.tsv', 'TSV', 'a String') SELECT 'x'", "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "SELECT * FROM remote('127.0.0.1:1', 'throng.events')",
	"SYSTEM SHUTDOWN", "SYSTEM FLUSH LOGS", "CREATE USER x", "GRANT SELECT ON throng.events TO default", "CREATE DATABASE other", "DROP DATABASE throng", "DROP TABLE throng.releases",
	"CREATE TABLE throng.out (a String) ENGINE = URL('http://127.0.0.1:1/', 'TSV')", "BACKUP TABLE throng.events TO File('/tmp/x')",
}

// Each stage's user can do what the stage does, and is refused what it must not do.
func TestUsersDoTheirWorkAndNoMore(t *testing.T) {
	if _, err := embedded.Find(); err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	dir := t.TempDir()
	grants := grantsByUser(t, "../../deploy/clickhouse/users.xml")
	if len(grants) != len(work) {
		t.Errorf("users.xml has %d users, and %d are tested", len(grants), len(work))
	}
	withEngine(t, embedded.Options{Dir: dir}, func(e *embedded.Engine) {
		if answer, ok := askEngine(t, e, "default", "CREATE DATABASE throng"); !ok {
			t.Fatal(answer)
		}
	})
	for _, w := range work {
		t.Run(w.user, func(t *testing.T) {
			asUser(t, dir, grants[w.user], func(e *embedded.Engine, s *clickhouse.Store) {
				for _, statement := range slices.Concat(w.not, forbidden) {
					if answer, ok := askEngine(t, e, "throng", statement); ok || !strings.Contains(answer, "ACCESS_DENIED") {
						t.Errorf("%s: %s", statement, answer)
					}
				}
				if err := w.does(t.Context(), t, s); err != nil {
					t.Error(err, inFull(err))
				}
			})
		})
	}
}

// A user who may not change tables is told who may, where they are not those of the program.
func TestUserWithoutTablesIsToldWhatToDo(t *testing.T) {
	if _, err := embedded.Find(); err != nil {
		t.Skipf("the embedded engine is not installed (make engine): %v", err)
	}
	grants := grantsByUser(t, "../../deploy/clickhouse/users.xml")["close"]
	withEngine(t, embedded.Options{Dir: t.TempDir(), Grants: grants}, func(e *embedded.Engine) {
		s, err := clickhouse.Open(t.Context(), clickhouse.Options{Transport: e.RoundTripper(), NoBackstop: true})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), "throng migrate") {
			t.Errorf("it is told: %v", err)
		}
	})
}
