package dashboards_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"throng"
	"throng/dashboards"
	"throng/dashboards/fixture"
)

// readMonth gives the release that a file of that content is read as.
func readMonth(body []byte, id throng.ReleaseID) (*throng.Release, error) {
	stored, err := dashboards.NewFiles(fstest.MapFS{id.String() + ".json": {Data: body}}, nil).Get(context.Background(), id)
	if err != nil {
		return nil, err
	}
	return stored.Release, nil
}

// sameInAnySpelling holds a file to its compact form, which encoding/json reads alone.
func sameInAnySpelling(t testing.TB, body []byte, id throng.ReleaseID) {
	t.Helper()
	got, err := readMonth(body, id)
	var compact bytes.Buffer
	if json.Compact(&compact, body) != nil {
		if err == nil {
			t.Fatalf("accepted what is no JSON: %q", body)
		}
		return
	}
	want, compactErr := readMonth(compact.Bytes(), id)
	if (err == nil) != (compactErr == nil) {
		t.Fatalf("%v; in compact form %v: %q", err, compactErr, body)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("read %+v, in compact form %+v", got, want)
	}
}

func encoded(t testing.TB, rel *throng.Release) []byte {
	t.Helper()
	body, err := fixture.Encode(rel)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func someMonth(t testing.TB, cells int) *throng.Release {
	t.Helper()
	first, err := throng.ParseDay("2026-10-01")
	if err != nil {
		t.Fatal(err)
	}
	return fixture.LargeMonth("example", throng.MonthOf(first), cells)
}

func TestReleasesMeanTheSameInAnySpelling(t *testing.T) {
	month := someMonth(t, 2)
	month.Rows[0].Holder = "/www.example.org/*other*"
	month.Rows[1].Visits = throng.Blank(throng.BelowGate)
	good := encoded(t, month)
	sameInAnySpelling(t, good, month.ID())
	if rel, err := readMonth(good, month.ID()); err != nil || !reflect.DeepEqual(rel.Rows, month.Rows) {
		t.Fatalf("read %v, %v", rel, err)
	}
	rows := "\n\t\"rows\": ["
	for name, change := range map[string][2]string{
		"no rows":                  {string(good[bytes.Index(good, []byte(rows)):bytes.Index(good, []byte("\n\t],\n\t\"opted_out\""))]), rows},
		"rows are null":            {rows, "\n\t\"rows\": null,\n\t\"x\": ["},
		"rows twice, before":       {"\n\t\"site\"", rows + "],\n\t\"site\""},
		"rows twice, after":        {"\n\t\"opted_out\"", rows + "],\n\t\"opted_out\""},
		"other rows after":         {"\n\t\"opted_out\"", "\n\t\"Rows\": [{\"key\":\"/a\",\"devices\":{\"reason\":\"a\"},\"visits\":{\"reason\":\"b\"}}],\n\t\"opted_out\""},
		"null rows after":          {"\n\t\"opted_out\"", "\n\t\"rows\": null,\n\t\"opted_out\""},
		"rows within the measure":  {"\n\t\"clipped_percent\": {", "\n\t\"clipped_percent\": {\"a\":1," + rows + "],"},
		"another member in a row":  {"\t\t\t\"devices\"", "\t\t\t\"exact\": 1,\n\t\t\t\"devices\""},
		"a member missing":         {"\"devices\": {\n\t\t\t\t\"reason\": \"not_summed\"\n\t\t\t},", ""},
		"an empty reason":          {"not_summed", ""},
		"a reason of its own":      {"not_summed", "not \\u0041 \\\"reason\\\""},
		"zero before other digits": {"\"value\": ", "\"value\": 0"},
		"minus zero":               {"\"low\": ", "\"low\": -0"},
		"minus alone":              {"\"low\": ", "\"low\": -,"},
		"a fraction":               {"\n\t\t\t\t\"low\"", ".5\n\t\t\t\t\"low\""},
		"many digits":              {"\"high\": ", "\"high\": 1000000000000000000"},
		"too many digits":          {"\"high\": ", "\"high\": 10000000000000000000000"},
		"an escape":                {"/www", "/\\u0077ww"},
		"a wrong escape":           {"/www", "/\\xww"},
		"a quote in a key":         {"/www", "/\\\"ww"},
		"a control character":      {"/www", "/\x01"},
		"no UTF-8":                 {"/www", "/\xff"},
		"UTF-8":                    {"/www", "/ä"},
		"a comma before the end":   {"\n\t],\n\t\"opted_out\"", ",\n\t],\n\t\"opted_out\""},
		"no comma between":         {"},\n\t\t{", "}\n\t\t{"},
		"rows are the last member": {"\n\t],\n\t\"opted_out\"", "\n\t]\n}"},
		"nothing after the comma":  {"\n\t],\n\t\"opted_out\"", "\n\t],\n}"},
		"something follows":        {"\n}\n", "\n}\n{}"},
		"not a month":              {"throng/release", "throng/ledger"},
	} {
		t.Run(name, func(t *testing.T) {
			body := bytes.Replace(good, []byte(change[0]), []byte(change[1]), 1)
			if bytes.Equal(body, good) {
				t.Fatal("the case changes nothing")
			}
			sameInAnySpelling(t, body, month.ID())
		})
	}
}

func TestAnyKeysAreReadAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		month := throng.Release{Format: throng.ReleaseFormat, Site: "example", Table: throng.PathTable, Period: throng.MonthOf(20_000),
			Rows: []throng.Row{}, OptedOut: []throng.OptedOut{}, ClippedPercent: throng.Blank(throng.NotSummed), BotPercent: throng.Blank(throng.NotSummed), Complete: throng.Completeness{Late: throng.ShareNone, Rejected: throng.ShareNone}}
		numbers := map[string]int64{}
		for _, key := range rapid.SliceOf(rapid.String()).Draw(t, "keys") {
			numbers[key] = rapid.Int64Range(-1<<62, 1<<62).Draw(t, "visits")
		}
		for _, key := range slices.Sorted(maps.Keys(numbers)) {
			e := throng.Estimate{Value: numbers[key], Low: numbers[key], High: numbers[key]}
			month.Rows = append(month.Rows, throng.Row{Key: key, Holder: key, Visits: throng.Published(e), Devices: throng.Blank(throng.Reason("_" + key))})
		}
		body, err := fixture.Encode(&month)
		if err != nil {
			t.Fatal(err)
		}
		got, err := readMonth(body, month.ID())
		if err != nil || !reflect.DeepEqual(got.Rows, month.Rows) {
			t.Errorf("read %v, %v, want %v", got, err, month.Rows)
		}
	})
}

