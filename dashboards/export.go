package dashboards

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"throng"
)

// Published files never change, so that a reader may keep them.
const forGood = "public, max-age=31536000, immutable"

// csvHead are the columns of a table as CSV. Column order is part of the interface; new ones go
// before reason.
var csvHead = []string{"site", "path", "period", "visits", "visits_low", "visits_high", "devices", "opted_out_visits",
	"devices_low", "devices_high", "opted_out_visits_low", "opted_out_visits_high", "holder", "reason"}

// WriteCSV writes a release as CSV (RFC 4180, UTF-8): a head, then the rows in the order of the
// release, which have visits and devices, then the groups of the opted-out column, whose path is
// /SEGMENT/* or /*, and which have opted-out visits only. So each column adds up by itself. Bounds are those of 95 % intervals. A number that was not published is an empty field,
// and reason names it, as COLUMN:REASON, several parted by a space; a release that is not safe to
// publish has its watermark there first. Text that a spreadsheet would take for a formula begins with
// an apostrophe.
func WriteCSV(w io.Writer, rel *throng.Release) error {
	out := csv.NewWriter(w)
	_ = out.Write(csvHead) // a csv.Writer keeps its first error for Error
	for _, row := range rel.Rows {
		_ = out.Write(csvLine(rel, row, throng.Blank(byGroup)))
	}
	for _, o := range rel.OptedOut {
		_ = out.Write(csvLine(rel, groupRow(o), o.OptedOutVisits))
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

// Where the other lines of the file have the number.
const (
	byRow   throng.Reason = "by_row"
	byGroup throng.Reason = "by_group"
)

// groupRow is the line of a group of the opted-out column: its visits are in the lines of the rows.
func groupRow(o throng.OptedOut) throng.Row {
	return throng.Row{Key: o.Group, Visits: throng.Blank(byRow), Devices: throng.Blank(throng.NotDrawn)}
}

func csvLine(rel *throng.Release, row throng.Row, optedOutVisits throng.Measure) []string {
	var reasons []string
	if rel.Parameters.Watermark != "" {
		reasons = append(reasons, "watermark:"+rel.Parameters.Watermark)
	}
	for _, c := range []struct {
		name string
		throng.Measure
	}{{"visits", row.Visits}, {"devices", row.Devices}, {"opted_out_visits", optedOutVisits}} {
		if _, ok := c.Estimate(); !ok {
			reasons = append(reasons, c.name+":"+string(c.Reason()))
		}
	}
	visits, devices, optedOut := csvNumbers(row.Visits), csvNumbers(row.Devices), csvNumbers(optedOutVisits)
	return []string{inert(rel.Site), inert(row.Key), rel.Period.String(), visits[0], visits[1], visits[2],
		devices[0], optedOut[0], devices[1], devices[2], optedOut[1], optedOut[2], inert(row.Holder), inert(strings.Join(reasons, " "))}
}

// csvNumbers are value, low and high.
func csvNumbers(m throng.Measure) (n [3]string) {
	if e, ok := m.Estimate(); ok {
		for i, v := range []int64{e.Value, e.Low, e.High} {
			n[i] = strconv.FormatInt(v, 10)
		}
	}
	return n
}

// inert keeps a spreadsheet from taking text for a formula (OWASP, CSV Injection): paths are chosen
// by visitors.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

// file gives a release in one of its forms, from the stored file.
func (h *Handler) file(ctx context.Context, id throng.ReleaseID, format string) (*response, error) {
	make, ok := map[string]func(*Stored) (*response, error){"csv": csvFile, "json": jsonFile, "parquet": parquetFile}[format]
	if !ok {
		return nil, errNothing
	}
	stored, err := h.releases.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return make(stored)
}

func csvFile(s *Stored) (*response, error) {
	var b bytes.Buffer
	if err := WriteCSV(&b, s.Release); err != nil {
		return nil, err
	}
	return &response{kind: "text/csv; charset=utf-8; header=present", cache: forGood, file: fileName(s, "csv"), body: b.Bytes()}, nil
}

func jsonFile(s *Stored) (*response, error) {
	return &response{kind: "application/json", cache: forGood, file: fileName(s, "json"), body: s.Body}, nil
}

// fileName holds no character that a header or a file system could misread: all its parts were
// checked before the release was looked up.
func fileName(s *Stored, extension string) string {
	name := "throng_" + s.Site + "_" + s.Table + "_" + s.Period.String() + "." + extension
	if s.Parameters.Watermark != "" {
		return "DEMO_" + name
	}
	return name
}
