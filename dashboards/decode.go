package dashboards

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"throng"
)

// decode reads a release strictly: an unknown member, or anything after it, is an error.
func decode(body []byte, id throng.ReleaseID) (*throng.Release, error) {
	rel, ok := decodeWritten(body)
	if !ok {
		rel = &throng.Release{}
		if err := decodeStrictly(body, rel); err != nil {
			return nil, fmt.Errorf("decode: %w", err)
		}
	}
	return rel, check(rel, id)
}

func decodeStrictly(body []byte, rel *throng.Release) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(rel); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the release")
	}
	return nil
}

// decodeWritten reads a release as close writes it, with one tab a level, twenty times as fast as
// encoding/json does: a month of 100,000 rows has 21 MB, which somebody waits for. Only the rows are read
// here; what is before and after them goes to encoding/json as objects of their own, so that the whole
// means what it would mean there. ok is false for every other spelling, which need not be wrong.
func decodeWritten(body []byte) (rel *throng.Release, ok bool) {
	head, rest, ok := bytes.Cut(body, []byte(",\n\t\"rows\": ["))
	if !ok {
		return nil, false
	}
	rel = &throng.Release{}
	if err := decodeStrictly(append(slices.Clone(head), '}'), rel); err != nil || rel.Format == "" || rel.Rows != nil {
		return nil, false
	}
	text := written(rest)
	if rel.Rows, ok = text.rows(); !ok {
		return nil, false
	}
	if text.take(",") && !bytes.HasPrefix(text, []byte("\n\t\"")) {
		return nil, false
	}
	return rel, decodeStrictly(append([]byte("{"), text...), rel) == nil
}

// written is JSON with one tab a level that is read from the front. Its methods take off what they read;
// where they say false it is of no more use.
type written []byte

func (w *written) take(token string) bool {
	if len(*w) < len(token) || string((*w)[:len(token)]) != token {
		return false
	}
	*w = (*w)[len(token):]
	return true
}

// rows reads an array of rows behind its bracket.
func (w *written) rows() ([]throng.Row, bool) {
	const bytesPerRow = 200 // with a path of usual length
	rows := make([]throng.Row, 0, len(*w)/bytesPerRow+1)
	for w.take("\n\t\t{\n\t\t\t\"key\": ") {
		var row throng.Row
		if !w.row(&row) {
			return nil, false
		}
		rows = append(rows, row)
		if !w.take(",") {
			return rows, w.take("\n\t]")
		}
	}
	return rows, len(rows) == 0 && w.take("]")
}

// row reads a row behind the name of its key.
func (w *written) row(row *throng.Row) (ok bool) {
	if row.Key, ok = w.text(); !ok {
		return false
	}
	if w.take(",\n\t\t\t\"holder\": ") {
		if row.Holder, ok = w.text(); !ok {
			return false
		}
	}
	return w.take(",\n\t\t\t\"devices\": ") && w.measure(&row.Devices) &&
		w.take(",\n\t\t\t\"visits\": ") && w.measure(&row.Visits) && w.take("\n\t\t}")
}

func (w *written) measure(m *throng.Measure) bool {
	if w.take("{\n\t\t\t\t\"reason\": ") {
		reason, ok := w.reason()
		*m = throng.Blank(reason)
		return ok && reason != "" && w.take("\n\t\t\t}")
	}
	var e throng.Estimate
	ok := w.take("{\n\t\t\t\t\"value\": ") && w.integer(&e.Value) &&
		w.take(",\n\t\t\t\t\"low\": ") && w.integer(&e.Low) &&
		w.take(",\n\t\t\t\t\"high\": ") && w.integer(&e.High) && w.take("\n\t\t\t}")
	*m = throng.Published(e)
	return ok
}

// reason reads a reason; the usual ones take no memory.
func (w *written) reason() (throng.Reason, bool) {
	switch {
	case w.take(`"` + string(throng.NotSummed) + `"`):
		return throng.NotSummed, true
	case w.take(`"` + string(throng.BelowGate) + `"`):
		return throng.BelowGate, true
	}
	s, ok := w.text()
	return throng.Reason(s), ok
}

func (w *written) text() (string, bool) {
	if !w.take(`"`) {
		return "", false
	}
	end := bytes.IndexByte(*w, '"')
	if end < 0 {
		return "", false
	}
	raw := (*w)[:end]
	if !plain(raw) {
		return w.quoted()
	}
	*w = (*w)[end+1:]
	return string(raw), true
}

// plain tells whether a string means what it spells.
func plain(raw []byte) bool {
	var high bool
	for _, c := range raw {
		if c < ' ' || c == '\\' {
			return false
		}
		high = high || c >= utf8.RuneSelf
	}
	return !high || utf8.Valid(raw)
}

// quoted reads a string behind its first quote, with whatever JSON has in one.
func (w *written) quoted() (s string, ok bool) {
	end := 0
	for end < len(*w) && (*w)[end] != '"' {
		if (*w)[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(*w) {
		return "", false
	}
	err := json.Unmarshal(slices.Concat([]byte{'"'}, (*w)[:end+1]), &s)
	*w = (*w)[end+1:]
	return s, err == nil
}

// integer reads a whole number of up to 18 digits, which all fit; JSON allows no zero before other digits.
func (w *written) integer(to *int64) bool {
	negative := w.take("-")
	n, v := 0, int64(0)
	for n < len(*w) && '0' <= (*w)[n] && (*w)[n] <= '9' {
		v = 10*v + int64((*w)[n]-'0')
		if n++; n > 18 {
			return false
		}
	}
	if n == 0 || n > 1 && (*w)[0] == '0' {
		return false
	}
	if negative {
		v = -v
	}
	*to, *w = v, (*w)[n:]
	return true
}
