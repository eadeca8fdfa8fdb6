package embedded

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"throng/internal/durable"
)

// settle makes every table forget the inserts that it does not have. The engine notes the token of an
// insert before it puts the part in place. Killed in between, it would take that insert, when it is
// made again, for one that it has, and its rows would be lost.
func settle(dir string) error {
	tables, err := filepath.Glob(filepath.Join(dataDir(dir), "store", "*", "*", insertLogs))
	if err != nil {
		return err
	}
	for _, tokens := range tables {
		parts, err := partsIn(filepath.Dir(tokens))
		if err == nil {
			err = forget(tokens, parts)
		}
		if err != nil {
			return fmt.Errorf("settle tokens after a crash: %w", err)
		}
	}
	return nil
}

// insertLogs holds a table's tokens, in text files with a line each: 1 for one that was added or 2 for one
// that was dropped, the part, the token, with tabs between.
const insertLogs = "deduplication_logs"

// forget removes what was added with a part that is not there.
func forget(dir string, there []part) error {
	logs, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return err
	}
	for _, log := range logs {
		text, err := os.ReadFile(log)
		if err != nil {
			return err
		}
		var kept []byte
		for line := range bytes.Lines(text) {
			op, rest, _ := bytes.Cut(line, []byte{'\t'})
			name, _, _ := bytes.Cut(rest, []byte{'\t'})
			if p, ok := parsePart(string(name)); string(op) != "1" || !ok || p.coveredBy(there) {
				kept = append(kept, line...)
			}
		}
		if len(kept) == len(text) {
			continue
		}
		if err := durable.WriteFile(log, kept); err != nil {
			return err
		}
	}
	return nil
}

// part is a part of a MergeTree table: some of the blocks of a partition.
type part struct {
	partition string
	min, max  uint64
}

// partName is partition_min_max_level, and _mutation where there was one.
var partName = regexp.MustCompile(`^([^_]+)_(\d+)_(\d+)_\d+(?:_\d+)?$`)

func parsePart(name string) (p part, ok bool) {
	m := partName.FindStringSubmatch(name)
	if m == nil {
		return part{}, false
	}
	var err1, err2 error
	p.partition = m[1]
	p.min, err1 = strconv.ParseUint(m[2], 10, 64)
	p.max, err2 = strconv.ParseUint(m[3], 10, 64)
	return p, err1 == nil && err2 == nil
}

// partsIn are the parts in a table's directory.
func partsIn(table string) (parts []part, err error) {
	entries, err := os.ReadDir(table)
	for _, e := range entries {
		if p, ok := parsePart(e.Name()); ok && e.IsDir() {
			parts = append(parts, p)
		}
	}
	return parts, err
}

// coveredBy tells whether p is one of the parts, or was merged into one.
func (p part) coveredBy(parts []part) bool {
	for _, q := range parts {
		if q.partition == p.partition && q.min <= p.min && p.max <= q.max {
			return true
		}
	}
	return false
}
