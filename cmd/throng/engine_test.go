package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// engineAt is the address of a process that serves the embedded engine.
type engineAt string

// query gives the rows of a statement's result, as text.
func (e engineAt) query(ctx context.Context, sql string) ([][]string, error) {
	body, err := e.read(ctx, sql)
	if err != nil {
		return nil, err
	}
	var rows [][]string
	for line := range strings.Lines(string(body)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows, nil
}

// read gives a statement's result as the engine writes it: tabs between columns, a line a row.
func (e engineAt) read(ctx context.Context, sql string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+string(e)+"/", strings.NewReader(sql))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, body)
	}
	return body, err
}

// counts reads numbers by a key: the first column is the key, the others are numbers.
func (e engineAt) counts(t *testing.T, sql string) map[string][]uint64 {
	t.Helper()
	rows, err := e.query(t.Context(), sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	out := map[string][]uint64{}
	for _, row := range rows {
		for _, field := range row[1:] {
			n, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
			out[row[0]] = append(out[row[0]], n)
		}
	}
	return out
}