// TestLargeReleasesAreReadQuickly holds the reader to the form that is written: what it does not know is read
// rightly, but by encoding/json, with about ten allocations a row.
func TestLargeReleasesAreReadQuickly(t *testing.T) {
	const cells = 2_000
	month := someMonth(t, cells)
	body := encoded(t, month)
	allocations := testing.AllocsPerRun(3, func() {
		if _, err := readMonth(body, month.ID()); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 2*cells {
		t.Errorf("%d rows took %.0f allocations: is a row written in another form than decodeWritten knows?", cells, allocations)
	}
}

// FuzzReleaseFile begins with short files, since the fuzzer shortens what it finds.
func FuzzReleaseFile(f *testing.F) {
	id := throng.ReleaseID{Site: "e", Table: throng.PathTable, Period: throng.MonthOf(20_000)}
	const head = `{"format": "` + throng.ReleaseFormat + `", "site": "e", "table": "path", "period": "2024-10"`
	row := "\n\t\t{\n\t\t\t\"key\": \"/\",\n\t\t\t\"devices\": {\n\t\t\t\t\"reason\": \"x\"\n\t\t\t},\n\t\t\t\"visits\": {\n\t\t\t\t\"value\": 1,\n\t\t\t\t\"low\": 0,\n\t\t\t\t\"high\": 2\n\t\t\t}\n\t\t}"
	const tail = ",\n\t\"clipped_percent\": {\"reason\": \"x\"},\n\t\"bot_percent\": {\"reason\": \"x\"}}"
	for _, rows := range []string{"", row + "\n\t"} {
		body := []byte(head + ",\n\t\"rows\": [" + rows + "]" + tail)
		if _, err := readMonth(body, id); err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) { sameInAnySpelling(t, body, id) })
}
