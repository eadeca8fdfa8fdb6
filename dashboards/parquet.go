package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"throng"
)

// parquetRow is a row of the Parquet form. The columns mean what those of [WriteCSV] do; a number that was
// not published is null, and its reason has a column of its own.
type parquetRow struct {
	Site                 string `parquet:"site,dict"`
	Path                 string `parquet:"path"`
	Period               string `parquet:"period,dict"`
	Visits               *int64 `parquet:"visits,optional"`
	VisitsLow            *int64 `parquet:"visits_low,optional"`
	VisitsHigh           *int64 `parquet:"visits_high,optional"`
	VisitsReason         string `parquet:"visits_reason,dict"`
	Devices              *int64 `parquet:"devices,optional"`
	DevicesLow           *int64 `parquet:"devices_low,optional"`
	DevicesHigh          *int64 `parquet:"devices_high,optional"`
	DevicesReason        string `parquet:"devices_reason,dict"`
	OptedOutVisits       *int64 `parquet:"opted_out_visits,optional"`
	OptedOutVisitsLow    *int64 `parquet:"opted_out_visits_low,optional"`
	OptedOutVisitsHigh   *int64 `parquet:"opted_out_visits_high,optional"`
	OptedOutVisitsReason string `parquet:"opted_out_visits_reason,dict"`
	Holder               string `parquet:"holder,dict"`
}

// WriteParquet writes a release as Apache Parquet, compressed with zstd: the rows of [WriteCSV], without
// apostrophes, for no program takes them for formulas. The file's metadata say what the numbers were made
// with: throng.format, throng.table, throng.tree, throng.sha256 (of the JSON file), throng.k, throng.parameters,
// throng.completeness and throng.bot_percent (JSON) and, where it is not safe to publish, throng.watermark.
func WriteParquet(w io.Writer, s *Stored) error {
	meta, err := parquetMetadata(s)
	if err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	out := parquet.NewGenericWriter[parquetRow](w, append(meta, parquet.Compression(&parquet.Zstd))...)
	rows := make([]parquetRow, 0, len(s.Rows)+len(s.OptedOut))
	for _, row := range s.Rows {
		rows = append(rows, parquetRowOf(s.Release, row, throng.Blank(byGroup)))
	}
	for _, o := range s.OptedOut {
		rows = append(rows, parquetRowOf(s.Release, groupRow(o), o.OptedOutVisits))
	}
	if _, err := out.Write(rows); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	return nil
}

func parquetMetadata(s *Stored) ([]parquet.WriterOption, error) {
	parameters, err := json.Marshal(s.Parameters)
	if err != nil {
		return nil, err
	}
	bots, err := json.Marshal(botsOf(s.Release).Percent)
	if err != nil {
		return nil, err
	}
	complete, err := json.Marshal(s.Complete)
	if err != nil {
		return nil, err
	}
	var meta []parquet.WriterOption
	for _, m := range [][2]string{
		{"throng.format", s.Format}, {"throng.table", s.Table}, {"throng.tree", strconv.Itoa(s.Tree)}, {"throng.sha256", s.SHA256},
		{"throng.k", strconv.FormatInt(s.Parameters.K, 10)}, {"throng.parameters", string(parameters)}, {"throng.completeness", string(complete)},
		{"throng.bot_percent", string(bots)},
		{"throng.watermark", s.Parameters.Watermark},
	} {
		if m[1] != "" {
			meta = append(meta, parquet.KeyValueMetadata(m[0], m[1]))
		}
	}
	return meta, nil
}

func parquetRowOf(rel *throng.Release, row throng.Row, optedOutVisits throng.Measure) parquetRow {
	out := parquetRow{Site: rel.Site, Path: strings.ToValidUTF8(row.Key, "\uFFFD"), Period: rel.Period.String(), Holder: row.Holder}
	out.Visits, out.VisitsLow, out.VisitsHigh, out.VisitsReason = nullable(row.Visits)
	out.Devices, out.DevicesLow, out.DevicesHigh, out.DevicesReason = nullable(row.Devices)
	out.OptedOutVisits, out.OptedOutVisitsLow, out.OptedOutVisitsHigh, out.OptedOutVisitsReason = nullable(optedOutVisits)
	return out
}

func nullable(m throng.Measure) (value, low, high *int64, reason string) {
	e, ok := m.Estimate()
	if !ok {
		return nil, nil, nil, string(m.Reason())
	}
	return &e.Value, &e.Low, &e.High, ""
}

func parquetFile(s *Stored) (*response, error) {
	var b bytes.Buffer
	if err := WriteParquet(&b, s); err != nil {
		return nil, err
	}
	return &response{kind: "application/vnd.apache.parquet", cache: forGood, file: fileName(s, "parquet"), body: b.Bytes()}, nil
}
